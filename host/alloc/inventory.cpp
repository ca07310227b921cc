// SPDX-License-Identifier: Apache-2.0
#include "host/alloc/inventory.hpp"

#include <algorithm>
#include <functional>

#include "host/alloc/selectors.hpp"

namespace knd::alloc {
namespace {

PoolKey pool_of(const SliceEntry& slice) {
    return {slice.driver, slice.pool};
}

/// Any order will do.
bool is_before(const PoolKey& a, const PoolKey& b) {
    const std::less<const std::string*> less;
    return a.driver == b.driver ? less(a.pool, b.pool) : less(a.driver, b.driver);
}

class Builder {
  public:
    Builder(Inventory::Data& data, const Features& features) : data_(data), features_(features) {}

    void add(const api::ResourceSlice& slice) {
        SliceEntry entry;
        entry.name = slice.meta.name;
        entry.driver = &data_.vocabulary.intern(slice.driver);
        entry.pool = &data_.vocabulary.intern(slice.pool.name);
        entry.generation = slice.pool.generation;
        entry.slice_count = slice.pool.slice_count;
        entry.per_device = slice.per_device_node_selection;
        entry.reach = reach(slice.node_name, slice.all_nodes, slice.node_selector);
        entry.counter_sets = slice.shared_counters;
        entry.skip_node_operations = slice.skip_node_operations;
        entry.first_device = static_cast<DeviceIndex>(data_.devices.size());
        entry.device_count = static_cast<std::uint32_t>(slice.devices.size());
        const auto index = static_cast<SliceIndex>(data_.slices.size());
        for (const auto& device : slice.devices) {
            entry.has_bindings = entry.has_bindings || !device.binding_conditions.empty();
            for (const auto& used : device.consumes_counters)
                entry.has_groups = entry.has_groups || !used.compatibility_groups.empty();
            add(device, *entry.driver, index, entry.per_device);
        }
        entry.repeats_names = repeats_names(entry);
        const bool local =
            slice.node_name && !slice.node_name->empty() && slice.shared_counters.empty();
        (local ? data_.by_node : data_.shared).push_back(index);
        data_.by_pool.push_back(index);
        data_.slices.push_back(std::move(entry));
    }

    /// After the last slice.
    void finish() {
        const auto& slices = data_.slices;
        std::stable_sort(data_.by_pool.begin(), data_.by_pool.end(),
                         [&](SliceIndex a, SliceIndex b) {
                             return is_before(pool_of(slices[a]), pool_of(slices[b]));
                         });
        std::stable_sort(data_.by_node.begin(), data_.by_node.end(),
                         [&](SliceIndex a, SliceIndex b) {
                             return std::less<>()(slices[a].reach.node, slices[b].reach.node);
                         });
        for (std::uint32_t i = 0; i < data_.by_node.size(); ++i) {
            auto& range = data_.nodes[*slices[data_.by_node[i]].reach.node];
            if (range.count++ == 0) range.first = i;
        }
    }

  private:
    bool repeats_names(const SliceEntry& slice) {
        names_.clear();
        for (auto i = slice.first_device; i < slice.first_device + slice.device_count; ++i)
            names_.push_back(data_.devices[i].name);
        std::sort(names_.begin(), names_.end(), std::less<>());
        return std::adjacent_find(names_.begin(), names_.end()) != names_.end();
    }

    Reach reach(const std::optional<std::string>& node, bool all,
                const std::optional<api::NodeSelector>& selector) {
        Reach out;
        if (node && !node->empty()) {
            out.kind = Reach::Kind::kNode;
            out.node = &data_.vocabulary.intern(*node);
        } else if (all) {
            out.kind = Reach::Kind::kAllNodes;
        } else if (selector) {
            out.kind = Reach::Kind::kSelector;
            out.selector = &data_.selectors.emplace_back(*selector);
        }
        return out;
    }

    void add(const api::SliceDevice& device, const std::string& driver, SliceIndex slice,
             bool per_device) {
        DeviceEntry entry;
        DeviceExtra extra;
        entry.name = &data_.vocabulary.intern(device.name);
        entry.slice = slice;
        entry.allow_multiple = device.allow_multiple_allocations;
        entry.binds_to_node = device.binds_to_node;
        entry.first_slot = static_cast<std::uint32_t>(data_.slots.size());
        add_attributes(device, driver, extra);
        entry.attributes = static_cast<std::uint16_t>(data_.slots.size() - entry.first_slot);
        std::uint32_t number = 0;
        for (const auto& [name, capacity] : device.capacity) {
            cel::append_capacity(data_.vocabulary, driver, name, capacity.value, data_.slots);
            if (capacity.request_policy) extra.policies.emplace(number, *capacity.request_policy);
            ++number;
        }
        entry.capacities = static_cast<std::uint16_t>(number);
        extra.taints = device.taints;
        extra.counters = device.consumes_counters;
        extra.binding_conditions = device.binding_conditions;
        extra.binding_failure_conditions = device.binding_failure_conditions;
        if (per_device)
            extra.reach = reach(device.node_name, device.all_nodes, device.node_selector);
        const bool plain = extra.broken.empty() && !per_device && extra.taints.empty() &&
                           extra.counters.empty() && extra.policies.empty() &&
                           extra.binding_conditions.empty() &&
                           extra.binding_failure_conditions.empty();
        if (!plain) {
            entry.extra = static_cast<std::uint32_t>(data_.extras.size());
            data_.extras.push_back(std::move(extra));
        }
        data_.devices.push_back(entry);
    }

