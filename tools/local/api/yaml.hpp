// SPDX-License-Identifier: Apache-2.0
//
// YAML as Kubernetes clients send it: one document, read into JSON.
#pragma once

#include <string>

#include "host/model/json.hpp"

namespace knd::api {

/// Untagged plain scalars become numbers, booleans or null where they look like them.
Result<Json> parse_yaml(const std::string& text);

}  // namespace knd::api
