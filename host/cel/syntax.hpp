// SPDX-License-Identifier: Apache-2.0
//
// What is wrong with an expression that does not parse, in the words of the parser that Kubernetes
// uses. It takes its time: nothing but a failed parse asks for it.
#pragma once

#include <string_view>
#include <vector>

#include "host/cel/ast.hpp"

namespace knd::cel {

/// Empty: the expression is too ambiguous for it.
std::vector<Issue> explain_syntax(std::string_view source, const ParserOptions& options);

}  // namespace knd::cel