    /// What cannot be evaluated is remembered, and reported when a selector meets the device.
    void add_attributes(const api::SliceDevice& device, const std::string& driver,
                        DeviceExtra& extra) {
        const auto known = check_attributes(device, features_);
        if (known.ok()) return append_attributes(device.attributes, driver, extra);
        auto others = device.attributes;
        if (!knows_lists(features_))
            std::erase_if(others, [](const auto& item) { return is_list(item.second); });
        append_attributes(others, driver, extra);
        extra.broken = known.error().message();
    }

    void append_attributes(const std::map<std::string, AttributeValue>& attributes,
                           const std::string& driver, DeviceExtra& extra) {
        const auto appended =
            cel::append_attributes(data_.vocabulary, driver, attributes, data_.slots);
        if (!appended.ok()) extra.broken = appended.error().message();
    }

    Inventory::Data& data_;
    const Features& features_;
    std::vector<const std::string*> names_;  ///< scratch of repeats_names()
};

/// Arrays of this size must not grow by doubling.
void reserve(std::span<const api::ResourceSlice> slices, Inventory::Data& data) {
    std::size_t devices = 0;
    std::size_t slots = 0;
    for (const auto& slice : slices) {
        devices += slice.devices.size();
        for (const auto& device : slice.devices)
            slots += device.attributes.size() + device.capacity.size();
    }
    data.slices.reserve(slices.size());
    data.by_pool.reserve(slices.size());
    data.devices.reserve(devices);
    data.slots.reserve(slots);
}

}  // namespace

bool Reach::covers(const api::Node& other) const {
    switch (kind) {
        case Kind::kUnknown:
            return false;
        case Kind::kNode:
            return *node == other.name;
        case Kind::kAllNodes:
            return true;
        case Kind::kSelector:
            return api::matches(*selector, other);
    }
    return false;
}

std::span<const SliceIndex> Inventory::Data::slices_of(const PoolKey& pool) const {
    const auto first = std::lower_bound(by_pool.begin(), by_pool.end(), pool,
                                        [&](SliceIndex index, const PoolKey& key) {
                                            return is_before(pool_of(slices[index]), key);
                                        });
    const auto last = std::find_if(
        first, by_pool.end(), [&](SliceIndex index) { return pool_of(slices[index]) != pool; });
    return {first, last};
}

std::span<const SliceIndex> Inventory::Data::slices_of_node(std::string_view node) const {
    const auto found = nodes.find(node);
    if (found == nodes.end()) return {};
    return std::span(by_node).subspan(found->second.first, found->second.count);
}

cel::DeviceView Inventory::Data::view(const DeviceEntry& device) const {
    const auto* first = slots.data() + device.first_slot;
    return {&vocabulary,
            *slices[device.slice].driver,
            {first, device.attributes},
            {first + device.attributes, device.capacities},
            device.allow_multiple};
}

DeviceId Inventory::Data::id(const DeviceEntry& device) const {
    const auto& slice = slices[device.slice];
    return {*slice.driver, *slice.pool, *device.name};
}

std::vector<DeviceIndex> Inventory::Data::find(const DeviceId& id) const {
    std::vector<DeviceIndex> out;
    const auto* driver = vocabulary.find_text(id.driver);
    const auto* pool = vocabulary.find_text(id.pool);
    const auto* name = vocabulary.find_text(id.device);
    if (driver == nullptr || pool == nullptr || name == nullptr) return out;
    for (const auto index : slices_of({driver, pool})) {
        const auto& slice = slices[index];
        for (auto i = slice.first_device; i < slice.first_device + slice.device_count; ++i)
            if (devices[i].name == name) out.push_back(i);
    }
    return out;
}

Inventory::Inventory(std::unique_ptr<const Data> data) : data_(std::move(data)) {}
Inventory::~Inventory() = default;

Result<std::shared_ptr<const Inventory>> Inventory::make(std::span<const api::ResourceSlice> slices,
                                                         const Features& features) {
    auto data = std::make_unique<Data>();
    reserve(slices, *data);
    Builder builder(*data, features);
    for (const auto& slice : slices) {
        for (const auto& device : slice.devices)
            if (device.attributes.size() + device.capacity.size() > 0xFFFF)
                return Error(Code::kInvalidArgument, "slice " + slice.meta.name + ": device " +
                                                         device.name + " has too many attributes");
        builder.add(slice);
    }
    builder.finish();
    return std::make_shared<const Inventory>(std::move(data));
}

}  // namespace knd::alloc
