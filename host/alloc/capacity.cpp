// SPDX-License-Identifier: Apache-2.0
#include "host/alloc/capacity.hpp"

#include <algorithm>

namespace knd::alloc {
namespace {

__extension__ using Wide = __int128;

/// Whether a milli-unit is fine enough for it.
bool is_milli(const std::optional<Quantity>& value) {
    return !value || Quantity::from_milli(value->milli_value_rounded_up()) == *value;
}

/// In which units a range counts.
class Units {
  public:
    Units(const api::CapacityRange& range, const AmountRules& rules)
        : milli_(rules.fractional && is_milli(range.min) && is_milli(range.max) &&
                 is_milli(range.step) &&
                 (!range.step || range.step->milli_value_rounded_up() >= 1)) {}

    bool milli() const { return milli_; }
    bool can_count(const Quantity& value) const {
        return milli_ ? is_milli(value) : value <= Quantity(INT64_MAX);
    }
    std::int64_t count(const Quantity& value) const {
        return milli_ ? value.milli_value_rounded_up() : value.value_rounded_up();
    }
    Quantity quantity(std::int64_t count, Quantity::Format format) const {
        return milli_ ? Quantity::from_milli(count, format) : Quantity(count, format);
    }

  private:
    bool milli_;
};

Error odd(const Quantity& requested, const std::string& before, const std::string& after) {
    return {Code::kInvalidArgument,
            "capacity request cannot be represented in the device's range arithmetic: " + before +
                "request " + requested.text() + after};
}

Result<Quantity> round_to_range(const Quantity& requested, const api::CapacityRange& range,
                                const AmountRules& rules) {
    if (requested < *range.min) return *range.min;
    const Units units(range, rules);
    if (!units.can_count(requested) && rules.checked)
        return odd(requested, "",
                   units.milli() ? " is not a representable milli value" : " exceeds MaxInt64");
    const auto step = units.count(*range.step);
    const auto min = units.count(*range.min);
    if (step <= 0) return requested;
    const Wide over = Wide{units.count(requested)} - min;
    const Wide steps = over / step + (over % step != 0 ? 1 : 0);
    const Wide value = min + steps * step;
    if (value > INT64_MAX && rules.checked)
        return odd(requested, "rounding ",
                   units.milli() ? " up to the next step passes the milli-value range"
                                 : " up to the next step passes MaxInt64");
    if (value > INT64_MAX) return requested;
    return units.quantity(static_cast<std::int64_t>(value),
                          rules.checked ? range.step->format() : Quantity::Format::kBinarySi);
}

auto first_valid(const api::CapacityRequestPolicy& policy, const Quantity& requested) {
    return std::find_if(policy.valid_values.begin(), policy.valid_values.end(),
                        [&](const Quantity& valid) { return requested <= valid; });
}

Result<Quantity> amount(const Quantity* requested, const Quantity& whole,
                        const api::CapacityRequestPolicy* policy, const AmountRules& rules) {
    if (requested == nullptr)
        return policy != nullptr && policy->default_value ? *policy->default_value : whole;
    if (policy == nullptr || leaves(*policy, *requested)) return *requested;
    if (policy->valid_range && policy->valid_range->min)
        return round_to_range(*requested, *policy->valid_range, rules);
    return *first_valid(*policy, *requested);
}

bool violates(const Quantity& value, const api::CapacityRequestPolicy& policy,
              const AmountRules& rules) {
    if (policy.default_value && value == *policy.default_value) return false;
    if (const auto& range = policy.valid_range) {
        if (range->max && value > *range->max) return true;
        if (!range->step) return false;
        const Units units(*range, rules);
        if (units.milli() && !units.can_count(value)) return true;
        const auto step = units.count(*range->step);
        const auto min = range->min ? units.count(*range->min) : 0;
        return step > 0 && (Wide{units.count(value)} - min) % step != 0;
    }
    return !policy.valid_values.empty() &&
           std::find(policy.valid_values.begin(), policy.valid_values.end(), value) ==
               policy.valid_values.end();
}

}  // namespace

bool leaves(const api::CapacityRequestPolicy& policy, const Quantity& requested) {
    if (const auto& range = policy.valid_range; range && range->min)
        return requested >= *range->min && !range->step;
    return first_valid(policy, requested) == policy.valid_values.end();
}

const api::CapacityRequestPolicy* policy_of(const DeviceExtra* extra, std::size_t number) {
    if (extra == nullptr) return nullptr;
    const auto found = extra->policies.find(static_cast<std::uint32_t>(number));
    return found == extra->policies.end() ? nullptr : &found->second;
}

std::string capacity_name(const cel::DeviceView& view, std::size_t number) {
    const auto& slot = view.capacity[number];
    const auto name = view.vocabulary->name(slot.name);
    return slot.qualified ? std::string(name.domain) + "/" + std::string(name.id)
                          : std::string(name.id);
}

Consumption consumed_by(const cel::DeviceView& view, const DeviceExtra* extra,
                        const Capacity& requested, const AmountRules& rules) {
    Consumption out;
    std::size_t known = 0;
    const auto fail = [&](std::size_t number, const std::string& why) {
        if (!out.error.empty()) return;
        out.error = "capacity \"" + capacity_name(view, number) + "\": " + why;
    };
    for (std::size_t i = 0; i < view.capacity.size(); ++i) {
        const Quantity* wanted = nullptr;
        if (!requested.empty()) {
            const auto found = requested.find(capacity_name(view, i));
            if (found != requested.end()) wanted = &found->second;
        }
        if (wanted != nullptr) ++known;
        const auto* policy = policy_of(extra, i);
        auto taken = amount(wanted, *view.capacity[i].quantity, policy, rules);
        if (!taken.ok()) fail(i, taken.error().message());
        out.amounts.push_back(taken.ok() ? *std::move(taken) : Quantity());
        if (rules.checked && out.amounts.back().sign() < 0) fail(i, "capacity value is negative");
        const bool allowed = policy == nullptr || !violates(out.amounts.back(), *policy, rules);
        if (allowed || out.verdict != Consumption::Verdict::kPossible) continue;
        out.verdict = Consumption::Verdict::kForbidden;
        out.number = i;
    }
    if (known == requested.size() && !out.error.empty()) out.verdict = Consumption::Verdict::kOdd;
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
