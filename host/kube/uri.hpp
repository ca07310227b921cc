// SPDX-License-Identifier: Apache-2.0
//
// Percent-encoding of path segments and query values.
#pragma once

#include <string>
#include <string_view>

namespace knd::kube {

/// Everything but RFC 3986 unreserved characters is encoded, so a name can never become a path.
inline std::string uri_escape(std::string_view text) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += kHex[byte >> 4];
        out += kHex[byte & 15];
    }
    return out;
}

}  // namespace knd::kube
