// SPDX-License-Identifier: Apache-2.0
//
// The builder that parser.cpp and macros.cpp share: appends nodes to an Ast.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/cel/ast.hpp"

namespace knd::cel {

/// The accumulator of folds; "@" keeps it out of reach of an expression's own names.
constexpr std::string_view kAccumulator = "@result";
/// Its name before 1.33, when expressions could refer to it.
constexpr std::string_view kOldAccumulator = "__result__";

/// What optMap() and optFlatMap() are called on.
constexpr std::string_view kOptionalTarget = "@target";

class AstBuilder {
  public:
    AstBuilder(Ast& ast, std::vector<Issue>& issues) : ast_(ast), issues_(issues) {}

    Ast& ast() { return ast_; }
    const Node& node(NodeIndex index) const { return ast_.nodes[index]; }
    std::string_view keep(std::string_view text);
    /// Records the issue; returns a node that can stand for the broken part.
    NodeIndex fail(std::uint32_t offset, std::string message);

    NodeIndex constant(std::uint32_t offset, Value value);
    NodeIndex ident(std::uint32_t offset, std::string_view name);
    NodeIndex select(std::uint32_t offset, NodeIndex operand, std::string_view field, bool test);
    NodeIndex call(std::uint32_t offset, std::string_view function,
                   std::initializer_list<NodeIndex> arguments) {
        return call(offset, function, std::span(arguments.begin(), arguments.size()), false);
    }
    NodeIndex call(std::uint32_t offset, std::string_view function,
                   std::span<const NodeIndex> arguments, bool member);
    /// `optional`: numbers of the children written with "?".
    NodeIndex aggregate(NodeKind kind, std::uint32_t offset, std::span<const NodeIndex> children,
                        std::span<const std::uint32_t> optional = {});
    NodeIndex fold(std::uint32_t offset, Fold fold);
    /// Where the node is written; the first that says so is right.
    NodeIndex place(NodeIndex index, std::uint32_t begin, std::uint32_t end);

  private:
    NodeIndex push(Node node);
    Ast& ast_;
    std::vector<Issue>& issues_;
};

/// Words that are kept for later.
bool is_reserved(std::string_view name);
/// What is wrong with a literal; empty: nothing.
std::string wrong_literal(std::string_view text, const ParserOptions& options, bool negative);

/// Expands `name(arguments)` or `target.name(arguments)` if that is a macro; empty: it is not.
std::optional<NodeIndex> expand_macro(AstBuilder& builder, const ParserOptions& options,
                                      std::uint32_t offset, std::string_view name, NodeIndex target,
                                      std::span<const NodeIndex> arguments);

}  // namespace knd::cel
