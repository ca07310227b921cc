// SPDX-License-Identifier: Apache-2.0
//
// A selector as the list of clauses that must all hold: what stands between its outermost `&&`.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace knd::simulate {

/// As they are written. What cannot be taken apart is one clause.
std::vector<std::string> clauses(std::string_view expression);

/// The expression without one of its clauses; empty when nothing is left.
std::string without_clause(const std::vector<std::string>& clauses, std::size_t dropped);

}  // namespace knd::simulate
