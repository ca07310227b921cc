// SPDX-License-Identifier: Apache-2.0
//
// Rules of ResourceSlice.
#include "host/model/semver.hpp"
#include "tools/local/api/clock.hpp"
#include "tools/local/api/rules.hpp"
#include "tools/local/api/schema.hpp"

namespace knd::api {
namespace {

constexpr std::size_t kMaxAttributesAndCapacities = 32;
constexpr std::size_t kMaxCounters = 32;
/// Devices with taints or counters are dearer for the scheduler, so a slice holds fewer of them.
constexpr std::size_t kMaxDearDevices = 64;

/// Names of those of the four ways to say "where" that are set, with errors for false and "".
std::vector<std::string> node_choices(const Json& holder, const std::string& path,
                                      FieldErrors& errors) {
    std::vector<std::string> set;
    if (holder.contains("nodeName")) {
        if (holder["nodeName"] != "")
            set.emplace_back("`nodeName`");
        else
            errors.push_back(field_invalid(path + ".nodeName", "",
                                           "must be either unset or set to a non-empty string"));
    }
    if (holder.contains("nodeSelector")) {
        set.emplace_back("`nodeSelector`");
        validate_node_selector(holder["nodeSelector"], path + ".nodeSelector", true, errors);
    }
    for (const auto* flag : {"allNodes", "perDeviceNodeSelection"}) {
        if (!holder.contains(flag)) continue;
        if (holder[flag] == true)
            set.push_back("`" + std::string(flag) + "`");
        else
            errors.push_back(field_invalid(path + "." + flag, holder[flag],
                                           "must be either unset or set to true"));
    }
    return set;
}

void validate_where(const Json& holder, const std::string& path, bool in_device,
                    FieldErrors& errors) {
    const std::string rule = in_device
                                 ? "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is "
                                   "required when `perDeviceNodeSelection` is set to true in the "
                                   "ResourceSlice spec"
                                 : "exactly one of `nodeName`, `nodeSelector`, `allNodes`, "
                                   "`perDeviceNodeSelection` is required";
    const auto set = node_choices(holder, path, errors);
    if (set.size() == 1) return;
    if (set.empty()) {
        errors.push_back(field_required(path, rule));
        return;
    }
    std::string names;
    for (const auto& one : set)
        names.append(names.empty() ? "" : ", ").append(one);
    errors.push_back(
        field_invalid(path, "{" + names + "}", rule + ", but multiple fields are set"));
}

void validate_attributes(const Json& attributes, const std::string& path, FieldErrors& errors) {
    validate_keys(attributes, path, "attribute", errors);
    if (!attributes.is_object()) return;
    for (const auto& [name, attribute] : attributes.items()) {
        const auto at = path_key(path, name);
        if (attribute.empty())
            errors.push_back(field_required(at, "exactly one value must be specified"));
        else if (attribute.size() > 1)
            errors.push_back(field_invalid(at, attribute, "exactly one value must be specified"));
        if (attribute.contains("version") && !Semver::parse(json_string(attribute, "version")).ok())
            errors.push_back(
                field_invalid(at + ".version", attribute["version"],
                              "must be a string compatible with semver.org spec 2.0.0"));
    }
}

void validate_capacity(const Json& device, const std::string& path, FieldErrors& errors) {
    const auto& capacity = json_at(device, "capacity");
    validate_keys(capacity, path, "attribute", errors);
    if (!capacity.is_object()) return;
    for (const auto& [name, one] : capacity.items()) {
        const auto& policy = json_at(one, "requestPolicy");
        if (policy.is_null()) continue;
        const auto at = path_key(path, name) + ".requestPolicy";
        if (!json_bool(device, "allowMultipleAllocations"))
            errors.push_back(
                field_forbidden(at, "allowMultipleAllocations must be true to set requestPolicy"));
        if (policy.contains("validValues") && policy.contains("validRange"))
            errors.push_back(field_forbidden(
                at,
                "exactly one policy can be specified, cannot specify `validValues` and "
                "`validRange` at the same time"));
        if (!policy.contains("default") &&
            (policy.contains("validValues") || policy.contains("validRange")))
            errors.push_back(field_required(at + ".default",
                                            "required when validValues or validRange is defined"));
    }
}

void validate_counters(const Json& consumer, const std::string& path, FieldErrors& errors) {
    const auto& counters = json_at(consumer, "counters");
    validate_keys(counters, path + ".counters", "label", errors);
    if (counters.size() > kMaxCounters)
        errors.push_back(field_too_many(path + ".counters", counters.size(), kMaxCounters));
}

void validate_binding_conditions(const Json& device, const std::string& path, FieldErrors& errors) {
    const auto& need = json_at(device, "bindingConditions");
    const auto& fail = json_at(device, "bindingFailureConditions");
    if (need.empty() && !fail.empty())
        errors.push_back(
            field_invalid(path + ".bindingConditions", need,
                          "bindingConditions are required to use bindingFailureConditions"));
    if (!need.empty() && fail.empty())
        errors.push_back(
            field_invalid(path + ".bindingFailureConditions", fail,
                          "bindingFailureConditions are required to use bindingConditions"));
    validate_unique(need, path + ".bindingConditions", "", errors);
    validate_unique(fail, path + ".bindingFailureConditions", "", errors);
    for (std::size_t i = 0; i < fail.size(); ++i) {
        for (const auto& one : need) {
            if (one == fail[i])
                errors.push_back(field_invalid(path_index(path + ".bindingFailureConditions", i),
                                               one,
                                               "bindingFailureConditions must not overlap with "
                                               "bindingConditions"));
        }
    }
}

void validate_taints(const Json& taints, const std::string& path, FieldErrors& errors) {
    for (std::size_t i = 0; i < taints.size(); ++i) {
        const auto at = path_index(path, i);
        const auto key = json_string(taints[i], "key");
        if (auto why = check_format("qualified", key); !key.empty() && !why.empty())
            errors.push_back(field_invalid(at + ".key", key, why));
        if (auto why = check_format("labelvalue", json_string(taints[i], "value")); !why.empty())
            errors.push_back(field_invalid(at + ".value", json_at(taints[i], "value"), why));
    }
}

void validate_device(const Json& device, const std::string& path, bool has_own_node,
                     FieldErrors& errors) {
    const auto attributes =
        json_at(device, "attributes").size() + json_at(device, "capacity").size();
    if (attributes > kMaxAttributesAndCapacities)
        errors.push_back(field_invalid(path, attributes,
                                       "the total number of attributes and capacities must not "
                                       "exceed " +
                                           std::to_string(kMaxAttributesAndCapacities)));
    validate_attributes(json_at(device, "attributes"), path + ".attributes", errors);
    validate_capacity(device, path + ".capacity", errors);
    const auto& consumes = json_at(device, "consumesCounters");
    validate_unique(consumes, path + ".consumesCounters", "counterSet", errors);
    for (std::size_t i = 0; i < consumes.size(); ++i)
        validate_counters(consumes[i], path_index(path + ".consumesCounters", i), errors);
    validate_binding_conditions(device, path, errors);
    validate_taints(json_at(device, "taints"), path + ".taints", errors);
    if (has_own_node) {
        validate_where(device, path, true, errors);
        return;
    }
    for (const auto* key : {"nodeName", "nodeSelector", "allNodes"}) {
        if (device.contains(key))
            errors.push_back(field_invalid(path + "." + key, device[key],
                                           "must be unset if `perDeviceNodeSelection` is not true "
                                           "in the ResourceSlice spec"));
    }
}

}  // namespace

void complete_slice(const Json&, Json& after) {
    if (!json_path(after, {"spec", "devices"}).is_array()) return;
    for (auto& device : after["spec"]["devices"]) {
        if (!device.contains("taints")) continue;
        for (auto& taint : device["taints"]) {
            if (!taint.contains("timeAdded")) taint["timeAdded"] = now_text();
        }
    }
}

void validate_slice(const Change& change, FieldErrors& errors) {
    const auto& spec = json_at(change.after, "spec");
    if (!spec.is_object()) return;
    validate_where(spec, "spec", false, errors);
    const auto& devices = json_at(spec, "devices");
    validate_unique(devices, "spec.devices", "name", errors);
    bool dear = false;
    for (std::size_t i = 0; i < devices.size(); ++i) {
        validate_device(devices[i], path_index("spec.devices", i),
                        json_bool(spec, "perDeviceNodeSelection"), errors);
        dear = dear || !json_at(devices[i], "taints").empty() ||
               !json_at(devices[i], "consumesCounters").empty();
    }
    if (dear && devices.size() > kMaxDearDevices)
        errors.push_back(field_too_many("spec.devices", devices.size(), kMaxDearDevices));
    const auto& sets = json_at(spec, "sharedCounters");
    validate_unique(sets, "spec.sharedCounters", "name", errors);
    for (std::size_t i = 0; i < sets.size(); ++i)
        validate_counters(sets[i], path_index("spec.sharedCounters", i), errors);
}

}  // namespace knd::api
