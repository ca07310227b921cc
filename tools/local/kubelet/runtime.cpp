// SPDX-License-Identifier: Apache-2.0
#include "tools/local/kubelet/runtime.hpp"

namespace knd::local {
namespace {

constexpr std::string_view kStates[] = {"created", "running", "exited"};

Json to_json(const DeviceNode& device) {
    Json json = {{"path", device.path},   {"type", std::string(1, device.type)},
                 {"major", device.major}, {"minor", device.minor},
                 {"mode", device.mode},   {"access", device.access}};
    if (device.uid) json["uid"] = *device.uid;
    if (device.gid) json["gid"] = *device.gid;
    return json;
}

DeviceNode device_from_json(const Json& json) {
    DeviceNode device{.path = json_string(json, "path"),
                      .type = json_string(json, "type", "c").front(),
                      .major = json_int(json, "major"),
                      .minor = json_int(json, "minor"),
                      .mode = static_cast<std::uint32_t>(json_int(json, "mode")),
                      .access = json_string(json, "access")};
    if (json.contains("uid")) device.uid = static_cast<std::uint32_t>(json_int(json, "uid"));
    if (json.contains("gid")) device.gid = static_cast<std::uint32_t>(json_int(json, "gid"));
    return device;
}

/// What devices have added, apart from variables and hooks.
void add_edits(const ContainerRecord& container, Json& json) {
    for (const auto* key : {"devices", "mounts", "rlimits"})
        json[key] = Json::array();
    for (const auto& device : container.devices)
        json["devices"].push_back(to_json(device));
    for (const auto& mount : container.mounts)
        json["mounts"].push_back({{"source", mount.source},
                                  {"destination", mount.destination},
                                  {"readOnly", mount.read_only},
                                  {"options", mount.options}});
    for (const auto& limit : container.rlimits)
        json["rlimits"].push_back(
            {{"type", limit.type}, {"soft", limit.soft}, {"hard", limit.hard}});
    json["unified"] = container.unified;
    json["cdiDevices"] = container.cdi_devices;
}

void read_edits(const Json& json, ContainerRecord& container) {
    const auto number = [](const Json& limit, const char* key) {
        const auto& value = json_at(limit, key);
        return value.is_number_integer() ? value.get<std::uint64_t>() : 0;
    };
    for (const auto& device : json_at(json, "devices"))
        container.devices.push_back(device_from_json(device));
    for (const auto& mount : json_at(json, "mounts"))
        container.mounts.push_back({.source = json_string(mount, "source"),
                                    .destination = json_string(mount, "destination"),
                                    .read_only = json_bool(mount, "readOnly"),
                                    .options = json_strings(json_at(mount, "options"))});
    for (const auto& limit : json_at(json, "rlimits"))
        container.rlimits.push_back({.type = json_string(limit, "type"),
                                     .soft = number(limit, "soft"),
                                     .hard = number(limit, "hard")});
    for (const auto& [file, text] : json_at(json, "unified").items())
        container.unified[file] = text.is_string() ? text.get<std::string>() : "";
    container.cdi_devices = json_strings(json_at(json, "cdiDevices"));
}

Json to_json(const ContainerRecord& container) {
    Json hooks = Json::array();
    for (const auto& hook : container.hooks) {
        hooks.push_back({{"path", hook.path},
                         {"args", hook.args},
                         {"env", hook.env},
                         {"timeout", hook.timeout_s}});
    }
    Json json = {{"id", container.id},
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
    add_edits(container, json);
    return json;
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
    read_edits(json, container);
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
