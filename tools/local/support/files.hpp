// SPDX-License-Identifier: Apache-2.0
//
// Small things that every part of knd-local needs: files written whole, random ids.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "host/model/json.hpp"

#include <knd/cpp/result.hpp>

namespace knd::local {

/// Readers see the old content or the new one, never half of it.
Result<> write_file(const std::filesystem::path& path, std::string_view content,
                    mode_t mode = 0644);

/// The texts of a list; anything else in it is left out.
std::vector<std::string> json_strings(const Json& list);

/// `digits` random lower-case hex digits.
std::string random_id(std::size_t digits);

}  // namespace knd::local
