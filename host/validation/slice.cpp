// SPDX-License-Identifier: Apache-2.0
//
// Rules of ResourceSlice and DeviceTaintRule.
#include "host/model/object_read.hpp"
#include "host/model/semver.hpp"
#include "host/validation/checks.hpp"
#include "host/validation/validation.hpp"

namespace knd::validation {
namespace {

constexpr std::string_view kOneValue = "exactly one value must be specified";
constexpr std::string_view kOnlyTrue = "must be either unset or set to true";
constexpr const char* kListForms[] = {"bools", "ints", "strings", "versions"};

/// Adds `name` to `set` when the flag is true; it may not be false.
void check_flag(const JsonField& flag, const char* name, std::vector<std::string>& set,
                FieldErrors& errors) {
    if (!flag.present()) return;
    if (flag.json() == true)
        set.emplace_back(name);
    else
        errors.push_back(api::field_invalid(flag.path(), flag.json(), kOnlyTrue));
}

std::string braced(const std::vector<std::string>& names) {
    std::string text;
    for (const auto& name : names)
        text.append(text.empty() ? "{" : ", ").append(name);
    return text + "}";
}

void check_slice_place(const JsonField& spec, FieldErrors& errors) {
    constexpr std::string_view kRule =
        "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is "
        "required";
    std::vector<std::string> set;
    if (const auto name = spec["nodeName"]; name.present()) {
        if (name.text_or_empty().empty()) {
            errors.push_back(api::field_invalid(
                name.path(), name.json(), "must be either unset or set to a non-empty string"));
        } else {
            set.emplace_back("`nodeName`");
            check_node_name(name, errors);
        }
    }
    if (const auto selector = spec["nodeSelector"]; selector.present()) {
        set.emplace_back("`nodeSelector`");
        check_node_selector(selector, errors);
        const auto terms = selector["nodeSelectorTerms"];
        // One term, so that selectors of several slices can be merged.
        if (terms.size() != 1)
            errors.push_back(api::field_invalid(terms.path(), terms.json(),
                                                "must have exactly one node selector term"));
    }
    check_flag(spec["allNodes"], "`allNodes`", set, errors);
    check_flag(spec["perDeviceNodeSelection"], "`perDeviceNodeSelection`", set, errors);
    if (set.empty()) errors.push_back(api::field_required(spec.path(), kRule));
    if (set.size() > 1)
        errors.push_back(api::field_invalid(spec.path(), braced(set),
                                            std::string(kRule) + ", but multiple fields are set"));
}

void check_device_place(const JsonField& device, const JsonField& body, bool own,
                        FieldErrors& errors) {
    const auto name = body["nodeName"];
    const auto selector = body["nodeSelector"];
    if (!own) {
        if (name.present() || selector.present() || body["allNodes"].present())
            errors.push_back(api::field_invalid(
                device.path(), nullptr,
                "`nodeName`, `nodeSelector` and `allNodes` can only be set if "
                "`perDeviceNodeSelection` is set to true in the ResourceSlice spec"));
        return;
    }
    constexpr std::string_view kRule =
        "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when "
        "`perDeviceNodeSelection` is set to true in the ResourceSlice spec";
    std::vector<std::string> set;
    if (name.present() && name.text_or_empty().empty()) {
        errors.push_back(api::field_invalid(name.path(), name.json(), "must not be empty"));
    } else if (name.present()) {
        set.emplace_back("`nodeName`");
        check_node_name(name, errors);
    }
    if (selector.present()) {
        set.emplace_back("`nodeSelector`");
        check_node_selector(selector, errors);
    }
    check_flag(body["allNodes"], "`allNodes`", set, errors);
    if (set.empty()) errors.push_back(api::field_required(device.path(), kRule));
    if (set.size() > 1) errors.push_back(api::field_invalid(device.path(), braced(set), kRule));
}

void check_version(const JsonField& field, FieldErrors& errors) {
    if (!Semver::parse(field.text_or_empty()).ok())
        errors.push_back(api::field_invalid(
            field.path(), field.json(), "must be a string compatible with semver.org spec 2.0.0"));
    check_length(field, kMaxAttributeText, errors);
}

void check_attribute(const JsonField& attribute, FieldErrors& errors) {
    check_length(attribute["string"], kMaxAttributeText, errors);
    if (attribute["version"].present()) check_version(attribute["version"], errors);
    for (const auto* form : kListForms) {
        const auto list = attribute[form];
        if (list.json().is_array() && list.size() == 0)
            errors.push_back(
                api::field_invalid(list.path(), list.json(), "must not be empty if specified"));
    }
    attribute["strings"].each(
        [&](const JsonField& one) { check_length(one, kMaxAttributeText, errors); });
    attribute["versions"].each([&](const JsonField& one) { check_version(one, errors); });
    std::size_t values = 0;
    attribute.each_member(
        [&](auto&, const JsonField& value) { values += value.present() ? 1 : 0; });
    if (values == 0) errors.push_back(api::field_invalid(attribute.path(), "", kOneValue));
    if (values > 1)
        errors.push_back(api::field_invalid(attribute.path(), attribute.json(), kOneValue));
}

/// Elements of list attributes count one each.
std::size_t attribute_values(const JsonField& attributes, bool& has_lists) {
    std::size_t count = 0;
    attributes.each_member([&](auto&, const JsonField& attribute) {
        std::size_t elements = 0;
        for (const auto* form : kListForms) {
            has_lists = has_lists || attribute[form].present();
            elements += attribute[form].size();
        }
        count += elements == 0 ? 1 : elements;
    });
    return count;
}

void check_policy_values(const JsonField& values, const Quantity& total, const Quantity& standard,
                         FieldErrors& errors) {
    std::optional<Quantity> previous;
    values.each([&](const JsonField& value) {
        const auto option = value.quantity();
        if (!option.ok()) return;
        if (previous && *previous > *option)
            errors.push_back(api::field_invalid(value.path(), option->text(),
                                                "values must be sorted in ascending order"));
        previous = *option;
    });
    bool found = false;
    check_set(
        values, kMaxValidValues, errors,
        [&](const JsonField& value) {
            const auto option = value.quantity();
            if (!option.ok()) return;
            if (*option > total)
                errors.push_back(
                    api::field_invalid(value.path(), option->text(),
                                       "option is larger than capacity value: " + total.text()));
            found = found || *option == standard;
        },
        [](const JsonField& value) -> Json {
            const auto option = value.quantity();
            return option.ok() ? Json(std::to_string(option->value_rounded_up())) : value.json();
        });
    if (!found)
        errors.push_back(
            api::field_invalid(values.path(), standard.text(),
                               "default value is not valid according to the requestPolicy"));
}

void check_step(const JsonField& field, const Quantity& value, const Quantity& min,
                const Quantity& step, FieldErrors& errors) {
    const auto unit = step.value_rounded_up();
    __extension__ using Wide = __int128;
    const auto distance = Wide{value.value_rounded_up()} - min.value_rounded_up();
    // A step of zero would divide by zero in Kubernetes.
    if (unit != 0 && distance % unit == 0) return;
    errors.push_back(api::field_invalid(
        field.path(), value.text(),
        "value is not a multiple of a given step (" + step.text() + ") from (" + min.text() + ")"));
}

void check_policy_range(const JsonField& range, const Quantity& total, const Quantity& standard,
                        FieldErrors& errors) {
    const auto min = range["min"].quantity();
    const auto max = range["max"].quantity();
    const auto step = range["step"].quantity();
    const auto refuse = [&](const char* key, const Quantity& value, const std::string& why) {
        errors.push_back(api::field_invalid(range[key].path(), value.text(), why));
    };
    if (!min.ok())
        return errors.push_back(
            api::field_required(range["min"].path(), "required when validRange is defined"));
    const auto capacity = "capacity value: " + total.text();
    if (*min > total) refuse("min", *min, "min is larger than " + capacity);
    if (standard < *min) refuse("min", standard, "default is less than min: " + min->text());
    if (max.ok()) {
        if (*min > *max) refuse("max", *min, "min is larger than max: " + max->text());
        if (*max > total) refuse("max", *max, "max is larger than " + capacity);
        if (standard > *max) refuse("max", standard, "default is more than max: " + max->text());
    }
    if (!step.ok()) return;
    const auto next = *min + *step;
    if (next > total)
        refuse("step", *step, "one step " + next.text() + " is larger than " + capacity);
    check_step(range["step"], standard, *min, *step, errors);
    if (max.ok()) check_step(range["step"], *max, *min, *step, errors);
}

void check_capacity(const JsonField& capacity, bool shared, FieldErrors& errors) {
    const auto policy = capacity["requestPolicy"];
    if (!policy.present()) return;
    if (!shared)
        return errors.push_back(
            api::field_forbidden(policy.path(), "allowMultipleAllocations must be true"));
    const auto values = policy["validValues"];
    const auto range = policy["validRange"];
    if (values.size() > 0 && range.present())
        return errors.push_back(api::field_forbidden(
            policy.path(),
            "exactly one policy can be specified, cannot specify \"validValues\" "
            "and \"validRange\" at the same time"));
    if (values.size() == 0 && !range.present()) return;
    const auto standard = policy["default"].quantity();
    const auto total = capacity["value"].quantity();
    if (!standard.ok())
        errors.push_back(api::field_required(policy["default"].path(),
                                             std::string("required when ") +
                                                 (range.present() ? "validRange" : "validValues") +
                                                 " is defined"));
    else if (total.ok() && range.present())
        check_policy_range(range, *total, *standard, errors);
    else if (total.ok())
        check_policy_values(values, *total, *standard, errors);
}

void check_counters(const JsonField& counters, FieldErrors& errors) {
    if (counters.size() == 0) return errors.push_back(api::field_required(counters.path()));
    if (counters.size() > kMaxCounters)
        return errors.push_back(
            api::field_too_many(counters.path(), counters.size(), kMaxCounters));
    counters.each_member([&](const std::string& name, auto&) {
        add_problems(counters.path(), name, label_problems(name), errors);
    });
}

/// The name of a counter set.
void check_set_name(const JsonField& name, FieldErrors& errors) {
    if (name.text_or_empty().empty())
        errors.push_back(api::field_required(name.path()));
    else
        check_label(name, errors);
}

void check_consumption(const JsonField& body, FieldErrors& errors) {
    check_set(
        body["consumesCounters"], kMaxConsumedSets, errors,
        [&](const JsonField& consumed) {
            check_set_name(consumed["counterSet"], errors);
            check_counters(consumed["counters"], errors);
        },
        [](const JsonField& consumed) { return consumed["counterSet"].json(); });
}

/// `body` is the device, or its `basic` in v1beta1, named as if it were the device.
void check_device(const JsonField& device, const JsonField& body, bool own_place,
                  FieldErrors& errors) {
    check_label(device["name"], errors);
    const auto attributes = body["attributes"];
    const auto capacity = body["capacity"];
    if (const auto count = attributes.size() + capacity.size(); count > kMaxAttributesAndCapacities)
        errors.push_back(
            api::field_invalid(device.path(), count,
                               "the total number of attributes and capacities must not exceed " +
                                   std::to_string(kMaxAttributesAndCapacities)));
    bool has_lists = false;
    if (const auto count = attribute_values(attributes, has_lists); count > kMaxAttributeValues)
        errors.push_back(
            api::field_invalid(device.path(), count,
                               "the total number of attribute values must not exceed " +
                                   std::to_string(kMaxAttributeValues)));
    attributes.each_member([&](const std::string& name, const JsonField& attribute) {
        check_qualified_name(attributes.path(), name, errors);
        check_attribute(attribute, errors);
    });
    const bool shared = body["allowMultipleAllocations"].json() == true;
    capacity.each_member([&](const std::string& name, const JsonField& one) {
        check_qualified_name(capacity.path(), name, errors);
        check_capacity(one, shared, errors);
    });
    check_list(body["taints"], kMaxTaints, errors,
               [&](const JsonField& taint) { check_taint(taint, errors); });
    check_consumption(body, errors);
    check_device_place(device, body, own_place, errors);
    check_binding_conditions(body, errors);
}

void check_pool_of_slice(const JsonField& pool, FieldErrors& errors) {
    check_pool(pool["name"], errors);
    const auto count = pool["resourceSliceCount"].integer(0);
    if (count.ok() && *count <= 0)
        errors.push_back(api::field_invalid(pool["resourceSliceCount"].path(), *count,
                                            "must be greater than zero"));
    const auto generation = pool["generation"].integer(0);
    if (generation.ok() && *generation < 0)
        errors.push_back(api::field_invalid(pool["generation"].path(), *generation,
                                            "must be greater than or equal to zero"));
}

bool is_dear(const Json& body) {
    bool has_lists = false;
    attribute_values(JsonField(json_at(body, "attributes"), ""), has_lists);
    return has_lists || !json_at(body, "taints").empty() ||
           !json_at(body, "consumesCounters").empty();
}

void check_devices(const JsonField& spec, FieldErrors& errors) {
    const auto devices = spec["devices"];
    bool dear = false;
    devices.each(
        [&](const JsonField& device) { dear = dear || is_dear(api::device_body(device.json())); });
    const bool own_place = spec["perDeviceNodeSelection"].json() == true;
    check_set(
        devices, dear ? kMaxDearDevices : kMaxDevices, errors,
        [&](const JsonField& device) {
            const auto body = device.in_place_of(api::device_body(device.json()));
            check_device(device, body, own_place, errors);
        },
        [](const JsonField& device) { return device["name"].json(); });
}

}  // namespace

void validate_slice(const Json& before, const Json& after, FieldErrors& errors) {
    const JsonField root(after, "");
    const auto spec = root["spec"];
    const auto pool = spec["pool"];
    check_driver(spec["driver"], errors);
    check_pool_of_slice(pool, errors);
    if (!before.is_null()) {
        const auto& old = json_at(before, "spec");
        check_immutable(pool["name"], json_path(old, {"pool", "name"}), errors);
        check_immutable(spec["driver"], json_at(old, "driver"), errors);
        check_immutable(spec["nodeName"], json_at(old, "nodeName"), errors);
    }
    check_slice_place(spec, errors);
    if (spec["sharedCounters"].present() && spec["devices"].present())
        errors.push_back(api::field_invalid(spec.path(), "",
                                            "only one of `sharedCounters` or `devices` is "
                                            "allowed"));
    check_devices(spec, errors);
    check_set(
        spec["sharedCounters"], kMaxCounterSets, errors,
        [&](const JsonField& set) {
            check_set_name(set["name"], errors);
            check_counters(set["counters"], errors);
        },
        [](const JsonField& set) { return set["name"].json(); });
}

void validate_taint_rule(const Json&, const Json& after, FieldErrors& errors) {
    const JsonField root(after, "");
    const auto spec = root["spec"];
    const auto selector = spec["deviceSelector"];
    if (selector["driver"].present()) check_driver(selector["driver"], errors);
    if (selector["pool"].present()) check_pool(selector["pool"], errors);
    if (selector["device"].present()) check_label(selector["device"], errors);
    check_taint(spec["taint"], errors);
}

}  // namespace knd::validation
