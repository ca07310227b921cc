// SPDX-License-Identifier: Apache-2.0
//
// What a plain scalar of YAML 1.1 means. Internal to the YAML reader.
#pragma once

#include <optional>
#include <string>

#include "host/model/json.hpp"

namespace knd {

/// Null, boolean, number or string; nothing for infinity and NaN, which JSON does not have.
std::optional<Json> resolve_plain_scalar(const std::string& text);

}  // namespace knd
