// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/simulate/cluster.hpp"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <set>
#include <unordered_map>
#include <utility>

#include "host/alloc/capacity.hpp"
#include "host/alloc/inventory.hpp"
#include "host/alloc/taint_rules.hpp"
#include "host/model/nearest.hpp"

namespace knd::simulate {
namespace {

/// Share ids in a row, so that the same question has the same answer; those in use are left out.
class ShareCounter {
  public:
    explicit ShareCounter(const alloc::AllocatedState& allocated) {
        for (const auto& share : allocated.shares)
            used_.insert(share.second);
    }
    std::string operator()() {
        std::string id;
        do {
            char text[37];
            std::snprintf(text, sizeof text, "00000000-0000-4000-8000-%012llx", ++count_);
            id = text;
        } while (used_.contains(id));
        return id;
    }

  private:
    std::set<std::string> used_;
    unsigned long long count_ = 0;
};

std::vector<std::string> nodes_of_slices(const std::vector<api::ResourceSlice>& slices) {
    std::vector<std::string> names;
    std::set<std::string_view> known;
    const auto note = [&](const std::optional<std::string>& name) {
        if (name && !name->empty() && known.insert(*name).second) names.push_back(*name);
    };
    for (const auto& slice : slices) {
        note(slice.node_name);
        if (!slice.per_device_node_selection) continue;
        for (const auto& device : slice.devices)
            note(device.node_name);
    }
    return names;
}

struct FoundCapacity {
    const Quantity* value = nullptr;  ///< null: the device has none of that name
    const api::CapacityRequestPolicy* policy = nullptr;
};

FoundCapacity find_capacity(const alloc::Inventory::Data& data, const alloc::DeviceEntry& device,
                            const std::string& name) {
    const auto view = data.view(device);
    const auto wanted = data.vocabulary.find_name(cel::split_qualified_name(name, view.driver));
    const auto* slot = wanted ? view.capacity_of(*wanted) : nullptr;
    if (slot == nullptr) return {};
    const auto number = static_cast<std::size_t>(slot - view.capacity.data());
    return {&*slot->quantity, alloc::policy_of(data.extra(device), number)};
}

/// The most that may be asked for of what is left: policies round up.
std::vector<Quantity> askable(Quantity left, const api::CapacityRequestPolicy* policy) {
    if (policy == nullptr) return {left};
    auto values = policy->valid_values;
    std::erase_if(values, [&](const Quantity& value) { return value > left; });
    if (!policy->valid_values.empty()) return values;
    if (!policy->valid_range) return {left};
    const auto& range = *policy->valid_range;
    if (range.max && *range.max < left) left = *range.max;
    if (!range.min || !range.step) return {left};
    const auto whole = left.as_int64(), min = range.min->as_int64(), step = range.step->as_int64();
    if (whole && min && step && *step > 0 && *whole > *min)
        left -= Quantity((*whole - *min) % *step);
    return {left};
}

}  // namespace

Result<std::unique_ptr<Cluster>> Cluster::make(Objects objects, Settings settings) {
    std::unique_ptr<Cluster> cluster(new Cluster(std::move(objects), std::move(settings)));
    cluster->choose_nodes();
    KND_TRY(cluster->apply_taint_rules());
    KND_TRY_ASSIGN(
        cluster->inventory_,
        alloc::Inventory::make(cluster->objects_.slices, features_of(cluster->settings_.gates)));
    cluster->note_what_is_off();
    // Several times as large as what the inventory keeps of them.
    std::vector<api::ResourceSlice>().swap(cluster->objects_.slices);
    cluster->note_holders();
    return cluster;
}

void Cluster::choose_nodes() {
    std::unordered_map<std::string_view, const api::Node*> known;
    std::vector<std::string> names;
    for (const auto& node : objects_.nodes) {
        known.emplace(node.name, &node);
        names.push_back(node.name);
    }
    if (names.empty()) names = nodes_of_slices(objects_.slices);
    const auto& asked = settings_.nodes.empty() ? names : settings_.nodes;
    const std::set<std::string_view> all(names.begin(), names.end());
    std::set<std::string_view> taken;
    for (const auto& name : asked) {
        if (!taken.insert(name).second) continue;
        const auto found = known.find(name);
        nodes_.push_back(found == known.end() ? api::Node{name, {}, false, {}} : *found->second);
        if (!all.contains(name))
            remarks_.push_back("no object in the input speaks of a node \"" + name +
                               "\"; it is taken as one without labels" + did_you_mean(name, names));
    }
    if (nodes_.empty())
        remarks_.emplace_back(
            "there is no node to look at: the input has no Node object and no slice with a "
            "nodeName; name one with --node");
}

/// Slices that a cluster with these features would not have, and what becomes of them.
void Cluster::note_what_is_off() {
    const auto features = features_of(settings_.gates);
    const auto skipped =
        std::count_if(objects_.slices.begin(), objects_.slices.end(), [&](const auto& slice) {
            return slice.per_device_node_selection && !features.partitionable_devices;
        });
    if (skipped > 0)
        remarks_.push_back(
            "slices with perDeviceNodeSelection are left out, as "
            "DRAPartitionableDevices is off: " +
            std::to_string(skipped));
    if (features.list_attributes) return;
    const auto& data = inventory_->data();
    for (const auto& device : data.devices) {
        const auto* extra = data.extra(device);
        if (extra == nullptr || extra->broken.empty()) continue;
        remarks_.push_back("selectors fail on device " + data.id(device).text() + ": " +
                           extra->broken + " (lists need DRAListTypeAttributes, which is off)");
        return;
    }
}

/// A rule that is there shows that the cluster has rules, unless the user says otherwise.
Result<void> Cluster::apply_taint_rules() {
    if (objects_.taint_rules.empty()) return {};
    constexpr std::string_view kGate = "DRADeviceTaintRules";
    const auto& gates = settings_.gates;
    if (!gates.enabled("DRADeviceTaints") || (gates.chosen(kGate) && !gates.enabled(kGate))) {
        remarks_.emplace_back("the DeviceTaintRules have no effect: the feature is off");
        return {};
    }
    alloc::apply_taint_rules(objects_.slices, objects_.taint_rules,
                             settings_.compat && settings_.gates.kubernetes_minor() < 37);
    return {};
}

void Cluster::note_holders() {
    for (const auto& claim : objects_.claims.items()) {
        if (!claim.object.allocation) continue;
        for (const auto& result : claim.object.allocation->results)
            if (!result.admin_access)
                holders_[{result.driver, result.pool, result.device}].push_back(
                    claim.object.meta.text());
    }
}

const std::vector<std::string>& Cluster::holders(const alloc::DeviceId& device) const {
    static const std::vector<std::string> kNobody;
    const auto found = holders_.find(device);
    return found == holders_.end() ? kNobody : found->second;
}

const api::DeviceClass* Cluster::find_class(std::string_view name) const {
    const auto found = objects_.classes.find(name);
    return found == objects_.classes.end() ? nullptr : &found->second;
}

alloc::AllocatedState Cluster::allocated() const {
    alloc::AllocatedState out;
    for (const auto& claim : objects_.claims.items())
        if (claim.object.allocation) out.add(*claim.object.allocation);
    return out;
}

std::vector<Quantity> Cluster::room(const std::string& name) const {
    const auto held = allocated().capacity;
    const auto& data = inventory_->data();
    std::set<Quantity, std::greater<>> amounts;
    for (const auto& device : data.devices) {
        const auto capacity = find_capacity(data, device, name);
        if (capacity.value == nullptr) continue;
        auto amount = *capacity.value;
        if (const auto taken = held.find(data.id(device)); taken != held.end())
            if (const auto part = taken->second.find(name); part != taken->second.end())
                amount -= part->second;
        for (auto& value : askable(amount, capacity.policy))
            amounts.insert(std::move(value));
    }
    return {amounts.begin(), amounts.end()};
}

const api::CapacityRequestPolicy* Cluster::policy_of(const alloc::DeviceId& device,
                                                     const std::string& name) const {
    const auto& data = inventory_->data();
    const auto found = data.find(device);
    return found.empty() ? nullptr : find_capacity(data, data.devices[found.front()], name).policy;
}

alloc::Allocator Cluster::allocator(View view) const {
    auto state = allocated();
    alloc::Options options;
    options.features = features_of(settings_.gates);
    options.compat = settings_.compat;
    options.step_limit = view.step_limit;
    options.programs = programs_;
    if (!view.classes) view.classes = [this](std::string_view name) { return find_class(name); };
    ShareCounter share_ids(state);
    return {inventory_, std::move(view.classes), state, std::move(options), std::move(share_ids)};
}

}  // namespace knd::simulate
