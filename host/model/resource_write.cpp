// SPDX-License-Identifier: Apache-2.0
#include "host/model/resource.hpp"

namespace knd::api {
namespace {

void put(Json& object, const char* key, const std::string& text) {
    if (!text.empty()) object[key] = text;
}

void put(Json& object, const char* key, const std::vector<std::string>& list) {
    if (!list.empty()) object[key] = list;
}

Json to_json(const std::vector<NodeSelectorRequirement>& requirements) {
    auto out = Json::array();
    for (const auto& requirement : requirements) {
        Json item = {{"key", requirement.key}, {"operator", requirement.op}};
        put(item, "values", requirement.values);
        out.push_back(std::move(item));
    }
    return out;
}

Json to_json(const DeviceToleration& toleration) {
    auto out = Json::object();
    put(out, "key", toleration.key);
    put(out, "operator", toleration.op);
    put(out, "value", toleration.value);
    put(out, "effect", toleration.effect);
    if (toleration.toleration_seconds) out["tolerationSeconds"] = *toleration.toleration_seconds;
    return out;
}

Json to_json(const DeviceAllocation& device) {
    Json out = {{"request", device.request},
                {"driver", device.driver},
                {"pool", device.pool},
                {"device", device.device}};
    if (device.admin_access) out["adminAccess"] = true;
    for (const auto& toleration : device.tolerations)
        out["tolerations"].push_back(to_json(toleration));
    put(out, "bindingConditions", device.binding_conditions);
    put(out, "bindingFailureConditions", device.binding_failure_conditions);
    put(out, "shareID", device.share_id);
    for (const auto& [name, quantity] : device.consumed_capacity)
        out["consumedCapacity"][name] = quantity.text();
    put(out, "skipNodeOperations", device.skip_node_operations);
    return out;
}

Json to_json(const AllocatedConfig& entry) {
    const bool from_class = entry.source == AllocatedConfig::Source::kClass;
    Json out = {{"source", from_class ? "FromClass" : "FromClaim"}};
    put(out, "requests", entry.config.requests);
    if (const auto& opaque = entry.config.opaque)
        out["opaque"] = {{"driver", opaque->driver}, {"parameters", opaque->parameters}};
    return out;
}

}  // namespace

Json to_json(const NodeSelector& selector) {
    auto terms = Json::array();
    for (const auto& term : selector.terms) {
        auto item = Json::object();
        if (!term.match_expressions.empty())
            item["matchExpressions"] = to_json(term.match_expressions);
        if (!term.match_fields.empty()) item["matchFields"] = to_json(term.match_fields);
        terms.push_back(std::move(item));
    }
    return {{"nodeSelectorTerms", std::move(terms)}};
}

Json to_json(const AllocationResult& allocation) {
    auto devices = Json::object();
    for (const auto& device : allocation.results)
        devices["results"].push_back(to_json(device));
    for (const auto& entry : allocation.config)
        devices["config"].push_back(to_json(entry));
    Json out = {{"devices", std::move(devices)}};
    if (allocation.node_selector) out["nodeSelector"] = to_json(*allocation.node_selector);
    put(out, "allocationTimestamp", allocation.allocation_timestamp);
    return out;
}

}  // namespace knd::api
