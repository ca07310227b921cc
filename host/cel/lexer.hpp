// SPDX-License-Identifier: Apache-2.0
//
// Text to tokens. Literals are decoded here, so the parser never sees an escape.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/cel/ast.hpp"

namespace knd::cel {

enum class TokenKind : std::uint8_t {
    kEnd,
    kIdent,
    kEscapedIdent,  ///< text: without its backquotes
    kInt,
    kUint,
    kDouble,
    kString,
    kBytes,
    kPunctuation,  ///< text: one of the operators and brackets
};

struct Token {
    TokenKind kind = TokenKind::kEnd;
    std::uint32_t offset = 0;
    std::string_view source;  ///< as written
    std::string text;         ///< decoded literal
    bool is(std::string_view punctuation) const {
        return kind == TokenKind::kPunctuation && source == punctuation;
    }
};

/// Ends with a kEnd token. False: `issues` says why.
bool lex(std::string_view source, const ParserOptions& options, std::vector<Token>& tokens,
         std::vector<Issue>& issues);

/// Appends a code point as UTF-8.
void append_utf8(std::string& out, std::uint32_t code_point);

}  // namespace knd::cel
