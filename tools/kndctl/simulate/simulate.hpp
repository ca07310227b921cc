// SPDX-License-Identifier: Apache-2.0
//
// What fits where: the allocator asked node by node, and first-fit packing of many copies.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tools/kndctl/simulate/cluster.hpp"
#include "tools/kndctl/simulate/workload.hpp"

namespace knd::simulate {

struct ClaimOutcome {
    std::string ns;
    std::string name;
    api::AllocationResult allocation;
};

struct NodeOutcome {
    std::string node;
    bool fits = false;
    std::vector<ClaimOutcome> claims;  ///< when it fits
    std::string error;                 ///< of the allocator, or why the node takes no such pod
    std::string reason;                ///< why it does not fit, for people; empty: was not asked
};

/// All claims of the workload together, on each node as if it were the only one. `reasons`: say why
/// a node does not fit, which takes a second look.
std::vector<NodeOutcome> simulate(const Cluster& cluster, const Workload& workload,
                                  bool reasons = false);

struct Packing {
    std::vector<NodeOutcome> nodes;  ///< those that were tried, with the claims of all their copies
    std::vector<std::size_t> copies;  ///< on each of them
    std::size_t asked = 0;
    std::size_t fit = 0;
    std::string stopped;  ///< why there is no room for one more; empty when all fit
};

/// Copies of the whole workload, one after the other, each on the first node that has room. Copy 3
/// of claim "a" is called "a-3".
Packing pack(const Cluster& cluster, const Workload& workload, std::size_t copies);

/// The document that `kndctl simulate -o json` prints.
Json to_json(const std::vector<NodeOutcome>& nodes);
/// The same with "count" beside "nodes".
Json to_json(const Packing& packing);

}  // namespace knd::simulate
