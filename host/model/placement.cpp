// SPDX-License-Identifier: Apache-2.0
#include "host/model/placement.hpp"

#include <algorithm>

namespace knd::api {
namespace {

bool tolerated(const Pod& pod, const Taint& taint) {
    return std::any_of(pod.tolerations.begin(), pod.tolerations.end(),
                       [&](const auto& toleration) { return tolerates(toleration, taint); });
}

}  // namespace

std::string reject(const Pod& pod, const Node& node) {
    const Taint cordoned{"node.kubernetes.io/unschedulable", "", "NoSchedule", ""};
    if (node.unschedulable && !tolerated(pod, cordoned)) return "node(s) were unschedulable";
    if (!pod.node_name.empty() && pod.node_name != node.name)
        return "node(s) didn't match the requested node name";
    for (const auto& taint : node.taints) {
        if (taint.effect != "NoSchedule" && taint.effect != "NoExecute") continue;
        if (!tolerated(pod, taint))
            return "node(s) had untolerated taint {" + taint.key + ": " + taint.value + "}";
    }
    const bool selected =
        std::all_of(pod.node_selector.begin(), pod.node_selector.end(), [&](const auto& label) {
            const auto found = node.labels.find(label.first);
            return found != node.labels.end() && found->second == label.second;
        });
    if (!selected || (pod.node_affinity && !matches(*pod.node_affinity, node)))
        return "node(s) didn't match Pod's node affinity/selector";
    return {};
}

std::string reject(const ResourceClaim& claim, const Node& node) {
    const bool reachable = !claim.allocation || !claim.allocation->node_selector ||
                           matches(*claim.allocation->node_selector, node);
    return reachable ? "" : "resourceclaim not available on the node";
}

}  // namespace knd::api
