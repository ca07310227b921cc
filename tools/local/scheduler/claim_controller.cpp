// SPDX-License-Identifier: Apache-2.0
#include "tools/local/scheduler/claim_controller.hpp"

#include <algorithm>
#include <utility>

#include "host/model/log.hpp"
#include "tools/local/api/intake.hpp"
#include "tools/local/support/pod_claims.hpp"

namespace knd::local {
namespace {

using api::Resource;

constexpr std::string_view kPodClaimName = "resource.kubernetes.io/pod-claim-name";

const Json& meta(const Json& object) {
    return json_at(object, "metadata");
}

/// Over for good: its containers do not start again.
bool over(const Json& pod) {
    const auto phase = json_string(json_at(pod, "status"), "phase");
    return phase == "Succeeded" || phase == "Failed" ||
           // Deleted before it got anywhere: no kubelet will ever run it.
           (api::is_leaving(pod) && json_string(json_at(pod, "spec"), "nodeName").empty());
}

/// The uid of the pod that a claim was made for; empty: it was not made from a template.
std::string owner_pod(const Json& claim) {
    if (!json_at(meta(claim), "annotations").contains(kPodClaimName)) return {};
    for (const auto& owner : json_at(meta(claim), "ownerReferences")) {
        if (json_string(owner, "kind") == "Pod" && json_bool(owner, "controller"))
            return json_string(owner, "uid");
    }
    return {};
}

void log_failure(std::string_view what, const Json& object, const api::Status& status) {
    // Somebody was faster: the change that made it fail starts another run.
    if (status.code == 404 || status.code == 409) return;
    log::warn(what, {{"claim", api::object_namespace(object) + "/" + api::object_name(object)},
                     {"error", status.message}});
}

Json claim_from_template(const Json& pod, const Json& entry, const Json& claim_template) {
    Json claim = json_at(claim_template, "spec");
    auto& metadata = claim["metadata"];
    if (!metadata.is_object()) metadata = Json::object();
    metadata["generateName"] = api::object_name(pod) + "-" + json_string(entry, "name") + "-";
    metadata["annotations"][kPodClaimName] = json_string(entry, "name");
    metadata["ownerReferences"] = Json::array({{{"apiVersion", "v1"},
                                                {"kind", "Pod"},
                                                {"name", api::object_name(pod)},
                                                {"uid", json_string(meta(pod), "uid")},
                                                {"controller", true},
                                                {"blockOwnerDeletion", true}}});
    return claim;
}

}  // namespace

Result<std::unique_ptr<ClaimController>> ClaimController::start(boost::asio::io_context& io,
                                                                api::Store& store) {
    std::unique_ptr<ClaimController> controller(new ClaimController(store));
    KND_TRY_ASSIGN(controller->trigger_,
                   Trigger::start(io, store,
                                  {Resource::kPods, Resource::kResourceClaims,
                                   Resource::kResourceClaimTemplates},
                                  [self = controller.get()] { self->run(); }));
    return controller;
}

void ClaimController::run() {
    std::set<std::string> users;
    for (const auto& pod : store_.list(Resource::kPods)) {
        if (over(*pod)) continue;
        users.insert(json_string(meta(*pod), "uid"));
        if (!api::is_leaving(*pod)) make_claims(*pod);
    }
    for (const auto& claim : store_.list(Resource::kResourceClaims)) {
        release(*claim, users);
        collect(*claim, users);
    }
}

/// The name of the claim for this entry; empty when it could not be made.
std::string ClaimController::find_or_make(const Json& pod, const Json& entry) {
    const auto ns = api::object_namespace(pod);
    for (const auto& claim : store_.list(Resource::kResourceClaims, ns)) {
        if (owner_pod(*claim) == json_string(meta(pod), "uid") &&
            json_at(meta(*claim), "annotations")[kPodClaimName] == json_string(entry, "name"))
            return api::object_name(*claim);
    }
    const auto name = json_string(entry, "resourceClaimTemplateName");
    const auto claim_template = store_.get(Resource::kResourceClaimTemplates, ns, name);
    if (!claim_template.ok()) {
        events_.warning(pod, "FailedResourceClaimCreation",
                        "PodResourceClaim " + json_string(entry, "name") +
                            ": resource claim template \"" + name +
                            "\": " + claim_template.error().message);
        return {};
    }
    const auto created = store_.create(Resource::kResourceClaims, ns,
                                       claim_from_template(pod, entry, **claim_template));
    if (created.ok()) return api::object_name(**created);
    events_.warning(pod, "FailedResourceClaimCreation",
                    "PodResourceClaim " + json_string(entry, "name") +
                        ": failed to create ResourceClaim: " + created.error().message);
    return {};
}

/// Whether what the pod's status names is there and the pod's own. It may have been deleted by
/// mistake; then another is made.
bool ClaimController::has_claim(const Json& pod, const Json& entry) const {
    const auto claim =
        store_.get(Resource::kResourceClaims, api::object_namespace(pod), claim_name(pod, entry));
    return claim.ok() && is_made_for(pod, **claim);
}

void ClaimController::make_claims(const Json& pod) {
    Json statuses = json_path(pod, {"status", "resourceClaimStatuses"});
    if (!statuses.is_array()) statuses = Json::array();
    bool changed = false;
    for (const auto& entry : json_path(pod, {"spec", "resourceClaims"})) {
        if (!entry.contains("resourceClaimTemplateName") || has_claim(pod, entry)) continue;
        const auto claim = find_or_make(pod, entry);
        if (claim.empty()) continue;
        const auto name = json_string(entry, "name");
        std::erase_if(statuses.get_ref<Json::array_t&>(),
                      [&](const Json& status) { return json_string(status, "name") == name; });
        statuses.push_back({{"name", name}, {"resourceClaimName", claim}});
        changed = true;
    }
    if (!changed) return;
    api::WriteOptions options;
    options.subresource = "status";
    const auto written = store_.modify(
        Resource::kPods, api::object_namespace(pod), api::object_name(pod),
        [&](const Json& stored) -> api::Answer<Json> {
            Json noted = stored;
            noted["status"]["resourceClaimStatuses"] = statuses;
            return noted;
        },
        options);
    if (!written.ok()) log_failure("the claims of a pod were not noted", pod, written.error());
}

/// Ends reservations of pods that are over; without any left the devices are free again.
void ClaimController::release(const Json& claim, const std::set<std::string>& users) {
    const auto& reserved = json_path(claim, {"status", "reservedFor"});
    Json kept = Json::array();
    for (const auto& consumer : reserved) {
        if (json_string(consumer, "resource") != "pods" ||
            users.contains(json_string(consumer, "uid")))
            kept.push_back(consumer);
    }
    const bool allocated = json_at(claim, "status").contains("allocation");
    const auto ns = api::object_namespace(claim);
    const auto name = api::object_name(claim);
    if (kept.size() != reserved.size() || (allocated && kept.empty())) {
        api::WriteOptions options;
        options.subresource = "status";
        const auto written = store_.modify(
            Resource::kResourceClaims, ns, name,
            [&](const Json& stored) -> api::Answer<Json> {
                Json changed = stored;
                auto& status = changed["status"];
                status["reservedFor"] = kept;
                if (kept.empty()) status = Json::object();
                return changed;
            },
            options);
        if (!written.ok()) log_failure("a claim was not released", claim, written.error());
        return;  // the finalizer goes in the run that this change starts
    }
    const auto& finalizers = json_at(meta(claim), "finalizers");
    const bool held =
        std::find(finalizers.begin(), finalizers.end(), kClaimFinalizer) != finalizers.end();
    if (allocated || !held) return;
    const auto written = store_.modify(
        Resource::kResourceClaims, ns, name, [&](const Json& stored) -> api::Answer<Json> {
            Json changed = stored;
            auto& list = changed["metadata"]["finalizers"];
            list.erase(std::remove(list.begin(), list.end(), kClaimFinalizer), list.end());
            return changed;
        });
    if (!written.ok()) log_failure("a claim's finalizer was not removed", claim, written.error());
}

/// Claims from templates live as long as their pod runs.
void ClaimController::collect(const Json& claim, const std::set<std::string>& users) {
    const auto owner = owner_pod(claim);
    if (owner.empty() || users.contains(owner)) return;
    if (api::is_leaving(claim)) return;
    api::DeleteOptions options;
    options.uid = json_string(meta(claim), "uid");
    const auto removed = store_.remove(Resource::kResourceClaims, api::object_namespace(claim),
                                       api::object_name(claim), options);
    if (!removed.ok()) log_failure("a claim was not deleted", claim, removed.error());
}

}  // namespace knd::local
