// SPDX-License-Identifier: Apache-2.0
//
// What the parser makes and the checker annotates: nodes in one array, named by index. Macros are
// gone: all(), map() and the others have become folds, as in the reference implementation, so that
// types, errors and costs follow from one rule.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "host/cel/types.hpp"
#include "host/cel/value.hpp"

namespace knd::cel {

using NodeIndex = std::uint32_t;
constexpr NodeIndex kNoNode = ~NodeIndex{0};

enum class NodeKind : std::uint8_t {
    kConstant,
    kIdent,
    kSelect,   ///< operand.text, or has(operand.text)
    kCall,     ///< text(children...), the first child is the target of a member call
    kList,     ///< children
    kMap,      ///< children: key, value, key, value, ...
    kMessage,  ///< text{...}, children: field, value, ...
    kFold,
};

/// The names of the operators, as the error messages spell them.
namespace ops {
constexpr std::string_view kAnd = "_&&_", kOr = "_||_", kNot = "!_", kNegate = "-_",
                           kEquals = "_==_", kNotEquals = "_!=_", kLess = "_<_",
                           kLessEquals = "_<=_", kGreater = "_>_", kGreaterEquals = "_>=_",
                           kIn = "@in", kAdd = "_+_", kSubtract = "_-_", kMultiply = "_*_",
                           kDivide = "_/_", kModulo = "_%_", kIndex = "_[_]", kOptIndex = "_[?_]",
                           kOptSelect = "_?._", kConditional = "_?_:_",
                           kNotStrictlyFalse = "@not_strictly_false", kMapInsert = "cel.@mapInsert",
                           kSortByKeys = "@sortByAssociatedKeys";
}  // namespace ops

struct Node {
    NodeKind kind = NodeKind::kConstant;
    bool test_only = false;              ///< kSelect: has()
    bool member = false;                 ///< kCall: the first child is the target
    std::uint32_t offset = 0;            ///< byte in the source that a message points at
    std::uint32_t begin = 0, end = 0;    ///< bytes in the source; equal: made by a macro
    std::uint32_t first = 0, count = 0;  ///< range of Ast::children; kFold: first = its number
    std::string_view text;
    Value constant;
    TypeIndex type = kDynType;
    std::uint32_t function = 0;  ///< kCall: number of the function, set by the checker
};

/// accu = init; for (var, var2) in range { if (!condition) break; accu = step } result
struct Fold {
    std::string_view variable;
    std::string_view variable2;  ///< empty: one variable (elements of a list, keys of a map)
    std::string_view accumulator;
    NodeIndex range = kNoNode, init = kNoNode, condition = kNoNode, step = kNoNode,
              result = kNoNode;
};

struct Ast {
    std::vector<Node> nodes;
    std::vector<NodeIndex> children;
    /// Numbers among `children` of elements written with "?": [?a], {?"k": v} (its key).
    std::vector<std::uint32_t> optional_children;
    std::vector<Fold> folds;
    std::deque<std::string> texts;  ///< of identifiers and string literals; addresses are stable
    NodeIndex root = kNoNode;

    NodeIndex child(const Node& node, std::uint32_t i) const { return children[node.first + i]; }
    bool is_optional_child(const Node& node, std::uint32_t i) const;
    /// A fold over nothing, for the sake of its accumulator's name: cel.bind() and its like.
    bool is_binding(const Fold& fold) const;
};

/// Of an issue that concerns no place, or all of them.
constexpr std::uint32_t kNoLocation = ~std::uint32_t{0};

/// Where in the source, and what. Several are reported together.
struct Issue {
    std::uint32_t offset = 0;
    std::string message;
};

/// "ERROR: <input>:LINE:COLUMN: message", the line and a caret, for each issue in source order.
std::string describe_issues(std::string_view source, std::vector<Issue> issues);

struct ParserOptions {
    bool optional_syntax = true;
    bool two_variable_macros = true;
    bool sort_by = true;
    bool escaped_fields = false;  ///< a.`b-c`
    bool surrogates = false;      ///< '\ud800', which stands for U+FFFD
    /// The variable of a macro may have the accumulator's name, __result__, before 1.33.
    bool shadowed_accumulator = false;
    // Of the words for what is wrong, before 1.33:
    bool knows_backquotes = true;  ///< as the beginning of a name
    bool formats_twice = false;    ///< a "%" is taken for a clause without an argument
};

/// Lexes and parses; macros are expanded. False: `issues` says why.
bool parse(std::string_view source, const ParserOptions& options, Ast& ast,
           std::vector<Issue>& issues);

}  // namespace knd::cel
