// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/capacity_policy.hpp"

#include <optional>
#include <string>

#include "host/model/quantity.hpp"
#include "host/plugin/names.hpp"

namespace knd::plugin {
namespace {

Error invalid(std::string text) {
    return {Code::kInvalidArgument, std::move(text)};
}

/// A quantity of the policy with how it was written.
struct Amount {
    std::string name;  ///< "min"
    Quantity value;
    std::string text;
};

Result<std::optional<Amount>> read_amount(const char* name, const char* text) {
    const auto written = view(text);
    if (written.empty()) return std::optional<Amount>();
    const auto value = Quantity::parse(written);
    const auto where = std::string(name) + " " + quoted(written);
    if (!value.ok()) return invalid(where + " is no quantity");
    if (value->sign() < 0) return invalid(where + " is negative");
    return std::optional<Amount>({name, *value, std::string(written)});
}

std::string text_of(const Amount& amount) {
    return amount.name + " " + amount.text;
}

Result<void> check_order(const Amount& low, const Amount& high) {
    if (low.value <= high.value) return {};
    return invalid(text_of(low) + " is more than " + text_of(high));
}

/// The scheduler counts steps in whole numbers.
Result<void> check_steps(const Amount& step, const Amount& min, const Amount& standard,
                         const std::optional<Amount>& max, const Amount& total) {
    for (const auto* one : {&step, &min, &standard, max ? &*max : &min}) {
        if (!one->value.as_int64()) {
            return invalid(text_of(*one) + " must be a whole number, as there is a step");
        }
    }
    const auto unit = *step.value.as_int64();
    if (unit == 0) return invalid("step must be more than 0");
    if (min.value + step.value > total.value) {
        return invalid(text_of(min) + " and one " + text_of(step) + " are more than " +
                       text_of(total));
    }
    const auto first = *min.value.as_int64();
    for (const auto* one : {&standard, max ? &*max : &standard}) {
        if ((*one->value.as_int64() - first) % unit != 0) {
            return invalid(text_of(*one) + " is not " + text_of(min) + " and a multiple of " +
                           text_of(step));
        }
    }
    return {};
}

Result<void> read_values(const knd_capacity_policy& policy, const Amount& standard,
                         const Amount& total, CapacityPolicy& result) {
    if (policy.valid_count > kMaxValidValues || policy.valid_values == nullptr) {
        return invalid("there are " + std::to_string(policy.valid_count) +
                       " valid values, at most 10 are allowed");
    }
    std::optional<Quantity> previous;
    bool has_default = false;
    for (std::uint32_t i = 0; i < policy.valid_count; ++i) {
        KND_TRY_ASSIGN(const auto value, read_amount("valid value", policy.valid_values[i]));
        if (!value) return invalid("a valid value is empty");
        KND_TRY(check_order(*value, total));
        // Until 1.36 they are compared as whole numbers: "1.5" and "2" are one.
        if (previous && (*previous >= value->value ||
                         previous->overflowing_value() == value->value.overflowing_value())) {
            return invalid("valid values must ascend by whole numbers, " + value->text +
                           " does not");
        }
        previous = value->value;
        has_default = has_default || value->value == standard.value;
        result.valid_values.push_back(value->text);
    }
    if (!has_default) return invalid(text_of(standard) + " is none of the valid values");
    return {};
}

}  // namespace

Result<CapacityPolicy> read_policy(const knd_capacity_policy& policy, std::string_view total_text) {
    KND_TRY_ASSIGN(auto total, Quantity::parse(total_text));
    const Amount whole{"the capacity", total, std::string(total_text)};
    KND_TRY_ASSIGN(const auto standard, read_amount("default", policy.default_value));
    KND_TRY_ASSIGN(const auto min, read_amount("min", policy.min));
    KND_TRY_ASSIGN(const auto max, read_amount("max", policy.max));
    KND_TRY_ASSIGN(const auto step, read_amount("step", policy.step));
    if (!standard) return invalid("there is no default");
    CapacityPolicy result;
    result.default_value = standard->text;
    if (policy.valid_count > 0) {
        if (min || max || step) return invalid("there are valid values and a range");
        KND_TRY(read_values(policy, *standard, whole, result));
        return result;
    }
    if (!min) return invalid("there is neither a min nor a valid value");
    KND_TRY(check_order(*min, *standard));
    KND_TRY(check_order(*standard, max ? *max : whole));
    if (max) KND_TRY(check_order(*max, whole));
    if (step) KND_TRY(check_steps(*step, *min, *standard, max, whole));
    result.min = min->text;
    result.max = max ? max->text : "";
    result.step = step ? step->text : "";
    return result;
}

}  // namespace knd::plugin
