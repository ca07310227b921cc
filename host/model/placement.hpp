// SPDX-License-Identifier: Apache-2.0
//
// Which nodes may take a pod, free devices, volumes and resources aside: what of kube-scheduler's
// filters matters to the question where a claim can be satisfied.
#pragma once

#include <string>

#include "host/model/core.hpp"
#include "host/model/resource.hpp"

namespace knd::api {

/// kube-scheduler's text for the first thing that rules the node out, in the order of its filters:
/// unschedulable, spec.nodeName, taints, node selector and required node affinity. Empty: nothing.
std::string reject(const Pod& pod, const Node& node);
/// The same for a claim of a pod: whether what is allocated to it is within reach of the node.
std::string reject(const ResourceClaim& claim, const Node& node);

}  // namespace knd::api
