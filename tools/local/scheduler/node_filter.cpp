// SPDX-License-Identifier: Apache-2.0
#include "tools/local/scheduler/node_filter.hpp"

#include <algorithm>
#include <set>

namespace knd::local {
namespace {

bool tolerates(const Json& toleration, const Json& taint) {
    const auto effect = json_string(toleration, "effect");
    if (!effect.empty() && effect != json_string(taint, "effect")) return false;
    const auto key = json_string(toleration, "key");
    const auto op = json_string(toleration, "operator", "Equal");
    if (op == "Exists") return key.empty() || key == json_string(taint, "key");
    return op == "Equal" && key == json_string(taint, "key") &&
           json_string(toleration, "value") == json_string(taint, "value");
}

bool ready(const Json& node) {
    for (const auto& condition : json_path(node, {"status", "conditions"})) {
        if (json_string(condition, "type") == "Ready")
            return json_string(condition, "status") == "True";
    }
    return false;
}

}  // namespace

std::string reject_node(const Json& pod, const Json& node) {
    const auto& spec = json_at(pod, "spec");
    if (json_bool(json_at(node, "spec"), "unschedulable")) return "node(s) were unschedulable";
    const auto& tolerations = json_at(spec, "tolerations");
    for (const auto& taint : json_path(node, {"spec", "taints"})) {
        const auto effect = json_string(taint, "effect");
        if (effect != "NoSchedule" && effect != "NoExecute") continue;
        if (std::none_of(tolerations.begin(), tolerations.end(),
                         [&](const Json& toleration) { return tolerates(toleration, taint); }))
            return "node(s) had untolerated taint {" + json_string(taint, "key") + ": " +
                   json_string(taint, "value") + "}";
    }
    if (!ready(node)) return "node(s) had untolerated taint {node.kubernetes.io/not-ready: }";
    const auto& labels = json_path(node, {"metadata", "labels"});
    for (const auto& [key, value] : json_at(spec, "nodeSelector").items()) {
        if (json_at(labels, key) != value)
            return "node(s) didn't match Pod's node affinity/selector";
    }
    return {};
}

std::string fit_error(std::size_t nodes, const std::map<std::string, int>& reasons) {
    // Sorted as texts with their numbers, as kube-scheduler does.
    std::set<std::string> parts;
    for (const auto& [reason, count] : reasons)
        parts.insert(std::to_string(count) + " " + reason);
    std::string text = "0/" + std::to_string(nodes) + " nodes are available: ";
    bool first = true;
    for (const auto& part : parts) {
        if (!first) text += ", ";
        first = false;
        text += part;
    }
    return text + ".";
}

}  // namespace knd::local
