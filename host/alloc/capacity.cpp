// SPDX-License-Identifier: Apache-2.0
#include "host/alloc/capacity.hpp"

#include <algorithm>

namespace knd::alloc {
namespace {

std::string name_of(const cel::DeviceView& view, const cel::Slot& slot) {
    const auto name = view.vocabulary->name(slot.name);
    return slot.qualified ? std::string(name.domain) + "/" + std::string(name.id)
                          : std::string(name.id);
}

Quantity round_to_range(const Quantity& requested, const api::CapacityRange& range) {
    if (requested < *range.min) return *range.min;
    if (!range.step) return requested;
    const auto step = range.step->value_rounded_up();
    const auto min = range.min->value_rounded_up();
    if (step <= 0) return requested;
    __extension__ using Wide = __int128;
    const Wide over = Wide{requested.value_rounded_up()} - min;
    const Wide steps = over / step + (over % step != 0 ? 1 : 0);
    const Wide value = min + steps * step;
    if (value > INT64_MAX) return requested;
    return Quantity(static_cast<std::int64_t>(value), Quantity::Format::kBinarySi);
}

Quantity amount(const Quantity* requested, const Quantity& whole,
                const api::CapacityRequestPolicy* policy) {
    if (requested == nullptr)
        return policy != nullptr && policy->default_value ? *policy->default_value : whole;
    if (policy == nullptr) return *requested;
    if (policy->valid_range && policy->valid_range->min)
        return round_to_range(*requested, *policy->valid_range);
    for (const auto& valid : policy->valid_values)
        if (*requested <= valid) return valid;
    return *requested;
}

bool violates(const Quantity& value, const api::CapacityRequestPolicy& policy) {
    if (policy.default_value && value == *policy.default_value) return false;
    if (const auto& range = policy.valid_range) {
        if (range->max && value > *range->max) return true;
        if (!range->step) return false;
        const auto step = range->step->value_rounded_up();
        const auto min = range->min ? range->min->value_rounded_up() : 0;
        __extension__ using Wide = __int128;
        return step > 0 && (Wide{value.value_rounded_up()} - min) % step != 0;
    }
    return !policy.valid_values.empty() &&
           std::find(policy.valid_values.begin(), policy.valid_values.end(), value) ==
               policy.valid_values.end();
}

}  // namespace

std::optional<Capacity> consumed_by(const Inventory::Data& data, const DeviceEntry& device,
                                    const Capacity& requested) {
    const auto view = data.view(device);
    const auto* extra = data.extra(device);
    Capacity out;
    std::uint32_t number = 0;
    for (const auto& slot : view.capacity) {
        auto name = name_of(view, slot);
        const auto wanted = requested.find(name);
        const api::CapacityRequestPolicy* policy = nullptr;
        if (extra != nullptr)
            if (const auto found = extra->policies.find(number); found != extra->policies.end())
                policy = &found->second;
        ++number;
        auto value =
            amount(wanted == requested.end() ? nullptr : &wanted->second, *slot.quantity, policy);
        if (policy != nullptr && violates(value, *policy)) return std::nullopt;
        out.emplace(std::move(name), value);
    }
    for (const auto& [name, value] : requested)
        if (!out.contains(name)) return std::nullopt;
    return out;
}

bool has_room(const Inventory::Data& data, const DeviceEntry& device, const Capacity& taken,
              const Capacity* held) {
    const auto view = data.view(device);
    for (const auto& slot : view.capacity) {
        const auto name = name_of(view, slot);
        auto sum = taken.at(name);
        if (held != nullptr)
            if (const auto found = held->find(name); found != held->end()) sum += found->second;
        if (sum > *slot.quantity) return false;
    }
    return true;
}

}  // namespace knd::alloc
