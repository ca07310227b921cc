// SPDX-License-Identifier: Apache-2.0
//
// Changes that might make a claim fit, each small and each of one thing: what relax.hpp tries out.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tools/kndctl/simulate/cluster.hpp"
#include "tools/kndctl/simulate/workload.hpp"

namespace knd::simulate {

/// A claim and its surroundings with changes made to them.
struct Variation {
    api::ResourceClaim claim;
    std::map<std::string, api::DeviceClass, std::less<>> classes;  ///< in place of the cluster's
    std::vector<const api::ResourceClaim*> freed;                  ///< lose their devices
    std::map<const api::Pod*, api::Pod> pods;                      ///< in place of the workload's
};

struct Change {
    std::string_view kind;  ///< "tolerate", "count", ... for programs
    std::string text;       ///< "tolerate taint a=b:NoSchedule in request nic"
    /// What it is about: once one change of a topic helps, the others of it are of no interest.
    std::string topic;
    double weight = 0;  ///< how much is given up; the smallest change has the smallest
    std::function<void(Variation&)> apply;
};

/// All that can be thought of for the claim that is asked about and its pods, cheapest first.
/// Whether one helps must be tried.
std::vector<Change> changes_for(const Cluster& cluster, const Workload& workload);

}  // namespace knd::simulate
