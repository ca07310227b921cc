// SPDX-License-Identifier: Apache-2.0
//
// 'text %s'.format([values]): the clauses of a format, for the function that fills them and for the
// checker that looks whether the arguments can fill them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "host/cel/library.hpp"

namespace knd::cel {

/// "%.2f": verb 'f', precision 2.
struct FormatClause {
    char verb = 0;
    std::optional<int> precision;
};

/// Appends the text of an argument; returns what is wrong with it, or nothing.
using FormatArgument =
    std::function<std::string(std::size_t number, const FormatClause& clause, std::string& out)>;

/// Copies `format` to `out`, with `insert` called for each clause. Returns the first error, or
/// nothing; `used` counts the clauses.
std::string walk_format(std::string_view format, std::size_t arguments,
                        const FormatArgument& insert, std::string& out, std::size_t& used);

/// The sentence about a clause that cannot take a value of that type; nothing if it can.
std::string refuse_clause(char verb, TypeKind type, std::string_view type_name);

std::span<const Overload> string_format_library();

}  // namespace knd::cel
