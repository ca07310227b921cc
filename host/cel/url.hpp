// SPDX-License-Identifier: Apache-2.0
//
// URLs as values of expressions: Kubernetes' url(). What is accepted, and how it is taken apart,
// is what Go's net/url does, because selectors are written against that.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/cel/library.hpp"

namespace knd::cel {

struct Url {
    std::string scheme;
    std::string opaque;  ///< what follows the scheme if that is no path: mailto:OPAQUE
    std::string user;    ///< as it is written before the "@", with its escapes made uniform
    bool has_user = false;
    bool omit_host = false;
    std::string host;  ///< unescaped, with the port
    std::string path;  ///< unescaped
    std::string escaped_path;
    std::string query;
    bool force_query = false;  ///< a "?" with nothing after it
    std::string fragment;      ///< escaped

    /// False: `why` gets the reason. A fragment is cut off first, as requests do not have one.
    static bool parse(std::string_view text, Url& out, std::string& why);
    /// Whether it is absolute, or a path from the root.
    static bool parse_request(std::string_view text, std::string& why);

    std::string text() const;
    std::string hostname() const;
    std::string port() const;
    /// Unescaped names and values in the order they are written; broken pairs are left out.
    std::vector<std::pair<std::string, std::string>> query_pairs() const;
};

std::span<const Overload> url_library();

}  // namespace knd::cel
