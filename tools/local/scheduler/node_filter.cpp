// SPDX-License-Identifier: Apache-2.0
#include "tools/local/scheduler/node_filter.hpp"

#include <set>

#include "host/model/placement.hpp"

namespace knd::local {
namespace {

bool ready(const Json& node) {
    for (const auto& condition : json_path(node, {"status", "conditions"})) {
        if (json_string(condition, "type") == "Ready")
            return json_string(condition, "status") == "True";
    }
    return false;
}

}  // namespace

Result<std::string> reject_node(const Json& pod, const Json& node) {
    KND_TRY_ASSIGN(const auto wanted, api::read_pod(pod));
    KND_TRY_ASSIGN(auto offered, api::read_node(node));
    // Nobody taints nodes here; in a cluster the controller manager does.
    if (!ready(node))
        offered.taints.push_back({"node.kubernetes.io/not-ready", "", "NoSchedule", ""});
    return api::reject(wanted, offered);
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
