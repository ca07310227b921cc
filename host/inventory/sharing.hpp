// SPDX-License-Identifier: Apache-2.0
//
// Devices that take of the same thing: a whole and its parts, takers of one counter. Where the API
// server keeps counters the scheduler sees to it that they do not collide; where it does not, only
// those are offered that cannot.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "host/model/device.hpp"

namespace knd {

struct Sharer {
    const Device* device = nullptr;
    std::string pool;
    bool held = false;
    Counters consumes = {};  ///< by the names that the sets have in the pool
};

struct SharingRules {
    bool counters = true;  ///< the API server keeps them
    bool wholes = false;   ///< without them wholes are offered, not their parts
};

/// For each sharer why it is not offered; empty: nothing speaks against it. `counters`: by pool.
/// What a claim holds has no reason, and others make room for it.
std::vector<std::string> sharing_reasons(const std::vector<Sharer>& sharers,
                                         const std::map<std::string, Counters>& counters,
                                         const SharingRules& rules);

/// "set pf0" or "counter vfs of set pf0": what `consumes` names and `counters` has not got; empty:
/// it has all.
std::string missing_counter(const Counters& consumes, const Counters& counters);

}  // namespace knd
