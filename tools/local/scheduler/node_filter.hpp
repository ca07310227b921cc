// SPDX-License-Identifier: Apache-2.0
//
// Why a node does not take a pod, leaving devices aside; and how kube-scheduler sums such reasons
// up.
#pragma once

#include <map>
#include <string>

#include "host/model/json.hpp"

#include <knd/cpp/result.hpp>

namespace knd::local {

/// kube-scheduler's text for the first thing that rules the node out; empty: nothing does. A node
/// that is not ready counts as tainted.
Result<std::string> reject_node(const Json& pod, const Json& node);

/// "0/3 nodes are available: 1 node(s) had untolerated taint {...}, 2 cannot allocate all claims."
std::string fit_error(std::size_t nodes, const std::map<std::string, int>& reasons);

}  // namespace knd::local
