// SPDX-License-Identifier: Apache-2.0
//
// Which pools a node can allocate from, in the order in which they are tried.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "host/alloc/behaviour.hpp"
#include "host/alloc/inventory.hpp"

namespace knd::alloc {

struct Pool {
    PoolKey key;
    bool incomplete = false;  ///< being updated: not all slices of the generation are there
    bool invalid = false;     ///< its slices contradict each other
    std::string reason;       ///< why it is one of the two
    bool has_bindings = false;
    std::vector<SliceIndex> slices;  ///< with devices for this node, by name
    std::vector<SliceIndex> others;  ///< of other nodes; their devices may hold counters
    std::map<std::string_view, const api::CounterSet*> counter_sets;
    std::string text() const { return *key.driver + "/" + *key.pool; }
};

std::vector<Pool> gather_pools(const Inventory::Data& data, const api::Node& node,
                               const Features& features, const Behaviour& behaviour);

}  // namespace knd::alloc
