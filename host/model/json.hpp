// SPDX-License-Identifier: Apache-2.0
//
// The one place that includes the JSON library. Parsing returns a Result; nothing here throws at
// its caller. Readers use the typed accessors below instead of the library's throwing ones.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "host/model/origin.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

using Json = nlohmann::json;

/// Parses one document. An error begins with the place. Nesting over 128 levels is refused, so
/// that hostile input cannot exhaust the stack.
Result<Json> parse_json(std::string_view text, const Origin& origin = {});

/// `object[key]`, or null when `object` is no object or has no such key.
const Json& json_at(const Json& object, std::string_view key);
/// Walks keys from the outside in: json_path(claim, {"status", "allocation"}).
const Json& json_path(const Json& object, std::initializer_list<std::string_view> keys);

/// The value if it has the asked type, else `fallback`.
std::string json_string(const Json& object, std::string_view key, std::string_view fallback = "");
std::int64_t json_int(const Json& object, std::string_view key, std::int64_t fallback = 0);
bool json_bool(const Json& object, std::string_view key, bool fallback = false);

/// Compact text; invalid UTF-8 becomes U+FFFD instead of an exception.
std::string to_text(const Json& json);

}  // namespace knd
