// SPDX-License-Identifier: Apache-2.0
//
// The smallest change that makes a claim fit, found by making changes and asking the allocator
// again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/kndctl/simulate/changes.hpp"
#include "tools/kndctl/simulate/workload.hpp"

namespace knd::simulate {

/// One change, or two that only help together.
struct Remedy {
    std::vector<Change> changes;
    std::string node;  ///< the first one where it fits then
    double weight() const;
    /// "tolerate taint ... and ask for ..."
    std::string text() const;
};

struct Remedies {
    /// The smallest first; of each request and kind only the smallest that helps.
    std::vector<Remedy> remedies;
    bool complete = true;  ///< false: there was more to try than is reasonable
};

/// `workload` is one of only(), whose claim fits nowhere. Pairs are tried where they are smaller
/// than any single change that helps.
Remedies find_remedies(const Cluster& cluster, const Workload& workload);

}  // namespace knd::simulate
