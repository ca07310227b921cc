// SPDX-License-Identifier: Apache-2.0
//
// Rules of namespaces, pods and events.
#include <algorithm>

#include "tools/local/api/rules.hpp"
#include "tools/local/api/schema.hpp"

namespace knd::api {
namespace {

/// The image's own pull policy: moving tags are pulled always.
std::string pull_policy(const std::string& image) {
    const auto tag = image.find(':', image.rfind('/') == std::string::npos ? 0 : image.rfind('/'));
    const bool moving = tag == std::string::npos || image.substr(tag) == ":latest";
    return moving && image.find('@') == std::string::npos ? "Always" : "IfNotPresent";
}

bool same_resources(const Json& requests, const Json& limits) {
    return !limits.empty() && (requests.empty() || requests == limits);
}

std::string qos_class(const Json& spec) {
    bool none = true;
    bool all = true;
    for (const auto& container : json_at(spec, "containers")) {
        const auto& limits = json_path(container, {"resources", "limits"});
        const auto& requests = json_path(container, {"resources", "requests"});
        none = none && limits.empty() && requests.empty();
        all = all && limits.contains("cpu") && limits.contains("memory") &&
              same_resources(requests, limits);
    }
    if (none) return "BestEffort";
    return all ? "Guaranteed" : "Burstable";
}

/// What may change in a pod's spec after create, taken out so that the rest can be compared.
Json fixed_part_of_pod(Json spec) {
    if (!spec.is_object()) return spec;  // refused by the schema
    for (const auto* list : {"containers", "initContainers"}) {
        if (!spec.contains(list)) continue;
        for (auto& container : spec[list]) {
            container.erase("image");
            container.erase("imagePullPolicy");
        }
    }
    for (const auto* key : {"activeDeadlineSeconds", "tolerations", "nodeName",
                            "terminationGracePeriodSeconds", "schedulingGates"})
        spec.erase(key);
    return spec;
}

void validate_pod_update(const Change& change, FieldErrors& errors) {
    const auto& before = json_at(change.before, "spec");
    const auto& after = json_at(change.after, "spec");
    const bool rebound = change.subresource != "binding" &&
                         json_at(before, "nodeName") != json_at(after, "nodeName");
    if (!rebound && fixed_part_of_pod(before) == fixed_part_of_pod(after)) return;
    errors.push_back(field_forbidden(
        "spec",
        "pod updates may not change fields other than `spec.containers[*].image`,"
        "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
        "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be "
        "set to 1 if it was previously negative)"));
}

bool has_named(const Json& list, const std::string& name) {
    return std::any_of(list.begin(), list.end(),
                       [&](const Json& one) { return json_string(one, "name") == name; });
}

void validate_container(const Json& spec, const Json& container, const std::string& path,
                        FieldErrors& errors) {
    if (json_string(container, "image").empty()) errors.push_back(field_required(path + ".image"));
    const auto check_names = [&](const Json& used, const Json& known, const std::string& at) {
        for (std::size_t i = 0; i < used.size(); ++i) {
            const auto name = json_string(used[i], "name");
            if (!name.empty() && !has_named(known, name))
                errors.push_back(field_not_found(path_index(at, i) + ".name", name));
        }
    };
    check_names(json_path(container, {"resources", "claims"}), json_at(spec, "resourceClaims"),
                path + ".resources.claims");
    check_names(json_at(container, "volumeMounts"), json_at(spec, "volumes"),
                path + ".volumeMounts");
}

void validate_pod_claims(const Json& claims, FieldErrors& errors) {
    for (std::size_t i = 0; i < claims.size(); ++i) {
        const auto path = path_index("spec.resourceClaims", i);
        const bool named = claims[i].contains("resourceClaimName");
        const bool made = claims[i].contains("resourceClaimTemplateName");
        if (named && made) {
            errors.push_back(field_invalid(path, claims[i],
                                           "at most one of `resourceClaimName` or "
                                           "`resourceClaimTemplateName` may be specified"));
        } else if (!named && !made) {
            errors.push_back(field_invalid(path, claims[i],
                                           "must specify one of: `resourceClaimName`, "
                                           "`resourceClaimTemplateName`"));
        }
    }
}

}  // namespace

void complete_nothing(const Json&, Json&) {}

void complete_namespace(const Json& before, Json& after) {
    auto& metadata = after["metadata"];
    metadata["labels"]["kubernetes.io/metadata.name"] = json_string(metadata, "name");
    if (!before.is_null()) return;
    after["spec"] = {{"finalizers", {"kubernetes"}}};
    after["status"] = {{"phase", "Active"}};
}

void complete_pod(const Json& before, Json& after) {
    if (!json_at(after, "spec").is_object()) return;
    auto& spec = after["spec"];
    for (const auto* list : {"containers", "initContainers"}) {
        if (!spec.contains(list)) continue;
        for (auto& container : spec[list]) {
            if (!container.contains("imagePullPolicy"))
                container["imagePullPolicy"] = pull_policy(json_string(container, "image"));
        }
    }
    if (!spec.contains("serviceAccountName")) spec["serviceAccountName"] = "default";
    spec["serviceAccount"] = spec["serviceAccountName"];
    if (before.is_null()) after["status"] = {{"phase", "Pending"}, {"qosClass", qos_class(spec)}};
}

void validate_nothing(const Change&, FieldErrors&) {}

void validate_pod(const Change& change, FieldErrors& errors) {
    if (!change.before.is_null()) {
        validate_pod_update(change, errors);
        return;
    }
    const auto& spec = json_at(change.after, "spec");
    for (const auto* list : {"containers", "initContainers"}) {
        const auto& containers = json_at(spec, list);
        for (std::size_t i = 0; i < containers.size(); ++i)
            validate_container(spec, containers[i], path_index(std::string("spec.") + list, i),
                               errors);
    }
    validate_pod_claims(json_at(spec, "resourceClaims"), errors);
}

void validate_event(const Change& change, FieldErrors& errors) {
    const auto ns = json_string(json_at(change.after, "metadata"), "namespace");
    const auto about = json_string(json_at(change.after, "involvedObject"), "namespace");
    // Events about cluster-scoped objects live in "default".
    if (about == ns || (about.empty() && ns == "default")) return;
    errors.push_back(
        field_invalid("involvedObject.namespace", about, "does not match event.namespace"));
}

}  // namespace knd::api
