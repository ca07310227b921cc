// SPDX-License-Identifier: Apache-2.0
//
// Slices as the search wants them: devices in one array, their attributes in another, what few
// devices have (taints, counters, bindings, policies) aside. Internal to alloc.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "host/alloc/allocator.hpp"
#include "host/cel/device_view.hpp"

namespace knd::alloc {

using DeviceIndex = std::uint32_t;
using SliceIndex = std::uint32_t;
constexpr std::uint32_t kNoIndex = ~std::uint32_t{0};

/// Which nodes can reach a slice or a device.
struct Reach {
    enum class Kind : std::uint8_t { kUnknown, kNode, kAllNodes, kSelector };
    Kind kind = Kind::kUnknown;
    const std::string* node = nullptr;
    const api::NodeSelector* selector = nullptr;
    bool covers(const api::Node& other) const;
};

/// What most devices do not have.
struct DeviceExtra {
    std::string broken;  ///< why no expression can be evaluated on it; empty: nothing wrong
    Reach reach;
    std::vector<api::DeviceTaint> taints;
    std::vector<api::CounterConsumption> counters;
    /// By number of the capacity's slot.
    std::map<std::uint32_t, api::CapacityRequestPolicy> policies;
    std::vector<std::string> binding_conditions;
    std::vector<std::string> binding_failure_conditions;
};

struct DeviceEntry {
    const std::string* name = nullptr;
    std::uint32_t first_slot = 0;
    std::uint16_t attributes = 0;
    std::uint16_t capacities = 0;  ///< slots after the attributes
    SliceIndex slice = 0;
    std::uint32_t extra = kNoIndex;
    bool allow_multiple = false;
    bool binds_to_node = false;
};

struct SliceEntry {
    std::string name;
    const std::string* driver = nullptr;
    const std::string* pool = nullptr;
    std::int64_t generation = 0;
    std::int64_t slice_count = 0;
    Reach reach;
    bool per_device = false;
    bool has_bindings = false;
    bool repeats_names = false;  ///< two of its devices have one name
    bool has_groups = false;     ///< a device's counters name compatibility groups
    DeviceIndex first_device = 0;
    std::uint32_t device_count = 0;
    std::vector<api::CounterSet> counter_sets;
    std::vector<std::string> skip_node_operations;
};

/// Names interned in the vocabulary, so that equal pools have equal keys.
struct PoolKey {
    const std::string* driver = nullptr;
    const std::string* pool = nullptr;
    bool operator==(const PoolKey&) const = default;
};
struct PoolKeyHash {
    std::size_t operator()(const PoolKey& key) const {
        const std::hash<const void*> hash;
        return hash(key.driver) * 31 + hash(key.pool);
    }
};

struct Inventory::Data {
    cel::Vocabulary vocabulary;
    std::vector<cel::Slot> slots;
    std::vector<DeviceEntry> devices;
    std::deque<DeviceExtra> extras;
    std::vector<SliceEntry> slices;
    std::deque<api::NodeSelector> selectors;
    std::vector<SliceIndex> by_pool;  ///< all, those of a pool together
    std::vector<SliceIndex> by_node;  ///< that one node alone can reach, those of a node together
    std::vector<SliceIndex> shared;   ///< that others may reach
    struct Range {
        std::uint32_t first = 0;
        std::uint32_t count = 0;
    };
    std::unordered_map<std::string_view, Range> nodes;  ///< in by_node

    std::span<const SliceIndex> slices_of(const PoolKey& pool) const;
    std::span<const SliceIndex> slices_of_node(std::string_view node) const;

    cel::DeviceView view(const DeviceEntry& device) const;
    const DeviceExtra* extra(const DeviceEntry& device) const {
        return device.extra == kNoIndex ? nullptr : &extras[device.extra];
    }
    DeviceId id(const DeviceEntry& device) const;
    /// Every entry of that name: one, or several where a pool is invalid or being updated.
    std::vector<DeviceIndex> find(const DeviceId& id) const;
};

}  // namespace knd::alloc
