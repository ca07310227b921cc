// SPDX-License-Identifier: Apache-2.0
#include "tools/local/kubelet/runtime.hpp"

namespace knd::local {
namespace {

constexpr std::string_view kStates[] = {"created", "running", "exited"};

Json to_json(const ContainerRecord& container) {
    Json hooks = Json::array();
    for (const auto& hook : container.hooks) {
        hooks.push_back({{"path", hook.path},
                         {"args", hook.args},
                         {"env", hook.env},
                         {"timeout", hook.timeout_s}});
    }
    return {{"id", container.id},
            {"name", container.name},
            {"image", container.image},
            {"attempt", container.attempt},
            {"state", kStates[static_cast<int>(container.state)]},
            {"process", container.process.json()},
            {"exitCode", container.exit_code},
            {"reason", container.reason},
            {"message", container.message},
            {"created", container.created},
            {"started", container.started},
            {"finished", container.finished},
            {"hooks", hooks},
            {"env", container.env}};
}

ContainerRecord container_from_json(const Json& json) {
    ContainerRecord container;
    container.id = json_string(json, "id");
    container.name = json_string(json, "name");
    container.image = json_string(json, "image");
    container.attempt = static_cast<int>(json_int(json, "attempt"));
    const auto state = json_string(json, "state");
    container.state = state == kStates[1]   ? ContainerState::kRunning
                      : state == kStates[0] ? ContainerState::kCreated
                                            : ContainerState::kExited;
    container.process = ProcessId::from_json(json_at(json, "process"));
    container.exit_code = static_cast<int>(json_int(json, "exitCode"));
    container.reason = json_string(json, "reason");
    container.message = json_string(json, "message");
    container.created = json_string(json, "created");
    container.started = json_string(json, "started");
    container.finished = json_string(json, "finished");
    for (const auto& hook : json_at(json, "hooks")) {
        container.hooks.push_back({json_string(hook, "path"), json_strings(json_at(hook, "args")),
                                   json_strings(json_at(hook, "env")),
                                   static_cast<int>(json_int(hook, "timeout"))});
    }
    container.env = json_strings(json_at(json, "env"));
    return container;
}

}  // namespace

std::vector<std::string> json_strings(const Json& list) {
    std::vector<std::string> texts;
    for (const auto& item : list) {
        if (item.is_string()) texts.push_back(item.get<std::string>());
    }
    return texts;
}

const ContainerRecord* SandboxRecord::newest(std::string_view container) const {
    for (auto it = containers.rbegin(); it != containers.rend(); ++it) {
        if (it->name == container) return &*it;
    }
    return nullptr;
}

Json to_json(const SandboxRecord& sandbox) {
    Json containers = Json::array();
    for (const auto& container : sandbox.containers)
        containers.push_back(to_json(container));
    return {{"id", sandbox.id},
            {"podUid", sandbox.pod_uid},
            {"namespace", sandbox.ns},
            {"name", sandbox.name},
            {"netns", sandbox.netns.string()},
            {"ip", sandbox.ip},
            {"hostNetwork", sandbox.host_network},
            {"ready", sandbox.ready},
            {"containers", containers}};
}

SandboxRecord sandbox_from_json(const Json& json) {
    SandboxRecord sandbox;
    sandbox.id = json_string(json, "id");
    sandbox.pod_uid = json_string(json, "podUid");
    sandbox.ns = json_string(json, "namespace");
    sandbox.name = json_string(json, "name");
    sandbox.netns = json_string(json, "netns");
    sandbox.ip = json_string(json, "ip");
    sandbox.host_network = json_bool(json, "hostNetwork");
    sandbox.ready = json_bool(json, "ready");
    for (const auto& container : json_at(json, "containers"))
        sandbox.containers.push_back(container_from_json(container));
    return sandbox;
}

}  // namespace knd::local
