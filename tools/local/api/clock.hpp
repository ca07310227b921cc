// SPDX-License-Identifier: Apache-2.0
//
// Reading what host/model/time.hpp writes, and kubectl's ages.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace knd::api {

std::int64_t now_seconds();
/// Seconds since 1970; 0 when `text` is no time. Fractions are dropped.
std::int64_t parse_time(const std::string& text);
/// How long ago `text` was, the way kubectl prints ages: "5s", "3m20s", "8d"; "<unknown>" if empty.
std::string age_text(const std::string& text);

}  // namespace knd::api
