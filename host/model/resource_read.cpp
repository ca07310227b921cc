// SPDX-License-Identifier: Apache-2.0
//
// JSON to typed objects; a message names the field: "spec.devices[2].attributes[mac]: exactly one
// value must be set". The older versions are told by their shape, which never collides with v1's.
#include <algorithm>

#include "host/model/resource.hpp"

namespace knd::api {
namespace {

/// A JSON value and where it is, so that an error can name its field. The path is spelled only when
/// it is needed, from the chain of parents, each of which outlives its children on the stack.
class Field {
  public:
    /// A root; `name` may be empty.
    Field(const Json& json, std::string_view name) : json_(&json), key_(name) {}

    const Json& json() const { return *json_; }
    bool present() const { return !json_->is_null(); }
    Field operator[](std::string_view key) const { return {json_at(*json_, key), *this, key}; }

    std::string path() const {
        auto out = parent_ == nullptr ? std::string() : parent_->path();
        if (index_ != kNoIndex) return out + "[" + std::to_string(index_) + "]";
        if (map_key_) return out + "[" + std::string(key_) + "]";
        if (!out.empty() && !key_.empty()) out += '.';
        return out.append(key_);
    }
    Error wrong(std::string_view what) const {
        auto where = path();
        if (where.empty()) where = "object";
        return {Code::kInvalidArgument, where + ": " + std::string(what)};
    }

    Result<std::string> text() const {
        if (!present()) return std::string();
        if (!json_->is_string()) return wrong("must be a string");
        return json_->get_ref<const std::string&>();
    }
    Result<bool> boolean() const {
        if (!present()) return false;
        if (!json_->is_boolean()) return wrong("must be a boolean");
        return json_->get<bool>();
    }
    Result<std::int64_t> integer(std::int64_t fallback) const {
        if (!present()) return fallback;
        if (!json_->is_number_integer()) return wrong("must be an integer");
        return json_->get<std::int64_t>();
    }
    /// A quantity may be written as a JSON number too.
    Result<Quantity> quantity() const {
        if (json_->is_number()) return named(Quantity::parse(json_->dump()));
        if (!json_->is_string()) return wrong("must be a quantity");
        return named(Quantity::parse(json_->get_ref<const std::string&>()));
    }
    Result<void> need_object() const {
        if (present() && !json_->is_object()) return wrong("must be an object");
        return {};
    }

    /// read(Field) for each element.
    template <class T, class Read>
    Result<std::vector<T>> list(Read read) const {
        std::vector<T> out;
        if (!present()) return out;
        if (!json_->is_array()) return wrong("must be a list");
        out.reserve(json_->size());
        for (std::size_t i = 0; i < json_->size(); ++i) {
            Field element((*json_)[i], *this, {});
            element.index_ = i;
            KND_TRY_ASSIGN(auto item, read(element));
            out.push_back(std::move(item));
        }
        return out;
    }
    template <class T, class Read>
    Result<std::map<std::string, T>> map(Read read) const {
        std::map<std::string, T> out;
        if (!present()) return out;
        if (!json_->is_object()) return wrong("must be an object");
        for (const auto& [key, value] : json_->items()) {
            Field element(value, *this, key);
            element.map_key_ = true;
            KND_TRY_ASSIGN(auto item, read(element));
            out.emplace(key, std::move(item));
        }
        return out;
    }
    Result<std::vector<std::string>> texts() const {
        return list<std::string>([](const Field& field) -> Result<std::string> {
            if (!field.json().is_string()) return field.wrong("must be a string");
            return field.text();
        });
    }
    Result<std::map<std::string, Quantity>> quantities() const {
        return map<Quantity>([](const Field& field) { return field.quantity(); });
    }

  private:
    static constexpr std::size_t kNoIndex = static_cast<std::size_t>(-1);

    Field(const Json& json, const Field& parent, std::string_view key)
        : json_(&json), parent_(&parent), key_(key) {}
    Result<Quantity> named(Result<Quantity> read) const {
        return read.ok() ? std::move(read) : std::move(read).wrap(path());
    }

