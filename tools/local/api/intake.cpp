// SPDX-License-Identifier: Apache-2.0
#include "tools/local/api/intake.hpp"

#include "host/model/time.hpp"
#include "host/validation/formats.hpp"
#include "host/validation/validation.hpp"
#include "tools/local/api/patch.hpp"
#include "tools/local/api/random.hpp"
#include "tools/local/api/rules.hpp"
#include "tools/local/api/schema.hpp"

namespace knd::api {
namespace {

constexpr std::size_t kMaxGeneratedPrefix = 58;
/// Fields of metadata that only the server writes.
constexpr const char* kServerFields[] = {
    "uid",        "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
    "generation", "generateName",      "selfLink"};

const Type& type_of(const Kind& kind) {
    return *served_schema().find(kind.kind);
}

/// apiVersion and kind are right or absent; the rest has the shape of the schema.
Answer<bool> check_shape(const Kind& kind, Json& object, const WriteOptions& options) {
    if (!object.is_object()) return bad_request("the object provided is not a JSON object");
    const auto version = json_string(object, "apiVersion", kind.api_version());
    const auto name = json_string(object, "kind", kind.kind);
    if (version != kind.api_version() || name != kind.kind)
        return bad_request("the API version in the data (" + version + ", Kind=" + name +
                           ") does not match the expected API version (" + kind.api_version() +
                           ", Kind=" + std::string(kind.kind) + ")");
    object["apiVersion"] = version;
    object["kind"] = name;
    std::vector<std::string> unknown;
    KND_TRY(conform(type_of(kind), object, unknown));
    if (!object.contains("metadata")) object["metadata"] = Json::object();
    if (unknown.empty() || options.field_validation == FieldValidation::kIgnore) return true;
    std::string text;
    for (const auto& field : unknown) {
        const auto warning = "unknown field \"" + field + "\"";
        if (options.warnings != nullptr) options.warnings->push_back(warning);
        text.append(text.empty() ? "" : ", ").append(warning);
    }
    if (options.field_validation == FieldValidation::kWarn) return true;
    return bad_request(name + " in version \"" + std::string(kind.version) +
                       "\" cannot be handled as a " + name + ": strict decoding error: " + text);
}

Answer<bool> check_rules(const Kind& kind, const Json& before, const Json& after,
                         std::string_view subresource) {
    FieldErrors errors;
    const bool is_namespace = kind.id == Resource::kNamespaces;
    validation::validate_metadata(before, after,
                                  {kind.namespaced, is_namespace ? validation::label_problems
                                                                 : validation::subdomain_problems},
                                  errors);
    if (kind.rules_in_schema()) check_fields(type_of(kind), after, before, "", errors);
    kind.validate({before, after, subresource}, errors);
    if (errors.empty()) return true;
    return invalid(kind.qualified_kind(), object_name(after), errors);
}

/// A status write changes nothing but the status, and any other write everything but it.
Json confine(const Kind& kind, const Json& before, Json after, const std::string& subresource) {
    if (subresource == "status") {
        Json next = before;
        if (after.contains("status")) next["status"] = std::move(after["status"]);
        const auto& managed = json_path(after, {"metadata", "managedFields"});
        if (managed.is_array()) next["metadata"]["managedFields"] = managed;
        return next;
    }
    if (subresource.empty() && kind.has_subresource("status")) {
        if (before.contains("status"))
            after["status"] = before["status"];
        else
            after.erase("status");
    }
    return after;
}

void keep_server_fields(const Json& before, Json& after) {
    const auto& had = before["metadata"];
    auto& metadata = after["metadata"];
    for (const auto* key : kServerFields) {
        if (had.contains(key))
            metadata[key] = had[key];
        else
            metadata.erase(key);
    }
    metadata["resourceVersion"] = had["resourceVersion"];
    if (had.contains("namespace")) metadata["namespace"] = had["namespace"];
    // [{}] is how clients ask to forget who applied what; [] is how kubectl migrates.
    const auto& managed = json_at(metadata, "managedFields");
    if (managed.is_null() && had.contains("managedFields"))
        metadata["managedFields"] = had["managedFields"];
    else if (managed.empty() || managed == Json::array({Json::object()}))
        metadata.erase("managedFields");
}

}  // namespace

std::string object_name(const Json& object) {
    return json_string(json_at(object, "metadata"), "name");
}

bool is_leaving(const Json& object) {
    return json_path(object, {"metadata", "deletionTimestamp"}).is_string();
}

std::string object_namespace(const Json& object) {
    return json_string(json_at(object, "metadata"), "namespace");
}

Answer<Json> take_new(const Kind& kind, std::string_view ns, Json object,
                      const WriteOptions& options) {
    KND_TRY(check_shape(kind, object, options));
    auto& metadata = object["metadata"];
    if (!json_string(metadata, "resourceVersion").empty())
        return bad_request("resourceVersion should not be set on objects to be created");
    if (const auto own = object_namespace(object); !own.empty() && own != ns && kind.namespaced)
        return bad_request(
            "the namespace of the provided object does not match the namespace sent "
            "on the request");
    for (const auto* key : kServerFields) {
        if (std::string_view(key) != "generateName") metadata.erase(key);
    }
    if (kind.namespaced)
        metadata["namespace"] = ns;
    else
        metadata.erase("namespace");
    const auto prefix = json_string(metadata, "generateName");
    if (object_name(object).empty() && !prefix.empty())
        metadata["name"] = prefix.substr(0, kMaxGeneratedPrefix) + random_suffix(5);
    metadata["uid"] = random_uid();
    metadata["creationTimestamp"] = rfc3339_now();
    if (kind.counts_generation) metadata["generation"] = 1;
    kind.complete(Json(), object);
    KND_TRY(check_rules(kind, Json(), object, options.subresource));
    return object;
}

Answer<bool> check_preconditions(const Kind& kind, const Json& current, const std::string& uid,
                                 const std::string& resource_version) {
    const auto& metadata = json_at(current, "metadata");
    const auto clash = [&](const std::string& what, const std::string& wanted) {
        return conflict(kind.qualified_resource(), object_name(current),
                        "Precondition failed: " + what + " in precondition: " + wanted + ", " +
                            what + " in object meta: ");
    };
    if (!uid.empty() && uid != json_string(metadata, "uid")) {
        auto status = clash("UID", uid);
        status.message += json_string(metadata, "uid");
        return status;
    }
    if (!resource_version.empty() && resource_version != json_string(metadata, "resourceVersion"))
        return conflict(kind.qualified_resource(), object_name(current),
                        "the object has been modified; please apply your changes to the latest "
                        "version and try again");
    return true;
}

Answer<Json> take_replacement(const Kind& kind, const Json& before, Json after,
                              const WriteOptions& options) {
    KND_TRY(check_shape(kind, after, options));
    const auto& metadata = after["metadata"];
    if (object_name(after) != object_name(before))
        return bad_request("the name of the object (" + object_name(after) +
                           ") does not match the name on the URL (" + object_name(before) + ")");
    KND_TRY(check_preconditions(kind, before, json_string(metadata, "uid"),
                                json_string(metadata, "resourceVersion")));
    after = confine(kind, before, std::move(after), options.subresource);
    keep_server_fields(before, after);
    kind.complete(before, after);
    if (json_at(before, "metadata").contains("managedFields") &&
        json_path(before, {"metadata", "managedFields"}) ==
            json_path(after, {"metadata", "managedFields"}))
        release_changed_fields(type_of(kind), before, after);
    if (after == before) return after;
    KND_TRY(check_rules(kind, before, after, options.subresource));
    if (kind.counts_generation && json_at(before, "spec") != json_at(after, "spec"))
        after["metadata"]["generation"] = json_int(after["metadata"], "generation") + 1;
    return after;
}

}  // namespace knd::api
