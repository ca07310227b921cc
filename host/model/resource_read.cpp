// SPDX-License-Identifier: Apache-2.0
//
// JSON to typed objects; a message names the field: "spec.devices[2].attributes[mac]: exactly one
// value must be set". The older versions are told by their shape, which never collides with v1's.
#include <algorithm>
#include <iterator>

#include "host/model/object_read.hpp"
#include "host/model/resource.hpp"

namespace knd::api {
namespace {

constexpr std::string_view kResourceVersions[] = {"resource.k8s.io/v1", "resource.k8s.io/v1beta2",
                                                  "resource.k8s.io/v1beta1"};
constexpr std::string_view kTaintRuleVersions[] = {"resource.k8s.io/v1", "resource.k8s.io/v1beta2",
                                                   "resource.k8s.io/v1beta1",
                                                   "resource.k8s.io/v1alpha3"};

/// Whether an API server that is newer may have written it: without a value that is known here.
bool is_unknown_value(const Json& value) {
    constexpr std::string_view kKnown[] = {"int",  "bool",  "string",  "version",
                                           "ints", "bools", "strings", "versions"};
    return value.is_object() && std::none_of(std::begin(kKnown), std::end(kKnown),
                                             [&](auto key) { return value.contains(key); });
}

/// The list forms exist beside the scalars; exactly one member may be set.
Result<AttributeValue> read_attribute(const JsonField& field) {
    if (!field.json().is_object() || field.json().size() != 1)
        return field.wrong("exactly one value must be set");
    const auto key = field.json().begin().key();
    const auto value = field[key];
    if (key == "int" && value.json().is_number_integer())
        return AttributeValue(value.json().get<std::int64_t>());
    if (key == "bool" && value.json().is_boolean()) return AttributeValue(value.json().get<bool>());
    if (key == "string" && value.json().is_string())
        return AttributeValue(value.json().get<std::string>());
    if (key == "version" && value.json().is_string())
        return AttributeValue(Version{value.json().get<std::string>()});
    if (key == "ints") {
        KND_TRY_ASSIGN(auto list, value.list<std::int64_t>(
                                      [](const JsonField& item) { return item.integer(0); }));
        return AttributeValue(std::move(list));
    }
    if (key == "bools") {
        KND_TRY_ASSIGN(auto list,
                       value.list<bool>([](const JsonField& item) { return item.boolean(); }));
        return AttributeValue(std::move(list));
    }
    if (key == "strings") {
        KND_TRY_ASSIGN(auto list, value.texts());
        return AttributeValue(std::move(list));
    }
    if (key == "versions") {
        KND_TRY_ASSIGN(const auto texts, value.texts());
        std::vector<Version> list;
        for (const auto& text : texts)
            list.push_back(Version{text});
        return AttributeValue(std::move(list));
    }
    return value.wrong("not a value of a device attribute");
}

Result<void> read_attributes(const JsonField& field, SliceDevice& out) {
    if (!field.present()) return {};
    if (!field.json().is_object()) return field.wrong("must be an object");
    Result<void> outcome;
    field.each_member([&](const std::string& name, const JsonField& member) {
        if (!outcome) return;
        if (is_unknown_value(member.json())) {
            out.unknown_attributes.insert(name);
            return;
        }
        auto value = read_attribute(member);
        if (value)
            out.attributes.emplace(name, *std::move(value));
        else
            outcome = std::move(value).error();
    });
    return outcome;
}

Result<CapacityRequestPolicy> read_request_policy(const JsonField& field) {
    CapacityRequestPolicy out;
    KND_TRY_ASSIGN(out.default_value, field["default"].optional_quantity());
    KND_TRY_ASSIGN(out.valid_values, field["validValues"].list<Quantity>(
                                         [](const JsonField& item) { return item.quantity(); }));
    if (const auto range = field["validRange"]; range.present()) {
        out.valid_range.emplace();
        KND_TRY_ASSIGN(out.valid_range->min, range["min"].optional_quantity());
        KND_TRY_ASSIGN(out.valid_range->max, range["max"].optional_quantity());
        KND_TRY_ASSIGN(out.valid_range->step, range["step"].optional_quantity());
    }
    return out;
}

Result<DeviceCapacity> read_capacity(const JsonField& field) {
    DeviceCapacity out;
    KND_TRY_ASSIGN(out.value, field["value"].quantity());
    if (const auto policy = field["requestPolicy"]; policy.present()) {
        KND_TRY_ASSIGN(out.request_policy, read_request_policy(policy));
    }
    return out;
}

Result<std::map<std::string, Quantity>> read_counters(const JsonField& field) {
    return field.map<Quantity>(
        [](const JsonField& counter) { return counter["value"].quantity(); });
}

Result<CounterSet> read_counter_set(const JsonField& field) {
    CounterSet out;
    KND_TRY_ASSIGN(out.name, field["name"].text());
    KND_TRY_ASSIGN(out.counters, read_counters(field["counters"]));
    return out;
}

Result<CounterConsumption> read_consumption(const JsonField& field) {
    CounterConsumption out;
    KND_TRY_ASSIGN(out.counter_set, field["counterSet"].text());
    KND_TRY_ASSIGN(out.counters, read_counters(field["counters"]));
    KND_TRY_ASSIGN(out.compatibility_groups, field["compatibilityGroups"].texts());
    return out;
}

Result<SliceDevice> read_device_body(const JsonField& field, std::string name) {
    KND_TRY(field.need_object());
    SliceDevice out;
    out.name = std::move(name);
    KND_TRY(read_attributes(field["attributes"], out));
    KND_TRY_ASSIGN(out.capacity, field["capacity"].map<DeviceCapacity>(read_capacity));
    KND_TRY_ASSIGN(out.consumes_counters,
                   field["consumesCounters"].list<CounterConsumption>(read_consumption));
    KND_TRY_ASSIGN(out.node_name, field["nodeName"].optional_text());
    KND_TRY_ASSIGN(out.node_selector, read_node_selector(field["nodeSelector"]));
    KND_TRY_ASSIGN(out.all_nodes, field["allNodes"].boolean());
    KND_TRY_ASSIGN(out.taints, field["taints"].list<DeviceTaint>(read_taint));
    KND_TRY_ASSIGN(out.binds_to_node, field["bindsToNode"].boolean());
    KND_TRY_ASSIGN(out.binding_conditions, field["bindingConditions"].texts());
    KND_TRY_ASSIGN(out.binding_failure_conditions, field["bindingFailureConditions"].texts());
    KND_TRY_ASSIGN(out.allow_multiple_allocations, field["allowMultipleAllocations"].boolean());
    return out;
}

Result<SliceDevice> read_device(const JsonField& field) {
    KND_TRY_ASSIGN(auto name, field["name"].text());
    return read_device_body(field.in_place_of(device_body(field.json())), std::move(name));
}

Result<DeviceConfig> read_device_config(const JsonField& field) {
    DeviceConfig out;
    KND_TRY_ASSIGN(out.requests, field["requests"].texts());
    if (const auto opaque = field["opaque"]; opaque.present()) {
        out.opaque.emplace();
        KND_TRY_ASSIGN(out.opaque->driver, opaque["driver"].text());
        out.opaque->parameters = opaque["parameters"].json();
    }
    return out;
}

Result<Selector> read_selector(const JsonField& field) {
    const auto cel = field["cel"];
    if (!cel.present()) return Selector();
    KND_TRY_ASSIGN(auto expression, cel["expression"].text());
    return Selector(std::move(expression));
}

Result<DerivedAttribute> read_derived_attribute(const JsonField& field) {
    DerivedAttribute out;
    KND_TRY_ASSIGN(out.name, field["name"].text());
    KND_TRY_ASSIGN(out.expression, field["expression"].text());
    return out;
}

Result<ExactRequest> read_exact_request(const JsonField& field) {
    KND_TRY(field.need_object());
    ExactRequest out;
    KND_TRY_ASSIGN(out.name, field["name"].text());
    KND_TRY_ASSIGN(out.device_class, field["deviceClassName"].text());
    KND_TRY_ASSIGN(out.selectors, field["selectors"].list<Selector>(read_selector));
    KND_TRY_ASSIGN(out.allocation_mode, field["allocationMode"].text());
    if (out.allocation_mode.empty()) out.allocation_mode = "ExactCount";
    // 0 is what an unset count is for the API server, whose default is 1.
    KND_TRY_ASSIGN(out.count, field["count"].integer(1));
    if (out.count == 0 && out.allocation_mode == "ExactCount") out.count = 1;
    KND_TRY_ASSIGN(out.admin_access, field["adminAccess"].boolean());
    KND_TRY_ASSIGN(out.tolerations, field["tolerations"].list<DeviceToleration>(read_toleration));
    KND_TRY_ASSIGN(out.capacity, field["capacity"]["requests"].quantities());
    KND_TRY_ASSIGN(out.derived_attributes,
                   field["derivedAttributes"].list<DerivedAttribute>(read_derived_attribute));
    return out;
}

Result<DeviceRequest> read_request(const JsonField& field) {
    KND_TRY(field.need_object());
    DeviceRequest out;
    KND_TRY_ASSIGN(out.name, field["name"].text());
    KND_TRY_ASSIGN(out.first_available,
                   field["firstAvailable"].list<ExactRequest>(read_exact_request));
    if (const auto* exactly = exact_request(field.json())) {
        KND_TRY_ASSIGN(out.exactly, read_exact_request(field["exactly"].in_place_of(*exactly)));
        out.exactly->name.clear();
    }
    return out;
}

Result<DeviceConstraint> read_constraint(const JsonField& field) {
    DeviceConstraint out;
    KND_TRY_ASSIGN(out.requests, field["requests"].texts());
    KND_TRY_ASSIGN(out.match_attribute, field["matchAttribute"].optional_text());
    KND_TRY_ASSIGN(out.distinct_attribute, field["distinctAttribute"].optional_text());
    return out;
}

Result<DeviceClaim> read_device_claim(const JsonField& field) {
    KND_TRY(field.need_object());
    DeviceClaim out;
    KND_TRY_ASSIGN(out.requests, field["requests"].list<DeviceRequest>(read_request));
    KND_TRY_ASSIGN(out.constraints, field["constraints"].list<DeviceConstraint>(read_constraint));
    KND_TRY_ASSIGN(out.config, field["config"].list<DeviceConfig>(read_device_config));
    return out;
}

Result<DeviceAllocation> read_device_allocation(const JsonField& field) {
    DeviceAllocation out;
    KND_TRY_ASSIGN(out.request, field["request"].text());
    KND_TRY_ASSIGN(out.driver, field["driver"].text());
    KND_TRY_ASSIGN(out.pool, field["pool"].text());
    KND_TRY_ASSIGN(out.device, field["device"].text());
    KND_TRY_ASSIGN(out.admin_access, field["adminAccess"].boolean());
    KND_TRY_ASSIGN(out.tolerations, field["tolerations"].list<DeviceToleration>(read_toleration));
    KND_TRY_ASSIGN(out.binding_conditions, field["bindingConditions"].texts());
    KND_TRY_ASSIGN(out.binding_failure_conditions, field["bindingFailureConditions"].texts());
    KND_TRY_ASSIGN(out.share_id, field["shareID"].text());
    KND_TRY_ASSIGN(out.consumed_capacity, field["consumedCapacity"].quantities());
    KND_TRY_ASSIGN(out.skip_node_operations, field["skipNodeOperations"].texts());
    return out;
}

Result<AllocationResult> read_allocation(const JsonField& field) {
    KND_TRY(field.need_object());
    AllocationResult out;
    const auto devices = field["devices"];
    KND_TRY_ASSIGN(out.results, devices["results"].list<DeviceAllocation>(read_device_allocation));
    KND_TRY_ASSIGN(out.config, devices["config"].list<AllocatedConfig>(
                                   [](const JsonField& entry) -> Result<AllocatedConfig> {
                                       AllocatedConfig read;
                                       KND_TRY_ASSIGN(const auto source, entry["source"].text());
                                       read.source = source == "FromClaim"
                                                         ? AllocatedConfig::Source::kClaim
                                                         : AllocatedConfig::Source::kClass;
                                       KND_TRY_ASSIGN(read.config, read_device_config(entry));
                                       return read;
                                   }));
    KND_TRY_ASSIGN(out.node_selector, read_node_selector(field["nodeSelector"]));
    KND_TRY_ASSIGN(out.allocation_timestamp, field["allocationTimestamp"].text());
    return out;
}

Result<ClaimConsumer> read_consumer(const JsonField& field) {
    ClaimConsumer out;
    KND_TRY_ASSIGN(out.api_group, field["apiGroup"].text());
    KND_TRY_ASSIGN(out.resource, field["resource"].text());
    KND_TRY_ASSIGN(out.name, field["name"].text());
    KND_TRY_ASSIGN(out.uid, field["uid"].text());
    return out;
}

}  // namespace

Result<ResourceSlice> read_resource_slice(const Json& object) {
    KND_TRY(check_kind(object, "ResourceSlice", kResourceVersions));
    const JsonField root(object, "");
    const auto spec = root["spec"];
    ResourceSlice out;
    KND_TRY_ASSIGN(out.meta, read_meta(root["metadata"]));
    KND_TRY_ASSIGN(out.driver, spec["driver"].text());
    KND_TRY_ASSIGN(out.pool.name, spec["pool"]["name"].text());
    KND_TRY_ASSIGN(out.pool.generation, spec["pool"]["generation"].integer(0));
    KND_TRY_ASSIGN(out.pool.slice_count, spec["pool"]["resourceSliceCount"].integer(0));
    KND_TRY_ASSIGN(out.node_name, spec["nodeName"].optional_text());
    KND_TRY_ASSIGN(out.node_selector, read_node_selector(spec["nodeSelector"]));
    KND_TRY_ASSIGN(out.all_nodes, spec["allNodes"].boolean());
    KND_TRY_ASSIGN(out.per_device_node_selection, spec["perDeviceNodeSelection"].boolean());
    KND_TRY_ASSIGN(out.devices, spec["devices"].list<SliceDevice>(read_device));
    KND_TRY_ASSIGN(out.shared_counters, spec["sharedCounters"].list<CounterSet>(read_counter_set));
    KND_TRY_ASSIGN(out.skip_node_operations, spec["skipNodeOperations"].texts());
    return out;
}

Result<DeviceClass> read_device_class(const Json& object) {
    KND_TRY(check_kind(object, "DeviceClass", kResourceVersions));
    const JsonField root(object, "");
    const auto spec = root["spec"];
    DeviceClass out;
    KND_TRY_ASSIGN(out.meta, read_meta(root["metadata"]));
    KND_TRY_ASSIGN(out.selectors, spec["selectors"].list<Selector>(read_selector));
    KND_TRY_ASSIGN(out.config, spec["config"].list<DeviceConfig>(read_device_config));
    KND_TRY_ASSIGN(out.extended_resource_name, spec["extendedResourceName"].text());
    return out;
}

Result<ResourceClaim> read_resource_claim(const Json& object) {
    KND_TRY(check_kind(object, "ResourceClaim", kResourceVersions));
    const JsonField root(object, "");
    ResourceClaim out;
    KND_TRY_ASSIGN(out.meta, read_meta(root["metadata"]));
    KND_TRY_ASSIGN(out.devices, read_device_claim(root["spec"]["devices"]));
    const auto status = root["status"];
    if (const auto allocation = status["allocation"]; allocation.present()) {
        KND_TRY_ASSIGN(out.allocation, read_allocation(allocation));
    }
    KND_TRY_ASSIGN(out.reserved_for, status["reservedFor"].list<ClaimConsumer>(read_consumer));
    return out;
}

Result<AllocationResult> read_allocation_result(const Json& allocation) {
    return read_allocation(JsonField(allocation, "status.allocation"));
}

Result<ResourceClaimTemplate> read_resource_claim_template(const Json& object) {
    KND_TRY(check_kind(object, "ResourceClaimTemplate", kResourceVersions));
    const JsonField root(object, "");
    const auto spec = root["spec"];
    ResourceClaimTemplate out;
    KND_TRY_ASSIGN(out.meta, read_meta(root["metadata"]));
    KND_TRY_ASSIGN(out.claim_meta, read_meta(spec["metadata"]));
    KND_TRY_ASSIGN(out.devices, read_device_claim(spec["spec"]["devices"]));
    return out;
}

Result<DeviceTaintRule> read_device_taint_rule(const Json& object) {
    KND_TRY(check_kind(object, "DeviceTaintRule", kTaintRuleVersions));
    const JsonField root(object, "");
    const auto spec = root["spec"];
    DeviceTaintRule out;
    KND_TRY_ASSIGN(out.meta, read_meta(root["metadata"]));
    KND_TRY_ASSIGN(out.taint, read_taint(spec["taint"]));
    const auto selector = spec["deviceSelector"];
    if (!selector.present()) return out;
    KND_TRY(selector.need_object());
    for (const auto* old : {"deviceClassName", "selectors"}) {
        if (selector[old].present())
            return selector[old].wrong(
                "exists in Kubernetes 1.33 and 1.34 alone; name the driver, "
                "pool or device instead");
    }
    out.selector.emplace();
    KND_TRY_ASSIGN(out.selector->driver, selector["driver"].optional_text());
    KND_TRY_ASSIGN(out.selector->pool, selector["pool"].optional_text());
    KND_TRY_ASSIGN(out.selector->device, selector["device"].optional_text());
    return out;
}

}  // namespace knd::api
