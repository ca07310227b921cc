// SPDX-License-Identifier: Apache-2.0
#include "host/alloc/capacity.hpp"

#include <algorithm>

namespace knd::alloc {
namespace {

__extension__ using Wide = __int128;

Quantity round_to_range(const Quantity& requested, const api::CapacityRange& range) {
    if (requested < *range.min) return *range.min;
    if (!range.step) return requested;
    const auto step = range.step->value_rounded_up();
    const auto min = range.min->value_rounded_up();
    if (step <= 0) return requested;
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
        return step > 0 && (Wide{value.value_rounded_up()} - min) % step != 0;
    }
    return !policy.valid_values.empty() &&
           std::find(policy.valid_values.begin(), policy.valid_values.end(), value) ==
               policy.valid_values.end();
}

const api::CapacityRequestPolicy* policy_of(const DeviceExtra* extra, std::size_t number) {
    if (extra == nullptr) return nullptr;
    const auto found = extra->policies.find(static_cast<std::uint32_t>(number));
    return found == extra->policies.end() ? nullptr : &found->second;
}

}  // namespace

std::string capacity_name(const cel::DeviceView& view, std::size_t number) {
    const auto& slot = view.capacity[number];
    const auto name = view.vocabulary->name(slot.name);
    return slot.qualified ? std::string(name.domain) + "/" + std::string(name.id)
                          : std::string(name.id);
}

Consumption consumed_by(const cel::DeviceView& view, const DeviceExtra* extra,
                        const Capacity& requested) {
    Consumption out;
    std::size_t known = 0;
    for (std::size_t i = 0; i < view.capacity.size(); ++i) {
        const Quantity* wanted = nullptr;
        if (!requested.empty()) {
            const auto found = requested.find(capacity_name(view, i));
            if (found != requested.end()) wanted = &found->second;
        }
        if (wanted != nullptr) ++known;
        const auto* policy = policy_of(extra, i);
        out.amounts.push_back(amount(wanted, *view.capacity[i].quantity, policy));
        const bool allowed = policy == nullptr || !violates(out.amounts.back(), *policy);
        if (allowed || out.verdict != Consumption::Verdict::kPossible) continue;
        out.verdict = Consumption::Verdict::kForbidden;
        out.number = i;
    }
    if (known == requested.size()) return out;
    out.verdict = Consumption::Verdict::kMissing;
    for (const auto& [name, value] : requested) {
        bool found = false;
        for (std::size_t i = 0; i < view.capacity.size() && !found; ++i)
            found = capacity_name(view, i) == name;
        if (!found && out.missing.empty()) out.missing = name;
    }
    return out;
}

Amounts in_order(const cel::DeviceView& view, const Capacity& capacity) {
    Amounts out(view.capacity.size());
    for (std::size_t i = 0; i < out.size(); ++i)
        if (const auto found = capacity.find(capacity_name(view, i)); found != capacity.end())
            out[i] = found->second;
    return out;
}

std::optional<std::size_t> without_room(const cel::DeviceView& view, const Amounts& taken,
                                        const Amounts* held, const Amounts* taking) {
    for (std::size_t i = 0; i < view.capacity.size(); ++i) {
        auto sum = taken[i];
        if (held != nullptr) sum += (*held)[i];
        if (taking != nullptr) sum += (*taking)[i];
        if (sum > *view.capacity[i].quantity) return i;
    }
    return std::nullopt;
}

}  // namespace knd::alloc
