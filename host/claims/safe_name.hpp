// SPDX-License-Identifier: Apache-2.0
//
// Which names of API objects may become names of files and of CDI devices. The API server has
// checked most of them, but not annotations, and nothing may leave our directories.
#pragma once

#include <algorithm>
#include <string_view>

namespace knd {

/// Letters, digits, '-', '_' and '.', not starting with punctuation.
inline bool is_safe_name(std::string_view name, std::size_t longest) {
    const auto alphanumeric = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    return !name.empty() && name.size() <= longest && alphanumeric(name.front()) &&
           std::all_of(name.begin(), name.end(),
                       [&](char c) { return alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

inline bool is_safe_uid(std::string_view uid) {
    return is_safe_name(uid, 64);
}

}  // namespace knd
