// SPDX-License-Identifier: Apache-2.0
//
// What a client reads to learn what is served: health, version, API discovery in its old and its
// aggregated form, and the OpenAPI documents.
#pragma once

#include <optional>

#include "tools/local/api/rest.hpp"

namespace knd::api {

/// The document at the request's path, if there is one.
std::optional<Response> serve_document(const Request& request);

/// Paths that need no token, as in Kubernetes: health and version.
bool is_public(std::string_view path);

}  // namespace knd::api
