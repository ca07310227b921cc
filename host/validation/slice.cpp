// SPDX-License-Identifier: Apache-2.0
//
// Rules of ResourceSlice and DeviceTaintRule.
#include "host/model/semver.hpp"
#include "host/validation/checks.hpp"
#include "host/validation/schema.hpp"
#include "host/validation/validation.hpp"

namespace knd::validation {
namespace {

constexpr std::string_view kOneValue = "exactly one value must be specified";
constexpr std::string_view kOnlyTrue = "must be either unset or set to true";
constexpr const char* kListForms[] = {"bools", "ints", "strings", "versions"};

/// Adds `name` to `set` when the flag is true; it may not be false.
void check_flag(const JsonField& flag, const char* name, std::vector<std::string>& set,
                Report& report) {
    if (!flag.present()) return;
    if (flag.json() == true)
        set.emplace_back(name);
    else
        report.add(api::field_invalid(flag.path(), flag.json(), kOnlyTrue));
}

std::string braced(const std::vector<std::string>& names) {
    std::string text;
    for (const auto& name : names)
        text.append(text.empty() ? "{" : ", ").append(name);
    return text + "}";
}

void check_slice_place(const JsonField& spec, Report& report) {
    constexpr std::string_view kRule =
        "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is "
        "required";
    std::vector<std::string> set;
    if (const auto name = spec["nodeName"]; name.present()) {
        if (name.text_or_empty().empty()) {
            report.add(api::field_invalid(name.path(), name.json(),
                                          "must be either unset or set to a non-empty string"));
        } else {
            set.emplace_back("`nodeName`");
            check_node_name(name, report);
        }
    }
    if (const auto selector = spec["nodeSelector"]; selector.present()) {
        set.emplace_back("`nodeSelector`");
        check_node_selector(selector, report);
        const auto terms = selector["nodeSelectorTerms"];
        // One term, so that selectors of several slices can be merged.
        if (terms.size() != 1)
            report.add(api::field_invalid_as(terms.path(),
                                             go_text(*Schema::instance().find("[]NodeSelectorTerm"),
                                                     terms.json(), report.minor()),
                                             "must have exactly one node selector term"));
    }
    check_flag(spec["allNodes"], "`allNodes`", set, report);
    check_flag(spec["perDeviceNodeSelection"], "`perDeviceNodeSelection`", set, report);
    if (set.empty()) report.add(api::field_required(spec.path(), kRule));
    if (set.size() > 1)
        report.add(api::field_invalid(spec.path(), braced(set),
                                      std::string(kRule) + ", but multiple fields are set"));
}

void check_device_place(const JsonField& device, bool own, Report& report) {
    const auto name = device["nodeName"];
    const auto selector = device["nodeSelector"];
    if (!own) {
        if (name.present() || selector.present() || device["allNodes"].present())
            report.add(api::field_invalid(
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
        report.add(api::field_invalid(name.path(), name.json(), "must not be empty"));
    } else if (name.present()) {
        set.emplace_back("`nodeName`");
        check_node_name(name, report);
    }
    if (selector.present()) {
        set.emplace_back("`nodeSelector`");
        check_node_selector(selector, report);
    }
    check_flag(device["allNodes"], "`allNodes`", set, report);
    if (set.empty()) report.add(api::field_required(device.path(), kRule));
    if (set.size() > 1) report.add(api::field_invalid(device.path(), braced(set), kRule));
}

void check_version(const JsonField& field, Report& report) {
    if (!Semver::parse(field.text_or_empty()).ok())
        report.add(api::field_invalid(field.path(), field.json(),
                                      "must be a string compatible with semver.org spec 2.0.0"));
    check_length(field, kMaxAttributeText, report);
}

void check_list_values(const JsonField& attribute, Report& report) {
    for (const auto* form : kListForms) {
        const auto list = attribute[form];
        if (list.present() && list.size() == 0)
            report.add(
                api::field_invalid(list.path(), list.json(), "must not be empty if specified"));
        list.each([&](const JsonField& one) {
            if (std::string_view(form) == "strings") check_length(one, kMaxAttributeText, report);
            if (std::string_view(form) == "versions") check_version(one, report);
        });
    }
}

void check_attribute(const JsonField& attribute, Report& report) {
    check_length(attribute["string"], kMaxAttributeText, report);
    if (attribute["version"].present()) check_version(attribute["version"], report);
    check_list_values(attribute, report);
    std::size_t values = 0, empty = 0;
    attribute.each_member([&](auto&, const JsonField& value) {
        values += value.present() ? 1 : 0;
        empty += value.json().is_array() && value.size() == 0 ? 1 : 0;
    });
    // Since 1.37 an empty list alone is no value.
    if (values == 0 || (values == 1 && empty == 1 && report.minor() >= 37))
        report.add(report.minor() >= 35 ? api::field_invalid(attribute.path(), "", kOneValue)
                                        : api::field_required(attribute.path(), kOneValue));
    if (values > 1)
        report.add(api::field_invalid_as(
            attribute.path(),
            go_text(*Schema::instance().find("DeviceAttribute"), attribute.json(), report.minor()),
            kOneValue));
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

constexpr std::size_t kMaxLabel = 63;

/// A key of a map as errors show it: cut in the middle when it is over `limit` bytes.
std::string shortened(const std::string& key, std::size_t limit) {
    if (key.size() <= limit) return key;
    constexpr std::string_view kDots = "...";
    const auto rest = limit - kDots.size();
    return key.substr(0, (rest + 1) / 2) + std::string(kDots) + key.substr(key.size() - rest / 2);
}

/// Where a key is wrong: until 1.35 in its own place, since then in the map.
std::string place_of_key(const JsonField& map, const JsonField& member, Report& report) {
    return report.minor() >= 36 ? map.path() : member.path();
}

void check_counters(const JsonField& counters, Report& report) {
    if (counters.size() == 0) return report.add(api::field_required(counters.path()));
    // Until 1.34 there were limits for the whole slice instead.
    if (report.minor() >= 35 && counters.size() > kMaxCounters)
        return report.add(api::field_too_many(counters.path(), counters.size(), kMaxCounters));
    counters.each_member([&](const std::string& name, const JsonField& one) {
        const auto key = shortened(name, kMaxLabel);
        const auto place = place_of_key(counters, one.with_key(key), report);
        add_problems(place, name, label_problems(name), report);
    });
}

/// The name of a counter set.
void check_set_name(const JsonField& name, Report& report) {
    if (name.text_or_empty().empty())
        report.add(api::field_required(name.path()));
    else
        check_label(name, report);
}

std::size_t number_of_counters(const JsonField& sets) {
    std::size_t count = 0;
    sets.each([&](const JsonField& set) { count += set["counters"].size(); });
    return count;
}

/// Of two sets of one name the last counts.
const Json* set_named(const Json& sets, std::string_view name) {
    const Json* found = nullptr;
    for (const auto& set : sets)
        if (json_string(set, "name") == name) found = &set;
    return found;
}

/// Until 1.34: not too many counters, and those of the same slice.
void check_old_consumption(const JsonField& device, const JsonField& spec, Report& report) {
    const auto consumed = device["consumesCounters"];
    const auto count = number_of_counters(consumed);
    if (count > kMaxCounters)
        report.add(api::field_invalid(
            device.path(), count,
            "the total number of counters must not exceed " + std::to_string(kMaxCounters)));
    constexpr std::string_view kPlace = " defined in the ResourceSlice sharedCounters";
    consumed.each([&](const JsonField& one) {
        const auto set = one["counterSet"];
        const auto* known = set_named(spec["sharedCounters"].json(), set.text_or_empty());
        if (known == nullptr)
            return report.add(
                api::field_invalid(set.path(), set.text_or_empty(),
                                   "must reference a counterSet" + std::string(kPlace)));
        const auto counters = one["counters"];
        counters.each_member([&](const std::string& name, const JsonField&) {
            if (!json_at(*known, "counters").contains(name))
                report.add(api::field_invalid(counters.path(), name,
                                              "must reference a counter" + std::string(kPlace)));
        });
    });
}

void check_consumption(const JsonField& device, const JsonField& spec, Report& report) {
    const auto consumed = device["consumesCounters"];
    check_set(
        consumed, report.minor() >= 35 ? kMaxConsumedSets : consumed.size(), report,
        [&](const JsonField& one) {
            if (report.minor() >= 35)
                check_set_name(one["counterSet"], report);
            else if (one["counterSet"].text_or_empty().empty())
                report.add(api::field_required(one["counterSet"].path()));
            check_counters(one["counters"], report);
            const auto groups = one["compatibilityGroups"];
            check_set(groups, kMaxCompatibilityGroups, report,
                      [&](const JsonField& group) { check_label(group, report); });
        },
        "counterSet");
    if (report.minor() < 35) check_old_consumption(device, spec, report);
}

/// visit(field) for each member, whose key is a qualified name.
void check_named(const JsonField& map, Report& report,
                 const std::function<void(const JsonField&)>& visit) {
    map.each_member([&](const std::string& name, const JsonField& one) {
        const auto key = shortened(name, kMaxDriverName + 1 + kMaxAttributeId);
        const auto member = one.with_key(key);
        check_qualified_name(place_of_key(map, member, report), name, report);
        visit(member);
    });
}

void check_counts(const JsonField& device, Report& report) {
    const auto attributes = device["attributes"];
    const auto count = attributes.size() + device["capacity"].size();
    if (count > kMaxAttributesAndCapacities)
        report.add(api::field_invalid(device.path(), count,
                                      "the total number of attributes and capacities must not "
                                      "exceed " +
                                          std::to_string(kMaxAttributesAndCapacities)));
    bool has_lists = false;
    const auto values = attribute_values(attributes, has_lists);
    if (report.minor() >= 36 && values > kMaxAttributeValues)
        report.add(api::field_invalid(device.path(), values,
                                      "the total number of attribute values must not exceed " +
                                          std::to_string(kMaxAttributeValues)));
}

void check_taints(const JsonField& device, const Json& before, Report& report) {
    const auto taints = device["taints"];
    // What has not changed needs no second look: a rule may have become stricter since.
    if (report.minor() >= 35 && !before.is_null() &&
        same(*Schema::instance().find("[]DeviceTaint"), false, taints.json(),
             json_at(before, "taints")))
        return;
    check_list(taints, report.minor() >= 35 ? kMaxTaints : kMaxTaintsUntil134, report,
               [&](const JsonField& taint) { check_taint(taint, Json(), report); });
}

/// `before` is the device of the same name in the stored slice, if any.
void check_device(const JsonField& device, const Json& before, const JsonField& spec,
                  Report& report) {
    check_label(device["name"], report);
    // In 1.32 there could have been other sorts of devices.
    if (report.minor() < 33 && device.json().contains("basic"))
        return report.add(api::field_required(device["basic"].path()));
    check_counts(device, report);
    check_named(device["attributes"], report,
                [&](const JsonField& attribute) { check_attribute(attribute, report); });
    const bool shared = device["allowMultipleAllocations"].json() == true;
    const auto capacity = device["capacity"];
    const bool unchanged = report.minor() >= 37 && !before.is_null() &&
                           same(*Schema::instance().find("map:DeviceCapacity"), false,
                                capacity.json(), json_at(before, "capacity"));
    if (!unchanged)
        check_named(capacity, report,
                    [&](const JsonField& one) { check_capacity(one, shared, report); });
    check_taints(device, before, report);
    check_consumption(device, spec, report);
    check_device_place(device, spec["perDeviceNodeSelection"].json() == true, report);
    check_binding_conditions(device, report);
    check_node_resources(device, report);
}

void check_pool_of_slice(const JsonField& pool, Report& report) {
    check_pool(pool["name"], report);
    const auto count = pool["resourceSliceCount"].integer(0);
    if (count.ok() && *count <= 0)
        report.add(api::field_invalid(pool["resourceSliceCount"].path(), *count,
                                      "must be greater than zero"));
    const auto generation = pool["generation"].integer(0);
    if (generation.ok() && *generation < 0)
        report.add(api::field_invalid(pool["generation"].path(), *generation,
                                      "must be greater than or equal to zero"));
}

/// Dearer for the scheduler than others.
bool is_dear(const Json& device, int minor) {
    bool has_lists = false;
    attribute_values(JsonField(json_at(device, "attributes"), ""), has_lists);
    return minor >= 35 && (has_lists || !json_at(device, "taints").empty() ||
                           !json_at(device, "consumesCounters").empty());
}

const Json& device_named(const Json& devices, std::string_view name) {
    static const Json kNone;
    const auto found = std::find_if(devices.begin(), devices.end(), [&](const Json& device) {
        return json_string(device, "name") == name;
    });
    return found == devices.end() ? kNone : *found;
}

void check_devices(const JsonField& spec, const Json& before, Report& report) {
    const auto devices = spec["devices"];
    bool dear = false;
    devices.each(
        [&](const JsonField& device) { dear = dear || is_dear(device.json(), report.minor()); });
    check_set(
        devices, dear ? kMaxDearDevices : kMaxDevices, report,
        [&](const JsonField& device) {
            const auto& known = json_at(before, "devices");
            check_device(device, device_named(known, device["name"].text_or_empty()), spec, report);
        },
        "name");
}

void check_shared_counters(const JsonField& spec, Report& report) {
    const auto sets = spec["sharedCounters"];
    check_set(
        sets, report.minor() >= 35 ? kMaxCounterSets : sets.size(), report,
        [&](const JsonField& set) {
            check_set_name(set["name"], report);
            check_counters(set["counters"], report);
        },
        "name");
}

/// Until 1.34: totals.
void check_old_totals(const JsonField& spec, Report& report) {
    if (report.minor() >= 35) return;
    std::size_t consumed = 0;
    spec["devices"].each([&](const JsonField& device) {
        consumed += number_of_counters(device["consumesCounters"]);
    });
    if (consumed > kMaxConsumedUntil134)
        report.add(api::field_invalid(spec["devices"].path(), consumed,
                                      "the total number of counters in devices must not exceed " +
                                          std::to_string(kMaxConsumedUntil134)));
    const auto shared = number_of_counters(spec["sharedCounters"]);
    if (shared > kMaxCounters)
        report.add(api::field_invalid(
            spec["sharedCounters"].path(), shared,
            "the total number of shared counters must not exceed " + std::to_string(kMaxCounters)));
}

/// The attribute that tells partitions apart: a text of each device that consumes counters.
void check_partition_type(const JsonField& spec, const Json& before, Report& report) {
    const auto type = spec["partitionTypeAttribute"];
    if (!type.present()) return;
    const std::string name(type.text_or_empty());
    const auto devices = spec["devices"];
    bool consumes = false;
    devices.each([&](const JsonField& device) {
        consumes = consumes || device["consumesCounters"].size() > 0;
    });
    if (!consumes)
        report.add(api::field_invalid(
            type.path(), name,
            "may only be set on a slice which declares devices that consume counters"));
    FieldErrors malformed;
    Report names(malformed, report.gates());
    check_full_name(type, names);
    // Without the gate a stored one stays, as it is.
    if (report.gates().enabled("DRAPartitionableDevicesType"))
        for (auto& error : malformed)
            report.add(error);
    else if (type.json() != json_at(before, "partitionTypeAttribute"))
        report.add(api::field_forbidden(type.path(), ""));
    if (!consumes || !malformed.empty()) return;
    // In the driver's own domain the domain may be left out.
    const auto domain = std::string(spec["driver"].text_or_empty()) + "/";
    const auto bare = name.starts_with(domain) ? name.substr(domain.size()) : name;
    devices.each([&](const JsonField& device) {
        if (device["consumesCounters"].size() == 0) return;
        const auto attributes = device["attributes"];
        const auto path = attributes.path() + "[" + name + "]";
        const auto& own = json_at(attributes.json(), name);
        const auto& attribute = own.is_null() ? json_at(attributes.json(), bare) : own;
        if (attribute.is_null())
            report.add(api::field_required(path,
                                           "device consumes counters and `partitionTypeAttribute` "
                                           "names this attribute, so it must be set"));
        else if (json_at(attribute, "string").is_null())
            report.add(api::field_invalid_as(
                path,
                go_text(*Schema::instance().find("DeviceAttribute"), attribute, report.minor()),
                "must be a string value because `partitionTypeAttribute` names this attribute"));
    });
}

}  // namespace

void validate_slice(const Json& before, const Json& after, FieldErrors& errors,
                    const Gates& gates) {
    Report report(errors, gates);
    const JsonField root(after, "");
    const auto spec = root["spec"];
    const auto pool = spec["pool"];
    const auto& old = json_at(before, "spec");
    check_driver(spec["driver"], report);
    check_pool_of_slice(pool, report);
    if (!before.is_null()) {
        check_immutable_text(pool["name"], json_path(old, {"pool", "name"}), report);
        check_immutable_text(spec["driver"], json_at(old, "driver"), report);
        check_immutable(spec["nodeName"], json_at(old, "nodeName"), report);
    }
    check_slice_place(spec, report);
    if (report.minor() >= 35 && spec["sharedCounters"].present() && spec["devices"].present())
        report.add(api::field_invalid(spec.path(), "",
                                      "only one of `sharedCounters` or `devices` is allowed"));
    check_devices(spec, old, report);
    check_old_totals(spec, report);
    check_shared_counters(spec, report);
    check_partition_type(spec, old, report);
    check_skipped_operations(spec["skipNodeOperations"], report);
}

void validate_taint_rule(const Json& before, const Json& after, FieldErrors& errors,
                         const Gates& gates) {
    Report report(errors, gates);
    const JsonField root(after, "");
    const auto spec = root["spec"];
    const auto selector = spec["deviceSelector"];
    if (selector["driver"].present()) check_driver(selector["driver"], report);
    if (selector["pool"].present()) check_pool(selector["pool"], report);
    if (selector["device"].present()) check_label(selector["device"], report);
    check_taint(spec["taint"], json_path(before, {"spec", "taint"}), report);
}

}  // namespace knd::validation
