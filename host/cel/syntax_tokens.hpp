// SPDX-License-Identifier: Apache-2.0
//
// The tokens of CEL's published grammar, with the numbers and names they have there. Only for
// telling what is wrong with an expression: lexer.hpp is what reads good ones.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/cel/ast.hpp"

namespace knd::cel::syntax {

enum TokenType : std::uint8_t {
    kEof = 0,
    kEquals,
    kNotEquals,
    kIn,
    kLess,
    kLessEquals,
    kGreaterEquals,
    kGreater,
    kLogicalAnd,
    kLogicalOr,
    kLeftBracket,
    kRightBracket,
    kLeftBrace,
    kRightBrace,
    kLeftParen,
    kRightParen,
    kDot,
    kComma,
    kMinus,
    kExclam,
    kQuestion,
    kColon,
    kPlus,
    kStar,
    kSlash,
    kPercent,
    kTrue,
    kFalse,
    kNull,
    kWhitespace,
    kComment,
    kFloat,
    kInt,
    kUint,
    kString,
    kBytes,
    kIdentifier,
    kEscapedIdentifier,
    kNoToken,  ///< nothing starts here
};

struct Lexeme {
    TokenType type = kEof;
    std::uint32_t offset = 0, end = 0;
    bool hidden() const { return type == kWhitespace || type == kComment; }
};

/// All tokens, blanks and comments among them, and a last kEof. What is no token is left out and
/// is an issue.
std::vector<Lexeme> scan(std::string_view source, const ParserOptions& options,
                         std::vector<Issue>& issues);

/// As messages name it: "'['", "NUM_INT", "<EOF>".
std::string_view token_name(TokenType type);

/// A set of tokens, one bit each.
using TokenSet = std::uint64_t;
constexpr TokenSet one_of(TokenType type) {
    return TokenSet{1} << type;
}
/// "'('" or "{'(', ')'}".
std::string set_text(TokenSet set);

}  // namespace knd::cel::syntax
