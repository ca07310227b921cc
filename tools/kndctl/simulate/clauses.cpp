// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/simulate/clauses.hpp"

#include "host/cel/ast.hpp"

namespace knd::simulate {
namespace {

/// False: a part of the expression has no place in its text.
bool collect(const cel::Ast& ast, cel::NodeIndex index, std::string_view source,
             std::vector<std::string>& out) {
    const auto& node = ast.nodes[index];
    if (node.kind == cel::NodeKind::kCall && node.text == cel::ops::kAnd)
        return collect(ast, ast.child(node, 0), source, out) &&
               collect(ast, ast.child(node, 1), source, out);
    if (node.begin >= node.end) return false;
    const std::string text(source.substr(node.begin, node.end - node.begin));
    const bool weaker = node.kind == cel::NodeKind::kCall &&
                        (node.text == cel::ops::kOr || node.text == cel::ops::kConditional);
    out.push_back(weaker ? "(" + text + ")" : text);
    return true;
}

}  // namespace

std::vector<std::string> clauses(std::string_view expression) {
    cel::Ast ast;
    std::vector<cel::Issue> issues;
    std::vector<std::string> out;
    if (cel::parse(expression, {}, ast, issues) && collect(ast, ast.root, expression, out))
        return out;
    return {std::string(expression)};
}

std::string without_clause(const std::vector<std::string>& clauses, std::size_t dropped) {
    std::string out;
    for (std::size_t i = 0; i < clauses.size(); ++i) {
        if (i == dropped) continue;
        if (!out.empty()) out += " && ";
        out += clauses[i];
    }
    return out;
}

}  // namespace knd::simulate
