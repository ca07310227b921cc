// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/simulate/objects.hpp"

#include <algorithm>

namespace knd::simulate {
namespace {

/// Kinds are only unique within their group: others may have a Node as well.
bool matters(const std::string& kind, const std::string& api_version) {
    constexpr std::string_view kCore[] = {"Node", "Pod"};
    constexpr std::string_view kResource[] = {"DeviceClass", "DeviceTaintRule", "ResourceClaim",
                                              "ResourceClaimTemplate", "ResourceSlice"};
    if (std::find(std::begin(kCore), std::end(kCore), kind) != std::end(kCore))
        return api_version.empty() || api_version == "v1";
    return std::find(std::begin(kResource), std::end(kResource), kind) != std::end(kResource) &&
           (api_version.empty() || api_version.starts_with("resource.k8s.io/"));
}

bool makes_pods(const std::string& kind, const std::string& api_version) {
    constexpr std::string_view kKinds[] = {"CronJob", "DaemonSet",  "Deployment",
                                           "Job",     "ReplicaSet", "StatefulSet"};
    return std::find(std::begin(kKinds), std::end(kKinds), kind) != std::end(kKinds) &&
           (api_version.starts_with("apps/") || api_version.starts_with("batch/"));
}

/// Over for good: its containers do not start again, and its claims are free.
bool over(const Json& pod) {
    const auto phase = json_string(json_at(pod, "status"), "phase");
    return phase == "Succeeded" || phase == "Failed";
}

std::string full_name(const std::string& kind, const Json& object) {
    const auto& meta = json_at(object, "metadata");
    auto ns = json_string(meta, "namespace");
    const bool namespaced =
        kind != "Node" && kind != "ResourceSlice" && !kind.starts_with("Device");
    if (ns.empty() && namespaced) ns = "default";
    return kind + " " + (ns.empty() ? "" : ns + "/") + json_string(meta, "name");
}

}  // namespace

Result<void> Collector::add(const Json& object, const std::string& origin, Role role) {
    const auto kind = json_string(object, "kind");
    const auto version = json_string(object, "apiVersion");
    if (makes_pods(kind, version)) objects_.pod_makers.push_back(full_name(kind, object));
    if (!matters(kind, version)) return {};
    if (const auto* before = given_before(kind, object, origin)) {
        if (role == Role::kBackground) return {};
        return Error(Code::kAlreadyExists,
                     full_name(kind, object) + " is given twice, first at " + *before);
    }
    return add_known(kind, object, origin, role).wrap(full_name(kind, object));
}

const std::string* Collector::given_before(const std::string& kind, const Json& object,
                                           const std::string& origin) {
    // generateName: there may be several
    if (json_string(json_at(object, "metadata"), "name").empty()) return nullptr;
    const auto [known, is_new] = origins_.emplace(full_name(kind, object), origin);
    return is_new ? nullptr : &known->second;
}

Result<void> Collector::add_known(const std::string& kind, const Json& object,
                                  const std::string& origin, Role role) {
    const auto position = position_++;
    if (kind == "ResourceSlice") {
        KND_TRY_ASSIGN(auto slice, api::read_resource_slice(object));
        objects_.slices.push_back(std::move(slice));
    } else if (kind == "DeviceClass") {
        KND_TRY_ASSIGN(auto device_class, api::read_device_class(object));
        auto name = device_class.meta.name;
        objects_.classes.emplace(std::move(name), std::move(device_class));
    } else if (kind == "ResourceClaim") {
        KND_TRY_ASSIGN(auto claim, api::read_resource_claim(object));
        objects_.claims.add({std::move(claim), origin, position, role});
    } else if (kind == "ResourceClaimTemplate") {
        KND_TRY_ASSIGN(auto claim_template, api::read_resource_claim_template(object));
        objects_.templates.add({std::move(claim_template), origin, position, role});
    } else if (kind == "Pod") {
        KND_TRY_ASSIGN(auto pod, api::read_pod(object));
        if (!over(object)) objects_.pods.add({std::move(pod), origin, position, role});
    } else if (kind == "Node") {
        KND_TRY_ASSIGN(auto node, api::read_node(object));
        objects_.nodes.push_back(std::move(node));
    } else {
        KND_TRY_ASSIGN(auto rule, api::read_device_taint_rule(object));
        objects_.taint_rules.push_back(std::move(rule));
    }
    return {};
}

}  // namespace knd::simulate
