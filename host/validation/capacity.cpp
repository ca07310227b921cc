// SPDX-License-Identifier: Apache-2.0
//
// Rules of a device's capacity: how it may be shared, and what it takes of the node.
#include <limits>
#include <optional>

#include "host/validation/checks.hpp"
#include "host/validation/validation.hpp"

namespace knd::validation {
namespace {

/// A number, and how it was written.
struct Amount {
    Quantity value;
    std::string text;
};

std::optional<Amount> amount_of(const JsonField& field) {
    const auto read = field.quantity();
    if (!read.ok()) return std::nullopt;
    const auto text = field.text_or_empty();
    return Amount{*read, text.empty() ? read->text() : std::string(text)};
}

void check_order(const JsonField& values, Report& report) {
    std::optional<Amount> previous;
    values.each([&](const JsonField& value) {
        const auto option = amount_of(value);
        if (!option) return;
        if (previous && previous->value > option->value)
            report.add(api::field_invalid(value.path(), option->text,
                                          "values must be sorted in ascending order"));
        previous = option;
    });
}

/// Compared as whole numbers, as long as there are no others; those as decimals.
/// Upstream takes "0.5" and "500m" for different ones then; here they have been made equal before.
void check_repetition(const JsonField& values, Report& report) {
    const bool exact = report.gates().enabled("DRAFractionalCapacityRange");
    std::set<std::string> seen;
    values.each([&](const JsonField& value) {
        const auto option = amount_of(value);
        if (!option) return;
        const auto [known, is_new] =
            seen.insert(exact ? option->value.decimal_text()
                              : std::to_string(option->value.overflowing_value()));
        if (!is_new) report.add(api::field_duplicate(value.path(), *known));
    });
}

void check_policy_values(const JsonField& values, const Amount& total, const Amount& standard,
                         Report& report) {
    check_order(values, report);
    bool found = false;
    check_list(values, kMaxValidValues, report, [&](const JsonField& value) {
        const auto option = amount_of(value);
        if (!option) return;
        if (option->value > total.value)
            report.add(api::field_invalid(value.path(), option->text,
                                          "option is larger than capacity value: " + total.text));
        found = found || option->value == standard.value;
    });
    if (values.size() <= kMaxValidValues) check_repetition(values, report);
    if (!found)
        report.add(api::field_invalid(values.path(), standard.text,
                                      "default value is not valid according to the requestPolicy"));
}

/// A request policy's range with what is measured by it.
struct Range {
    const JsonField& field;
    Amount total;
    Amount standard;
    Amount min;
    std::optional<Amount> max;
    std::optional<Amount> step;
    /// Numbers are compared in milli-units, since 1.37 and if one of them is not whole.
    bool milli = false;

