// SPDX-License-Identifier: Apache-2.0
//
// Request bodies that are not JSON, read into JSON.
#pragma once

#include <string>
#include <string_view>

#include "host/model/json.hpp"

namespace knd::api {

/// One document. Untagged plain scalars become numbers, booleans or null where they look like them.
Result<Json> parse_yaml(const std::string& text);

/// Kubernetes' protobuf envelope. kubectl uses it for `create namespace` and for nothing else that
/// is served here, so only a Namespace is understood; any other kind is UNIMPLEMENTED.
Result<Json> parse_protobuf(std::string_view bytes);

}  // namespace knd::api
