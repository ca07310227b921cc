// SPDX-License-Identifier: Apache-2.0
#include "host/model/core.hpp"

#include <algorithm>

#include "host/model/object_read.hpp"

namespace knd::api {
namespace {

constexpr std::string_view kCoreVersions[] = {"v1"};

Result<NodeSelectorRequirement> read_requirement(const JsonField& field) {
    NodeSelectorRequirement out;
    KND_TRY_ASSIGN(out.key, field["key"].text());
    KND_TRY_ASSIGN(out.op, field["operator"].text());
    KND_TRY_ASSIGN(out.values, field["values"].texts());
    return out;
}

Result<NodeSelectorTerm> read_term(const JsonField& field) {
    NodeSelectorTerm out;
    KND_TRY_ASSIGN(out.match_expressions,
                   field["matchExpressions"].list<NodeSelectorRequirement>(read_requirement));
    KND_TRY_ASSIGN(out.match_fields,
                   field["matchFields"].list<NodeSelectorRequirement>(read_requirement));
    return out;
}

Result<PodClaim> read_pod_claim(const JsonField& field) {
    PodClaim out;
    KND_TRY_ASSIGN(out.name, field["name"].text());
    KND_TRY_ASSIGN(out.claim_name, field["resourceClaimName"].optional_text());
    KND_TRY_ASSIGN(out.template_name, field["resourceClaimTemplateName"].optional_text());
    return out;
}

/// What is limited but not requested is requested up to its limit: the API server's default.
Result<PodContainer> read_container(const JsonField& field) {
    PodContainer out;
    KND_TRY_ASSIGN(out.name, field["name"].text());
    const auto resources = field["resources"];
    KND_TRY_ASSIGN(out.requests, resources["requests"].quantities());
    KND_TRY_ASSIGN(auto limits, resources["limits"].quantities());
    out.requests.merge(limits);
    KND_TRY_ASSIGN(out.claims, resources["claims"].list<std::string>(
                                   [](const JsonField& claim) { return claim["name"].text(); }));
    KND_TRY_ASSIGN(const auto policy, field["restartPolicy"].text());
    out.restarts_always = policy == "Always";
    return out;
}

Result<void> read_claim_statuses(const JsonField& status, Pod& pod) {
    using Made = std::pair<std::string, std::string>;
    KND_TRY_ASSIGN(
        auto made,
        status["resourceClaimStatuses"].list<Made>([](const JsonField& entry) -> Result<Made> {
            Made read;
            KND_TRY_ASSIGN(read.first, entry["name"].text());
            KND_TRY_ASSIGN(read.second, entry["resourceClaimName"].text());
            return read;
        }));
    pod.made_claims.insert(made.begin(), made.end());
    KND_TRY_ASSIGN(pod.extended_resource_claim,
                   status["extendedResourceClaimStatus"]["resourceClaimName"].text());
    return {};
}

}  // namespace

Result<void> check_kind(const Json& object, std::string_view kind,
                        std::span<const std::string_view> versions) {
    if (!object.is_object()) return Error(Code::kInvalidArgument, "must be a JSON object");
    const auto found = json_string(object, "kind", kind);
    if (found != kind)
        return Error(Code::kInvalidArgument, "kind is " + found + ", not " + std::string(kind));
    const auto version = json_string(object, "apiVersion");
    if (version.empty() || std::find(versions.begin(), versions.end(), version) != versions.end())
        return {};
    return Error(Code::kInvalidArgument, "unknown apiVersion " + version);
}

Result<ObjectMeta> read_meta(const JsonField& meta) {
    KND_TRY(meta.need_object());
    ObjectMeta out;
    KND_TRY_ASSIGN(out.ns, meta["namespace"].text());
    KND_TRY_ASSIGN(out.name, meta["name"].text());
    KND_TRY_ASSIGN(out.uid, meta["uid"].text());
    KND_TRY_ASSIGN(out.created, meta["creationTimestamp"].text());
    KND_TRY_ASSIGN(out.labels, meta["labels"].text_map());
    KND_TRY_ASSIGN(out.annotations, meta["annotations"].text_map());
    return out;
}

Result<std::optional<NodeSelector>> read_node_selector(const JsonField& field) {
    if (!field.present()) return std::optional<NodeSelector>();
    NodeSelector out;
    KND_TRY_ASSIGN(out.terms, field["nodeSelectorTerms"].list<NodeSelectorTerm>(read_term));
    return std::optional(std::move(out));
}

Result<Taint> read_taint(const JsonField& field) {
    Taint out;
    KND_TRY_ASSIGN(out.key, field["key"].text());
    KND_TRY_ASSIGN(out.value, field["value"].text());
    KND_TRY_ASSIGN(out.effect, field["effect"].text());
    KND_TRY_ASSIGN(out.time_added, field["timeAdded"].text());
    return out;
}

Result<Toleration> read_toleration(const JsonField& field) {
    Toleration out;
    KND_TRY_ASSIGN(out.key, field["key"].text());
    KND_TRY_ASSIGN(out.op, field["operator"].text());
    KND_TRY_ASSIGN(out.value, field["value"].text());
    KND_TRY_ASSIGN(out.effect, field["effect"].text());
    if (const auto seconds = field["tolerationSeconds"]; seconds.present()) {
        KND_TRY_ASSIGN(out.toleration_seconds, seconds.integer(0));
    }
    return out;
}

Result<Node> read_node(const Json& object) {
    KND_TRY(check_kind(object, "Node", kCoreVersions));
    const JsonField root(object, "");
    const auto spec = root["spec"];
    Node out;
    KND_TRY_ASSIGN(out.name, root["metadata"]["name"].text());
    KND_TRY_ASSIGN(out.labels, root["metadata"]["labels"].text_map());
    KND_TRY_ASSIGN(out.unschedulable, spec["unschedulable"].boolean());
    KND_TRY_ASSIGN(out.taints, spec["taints"].list<Taint>(read_taint));
    KND_TRY_ASSIGN(out.allocatable, root["status"]["allocatable"].quantities());
    KND_TRY_ASSIGN(out.declared_features, root["status"]["declaredFeatures"].texts());
    return out;
}

Result<Pod> read_pod(const Json& object) {
    KND_TRY(check_kind(object, "Pod", kCoreVersions));
    const JsonField root(object, "");
    const auto spec = root["spec"];
    Pod out;
    KND_TRY_ASSIGN(out.meta, read_meta(root["metadata"]));
    KND_TRY_ASSIGN(out.node_name, spec["nodeName"].text());
    KND_TRY_ASSIGN(out.node_selector, spec["nodeSelector"].text_map());
    KND_TRY_ASSIGN(
        out.node_affinity,
        read_node_selector(
            spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]));
    KND_TRY_ASSIGN(out.tolerations, spec["tolerations"].list<Toleration>(read_toleration));
    KND_TRY_ASSIGN(out.claims, spec["resourceClaims"].list<PodClaim>(read_pod_claim));
    KND_TRY_ASSIGN(out.init_containers, spec["initContainers"].list<PodContainer>(read_container));
    KND_TRY_ASSIGN(out.containers, spec["containers"].list<PodContainer>(read_container));
    KND_TRY(read_claim_statuses(root["status"], out));
    return out;
}

}  // namespace knd::api