    void refuse(const char* key, const Amount& value, std::string_view why, Report& report) const {
        report.add(api::field_invalid(field[key].path(), value.text, why));
    }
    /// visit(key, amount) for each that is there.
    template <class Visit>
    void each(Visit visit) const {
        visit("default", standard);
        visit("min", min);
        if (max) visit("max", *max);
        if (step) visit("step", *step);
    }
};

void check_step(const Range& range, const Amount& value, Report& report) {
    const auto number = [&](const Quantity& quantity) {
        return range.milli ? quantity.milli_value_rounded_up() : quantity.overflowing_value();
    };
    // As wide as upstream's: what does not fit is arbitrary, but the same everywhere.
    const auto unit = number(range.step->value);
    const auto distance =
        static_cast<std::int64_t>(static_cast<std::uint64_t>(number(value.value)) -
                                  static_cast<std::uint64_t>(number(range.min.value)));
    // A step of zero would divide by zero in Kubernetes until 1.36, and INT64_MIN % -1 here.
    if (unit == -1 || (unit != 0 && distance % unit == 0)) return;
    range.refuse("step", value,
                 "value is not a multiple of a given step (" + range.step->text + ") from (" +
                     range.min.text + ")",
                 report);
}

/// Whether all fit into what the steps are counted in.
bool check_size(const Range& range, Report& report) {
    const auto known = report.size();
    range.each([&](const char* key, const Amount& one) {
        if (one.value.sign() < 0)
            range.refuse(key, one, "must be greater than or equal to 0", report);
        else if (one.value > Quantity(std::numeric_limits<std::int64_t>::max()))
            range.refuse(key, one, "must not be larger than 9223372036854775807", report);
    });
    return report.size() == known;
}

bool check_milli(const Range& range, Report& report) {
    const auto known = report.size();
    range.each([&](const char* key, const Amount& one) {
        if (one.value != Quantity::from_milli(one.value.milli_value_rounded_up()))
            range.refuse(key, one, "value cannot be represented as a milli value", report);
    });
    return report.size() == known;
}

void check_steps(const Range& range, Report& report) {
    if (!range.step) return;
    const bool newer = report.minor() >= 37;
    if (newer && range.step->value.sign() <= 0)
        return range.refuse("step", *range.step, "must be greater than zero", report);
    const auto next = range.min.value + range.step->value;
    if (next > range.total.value)
        range.refuse(
            "step", *range.step,
            "one step " + next.text() + " is larger than capacity value: " + range.total.text,
            report);
    if (newer && !range.milli && !check_size(range, report)) return;
    check_step(range, range.standard, report);
    if (range.max) check_step(range, *range.max, report);
}

bool is_fractional(const Quantity& value) {
    return Quantity(value.value_rounded_up()) != value &&
           value < Quantity(std::numeric_limits<std::int64_t>::max());
}

void check_bounds(const Range& range, Report& report) {
    const auto capacity = "capacity value: " + range.total.text;
    // Until 1.36 the bound was blamed for what is wrong with the default.
    const bool newer = report.minor() >= 37;
    if (range.min.value > range.total.value)
        range.refuse("min", range.min, "min is larger than " + capacity, report);
    if (range.standard.value < range.min.value)
        range.refuse(newer ? "default" : "min", range.standard,
                     "default is less than min: " + range.min.text, report);
    if (!range.max) return;
    if (range.min.value > range.max->value)
        range.refuse("max", range.min, "min is larger than max: " + range.max->text, report);
    if (range.max->value > range.total.value)
        range.refuse("max", *range.max, "max is larger than " + capacity, report);
    if (range.standard.value > range.max->value)
        range.refuse(newer ? "default" : "max", range.standard,
                     "default is more than max: " + range.max->text, report);
}

void check_policy_range(const JsonField& field, const Amount& total, const Amount& standard,
                        Report& report) {
    const auto min = amount_of(field["min"]);
    if (!min)
        return report.add(
            api::field_required(field["min"].path(), "required when validRange is defined"));
    Range range{field, total, standard, *min, amount_of(field["max"]), amount_of(field["step"])};
    check_bounds(range, report);
    if (report.gates().enabled("DRAFractionalCapacityRange"))
        range.each([&](const char*, const Amount& one) {
            range.milli = range.milli || is_fractional(one.value);
        });
    if (range.milli && !check_milli(range, report)) return;
    check_steps(range, report);
}

void check_capacity_key(const JsonField& key, const Json& capacity, Report& report) {
    if (!key.present()) return;
    if (key.text_or_empty().empty())
        report.add(api::field_invalid(key.path(), "", "capacityKey must not be an empty string"));
    else if (!capacity.is_object() || !capacity.contains(key.text_or_empty()))
        report.add(api::field_not_found(key.path(), key.json()));
}

/// Of the mappings of 1.36.
void check_old_mapping(const JsonField& mapping, const std::string& resource, const Json& capacity,
                       Report& report) {
    const auto multiplier = mapping["allocationMultiplier"];
    const auto key = mapping["capacityKey"];
    if (resource.find('/') != std::string::npos &&
        resource.find("kubernetes.io/") == std::string::npos)
        report.add(api::field_invalid_as(mapping.path(), api::go_json(resource),
                                         "must be a node allocatable resource name"));
    if (!multiplier.present() && !key.present())
        return report.add(api::field_invalid(
            mapping.path(), "", "at least one of allocationMultiplier or capacityKey must be set"));
    if (const auto number = amount_of(multiplier); number && number->value.sign() <= 0)
        report.add(api::field_invalid(multiplier.path(), number->text, "must be positive"));
    check_capacity_key(key, capacity, report);
}

void check_positive(const JsonField& field, Report& report) {
    if (const auto number = amount_of(field); number && number->value.sign() <= 0)
        report.add(api::field_invalid(field.path(), number->text, "must be positive"));
}

void check_mapping(const JsonField& mapping, const Json& capacity, Report& report) {
    const auto key = mapping["capacityKey"];
    const auto multiplier = mapping["capacityMultiplier"];
    check_capacity_key(key, capacity, report);
    if (key.present() && !multiplier.present())
        report.add(api::field_required(multiplier.path(),
                                       "capacityMultiplier is required when capacityKey is set"));
    if (key.present()) check_positive(multiplier, report);
    const auto whole = mapping["deviceMultiplier"];
    check_positive(whole, report);
    if (key.present() == whole.present())
        report.add(api::field_invalid(
            mapping.path(), key.present() ? "{capacityKey, deviceMultiplier}" : "",
            key.present() ? "must specify exactly one of: `capacityKey`, `deviceMultiplier`"
                          : "must specify one of: `capacityKey`, `deviceMultiplier`"));
    if (multiplier.present() && !key.present())
        report.add(api::field_required(key.path(),
                                       "capacityKey is required when capacityMultiplier is set"));
}

void check_overhead(const JsonField& overhead, Report& report) {
    if (!overhead["perPod"].present() && !overhead["perContainer"].present())
        return report.add(api::field_invalid(overhead.path(), "",
                                             "at least one of perPod or perContainer must be set"));
    for (const auto* key : {"perPod", "perContainer"})
        if (const auto number = amount_of(overhead[key]); number && number->value.sign() < 0)
            report.add(
                api::field_invalid(overhead[key].path(), number->text, "must be non-negative"));
}

/// Since 1.37.
void check_node_resource(const JsonField& entry, const std::string& resource, const Json& capacity,
                         Report& report) {
    if (resource != "cpu" && resource != "memory" && !resource.starts_with("hugepages-"))
        report.add(api::field_invalid_as(entry.path(), api::go_json(resource),
                                         "must be a node allocatable resource name"));
    const auto mapping = entry["mapping"];
    const auto overhead = entry["overhead"];
    if (!mapping.present() && !overhead.present())
        report.add(
            api::field_required(entry.path(), "at least one of mapping or overhead must be set"));
    if (mapping.present()) check_mapping(mapping, capacity, report);
    if (overhead.present()) check_overhead(overhead, report);
}

}  // namespace

void check_capacity(const JsonField& capacity, bool shared, Report& report) {
    const auto policy = capacity["requestPolicy"];
    if (!policy.present()) return;
    if (!shared)
        return report.add(
            api::field_forbidden(policy.path(), "allowMultipleAllocations must be true"));
    const auto values = policy["validValues"];
    const auto range = policy["validRange"];
    if (values.size() > 0 && range.present())
        return report.add(api::field_forbidden(
            policy.path(),
            "exactly one policy can be specified, cannot specify \"validValues\" "
            "and \"validRange\" at the same time"));
    if (values.size() == 0 && !range.present()) return;
    const auto standard = amount_of(policy["default"]);
    const auto total = amount_of(capacity["value"]);
    if (!standard)
        report.add(api::field_required(policy["default"].path(),
                                       std::string("required when ") +
                                           (range.present() ? "validRange" : "validValues") +
                                           " is defined"));
    else if (total && range.present())
        check_policy_range(range, *total, *standard, report);
    else if (total)
        check_policy_values(values, *total, *standard, report);
}

void check_node_resources(const JsonField& device, Report& report) {
    const auto& capacity = device["capacity"].json();
    device["nodeAllocatableResourceMappings"].each_member(
        [&](const std::string& resource, const JsonField& mapping) {
            check_old_mapping(mapping, resource, capacity, report);
        });
    device["nodeAllocatableResources"].each_member(
        [&](const std::string& resource, const JsonField& entry) {
            check_node_resource(entry, resource, capacity, report);
        });
}

}  // namespace knd::validation
