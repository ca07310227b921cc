// SPDX-License-Identifier: Apache-2.0
//
// Reads an expression that is known to be wrong as the parser that Kubernetes uses does: reports
// what does not fit, leaves out or makes up a token or skips to where the grammar goes on, and
// reports the next. What it makes of the expression is a tree with holes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/cel/syntax_predict.hpp"

namespace knd::cel::syntax {

constexpr std::size_t kMadeUp = ~std::size_t{0};

struct Child {
    bool is_node = false;
    bool skipped = false;   ///< a token that does not belong here
    std::size_t index = 0;  ///< of the node or token; kMadeUp: the token is missing
    TokenType type = kNoToken;
};

struct TreeNode {
    Rule rule = Rule::kStart;
    int label = 0;  ///< the alternative taken, from 1; 0: none was reached
    std::uint32_t offset = 0;
    std::vector<Child> children = {};
};

struct Tree {
    std::vector<TreeNode> nodes;
    std::vector<Lexeme> tokens;  ///< without blanks and comments
    std::size_t root = 0;
    /// The parser gave up: nothing follows from the tree.
    bool complete = false;
};

/// False: the expression is beyond this parser, which says nothing then.
bool parse_broken(std::string_view source, const ParserOptions& options, Tree& tree,
                  std::vector<Issue>& issues);

}  // namespace knd::cel::syntax
