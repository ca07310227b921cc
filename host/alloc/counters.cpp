// SPDX-License-Identifier: Apache-2.0
//
// Shared counters: partitions of one device may not take more together than it has.
#include "host/alloc/search.hpp"

namespace knd::alloc {

/// Null for devices that use no counters.
const DeviceExtra* Search::counting(const DeviceEntry& device) const {
    const auto* extra = data_.extra(device);
    return extra == nullptr || extra->counters.empty() ? nullptr : extra;
}

/// What is left of a pool's counters: computed at first use from what the cluster holds, on this
/// node and on others; may be negative.
Search::Counters& Search::counters(std::uint32_t index) {
    const auto found = counters_.find(index);
    if (found != counters_.end()) return found->second;
    auto& left = counters_[index];
    const auto& pool = pools_[index];
    for (const auto& [set_name, set] : pool.counter_sets)
        for (const auto& [name, value] : set->counters)
            left.emplace(CounterKey(set_name, name), value);
    for (const auto* slices : {&pool.slices, &pool.others}) {
        for (const auto slice_index : *slices) {
            const auto& slice = data_.slices[slice_index];
            for (auto i = slice.first_device; i < slice.first_device + slice.device_count; ++i) {
                const auto* extra = counting(data_.devices[i]);
                const bool held =
                    context_.holdings.devices[i] || context_.holdings.capacity.contains(i);
                if (extra == nullptr || !held) continue;
                for (const auto& used : extra->counters)
                    for (const auto& [name, value] : used.counters)
                        left[{used.counter_set, name}] -= value;
            }
        }
    }
    return left;
}

bool Search::take_counters(std::uint32_t pool, const DeviceExtra& extra) {
    auto& left = counters(pool);
    for (const auto& used : extra.counters)
        for (const auto& [name, value] : used.counters)
            left[{used.counter_set, name}] -= value;
    for (const auto& [key, value] : left) {
        if (value.sign() >= 0) continue;
        return_counters(pool, extra);
        return false;
    }
    return true;
}

void Search::return_counters(std::uint32_t pool, const DeviceExtra& extra) {
    auto& left = counters(pool);
    for (const auto& used : extra.counters)
        for (const auto& [name, value] : used.counters)
            left[{used.counter_set, name}] += value;
}

}  // namespace knd::alloc
