// SPDX-License-Identifier: Apache-2.0
#include "host/dra/slice_device.hpp"

#include <algorithm>
#include <set>

#include "host/model/attribute_json.hpp"
#include "host/model/quantity.hpp"

namespace knd::dra {
namespace {

// Limits until 1.34.
constexpr std::size_t kOldTaints = 4;
constexpr std::size_t kOldSharedCounters = 32;
constexpr std::size_t kOldConsumedCounters = 1024;

bool has_list_attributes(const Json& device) {
    const auto& attributes = json_at(device, "attributes");
    if (!attributes.is_object()) return false;
    return std::any_of(attributes.begin(), attributes.end(), [](const Json& value) {
        return value.is_object() &&
               std::any_of(value.begin(), value.end(), [](const Json& v) { return v.is_array(); });
    });
}

void canonical_quantity(Json& value) {
    if (!value.is_string()) return;
    if (const auto parsed = Quantity::parse(value.get<std::string>())) value = parsed->text();
}

void canonical_quantity(Json& object, const char* key) {
    if (const auto found = object.find(key); found != object.end()) canonical_quantity(*found);
}

void canonical_policy(Json& policy) {
    canonical_quantity(policy, "default");
    if (const auto values = policy.find("validValues"); values != policy.end())
        for (auto& value : *values)
            canonical_quantity(value);
    const auto range = policy.find("validRange");
    if (range == policy.end() || !range->is_object()) return;
    for (const auto* key : {"min", "max", "step"})
        canonical_quantity(*range, key);
}

/// {"name": {"value": "1"}}
void canonical_values(Json& named) {
    if (!named.is_object()) return;
    for (auto& entry : named) {
        if (!entry.is_object()) continue;
        canonical_quantity(entry, "value");
        const auto policy = entry.find("requestPolicy");
        if (policy != entry.end() && policy->is_object()) canonical_policy(*policy);
    }
}

void erase_empty(Json& object) {
    for (auto at = object.begin(); at != object.end();) {
        const bool empty = at->is_null() || (at->is_structured() && at->empty());
        at = empty ? object.erase(at) : std::next(at);
    }
}

std::string taint_key(const std::string& device, const Json& taint) {
    return device + " " + json_string(taint, "key") + "=" + json_string(taint, "value") + ":" +
           json_string(taint, "effect");
}

struct FirstOf {
    template <class T>
    std::optional<AttributeValue> operator()(const std::vector<T>& values) const {
        if (values.empty()) return std::nullopt;
        return AttributeValue(T(values.front()));
    }
    template <class T>
    std::optional<AttributeValue> operator()(const T& value) const {
        return AttributeValue(value);
    }
};

std::map<std::string, AttributeValue> without_lists(
    const std::map<std::string, AttributeValue>& attributes) {
    std::map<std::string, AttributeValue> flat;
    for (const auto& [name, value] : attributes)
        if (auto first = std::visit(FirstOf(), value)) flat.emplace(name, *std::move(first));
    return flat;
}

Json policy_json(const CapacityPolicy& policy) {
    Json json = {{"default", policy.default_value}};
    if (!policy.valid_values.empty()) {
        json["validValues"] = policy.valid_values;
        return json;
    }
    if (policy.min.empty()) return json;
    Json range = {{"min", policy.min}};
    if (!policy.max.empty()) range["max"] = policy.max;
    if (!policy.step.empty()) range["step"] = policy.step;
    json["validRange"] = std::move(range);
    return json;
}

Json capacity_json(const Device& device, bool shared) {
    Json capacity = Json::object();
    for (const auto& [name, quantity] : device.capacity) {
        capacity[name] = {{"value", quantity}};
        const auto policy = device.policies.find(name);
        if (shared && policy != device.policies.end())
            capacity[name]["requestPolicy"] = policy_json(policy->second);
    }
    return capacity;
}

Json counters_json(const std::map<std::string, std::string>& counters) {
    Json json = Json::object();
    for (const auto& [name, quantity] : counters)
        json[name] = {{"value", quantity}};
    return json;
}

/// Of more taints than an old API server takes those stay that keep most away.
std::vector<DeviceTaint> taints_that_fit(const Device& device, bool old) {
    auto taints = device.taints;
    if (!old || taints.size() <= kOldTaints) return taints;
    const auto weight = [](const DeviceTaint& taint) {
        return taint.effect == "NoExecute" ? 0 : taint.effect == "NoSchedule" ? 1 : 2;
    };
    std::stable_sort(taints.begin(), taints.end(),
                     [&](const auto& a, const auto& b) { return weight(a) < weight(b); });
    taints.resize(kOldTaints);
    return taints;
}

Json device_json(const Device& device, const SliceRules& rules) {
    const auto& features = rules.features;
    const bool shared = device.shareable && features.consumable;
    Json json = {
        {"name", device.name},
        {"attributes",
         attributes_to_json(features.lists ? device.attributes : without_lists(device.attributes))},
        {"capacity", capacity_json(device, shared)}};
    if (shared) json["allowMultipleAllocations"] = true;
    if (features.counters) {
        for (const auto& [set, counters] : device.consumes)
            json["consumesCounters"].push_back(
                {{"counterSet", set}, {"counters", counters_json(counters)}});
    }
    if (!features.taints) return json;
    for (const auto& taint : taints_that_fit(device, rules.old)) {
        Json one = {{"key", taint.key}, {"effect", taint.effect}};
        if (!taint.value.empty()) one["value"] = taint.value;
        json["taints"].push_back(std::move(one));
    }
    return json;
}

/// Until 1.34 a slice holds all counters and all who take of them.
Result<void> check_old_counters(const DeviceListing& listing) {
    std::size_t shared = 0, consumed = 0, takers = 0;
    for (const auto& [set, counters] : listing.counters)
        shared += counters.size();
    for (const auto& device : listing.devices) {
        takers += device.consumes.empty() ? 0 : 1;
        for (const auto& [set, counters] : device.consumes)
            consumed += counters.size();
    }
    if (shared <= kOldSharedCounters && consumed <= kOldConsumedCounters &&
        takers <= kDevicesPerSlice)
        return {};
    return Error(Code::kInvalidArgument,
                 "its " + std::to_string(shared) + " counters and the " + std::to_string(takers) +
                     " devices that take of them do not fit into one slice, and Kubernetes keeps "
                     "counters apart from devices since 1.35 only");
}

}  // namespace

/// One spelling for each meaning: no empty members, quantities as the server would write them,
/// members in order (as the JSON library keeps them anyway).
SliceDevice canonical_device(Json device) {
    erase_empty(device);
    if (auto capacity = device.find("capacity"); capacity != device.end())
        canonical_values(*capacity);
    if (auto consumes = device.find("consumesCounters"); consumes != device.end())
        for (auto& set : *consumes)
            if (auto counters = set.find("counters"); counters != set.end())
                canonical_values(*counters);
    if (auto taints = device.find("taints"); taints != device.end())
        for (auto& taint : *taints)
            if (taint.is_object()) taint.erase("timeAdded");
    if (!json_bool(device, "allowMultipleAllocations", true))
        device.erase("allowMultipleAllocations");
    const bool consumes = device.contains("consumesCounters");
    const bool rich = consumes || device.contains("taints") || has_list_attributes(device);
    return {json_string(device, "name"), to_text(device), rich, consumes};
}

SliceCounters canonical_counters(Json set) {
    if (auto counters = set.find("counters"); counters != set.end()) canonical_values(*counters);
    return {json_string(set, "name"), to_text(set)};
}

Result<SlicePool> slice_pool(const DeviceListing& listing, const SliceRules& rules) {
    SlicePool pool;
    pool.devices.reserve(listing.devices.size());
    std::set<std::string_view> names;
    for (const auto& device : listing.devices) {
        if (!names.insert(device.name).second)
            return Error(Code::kInvalidArgument, "two devices are called " + device.name +
                                                     " (the second is of backend " +
                                                     device.backend + ")");
        pool.devices.push_back(canonical_device(device_json(device, rules)));
    }
    if (!rules.features.counters || listing.counters.empty()) return pool;
    pool.together = rules.old;
    if (pool.together) KND_TRY(check_old_counters(listing));
    for (const auto& [set, counters] : listing.counters)
        pool.counters.push_back(
            canonical_counters({{"name", set}, {"counters", counters_json(counters)}}));
    return pool;
}

Result<std::vector<SliceDevice>> slice_devices(const std::vector<Device>& devices) {
    KND_TRY_ASSIGN(auto pool, slice_pool({devices, {}}, {}));
    return std::move(pool.devices);
}

void collect_taint_times(const Json& device, TaintTimes& times) {
    const auto& taints = json_at(device, "taints");
    if (!taints.is_array()) return;
    for (const auto& taint : taints) {
        auto added = json_string(taint, "timeAdded");
        if (!added.empty()) times[taint_key(json_string(device, "name"), taint)] = std::move(added);
    }
}

void set_taint_times(Json& device, const TaintTimes& times) {
    const auto taints = device.find("taints");
    if (taints == device.end()) return;
    for (auto& taint : *taints) {
        const auto known = times.find(taint_key(json_string(device, "name"), taint));
        if (known != times.end()) taint["timeAdded"] = known->second;
    }
}

}  // namespace knd::dra
