// SPDX-License-Identifier: Apache-2.0
#include "tools/local/kubelet/pod_status.hpp"

#include <utility>

namespace knd::local {
namespace {

struct Counts {
    int waiting = 0, running = 0, stopped = 0, failed = 0, total = 0;
};

Json terminated(const ContainerRecord& container) {
    Json state = {{"exitCode", container.exit_code},
                  {"reason", container.reason},
                  {"containerID", "containerd://" + container.id},
                  {"finishedAt", container.finished}};
    state["startedAt"] = container.started.empty() ? container.created : container.started;
    if (!container.message.empty()) state["message"] = container.message;
    return {{"terminated", state}};
}

/// The newest container of that name but one.
const ContainerRecord* previous(const SandboxRecord& sandbox, const ContainerRecord& newest) {
    const ContainerRecord* found = nullptr;
    for (const auto& container : sandbox.containers) {
        if (container.name == newest.name && container.id != newest.id) found = &container;
    }
    return found;
}

Json waiting_state(const PodView& view, const std::string& name) {
    const auto known = view.waiting.find(name);
    Json state = {
        {"reason", known == view.waiting.end() ? "ContainerCreating" : known->second.reason}};
    if (known != view.waiting.end() && !known->second.message.empty())
        state["message"] = known->second.message;
    return {{"waiting", state}};
}

Json container_status(const PodView& view, const Json& spec, Counts& counts) {
    const auto name = json_string(spec, "name");
    const auto* record = view.sandbox == nullptr ? nullptr : view.sandbox->newest(name);
    const bool running = record != nullptr && record->state == ContainerState::kRunning;
    const bool exited = record != nullptr && record->state == ContainerState::kExited;
    const bool waits = view.waiting.contains(name) || !(running || exited);
    Json status = {{"name", name},
                   {"image", json_string(spec, "image")},
                   {"imageID", ""},
                   {"ready", running},
                   {"started", running},
                   {"restartCount", record == nullptr ? 0 : record->attempt},
                   {"lastState", Json::object()}};
    if (record != nullptr) status["containerID"] = "containerd://" + record->id;
    const auto* before = record == nullptr ? nullptr : previous(*view.sandbox, *record);
    if (before != nullptr) status["lastState"] = terminated(*before);
    ++counts.total;
    if (running) {
        ++counts.running;
        status["state"] = {{"running", {{"startedAt", record->started}}}};
    } else if (waits) {
        if (exited) status["lastState"] = terminated(*record);
        // One that has run before counts as stopped: the pod does not go back to Pending.
        ++(exited || before != nullptr ? counts.stopped : counts.waiting);
        status["state"] = waiting_state(view, name);
    } else {
        ++counts.stopped;
        if (record->exit_code != 0) ++counts.failed;
        status["state"] = terminated(*record);
    }
    return status;
}

std::string phase(const Json& pod, const Counts& counts) {
    // An end is for good, whoever has written it: a controller may fail a pod, too.
    const auto before = json_string(json_at(pod, "status"), "phase");
    if (before == "Failed" || before == "Succeeded") return before;
    if (counts.waiting > 0) return "Pending";
    if (counts.running > 0 || counts.stopped == 0)
        return counts.running > 0 ? "Running" : "Pending";
    const auto policy = json_string(json_at(pod, "spec"), "restartPolicy", "Always");
    if (policy == "Always") return "Running";
    if (counts.failed == 0) return "Succeeded";
    return policy == "Never" ? "Failed" : "Running";
}

void set_condition(Json& conditions, const Json& before, const std::string& type, bool holds,
                   const std::string& reason, const std::string& message, const std::string& now) {
    Json condition = {
        {"type", type}, {"status", holds ? "True" : "False"}, {"lastProbeTime", nullptr}};
    condition["lastTransitionTime"] = now;
    if (!holds && !reason.empty()) condition["reason"] = reason;
    if (!holds && !message.empty()) condition["message"] = message;
    for (const auto& old : before) {
        if (json_string(old, "type") == type && old["status"] == condition["status"] &&
            old.contains("lastTransitionTime"))
            condition["lastTransitionTime"] = old["lastTransitionTime"];
    }
    conditions.push_back(std::move(condition));
}

Json make_conditions(const PodView& view, const Json& before, const Counts& counts,
                     const std::string& unready) {
    const auto& now = view.now;
    const bool ready = counts.running == counts.total;
    const bool over = counts.running + counts.waiting == 0 && counts.stopped > 0;
    const std::string reason = over ? "PodCompleted" : "ContainersNotReady";
    const std::string message = "containers with unready status: [" + unready + "]";
    Json conditions = Json::array();
    set_condition(conditions, before, "PodReadyToStartContainers",
                  view.sandbox != nullptr && view.sandbox->ready, "", "", now);
    set_condition(conditions, before, "Initialized", true, "", "", now);
    set_condition(conditions, before, "Ready", ready, reason, message, now);
    set_condition(conditions, before, "ContainersReady", ready, reason, message, now);
    set_condition(conditions, before, "PodScheduled", true, "", "", now);
    return conditions;
}

}  // namespace

bool stays_down(const Json& pod, const ContainerRecord& container) {
    if (container.state != ContainerState::kExited) return false;
    const auto policy = json_string(json_at(pod, "spec"), "restartPolicy", "Always");
    return policy == "Never" || (policy == "OnFailure" && container.exit_code == 0);
}

Json make_pod_status(const PodView& view) {
    Json status = json_at(view.pod, "status");
    if (!status.is_object()) status = Json::object();
    Counts counts;
    Json containers = Json::array();
    std::string unready;
    for (const auto& spec : json_path(view.pod, {"spec", "containers"})) {
        containers.push_back(container_status(view, spec, counts));
        if (!containers.back()["ready"])
            unready.append(unready.empty() ? "" : " ").append(json_string(spec, "name"));
    }
    status["containerStatuses"] = containers;
    status["phase"] = phase(view.pod, counts);
    status["conditions"] = make_conditions(view, json_at(status, "conditions"), counts, unready);
    status["hostIP"] = view.host_ip;
    status["hostIPs"] = Json::array({{{"ip", view.host_ip}}});
    if (view.sandbox != nullptr && view.sandbox->ready) {
        const auto& ip = view.sandbox->host_network ? view.host_ip : view.sandbox->ip;
        status["podIP"] = ip;
        status["podIPs"] = Json::array({{{"ip", ip}}});
    }
    if (!status.contains("startTime")) status["startTime"] = view.now;
    if (!status.contains("qosClass")) status["qosClass"] = "BestEffort";
    return status;
}

}  // namespace knd::local
