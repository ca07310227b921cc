// SPDX-License-Identifier: Apache-2.0
//
// Request bodies in protobuf, read into JSON.
#pragma once

#include <string_view>

#include "host/model/json.hpp"

namespace knd::api {

/// Kubernetes' protobuf envelope. kubectl uses it for `create namespace` and for nothing else that
/// is served here, so only a Namespace is understood; any other kind is UNIMPLEMENTED.
Result<Json> parse_protobuf(std::string_view bytes);

}  // namespace knd::api
