// SPDX-License-Identifier: Apache-2.0
#include "tools/local/api/columns.hpp"

#include <algorithm>

#include "tools/local/api/clock.hpp"

namespace knd::api {
namespace {

std::string or_none(std::string text) {
    return text.empty() ? "<none>" : text;
}

Json name_cell(const Json& object) {
    return json_string(json_at(object, "metadata"), "name");
}

Json age_cell(const Json& object) {
    return age_text(json_string(json_at(object, "metadata"), "creationTimestamp"));
}

constexpr Column kName{"Name", "string", 0, name_cell};
constexpr Column kAge{"Age", "string", 0, age_cell};

bool is_leaving(const Json& object) {
    return json_path(object, {"metadata", "deletionTimestamp"}).is_string();
}

/// The address of the asked type, or <none>.
std::string node_address(const Json& node, std::string_view type) {
    for (const auto& address : json_path(node, {"status", "addresses"})) {
        if (json_string(address, "type") == type) return json_string(address, "address");
    }
    return "<none>";
}

std::string node_info(const Json& node, std::string_view key) {
    const auto text = json_string(json_path(node, {"status", "nodeInfo"}), key);
    return text.empty() ? "<unknown>" : text;
}

Json node_status(const Json& node) {
    std::string status = "Unknown";
    for (const auto& condition : json_path(node, {"status", "conditions"})) {
        if (json_string(condition, "type") != "Ready") continue;
        status = json_string(condition, "status") == "True" ? "Ready" : "NotReady";
    }
    if (json_bool(json_at(node, "spec"), "unschedulable")) status += ",SchedulingDisabled";
    return status;
}

Json node_roles(const Json& node) {
    constexpr std::string_view kPrefix = "node-role.kubernetes.io/";
    std::string roles;
    for (const auto& [key, value] : json_path(node, {"metadata", "labels"}).items()) {
        if (key.rfind(kPrefix, 0) != 0) continue;
        roles.append(roles.empty() ? "" : ",").append(key.substr(kPrefix.size()));
    }
    return or_none(roles);
}

/// Why a container is not running, in the one word that STATUS shows; empty when it runs.
std::string container_reason(const Json& status) {
    const auto& state = json_at(status, "state");
    if (auto waiting = json_string(json_at(state, "waiting"), "reason"); !waiting.empty())
        return waiting;
    const auto& ended = json_at(state, "terminated");
    if (ended.is_null()) return "";
    if (auto reason = json_string(ended, "reason"); !reason.empty()) return reason;
    if (const auto signal = json_int(ended, "signal"); signal != 0)
        return "Signal:" + std::to_string(signal);
    return "ExitCode:" + std::to_string(json_int(ended, "exitCode"));
}

Json pod_status(const Json& pod) {
    const auto& status = json_at(pod, "status");
    auto text = json_string(status, "phase");
    if (auto reason = json_string(status, "reason"); !reason.empty()) text = reason;
    bool running = false;
    for (const auto& container : json_at(status, "containerStatuses")) {
        running = running || (json_bool(container, "ready") &&
                              json_path(container, {"state", "running"}).is_object());
        if (auto reason = container_reason(container); !reason.empty()) text = reason;
    }
    if (text == "Completed" && running) text = "Running";
    return is_leaving(pod) ? "Terminating" : text;
}

Json pod_ready(const Json& pod) {
    const auto& statuses = json_path(pod, {"status", "containerStatuses"});
    const auto ready = std::count_if(statuses.begin(), statuses.end(),
                                     [](const Json& one) { return json_bool(one, "ready"); });
    return std::to_string(ready) + "/" +
           std::to_string(json_path(pod, {"spec", "containers"}).size());
}

Json pod_restarts(const Json& pod) {
    std::int64_t count = 0;
    for (const auto& one : json_path(pod, {"status", "containerStatuses"}))
        count += json_int(one, "restartCount");
    return std::to_string(count);
}

Json pod_gates(const Json& pod) {
    const auto gates = json_path(pod, {"spec", "readinessGates"}).size();
    return gates == 0 ? "<none>" : "0/" + std::to_string(gates);
}

Json event_object(const Json& event) {
    const auto& object = json_at(event, "involvedObject");
    auto kind = json_string(object, "kind");
    std::transform(kind.begin(), kind.end(), kind.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return kind + "/" + json_string(object, "name");
}

std::string event_age(const Json& event, std::string_view field) {
    auto text = json_string(event, field);
    if (text.empty()) text = json_string(event, "eventTime");
    return age_text(text);
}

Json event_source(const Json& event) {
    const auto& source = json_at(event, "source");
    auto text = json_string(source, "component", json_string(event, "reportingComponent"));
    if (auto host = json_string(source, "host"); !host.empty()) text += ", " + host;
    return text;
}

Json claim_state(const Json& claim) {
    const auto& status = json_at(claim, "status");
    const bool allocated = json_at(status, "allocation").is_object();
    std::string text = is_leaving(claim) ? "deleted" : "";
    const auto add = [&](std::string_view word) {
        text.append(text.empty() ? "" : ",").append(word);
    };
    if (allocated)
        add("allocated");
    else if (text.empty())
        add("pending");
    if (!json_at(status, "reservedFor").empty()) add("reserved");
    return text;
}

}  // namespace

std::vector<Column> plain_columns() {
    return {kName, kAge};
}

std::vector<Column> namespace_columns() {
    return {kName,
            {"Status", "string", 0,
             [](const Json& o) -> Json { return json_string(json_at(o, "status"), "phase"); }},
            kAge};
}

std::vector<Column> node_columns() {
    return {
        kName,
        {"Status", "string", 0, node_status},
        {"Roles", "string", 0, node_roles},
        kAge,
        {"Version", "string", 0,
         [](const Json& o) -> Json { return node_info(o, "kubeletVersion"); }},
        {"Internal-IP", "string", 1,
         [](const Json& o) -> Json { return node_address(o, "InternalIP"); }},
        {"External-IP", "string", 1,
         [](const Json& o) -> Json { return node_address(o, "ExternalIP"); }},
        {"OS-Image", "string", 1, [](const Json& o) -> Json { return node_info(o, "osImage"); }},
        {"Kernel-Version", "string", 1,
         [](const Json& o) -> Json { return node_info(o, "kernelVersion"); }},
        {"Container-Runtime", "string", 1,
         [](const Json& o) -> Json { return node_info(o, "containerRuntimeVersion"); }}};
}

std::vector<Column> pod_columns() {
    return {
        kName,
        {"Ready", "string", 0, pod_ready},
        {"Status", "string", 0, pod_status},
        {"Restarts", "string", 0, pod_restarts},
        kAge,
        {"IP", "string", 1,
         [](const Json& o) -> Json { return or_none(json_string(json_at(o, "status"), "podIP")); }},
        {"Node", "string", 1,
         [](const Json& o) -> Json {
             return or_none(json_string(json_at(o, "spec"), "nodeName"));
         }},
        {"Nominated Node", "string", 1,
         [](const Json& o) -> Json {
             return or_none(json_string(json_at(o, "status"), "nominatedNodeName"));
         }},
        {"Readiness Gates", "string", 1, pod_gates}};
}

std::vector<Column> event_columns() {
    return {
        {"Last Seen", "string", 0,
         [](const Json& o) -> Json { return event_age(o, "lastTimestamp"); }},
        {"Type", "string", 0, [](const Json& o) -> Json { return json_string(o, "type"); }},
        {"Reason", "string", 0, [](const Json& o) -> Json { return json_string(o, "reason"); }},
        {"Object", "string", 0, event_object},
        {"Subobject", "string", 1,
         [](const Json& o) -> Json {
             return json_string(json_at(o, "involvedObject"), "fieldPath");
         }},
        {"Source", "string", 1, event_source},
        {"Message", "string", 0, [](const Json& o) -> Json { return json_string(o, "message"); }},
        {"First Seen", "string", 1,
         [](const Json& o) -> Json { return event_age(o, "firstTimestamp"); }},
        {"Count", "string", 1,
         [](const Json& o) -> Json { return std::to_string(json_int(o, "count", 1)); }},
        {"Name", "string", 1, name_cell}};
}

std::vector<Column> claim_columns() {
    return {kName, {"State", "string", 0, claim_state}, kAge};
}

std::vector<Column> slice_columns() {
    return {kName,
            {"Node", "string", 0,
             [](const Json& o) -> Json {
                 return json_string(json_at(o, "spec"), "nodeName", "<unset>");
             }},
            {"Driver", "string", 0,
             [](const Json& o) -> Json { return json_string(json_at(o, "spec"), "driver"); }},
            {"Pool", "string", 0,
             [](const Json& o) -> Json {
                 return json_string(json_path(o, {"spec", "pool"}), "name");
             }},
            kAge};
}

}  // namespace knd::api
