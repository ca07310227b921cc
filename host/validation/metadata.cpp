// SPDX-License-Identifier: Apache-2.0
//
// Rules of metadata.
#include <algorithm>

#include "host/validation/checks.hpp"
#include "host/validation/schema.hpp"
#include "host/validation/validation.hpp"

namespace knd::validation {
namespace {

constexpr std::size_t kMaxAnnotations = 256 * 1024;
constexpr std::size_t kMaxManager = 128;
constexpr std::size_t kMaxSubresource = 256;

/// A prefix may end with a dash.
std::string as_name(std::string_view prefix) {
    std::string name(prefix);
    if (name.size() > 1 && name.back() == '-') name.replace(name.size() - 2, 2, "a");
    return name;
}

void check_generation(const JsonField& field, Report& report) {
    const auto generation = field.integer(0);
    if (generation.ok() && *generation < 0)
        report.add(
            api::field_invalid(field.path(), *generation, "must be greater than or equal to 0"));
}

void check_labels(const JsonField& labels, Report& report) {
    labels.each_member([&](const std::string& key, const JsonField& value) {
        add_problems(labels.path(), key, label_key_problems(key), report);
        add_problems(labels.path(), value.json(), label_value_problems(value.text_or_empty()),
                     report);
    });
}

void check_annotations(const JsonField& annotations, Report& report) {
    std::size_t size = 0;
    annotations.each_member([&](const std::string& key, const JsonField& value) {
        add_problems(annotations.path(), key, label_key_problems(lower_case(key)), report);
        size += key.size() + value.text_or_empty().size();
    });
    if (size > kMaxAnnotations)
        report.add(api::field_too_long(annotations.path(), kMaxAnnotations));
}

void check_owner(const JsonField& owner, const std::string& path, Report& report) {
    const bool newer = report.minor() >= 37;
    const auto refuse_empty = [&](const char* key, std::string_view why) {
        report.add(newer ? api::field_required(path + "." + key, "must not be empty")
                         : api::field_invalid(path + "." + key, "", why));
    };
    const auto version = owner["apiVersion"].text_or_empty();
    if (version.empty())
        refuse_empty("apiVersion", "version must not be empty");
    else if (version.ends_with('/') || std::count(version.begin(), version.end(), '/') > 1)
        report.add(api::field_invalid(
            path + ".apiVersion", version,
            newer ? "must be <group>/<version> or <version>" : "version must not be empty"));
    for (const auto* key : {"kind", "name", "uid"})
        if (owner[key].text_or_empty().empty()) refuse_empty(key, "must not be empty");
    if (version == "v1" && owner["kind"].text_or_empty() == "Event")
        report.add(api::field_invalid_as(
            path, go_text(*Schema::instance().find("OwnerReference"), owner.json(), report.minor()),
            "/v1, Kind=Event is disallowed from being an owner"));
}

void check_owners(const JsonField& owners, Report& report) {
    std::string controller;
    owners.each([&](const JsonField& owner) {
        check_owner(owner, report.minor() >= 37 ? owner.path() : owners.path(), report);
        if (owner["controller"].json() != true) return;
        const auto name = std::string(owner["kind"].text_or_empty()) + "/" +
                          std::string(owner["name"].text_or_empty());
        if (controller.empty())
            controller = name;
        else
            report.add(api::field_invalid_as(
                owners.path(),
                go_text(*Schema::instance().find("[]OwnerReference"), owners.json(),
                        report.minor()),
                "Only one reference can have Controller set to true. Found \"true\" in references "
                "for " +
                    controller + " and " + name));
    });
}

void check_finalizers(const JsonField& finalizers, Report& report) {
    bool orphan = false;
    bool foreground = false;
    finalizers.each([&](const JsonField& one) {
        const auto name = one.text_or_empty();
        add_problems(finalizers.path(), one.json(), label_key_problems(name), report);
        orphan = orphan || name == "orphan";
        foreground = foreground || name == "foregroundDeletion";
    });
    if (orphan && foreground)
        report.add(
            api::field_invalid(finalizers.path(), finalizers.json(),
                               "finalizer orphan and foregroundDeletion cannot be both set"));
}

void check_finalizer_names(const JsonField& finalizers, Report& report) {
    finalizers.each([&](const JsonField& one) {
        const auto name = one.text_or_empty();
        if (name.find('/') != std::string_view::npos || name == "kubernetes" || name == "orphan" ||
            name == "foregroundDeletion")
            return;
        report.add(api::field_invalid(
            one.path(), one.json(),
            "name is neither a standard finalizer name nor is it fully qualified"));
    });
}

void check_managed_fields(const JsonField& entries, Report& report) {
    entries.each([&](const JsonField& entry) {
        const auto operation = entry["operation"];
        if (operation.text_or_empty() != "Apply" && operation.text_or_empty() != "Update")
            report.add(api::field_invalid_as(operation.path(),
                                             api::go_json(operation.text_or_empty()),
                                             "must be `Apply` or `Update`"));
        const auto type = entry["fieldsType"];
        if (!type.text_or_empty().empty() && type.text_or_empty() != "FieldsV1")
            report.add(api::field_invalid(type.path(), type.json(), "must be `FieldsV1`"));
        check_length(entry["manager"], kMaxManager, report);
        check_length(entry["subresource"], kMaxSubresource, report);
    });
}

std::vector<std::string> path_segment_problems(std::string_view text, bool whole) {
    if (whole && (text == "." || text == "..")) return {"may not be '" + std::string(text) + "'"};
    std::vector<std::string> problems;
    for (const char c : {'/', '%'})
        if (text.find(c) != std::string_view::npos)
            problems.push_back("may not contain '" + std::string(1, c) + "'");
    return problems;
}

/// Of a new object the name alone is looked at, by rules that are stricter.
void check_path_segments(const JsonField& meta, Report& report) {
    const auto prefix = meta["generateName"];
    add_problems(prefix.path(), prefix.json(), path_segment_problems(prefix.text_or_empty(), false),
                 report);
    const auto name = meta["name"];
    add_problems(name.path(), name.json(), path_segment_problems(name.text_or_empty(), true),
                 report);
}

/// What a new object has to have, and every stored one has.
void check_identity(const JsonField& meta, bool names, const Scope& scope, Report& report) {
    const auto prefix = meta["generateName"];
    if (names && scope.looks_at_prefix && !prefix.text_or_empty().empty())
        add_problems(prefix.path(), prefix.json(),
                     scope.name_problems(as_name(prefix.text_or_empty())), report);
    const auto name = meta["name"];
    if (name.text_or_empty().empty())
        report.add(api::field_required(name.path(), "name or generateName is required"));
    else if (names)
        add_problems(name.path(), name.json(), scope.name_problems(name.text_or_empty()), report);
    const auto ns = meta["namespace"];
    if (!scope.namespaced) {
        if (!ns.text_or_empty().empty())
            report.add(api::field_forbidden(ns.path(), "not allowed on this type"));
    } else if (ns.text_or_empty().empty()) {
        report.add(api::field_required(ns.path()));
    } else {
        check_label(ns, report);
    }
    check_generation(meta["generation"], report);
}

void check_changes(const JsonField& meta, const Json& before, Report& report) {
    if (!json_at(before, "deletionTimestamp").is_null()) {
        const auto& had = json_at(before, "finalizers");
        std::set<std::string> added;
        meta["finalizers"].each([&](const JsonField& one) {
            if (std::find(had.begin(), had.end(), one.json()) == had.end())
                added.emplace(one.text_or_empty());
        });
        std::string names;
        for (const auto& name : added)
            names.append(names.empty() ? "" : ", ").append(to_text(name));
        if (!added.empty())
            report.add(api::field_forbidden(
                meta["finalizers"].path(),
                "no new finalizers can be added if the object is being deleted, found new "
                "finalizers []string{" +
                    names + "}"));
    }
    if (meta["resourceVersion"].text_or_empty().empty())
        report.add(api::field_invalid(meta["resourceVersion"].path(), "",
                                      "must be specified for an update"));
    if (json_int(meta.json(), "generation") < json_int(before, "generation"))
        report.add(api::field_invalid(meta["generation"].path(),
                                      json_int(meta.json(), "generation"),
                                      "must not be decremented"));
    for (const auto* key : {"name", "namespace"})
        check_immutable_text(meta[key], json_at(before, key), report);
    if (json_string(meta.json(), "uid") != json_string(before, "uid"))
        report.add(api::field_invalid_as(
            meta["uid"].path(), api::go_json(meta["uid"].text_or_empty()), "field is immutable"));
    for (const auto* key : {"creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"})
        check_immutable(meta[key], json_at(before, key), report);
}

}  // namespace

void validate_metadata(const Json& before, const Json& after, const Scope& scope,
                       api::FieldErrors& errors, const Gates& gates) {
    Report report(errors, gates);
    const JsonField root(after, "");
    const auto meta = root["metadata"];
    if (!before.is_null()) check_path_segments(meta, report);
    check_identity(meta, before.is_null() || scope.names_again, scope, report);
    check_labels(meta["labels"], report);
    check_annotations(meta["annotations"], report);
    check_owners(meta["ownerReferences"], report);
    check_finalizers(meta["finalizers"], report);
    check_managed_fields(meta["managedFields"], report);
    if (!before.is_null()) check_changes(meta, json_at(before, "metadata"), report);
    check_finalizer_names(meta["finalizers"], report);
}

void check_template_metadata(const JsonField& meta, Report& report) {
    check_annotations(meta["annotations"], report);
    check_labels(meta["labels"], report);
    for (const auto& field : Schema::instance().find("ObjectMeta")->fields) {
        if (field.name == "annotations" || field.name == "labels") continue;
        const auto one = meta[field.name];
        // Here an empty list is not an absent one.
        const bool set = field.pointer || one.json().is_array()
                             ? one.present()
                             : !same(*field.type, false, one.json(), Json());
        const auto name = field.name == "uid" ? std::string("uID") : field.name;
        if (set) report.add(api::field_forbidden(meta.path() + "." + name, "cannot be set"));
    }
}

}  // namespace knd::validation
