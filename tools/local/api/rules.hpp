// SPDX-License-Identifier: Apache-2.0
//
// What the server fills in and what it refuses, per kind: the rules over several fields that the
// schema cannot state. Wording as in Kubernetes.
#pragma once

#include <set>
#include <string>

#include "tools/local/api/kinds.hpp"

namespace knd::api {

void complete_nothing(const Json& before, Json& after);
void complete_namespace(const Json& before, Json& after);
void complete_pod(const Json& before, Json& after);
void complete_claim(const Json& before, Json& after);
void complete_template(const Json& before, Json& after);
void complete_slice(const Json& before, Json& after);

void validate_nothing(const Change& change, FieldErrors& errors);
void validate_namespace(const Change& change, FieldErrors& errors);
void validate_pod(const Change& change, FieldErrors& errors);
void validate_event(const Change& change, FieldErrors& errors);
void validate_class(const Change& change, FieldErrors& errors);
void validate_claim(const Change& change, FieldErrors& errors);
void validate_template(const Change& change, FieldErrors& errors);
void validate_slice(const Change& change, FieldErrors& errors);

/// The rules of metadata that hold for every kind.
void validate_metadata(const Kind& kind, const Json& metadata, FieldErrors& errors);

/// Administrative access is for namespaces that carry a label for it. `object` is a claim or a
/// template; anything else has nothing to check.
void validate_admin_access(const Json& object, const Json& object_namespace, FieldErrors& errors);

// Shared by the rules of claims, classes and slices.

/// `opaque` is there, and its parameters are a JSON object of at most 10 KiB.
void validate_opaque(const Json& config, const std::string& path, FieldErrors& errors);
/// A JSON object of at most 10 KiB.
void validate_raw_object(const Json& value, const std::string& path, FieldErrors& errors);
/// Every selector has a `cel` whose expression compiles.
void validate_selectors(const Json& selectors, const std::string& path, FieldErrors& errors);
/// Each value of `list` occurs once; `key` empty compares the values themselves.
void validate_unique(const Json& list, const std::string& path, std::string_view key,
                     FieldErrors& errors);
/// The keys of `map` have the format.
void validate_keys(const Json& map, const std::string& path, std::string_view format,
                   FieldErrors& errors);
/// One node selector term at least, and only metadata.name in matchFields.
void validate_node_selector(const Json& selector, const std::string& path, bool exactly_one,
                            FieldErrors& errors);

}  // namespace knd::api
