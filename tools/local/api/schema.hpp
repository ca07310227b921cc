// SPDX-License-Identifier: Apache-2.0
//
// One description of all served types, from which come: pruning of unknown fields, type errors,
// defaults, the rules of single fields, merge keys of strategic merge patch and server-side apply,
// and the OpenAPI documents that `kubectl explain` and `kubectl apply` read. What resource.k8s.io
// consists of is said by host/validation alone; its texts are supplemented here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/validation/schema.hpp"
#include "tools/local/api/status.hpp"

namespace knd::api {

using validation::Field;
using validation::Schema;
using validation::Shape;
using validation::Type;

/// The Kubernetes release 1.NN that is imitated.
constexpr int kMinor = 36;

/// A constant, made at its first use. Types without a package are not served, and neither are
/// fields that do not exist in kMinor.
const Schema& served_schema();

/// Brings `value` into the shape of `type`: nulls are dropped, quantities become strings, unknown
/// fields go and are listed, defaults are filled in. The error names the field of a wrong type.
Answer<bool> conform(const Type& type, Json& value, std::vector<std::string>& unknown);

/// Checks the rules that the schema states; with `before` also that fixed fields did not change.
void check_fields(const Type& type, const Json& value, const Json& before, const std::string& path,
                  FieldErrors& errors);

/// Checks one value against a named format; empty when it is fine, else Kubernetes' explanation.
std::string check_format(std::string_view format, const std::string& value);

/// `a.b`, or `b` when `a` is empty; indexes and map keys as Kubernetes prints them.
std::string path_join(const std::string& path, std::string_view name);
std::string path_index(const std::string& path, std::size_t index);
std::string path_key(const std::string& path, std::string_view key);

extern const char* const kCoreText;
extern const char* const kPodText;
extern const char* const kResourceText;

}  // namespace knd::api
