// SPDX-License-Identifier: Apache-2.0
//
// All rules of a write together, in the order of an API server.
#include <algorithm>
#include <iterator>

#include "host/validation/formats.hpp"
#include "host/validation/validation.hpp"

namespace knd::validation {
namespace {

constexpr std::string_view kAdminLabel = "resource.kubernetes.io/admin-access";

using Rules = void (*)(const Json&, const Json&, api::FieldErrors&, const Gates&);

struct Kind {
    std::string_view name;
    Scope scope;
    Rules rules;
    Rules status_rules = nullptr;
};

constexpr Kind kKinds[] = {
    {"ResourceSlice", {false, subdomain_problems, true, false}, validate_slice},
    {"DeviceClass", {false, long_name_problems, false}, validate_class},
    {"ResourceClaim", {true, subdomain_problems}, validate_claim, validate_claim_status},
    {"ResourceClaimTemplate", {true, subdomain_problems}, validate_template},
    {"DeviceTaintRule",
     {false, subdomain_problems, true, false},
     validate_taint_rule,
     validate_taint_rule_status},
};

const Kind* find_kind(const Json& object) {
    const auto name = json_string(object, "kind");
    const auto* found = std::find_if(std::begin(kKinds), std::end(kKinds),
                                     [&](const Kind& kind) { return kind.name == name; });
    return found == std::end(kKinds) ? nullptr : found;
}

/// What an update takes from the stored object, whatever it says itself.
void keep_metadata(const Json& before, Json& after) {
    const auto& had = json_at(before, "metadata");
    auto& metadata = after["metadata"];
    if (!metadata.is_object()) metadata = Json::object();
    const auto keep = [&](const char* key) {
        if (had.is_object() && had.contains(key)) metadata[key] = had[key];
    };
    metadata.erase("generation");
    keep("generation");
    if (json_string(metadata, "uid").empty()) keep("uid");
    if (json_string(metadata, "resourceVersion").empty()) keep("resourceVersion");
    keep("creationTimestamp");
    keep("deletionTimestamp");
    if (!metadata.contains("deletionGracePeriodSeconds")) keep("deletionGracePeriodSeconds");
}

/// True of the first that asks for administrative access.
bool add_admin_error(const Json& list, const std::string& path, bool of_requests,
                     api::FieldErrors& errors) {
    for (std::size_t i = 0; list.is_array() && i < list.size(); ++i) {
        const auto& holder = of_requests ? json_at(list[i], "exactly") : list[i];
        if (!json_bool(holder, "adminAccess")) continue;
        errors.push_back(api::field_forbidden(path + "[" + std::to_string(i) + "].adminAccess",
                                              "admin access to devices requires the `" +
                                                  std::string(kAdminLabel) +
                                                  ": true` label on the containing namespace"));
        return true;
    }
    return false;
}

bool has_admin_results(const Json& claim) {
    api::FieldErrors ignored;
    return add_admin_error(json_path(claim, {"status", "allocation", "devices", "results"}), "",
                           false, ignored);
}

}  // namespace

void validate_admin_access(const Json& before, const Json& object, const Json& object_namespace,
                           api::FieldErrors& errors) {
    const auto& labels = json_path(object_namespace, {"metadata", "labels"});
    if (json_string(labels, kAdminLabel) == "true") return;
    if (before.is_null()) {
        const bool is_template = json_string(object, "kind") == "ResourceClaimTemplate";
        const auto& requests = is_template
                                   ? json_path(object, {"spec", "spec", "devices", "requests"})
                                   : json_path(object, {"spec", "devices", "requests"});
        // Also of a template the path is that of a claim.
        add_admin_error(requests, "spec.devices.requests", true, errors);
    } else if (!has_admin_results(before)) {
        add_admin_error(json_path(object, {"status", "allocation", "devices", "results"}),
                        "status.allocation.devices.results", false, errors);
    }
}

api::FieldErrors admit(Write& write, const Gates& gates) {
    api::FieldErrors errors;
    const auto* kind = find_kind(write.after);
    if (kind == nullptr) return errors;
    const bool create = write.operation == Operation::kCreate;
    const bool status = write.operation == Operation::kStatus;
    if (!create) keep_metadata(write.before, write.after);
    drop_unwritable(write.operation, write.before, write.after, gates);
    const auto rules = status ? kind->status_rules : kind->rules;
    if (rules == nullptr) return errors;
    const auto check_admin = [&] {
        // The spec of a claim does not change, and admission looks at nothing else in an update.
        if (!write.object_namespace.is_null() && kind->scope.namespaced && (create || status))
            validate_admin_access(write.before, write.after, write.object_namespace, errors);
    };
    if (create) check_admin();
    auto scope = kind->scope;
    scope.names_again = scope.names_again && !status;
    validate_metadata(write.before, write.after, scope, errors, gates);
    if (status) check_admin();
    rules(write.before, write.after, errors, gates);
    return errors;
}

Result<void> validate_object(Json object, const Gates& gates, std::vector<std::string>* unknown) {
    const auto* kind = find_kind(object);
    const auto version = json_string(object, "apiVersion", "resource.k8s.io/");
    if (kind == nullptr || !version.starts_with("resource.k8s.io/")) return {};
    KND_TRY_ASSIGN(auto shaped, shape_object(std::move(object), gates));
    if (unknown != nullptr)
        unknown->insert(unknown->end(), shaped.unknown.begin(), shaped.unknown.end());
    Write write{Operation::kCreate, {}, std::move(shaped.object), {}};
    auto& metadata = write.after["metadata"];
    if (!metadata.is_object()) metadata = Json::object();
    // What a client or the server adds before anyone looks.
    if (kind->scope.namespaced && json_string(metadata, "namespace").empty())
        metadata["namespace"] = "default";
    if (!kind->scope.namespaced) metadata.erase("namespace");
    const auto prefix = json_string(metadata, "generateName");
    if (json_string(metadata, "name").empty() && !prefix.empty())
        metadata["name"] = prefix + "xxxxx";
    Json state;  // of a new object it would be dropped
    if (kind->status_rules != nullptr && write.after.contains("status"))
        state = std::move(write.after["status"]);
    auto errors = admit(write, gates);
    if (!state.is_null()) {
        write.after["status"] = std::move(state);
        kind->status_rules(Json(), write.after, errors, gates);
    }
    if (errors.empty()) return {};
    return Error(Code::kInvalidArgument, api::joined(errors));
}

}  // namespace knd::validation
