// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/differential/ours.hpp"

#include <algorithm>

#include "host/alloc/allocator.hpp"
#include "host/alloc/taint_rules.hpp"
#include "host/cel/cel.hpp"
#include "host/cel/explain.hpp"

namespace knd::differential {
namespace {

/// Enough for every case that the oracle answers in time.
constexpr std::uint64_t kStepLimit = 50'000'000;

Json bad_case(const Error& error) {
    return {{"badCase", error.message()}};
}

alloc::Features read_features(const Json& features) {
    alloc::Features out;
    out.admin_access = json_bool(features, "adminAccess");
    out.prioritized_list = json_bool(features, "prioritizedList");
    out.partitionable_devices = json_bool(features, "partitionableDevices");
    out.device_taints = json_bool(features, "deviceTaints");
    out.consumable_capacity = json_bool(features, "consumableCapacity");
    out.device_binding = json_bool(features, "deviceBinding");
    out.list_attributes = json_bool(features, "listAttributes");
    out.compatibility_groups = json_bool(features, "compatibilityGroups");
    out.derived_attributes = json_bool(features, "derivedAttributes");
    out.fractional_range = json_bool(features, "fractionalRange");
    out.optional_node_operations = json_bool(features, "optionalNodeOperations");
    out.kubernetes_minor = release_of(features);
    return out;
}

// --- expressions ---------------------------------------------------------------------------------

/// Devices come in the shape of a slice's, so that the one reader of slices reads them.
Result<api::SliceDevice> read_device(const Json& device) {
    Json inner = device;
    inner.erase("driver");
    inner["name"] = "device";
    const Json slice = {{"metadata", {{"name", "slice"}}},
                        {"spec",
                         {{"driver", json_string(device, "driver")},
                          {"pool", {{"name", "pool"}, {"resourceSliceCount", 1}}},
                          {"allNodes", true},
                          {"devices", Json::array({inner})}}}};
    KND_TRY_ASSIGN(auto read, api::read_resource_slice(slice));
    return std::move(read.devices.at(0));
}

Json evaluate(const cel::Program& program, const cel::DeviceView& view) {
    Json out = {{"result", false}};
    const auto result = program.matches(view);
    // Saying why must end as the evaluation does.
    if (const auto why = cel::explain(program, view);
        result.ok() ? why.matches != *result : why.error != result.error().message())
        return bad_case(Error(Code::kInternal, "explain() comes to something else"));
    if (result.ok())
        out["result"] = *result;
    else
        out["error"] = result.error().message();
    cel::Arena arena;
    std::uint64_t cost = 0;
    // The value is known already; only its price is wanted.
    static_cast<void>(program.evaluate(view, arena, {}, &cost));
    out["cost"] = cost;
    // Without a bound the oracle says nothing.
    if (const auto estimate = program.estimated_cost(); ~estimate != 0) out["estimate"] = estimate;
    return out;
}

Json answer_cel(const Json& one) {
    const auto features = read_features(json_at(one, "features"));
    auto environment = alloc::selector_environment(features);
    if (json_bool(one, "new")) {
        environment.stored = false;
        environment.list_attributes = features.list_attributes;
    }
    const auto program = cel::compile_selector(json_string(one, "expression"), environment);
    if (!program.ok()) return {{"compileError", program.error().message()}, {"result", false}};
    auto device = read_device(json_at(one, "device"));
    if (!device.ok()) return bad_case(device.error());
    if (const auto known = alloc::check_attributes(*device, features); !known.ok())
        return {{"result", false},
                {"error", known.error().message()},
                {"estimate", program->estimated_cost()}};
    std::map<std::string, std::string> capacity;
    // As they are written: Kubernetes' arithmetic depends on it.
    const auto& written = json_at(json_at(one, "device"), "capacity");
    for (const auto& [name, value] : device->capacity)
        capacity[name] = json_string(json_at(written, name), "value");
    const auto owned =
        cel::OwnedDevice::make(json_string(json_at(one, "device"), "driver"), device->attributes,
                               capacity, device->allow_multiple_allocations);
    if (!owned.ok()) return {{"result", false}, {"error", owned.error().message()}};
    return evaluate(*program, owned->view());
}

// --- allocations ---------------------------------------------------------------------------------

struct Cluster {
    std::vector<api::ResourceSlice> slices;
    std::map<std::string, api::DeviceClass, std::less<>> classes;
    std::vector<api::ResourceClaim> claims;
    std::vector<api::Node> nodes;
    alloc::AllocatedState allocated;
    std::vector<api::DeviceTaintRule> taint_rules;
};

Result<Cluster> read_cluster(const Json& one) {
    Cluster out;
    for (const auto& item : json_at(one, "slices")) {
        KND_TRY_ASSIGN(auto slice, api::read_resource_slice(item));
        out.slices.push_back(std::move(slice));
    }
    for (const auto& item : json_at(one, "classes")) {
        KND_TRY_ASSIGN(auto device_class, api::read_device_class(item));
        auto name = device_class.meta.name;
        out.classes.emplace(std::move(name), std::move(device_class));
    }
    for (const auto& item : json_at(one, "claims")) {
        KND_TRY_ASSIGN(auto claim, api::read_resource_claim(item));
        out.claims.push_back(std::move(claim));
    }
    for (const auto& item : json_at(one, "taintRules")) {
        KND_TRY_ASSIGN(auto rule, api::read_device_taint_rule(item));
        out.taint_rules.push_back(std::move(rule));
    }
    for (const auto& item : json_at(one, "nodes")) {
        KND_TRY_ASSIGN(auto node, api::read_node(item));
        out.nodes.push_back(std::move(node));
    }
    if (const auto& allocated = json_at(one, "allocated"); !allocated.empty()) {
        KND_TRY_ASSIGN(const auto result,
                       api::read_allocation_result({{"devices", {{"results", allocated}}}}));
        out.allocated.add(result);
    }
    return out;
}

Json describe(const Result<std::optional<alloc::Allocations>>& result) {
    Json out = {{"fits", false}};
    if (!result.ok()) {
        out["error"] = result.error().message();
        if (result.code() == Code::kFailedPrecondition) out["onNode"] = true;
        if (result.code() == Code::kDeadlineExceeded) out["aborted"] = true;
        return out;
    }
    if (!*result) return out;
    out["fits"] = true;
    for (const auto& allocation : **result)
        out["allocations"].push_back(api::to_json(allocation));
    int shares = 0;
    for (auto& allocation : out["allocations"]) {
        if (json_path(allocation, {"devices", "results"}).is_null()) continue;
        for (auto& device : allocation["devices"]["results"])
            if (device.contains("shareID")) device["shareID"] = "share-" + std::to_string(shares++);
    }
    return out;
}

/// "slice/device key=value:effect" of every taint, sorted: which rule comes first does not matter.
Json all_taints(const std::vector<api::ResourceSlice>& slices) {
    std::vector<std::string> out;
    for (const auto& slice : slices)
        for (const auto& device : slice.devices)
            for (const auto& taint : device.taints)
                out.push_back(slice.meta.name + "/" + device.name + " " + taint.key + "=" +
                              taint.value + ":" + taint.effect);
    std::sort(out.begin(), out.end());
    return out;
}

Json answer_alloc(const Json& one) {
    const auto features = read_features(json_at(one, "features"));
    auto cluster = read_cluster(one);
    if (!cluster.ok()) return bad_case(cluster.error());
    Json out = {{"nodes", Json::array()}};
    if (!cluster->taint_rules.empty()) {
        alloc::apply_taint_rules(cluster->slices, cluster->taint_rules,
                                 features.kubernetes_minor < 37);
        if (auto taints = all_taints(cluster->slices); !taints.empty())
            out["taints"] = std::move(taints);
    }
    auto inventory = alloc::Inventory::make(cluster->slices, features);
    if (!inventory.ok()) return bad_case(inventory.error());
    const auto lookup = [&](std::string_view name) -> const api::DeviceClass* {
        const auto found = cluster->classes.find(name);
        return found == cluster->classes.end() ? nullptr : &found->second;
    };
    alloc::Options options{.features = features, .compat = true, .step_limit = kStepLimit};
    alloc::Allocator allocator(*inventory, lookup, cluster->allocated, std::move(options));
    std::vector<const api::ResourceClaim*> claims;
    for (const auto& claim : cluster->claims)
        claims.push_back(&claim);
    for (const auto& node : cluster->nodes)
        out["nodes"].push_back(describe(allocator.allocate(node, claims)));
    return out;
}

}  // namespace

int release_of(const Json& features) {
    const auto minor = json_at(features, "kubernetes");
    return minor.is_null() ? kDefaultRelease : minor.get<int>();
}

std::vector<Json> spread(const Json& one) {
    std::vector<Json> out{one};
    for (const auto& features : json_at(one, "also")) {
        auto other = one;
        other["features"].update(features);
        out.push_back(std::move(other));
    }
    return out;
}

Json our_answer(const Json& one) {
    return json_string(one, "kind") == "cel" ? answer_cel(one) : answer_alloc(one);
}

}  // namespace knd::differential
