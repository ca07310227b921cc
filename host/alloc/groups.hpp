// SPDX-License-Identifier: Apache-2.0
//
// Compatibility groups of partitionable devices: which devices may use one counter set together.
// Internal to alloc.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/alloc/node_pools.hpp"

namespace knd::alloc {

/// What the devices on one counter set have in common. Those without groups go with each other
/// alone.
class CommonGroups {
  public:
    bool admits(const std::vector<std::string>& groups) const;
    /// Only of groups that are admitted, except for devices that are allocated already.
    void add(const std::vector<std::string>& groups);

  private:
    bool any_ = false;
    bool grouped_ = false;  ///< the devices have groups, if none in common
    std::vector<std::string> groups_;
};

/// The counter sets of all pools of a node, with what the cluster and this search have picked.
class Groups {
  public:
    Groups(const NodePools& pools, const Inventory::Data& data, const Holdings& holdings)
        : pools_(pools), data_(data), holdings_(holdings) {}

    /// False: the device does not go with those that are there. True: it is one of them.
    bool add(CandidateIndex candidate);
    /// Undoes the last successful add().
    void remove();

  private:
    using Key = std::pair<PoolIndex, std::string_view>;
    CommonGroups& common(PoolIndex pool, std::string_view counter_set);

    const NodePools& pools_;
    const Inventory::Data& data_;
    const Holdings& holdings_;
    std::map<Key, CommonGroups> common_;
    /// What was there before each add().
    std::vector<std::vector<std::pair<Key, CommonGroups>>> before_;
};

}  // namespace knd::alloc
