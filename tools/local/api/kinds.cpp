// SPDX-License-Identifier: Apache-2.0
#include "tools/local/api/kinds.hpp"

#include <algorithm>
#include <utility>

#include "host/validation/validation.hpp"
#include "tools/local/api/columns.hpp"
#include "tools/local/api/rules.hpp"

namespace knd::api {
namespace {

constexpr std::string_view kResourceGroup = "resource.k8s.io";
constexpr std::string_view kEventsGroup = "events.k8s.io";
constexpr std::size_t kStored = static_cast<std::size_t>(Resource::kResourceSlices) + 1;

/// Where fields of events.k8s.io/v1 have another name than those of the core's Event.
constexpr std::pair<const char*, const char*> kEventNames[] = {
    {"regarding", "involvedObject"},
    {"note", "message"},
    {"reportingController", "reportingComponent"},
    {"deprecatedSource", "source"},
    {"deprecatedFirstTimestamp", "firstTimestamp"},
    {"deprecatedLastTimestamp", "lastTimestamp"},
    {"deprecatedCount", "count"}};

void rename(Json& object, const char* from, const char* to) {
    if (!object.contains(from)) return;
    object[to] = std::move(object[from]);
    object.erase(from);
}

Json core_to_new_event(Json event) {
    for (const auto& [now, core] : kEventNames)
        rename(event, core, now);
    event["apiVersion"] = std::string(kEventsGroup) + "/v1";
    return event;
}

Json new_to_core_event(Json event) {
    if (!event.is_object()) return event;
    for (const auto& [now, core] : kEventNames)
        rename(event, now, core);
    event["apiVersion"] = "v1";
    return event;
}

/// A validator of the host as a rule of this server.
template <void (*validate)(const Json&, const Json&, FieldErrors&, const Gates&)>
void validate_resource(const Change& change, FieldErrors& errors) {
    validate(change.before, change.after, errors, Gates::standard());
}

std::vector<Kind> make_kinds() {
    return {
        {Resource::kNamespaces,
         "",
         "v1",
         "Namespace",
         "namespaces",
         "namespace",
         false,
         false,
         {"ns"},
         {"status"},
         {"status.phase"},
         namespace_columns(),
         complete_namespace,
         validate_nothing},
        {Resource::kNodes,
         "",
         "v1",
         "Node",
         "nodes",
         "node",
         false,
         false,
         {"no"},
         {"status"},
         {"spec.unschedulable"},
         node_columns(),
         complete_nothing,
         validate_nothing},
        {Resource::kPods,
         "",
         "v1",
         "Pod",
         "pods",
         "pod",
         true,
         true,
         {"po"},
         {"status", "binding"},
         {"spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
          "spec.hostNetwork", "status.phase", "status.podIP", "status.nominatedNodeName"},
         pod_columns(),
         complete_pod,
         validate_pod},
        {Resource::kEvents,
         "",
         "v1",
         "Event",
         "events",
         "event",
         true,
         false,
         {"ev"},
         {},
         {"involvedObject.kind", "involvedObject.namespace", "involvedObject.name",
          "involvedObject.uid", "involvedObject.apiVersion", "involvedObject.resourceVersion",
          "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type"},
         event_columns(),
         complete_nothing,
         validate_event},
        {Resource::kDeviceClasses,
         kResourceGroup,
         "v1",
         "DeviceClass",
         "deviceclasses",
         "deviceclass",
         false,
         true,
         {},
         {},
         {},
         plain_columns(),
         complete_class,
         validate_resource<validation::validate_class>},
        {Resource::kResourceClaims,
         kResourceGroup,
         "v1",
         "ResourceClaim",
         "resourceclaims",
         "resourceclaim",
         true,
         false,
         {},
         {"status"},
         {},
         claim_columns(),
         complete_claim,
         validate_claim},
        {Resource::kResourceClaimTemplates,
         kResourceGroup,
         "v1",
         "ResourceClaimTemplate",
         "resourceclaimtemplates",
         "resourceclaimtemplate",
         true,
         false,
         {},
         {},
         {},
         plain_columns(),
         complete_template,
         validate_resource<validation::validate_template>},
        {Resource::kResourceSlices,
         kResourceGroup,
         "v1",
         "ResourceSlice",
         "resourceslices",
         "resourceslice",
         false,
         true,
         {},
         {},
         {"spec.nodeName", "spec.driver", "spec.pool.name"},
         slice_columns(),
         complete_slice,
         validate_resource<validation::validate_slice>},
        {Resource::kEvents,
         kEventsGroup,
         "v1",
         "Event",
         "events",
         "event",
         true,
         false,
         {"ev"},
         {},
         {"reason", "type"},
         event_columns(),
         complete_nothing,
         validate_event,
         core_to_new_event,
         new_to_core_event},
    };
}

}  // namespace

std::string Kind::api_version() const {
    return group.empty() ? std::string(version) : std::string(group) + "/" + std::string(version);
}

std::string Kind::qualified_resource() const {
    return group.empty() ? std::string(plural) : std::string(plural) + "." + std::string(group);
}

std::string Kind::qualified_kind() const {
    return group.empty() ? std::string(kind) : std::string(kind) + "." + std::string(group);
}

bool Kind::has_subresource(std::string_view name) const {
    return std::find(subresources.begin(), subresources.end(), name) != subresources.end();
}

std::span<const Kind> served_kinds() {
    static const std::vector<Kind> kKinds = make_kinds();
    return kKinds;
}

std::span<const Kind> all_kinds() {
    return served_kinds().first(kStored);
}

bool Kind::rules_in_schema() const {
    return group != kResourceGroup;
}

const Kind& kind_of(Resource resource) {
    return all_kinds()[static_cast<std::size_t>(resource)];
}

const Kind* find_kind(std::string_view group, std::string_view version, std::string_view plural) {
    for (const auto& kind : served_kinds()) {
        if (kind.group == group && kind.version == version && kind.plural == plural) return &kind;
    }
    return nullptr;
}

}  // namespace knd::api
