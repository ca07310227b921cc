// SPDX-License-Identifier: Apache-2.0
//
// The table of what this API server serves: one row per kind, with its names, scope, subresources,
// field selectors, printer columns and rules. Discovery, OpenAPI, routing, `kubectl get` output and
// the store are all driven by these rows; nothing else knows a kind by name.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/local/api/status.hpp"

namespace knd::api {

enum class Resource {
    kNamespaces,
    kNodes,
    kPods,
    kEvents,
    kDeviceClasses,
    kResourceClaims,
    kResourceClaimTemplates,
    kResourceSlices,
};

/// One column of server-side printing. `cell` may look at the wall clock for ages.
struct Column {
    std::string_view name;
    std::string_view type;  ///< "string", "integer", "date"
    int priority;           ///< 0: always, 1: only with -o wide
    Json (*cell)(const Json& object);
};

/// What a write is about to do, for the rules below. `before` is null on create.
struct Change {
    const Json& before;
    const Json& after;
    std::string_view subresource;  ///< "", "status", "binding"
};

struct Kind {
    Resource id;
    std::string_view group;  ///< "" for core
    std::string_view version;
    std::string_view kind;
    std::string_view plural;
    std::string_view singular;
    bool namespaced;
    bool counts_generation;  ///< metadata.generation follows the spec
    std::vector<std::string_view> short_names;
    std::vector<std::string_view> subresources;
    std::vector<std::string_view> field_selectors;  ///< dotted paths besides metadata.name(space)
    std::vector<Column> columns;
    /// Fills in what the server fills in before validation, beyond the schema's defaults.
    void (*complete)(const Json& before, Json& after);
    /// Rules beyond those of the schema.
    void (*validate)(const Change& change, FieldErrors& errors);
    /// Of a kind that shows the objects of another one, `id`: the way there and back. Else null.
    Json (*from_stored)(Json object) = nullptr;
    Json (*to_stored)(Json object) = nullptr;

    std::string api_version() const;         ///< "v1", "resource.k8s.io/v1"
    std::string qualified_resource() const;  ///< "pods", "resourceclaims.resource.k8s.io"
    std::string qualified_kind() const;      ///< "Pod", "ResourceClaim.resource.k8s.io"
    /// Whether the schema says what single fields may hold; else host/validation says it all.
    bool rules_in_schema() const;
    bool has_subresource(std::string_view name) const;
};

/// Kinds that are stored, in the order of Resource.
std::span<const Kind> all_kinds();
/// These, and those that show the objects of another one.
std::span<const Kind> served_kinds();
const Kind& kind_of(Resource resource);
/// Null when nothing of that name is served.
const Kind* find_kind(std::string_view group, std::string_view version, std::string_view plural);

}  // namespace knd::api
