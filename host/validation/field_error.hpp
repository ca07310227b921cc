// SPDX-License-Identifier: Apache-2.0
//
// One violated rule of one field, in the spelling of Kubernetes: what a user knows from kubectl.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/model/json.hpp"

namespace knd::api {

struct FieldError {
    std::string reason;   ///< "FieldValueInvalid" and so on
    std::string field;    ///< "spec.devices.requests[0].name"
    std::string message;  ///< "Invalid value: 5: must be greater than zero"
    std::string text() const { return field + ": " + message; }
};

using FieldErrors = std::vector<FieldError>;

FieldError field_required(std::string field, std::string_view detail = "");
FieldError field_forbidden(std::string field, std::string_view detail);
FieldError field_invalid(std::string field, const Json& value, std::string_view detail);
/// In quotes, as Go's %q writes it.
std::string go_quoted(std::string_view text);
/// As Go's encoding/json writes it, which is how values of types of their own are shown.
std::string go_json(const Json& value);
/// `value` is shown as it is.
FieldError field_invalid_as(std::string field, std::string_view value, std::string_view detail);
FieldError field_duplicate(std::string field, const Json& value);
FieldError field_duplicate_as(std::string field, std::string_view value);
FieldError field_not_found(std::string field, const Json& value);
FieldError field_too_many(std::string field, std::size_t actual, std::size_t limit);
FieldError field_too_long(std::string field, std::size_t limit);
FieldError field_unsupported(std::string field, const Json& value,
                             const std::vector<std::string>& supported);

/// As Kubernetes joins them, each once: "a: Required value", or "[a: Required value, b: ...]".
std::string joined(const FieldErrors& errors);

}  // namespace knd::api