    const Json* json_;
    const Field* parent_ = nullptr;
    std::string_view key_;
    std::size_t index_ = kNoIndex;
    bool map_key_ = false;
};

Result<void> check_kind(const Json& object, std::string_view kind) {
    if (!object.is_object()) return Error(Code::kInvalidArgument, "must be a JSON object");
    const auto found = json_string(object, "kind", kind);
    if (found != kind)
        return Error(Code::kInvalidArgument, "kind is " + found + ", not " + std::string(kind));
    const auto version = json_string(object, "apiVersion");
    const bool known = version.empty() || version == "resource.k8s.io/v1" ||
                       version == "resource.k8s.io/v1beta1" || version == "resource.k8s.io/v1beta2";
    if (!known && kind != "Node")
        return Error(Code::kInvalidArgument, "unknown apiVersion " + version);
    return {};
}

Result<ObjectMeta> read_meta(const Field& meta) {
    KND_TRY(meta.need_object());
    ObjectMeta out;
    KND_TRY_ASSIGN(out.ns, meta["namespace"].text());
    KND_TRY_ASSIGN(out.name, meta["name"].text());
    KND_TRY_ASSIGN(out.uid, meta["uid"].text());
    const auto text = [](const Field& field) { return field.text(); };
    KND_TRY_ASSIGN(out.labels, meta["labels"].map<std::string>(text));
    KND_TRY_ASSIGN(out.annotations, meta["annotations"].map<std::string>(text));
    return out;
}

Result<NodeSelectorRequirement> read_requirement(const Field& field) {
    NodeSelectorRequirement out;
    KND_TRY_ASSIGN(out.key, field["key"].text());
    KND_TRY_ASSIGN(out.op, field["operator"].text());
    KND_TRY_ASSIGN(out.values, field["values"].texts());
    return out;
}

Result<std::optional<NodeSelector>> read_node_selector(const Field& field) {
    if (!field.present()) return std::optional<NodeSelector>();
    NodeSelector out;
    KND_TRY_ASSIGN(
        out.terms,
        field["nodeSelectorTerms"].list<NodeSelectorTerm>(
            [](const Field& term) -> Result<NodeSelectorTerm> {
                NodeSelectorTerm read;
                KND_TRY_ASSIGN(
                    read.match_expressions,
                    term["matchExpressions"].list<NodeSelectorRequirement>(read_requirement));
                KND_TRY_ASSIGN(read.match_fields,
                               term["matchFields"].list<NodeSelectorRequirement>(read_requirement));
                return read;
            }));
    return std::optional(std::move(out));
}

/// The list forms exist beside the scalars; exactly one member may be set.
Result<AttributeValue> read_attribute(const Field& field) {
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
        KND_TRY_ASSIGN(auto list,
                       value.list<std::int64_t>([](const Field& item) { return item.integer(0); }));
        return AttributeValue(std::move(list));
    }
    if (key == "bools") {
        KND_TRY_ASSIGN(auto list,
                       value.list<bool>([](const Field& item) { return item.boolean(); }));
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

Result<std::optional<Quantity>> optional_quantity(const Field& field) {
    if (!field.present()) return std::optional<Quantity>();
    KND_TRY_ASSIGN(auto value, field.quantity());
    return std::optional(value);
}

Result<CapacityRequestPolicy> read_request_policy(const Field& field) {
    CapacityRequestPolicy out;
    KND_TRY_ASSIGN(out.default_value, optional_quantity(field["default"]));
    KND_TRY_ASSIGN(out.valid_values, field["validValues"].list<Quantity>(
                                         [](const Field& item) { return item.quantity(); }));
    if (const auto range = field["validRange"]; range.present()) {
        out.valid_range.emplace();
        KND_TRY_ASSIGN(out.valid_range->min, optional_quantity(range["min"]));
        KND_TRY_ASSIGN(out.valid_range->max, optional_quantity(range["max"]));
        KND_TRY_ASSIGN(out.valid_range->step, optional_quantity(range["step"]));
    }
    return out;
}

Result<DeviceCapacity> read_capacity(const Field& field) {
    DeviceCapacity out;
    KND_TRY_ASSIGN(out.value, field["value"].quantity());
    if (const auto policy = field["requestPolicy"]; policy.present()) {
        KND_TRY_ASSIGN(out.request_policy, read_request_policy(policy));
    }
    return out;
}

Result<std::map<std::string, Quantity>> read_counters(const Field& field) {
    return field.map<Quantity>([](const Field& counter) { return counter["value"].quantity(); });
}

Result<CounterSet> read_counter_set(const Field& field) {
    CounterSet out;
    KND_TRY_ASSIGN(out.name, field["name"].text());
    KND_TRY_ASSIGN(out.counters, read_counters(field["counters"]));
    return out;
}

Result<CounterConsumption> read_consumption(const Field& field) {
    CounterConsumption out;
    KND_TRY_ASSIGN(out.counter_set, field["counterSet"].text());
    KND_TRY_ASSIGN(out.counters, read_counters(field["counters"]));
    KND_TRY_ASSIGN(out.compatibility_groups, field["compatibilityGroups"].texts());
    return out;
}

Result<DeviceTaint> read_taint(const Field& field) {
    DeviceTaint out;
    KND_TRY_ASSIGN(out.key, field["key"].text());
    KND_TRY_ASSIGN(out.value, field["value"].text());
    KND_TRY_ASSIGN(out.effect, field["effect"].text());
    KND_TRY_ASSIGN(out.time_added, field["timeAdded"].text());
    return out;
}

Result<std::optional<std::string>> optional_text(const Field& field) {
    if (!field.present()) return std::optional<std::string>();
    KND_TRY_ASSIGN(auto text, field.text());
    return std::optional(std::move(text));
}

Result<SliceDevice> read_device_body(const Field& field, std::string name) {
    KND_TRY(field.need_object());
    SliceDevice out;
    out.name = std::move(name);
    KND_TRY_ASSIGN(out.attributes, field["attributes"].map<AttributeValue>(read_attribute));
    KND_TRY_ASSIGN(out.capacity, field["capacity"].map<DeviceCapacity>(read_capacity));
    KND_TRY_ASSIGN(out.consumes_counters,
                   field["consumesCounters"].list<CounterConsumption>(read_consumption));
    KND_TRY_ASSIGN(out.node_name, optional_text(field["nodeName"]));
    KND_TRY_ASSIGN(out.node_selector, read_node_selector(field["nodeSelector"]));
    KND_TRY_ASSIGN(out.all_nodes, field["allNodes"].boolean());
    KND_TRY_ASSIGN(out.taints, field["taints"].list<DeviceTaint>(read_taint));
    KND_TRY_ASSIGN(out.binds_to_node, field["bindsToNode"].boolean());
    KND_TRY_ASSIGN(out.binding_conditions, field["bindingConditions"].texts());
    KND_TRY_ASSIGN(out.binding_failure_conditions, field["bindingFailureConditions"].texts());
    KND_TRY_ASSIGN(out.allow_multiple_allocations, field["allowMultipleAllocations"].boolean());
    KND_TRY_ASSIGN(out.skip_node_operations, field["skipNodeOperations"].texts());
    return out;
}

/// v1beta1 nests all but the name in `basic`.
Result<SliceDevice> read_device(const Field& field) {
    KND_TRY_ASSIGN(auto name, field["name"].text());
    const auto basic = field["basic"];
    return read_device_body(basic.present() ? basic : field, std::move(name));
}

Result<DeviceConfig> read_device_config(const Field& field) {
    DeviceConfig out;
    KND_TRY_ASSIGN(out.requests, field["requests"].texts());
    if (const auto opaque = field["opaque"]; opaque.present()) {
        out.opaque.emplace();
        KND_TRY_ASSIGN(out.opaque->driver, opaque["driver"].text());
        out.opaque->parameters = opaque["parameters"].json();
    }
    return out;
}

Result<Selector> read_selector(const Field& field) {
    const auto cel = field["cel"];
    if (!cel.present()) return Selector();
    KND_TRY_ASSIGN(auto expression, cel["expression"].text());
    return Selector(std::move(expression));
}

Result<DeviceToleration> read_toleration(const Field& field) {
    DeviceToleration out;
    KND_TRY_ASSIGN(out.key, field["key"].text());
    KND_TRY_ASSIGN(out.op, field["operator"].text());
    KND_TRY_ASSIGN(out.value, field["value"].text());
    KND_TRY_ASSIGN(out.effect, field["effect"].text());
    if (const auto seconds = field["tolerationSeconds"]; seconds.present()) {
        KND_TRY_ASSIGN(out.toleration_seconds, seconds.integer(0));
    }
    return out;
}

Result<ExactRequest> read_exact_request(const Field& field) {
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
    return out;
}

/// v1beta1 has the fields of `exactly` beside the name.
Result<DeviceRequest> read_request(const Field& field) {
    KND_TRY(field.need_object());
    DeviceRequest out;
    KND_TRY_ASSIGN(out.name, field["name"].text());
    KND_TRY_ASSIGN(out.first_available,
                   field["firstAvailable"].list<ExactRequest>(read_exact_request));
    const auto exactly = field["exactly"];
    const bool inline_fields = !exactly.present() && field["deviceClassName"].present();
    if (exactly.present() || inline_fields) {
        KND_TRY_ASSIGN(out.exactly, read_exact_request(inline_fields ? field : exactly));
        out.exactly->name.clear();
    }
    return out;
}

Result<DeviceConstraint> read_constraint(const Field& field) {
    DeviceConstraint out;
    KND_TRY_ASSIGN(out.requests, field["requests"].texts());
    KND_TRY_ASSIGN(out.match_attribute, optional_text(field["matchAttribute"]));
    KND_TRY_ASSIGN(out.distinct_attribute, optional_text(field["distinctAttribute"]));
    return out;
}

Result<DeviceClaim> read_device_claim(const Field& field) {
    KND_TRY(field.need_object());
    DeviceClaim out;
    KND_TRY_ASSIGN(out.requests, field["requests"].list<DeviceRequest>(read_request));
    KND_TRY_ASSIGN(out.constraints, field["constraints"].list<DeviceConstraint>(read_constraint));
    KND_TRY_ASSIGN(out.config, field["config"].list<DeviceConfig>(read_device_config));
    return out;
}

Result<DeviceAllocation> read_device_allocation(const Field& field) {
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

Result<AllocationResult> read_allocation(const Field& field) {
    KND_TRY(field.need_object());
    AllocationResult out;
    const auto devices = field["devices"];
    KND_TRY_ASSIGN(out.results, devices["results"].list<DeviceAllocation>(read_device_allocation));
    KND_TRY_ASSIGN(
        out.config,
        devices["config"].list<AllocatedConfig>([](const Field& entry) -> Result<AllocatedConfig> {
            AllocatedConfig read;
            KND_TRY_ASSIGN(const auto source, entry["source"].text());
            read.source = source == "FromClaim" ? AllocatedConfig::Source::kClaim
                                                : AllocatedConfig::Source::kClass;
            KND_TRY_ASSIGN(read.config, read_device_config(entry));
            return read;
        }));
    KND_TRY_ASSIGN(out.node_selector, read_node_selector(field["nodeSelector"]));
    KND_TRY_ASSIGN(out.allocation_timestamp, field["allocationTimestamp"].text());
    return out;
}

Result<ClaimConsumer> read_consumer(const Field& field) {
    ClaimConsumer out;
    KND_TRY_ASSIGN(out.api_group, field["apiGroup"].text());
    KND_TRY_ASSIGN(out.resource, field["resource"].text());
    KND_TRY_ASSIGN(out.name, field["name"].text());
    KND_TRY_ASSIGN(out.uid, field["uid"].text());
    return out;
}

}  // namespace

Result<ResourceSlice> read_resource_slice(const Json& object) {
    KND_TRY(check_kind(object, "ResourceSlice"));
    const Field root(object, "");
    const auto spec = root["spec"];
    ResourceSlice out;
    KND_TRY_ASSIGN(out.meta, read_meta(root["metadata"]));
    KND_TRY_ASSIGN(out.driver, spec["driver"].text());
    KND_TRY_ASSIGN(out.pool.name, spec["pool"]["name"].text());
    KND_TRY_ASSIGN(out.pool.generation, spec["pool"]["generation"].integer(0));
    KND_TRY_ASSIGN(out.pool.slice_count, spec["pool"]["resourceSliceCount"].integer(0));
    KND_TRY_ASSIGN(out.node_name, optional_text(spec["nodeName"]));
    KND_TRY_ASSIGN(out.node_selector, read_node_selector(spec["nodeSelector"]));
    KND_TRY_ASSIGN(out.all_nodes, spec["allNodes"].boolean());
    KND_TRY_ASSIGN(out.per_device_node_selection, spec["perDeviceNodeSelection"].boolean());
    KND_TRY_ASSIGN(out.devices, spec["devices"].list<SliceDevice>(read_device));
    KND_TRY_ASSIGN(out.shared_counters, spec["sharedCounters"].list<CounterSet>(read_counter_set));
    return out;
}

Result<DeviceClass> read_device_class(const Json& object) {
    KND_TRY(check_kind(object, "DeviceClass"));
    const Field root(object, "");
    const auto spec = root["spec"];
    DeviceClass out;
    KND_TRY_ASSIGN(out.meta, read_meta(root["metadata"]));
    KND_TRY_ASSIGN(out.selectors, spec["selectors"].list<Selector>(read_selector));
    KND_TRY_ASSIGN(out.config, spec["config"].list<DeviceConfig>(read_device_config));
    KND_TRY_ASSIGN(out.extended_resource_name, spec["extendedResourceName"].text());
    return out;
}

Result<ResourceClaim> read_resource_claim(const Json& object) {
    KND_TRY(check_kind(object, "ResourceClaim"));
    const Field root(object, "");
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
    return read_allocation(Field(allocation, "status.allocation"));
}

Result<ResourceClaimTemplate> read_resource_claim_template(const Json& object) {
    KND_TRY(check_kind(object, "ResourceClaimTemplate"));
    const Field root(object, "");
    const auto spec = root["spec"];
    ResourceClaimTemplate out;
    KND_TRY_ASSIGN(out.meta, read_meta(root["metadata"]));
    KND_TRY_ASSIGN(out.claim_meta, read_meta(spec["metadata"]));
    KND_TRY_ASSIGN(out.devices, read_device_claim(spec["spec"]["devices"]));
    return out;
}

Result<Node> read_node(const Json& object) {
    KND_TRY(check_kind(object, "Node"));
    KND_TRY_ASSIGN(auto meta, read_meta(Field(object, "")["metadata"]));
    return Node{std::move(meta.name), std::move(meta.labels)};
}

}  // namespace knd::api
