// SPDX-License-Identifier: Apache-2.0
#include "host/cel/lexer.hpp"

#include <algorithm>
#include <optional>

namespace knd::cel {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_ident_start(char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_ident(char c) {
    return is_ident_start(c) || is_digit(c);
}

std::uint32_t hex_value(char c) {
    if (is_digit(c)) return static_cast<std::uint32_t>(c - '0');
    return static_cast<std::uint32_t>((c | 0x20) - 'a' + 10);
}

/// Longest first.
constexpr std::string_view kPunctuation[] = {"&&", "||", "==", "!=", "<=", ">=", "[", "]",
                                             "{",  "}",  "(",  ")",  ".",  ",",  "-", "!",
                                             "?",  ":",  "+",  "*",  "/",  "%",  "<", ">"};

class Lexer {
  public:
    Lexer(std::string_view source, const ParserOptions& options, std::vector<Token>& tokens,
          std::vector<Issue>& issues)
        : source_(source),
          takes_surrogates_(options.surrogates),
          tokens_(tokens),
          issues_(issues) {}

    bool run() {
        for (skip_blanks(); at_ < source_.size(); skip_blanks())
            if (!next()) return false;
        push(TokenKind::kEnd, at_);
        return true;
    }

  private:
    char peek(std::size_t ahead = 0) const {
        return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
    }
    bool fail(std::size_t offset, const std::string& message) {
        issues_.push_back({static_cast<std::uint32_t>(offset), "Syntax error: " + message});
        return false;
    }
    void push(TokenKind kind, std::size_t start, std::string text = {}) {
        tokens_.push_back({kind, static_cast<std::uint32_t>(start),
                           source_.substr(start, at_ - start), std::move(text)});
    }

    void skip_blanks() {
        while (at_ < source_.size()) {
            const char c = source_[at_];
            if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f') {
                ++at_;
            } else if (c == '/' && peek(1) == '/') {
                at_ = std::min(source_.find('\n', at_), source_.size());
            } else {
                return;
            }
        }
    }

    bool next() {
        const char c = peek();
        if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
        if (const auto prefix = string_prefix()) return string(*prefix);
        if (is_ident_start(c)) {
            const auto start = at_;
            while (is_ident(peek()))
                ++at_;
            push(TokenKind::kIdent, start);
            return true;
        }
        if (c == '`' && escaped_ident()) return true;
        for (const auto mark : kPunctuation) {
            if (!source_.substr(at_).starts_with(mark)) continue;
            const auto start = at_;
            at_ += mark.size();
            push(TokenKind::kPunctuation, start);
            return true;
        }
        auto end = at_ + 1;  // the whole code point belongs into the message
        while (end < source_.size() && (source_[end] & 0xC0) == 0x80)
            ++end;
        return fail(at_, "token recognition error at: '" +
                             std::string(source_.substr(at_, end - at_)) + "'");
    }

    /// False: it is no such token.
    bool escaped_ident() {
        const auto is_inner = [](char c) {
            return is_ident(c) || c == '.' || c == '-' || c == '/' || c == ' ';
        };
        std::size_t size = 1;
        while (is_inner(peek(size)))
            ++size;
        if (size == 1 || peek(size) != '`') return false;
        const auto start = at_;
        at_ += size + 1;
        push(TokenKind::kEscapedIdent, start, std::string(source_.substr(start + 1, size - 1)));
        return true;
    }

    bool number() {
        const auto start = at_;
        if (peek() == '0' && peek(1) == 'x' && is_hex(peek(2))) {
            at_ += 2;
            while (is_hex(peek()))
                ++at_;
            return finish_integer(start);
        }
        bool floating = false;
        while (is_digit(peek()))
            ++at_;
        if (peek() == '.' && is_digit(peek(1))) {
            floating = true;
            ++at_;
            while (is_digit(peek()))
                ++at_;
        }
        const bool sign = peek(1) == '+' || peek(1) == '-';
        if ((peek() == 'e' || peek() == 'E') && is_digit(peek(sign ? 2 : 1))) {
            floating = true;
            at_ += sign ? 2 : 1;
            while (is_digit(peek()))
                ++at_;
        }
        if (!floating) return finish_integer(start);
        push(TokenKind::kDouble, start, std::string(source_.substr(start, at_ - start)));
        return true;
    }

    bool finish_integer(std::size_t start) {
        std::string text(source_.substr(start, at_ - start));
        const bool is_unsigned = peek() == 'u' || peek() == 'U';
        if (is_unsigned) ++at_;
        push(is_unsigned ? TokenKind::kUint : TokenKind::kInt, start, std::move(text));
        return true;
    }

    struct Prefix {
        std::size_t size = 0;
        bool raw = false;
        bool bytes = false;
    };
    /// What stands before the quote, if a string literal starts here.
    std::optional<Prefix> string_prefix() const {
        Prefix prefix;
        if (peek() == 'b' || peek() == 'B') prefix = {1, false, true};
        if (peek(prefix.size) == 'r' || peek(prefix.size) == 'R') {
            prefix.raw = true;
            ++prefix.size;
        }
        const char quote = peek(prefix.size);
        if (quote != '"' && quote != '\'') return std::nullopt;
        return prefix;
    }

    bool string(Prefix prefix) {
        const auto start = at_;
        at_ += prefix.size;
        const char quote = peek();
        const bool triple = peek(1) == quote && peek(2) == quote;
        const std::string mark(triple ? 3 : 1, quote);
        at_ += mark.size();
        std::string text;
        while (!source_.substr(at_).starts_with(mark)) {
            const char c = peek();
            if (at_ >= source_.size() || (!triple && (c == '\n' || c == '\r')))
                return fail(start, "token recognition error at: '" +
                                       std::string(source_.substr(start, at_ - start)) + "'");
            if (c == '\\' && !prefix.raw) {
                if (!escape(prefix.bytes, text)) return false;
            } else if (c == '\r' && triple) {
                // Line ends of a multi-line string are always a single newline.
                text += '\n';
                at_ += peek(1) == '\n' ? 2 : 1;
            } else {
                text += c;
                ++at_;
            }
        }
        at_ += mark.size();
        push(prefix.bytes ? TokenKind::kBytes : TokenKind::kString, start, std::move(text));
        return true;
    }

    bool escape(bool bytes, std::string& out) {
        constexpr std::string_view kNames = "abfnrtv\\'\"`?";
        constexpr std::string_view kValues = "\a\b\f\n\r\t\v\\'\"`?";
        const auto start = at_++;
        const char c = peek();
        if (const auto found = kNames.find(c); at_ < source_.size() && found != kNames.npos) {
            out += kValues[found];
            ++at_;
            return true;
        }
        if (c >= '0' && c <= '3') return numeric_escape(start, 3, 8, bytes, out);
        ++at_;
        if (c == 'x' || c == 'X') return numeric_escape(start, 2, 16, bytes, out);
        if (!bytes && c == 'u') return numeric_escape(start, 4, 16, false, out);
        if (!bytes && c == 'U') return numeric_escape(start, 8, 16, false, out);
        return fail_escape(start, "unable to unescape string");
    }

    bool fail_escape(std::size_t offset, std::string message) {
        issues_.push_back({static_cast<std::uint32_t>(offset), std::move(message)});
        return false;
    }

    bool numeric_escape(std::size_t start, int digits, std::uint32_t base, bool byte,
                        std::string& out) {
        std::uint32_t value = 0;
        for (int i = 0; i < digits; ++i, ++at_) {
            if (!is_hex(peek()) || hex_value(peek()) >= base)
                return fail_escape(start, "unable to unescape string");
            value = value * base + hex_value(peek());
        }
        // 1.32 takes a rune with the uppermost bit, which is negative, for one of ASCII.
        if (byte || (takes_surrogates_ && value > INT32_MAX)) {
            out += static_cast<char>(value);
            return true;
        }
        const bool surrogate = value >= 0xD800 && value < 0xE000;
        if (value > 0x10FFFF || (surrogate && !takes_surrogates_))
            return fail_escape(start, takes_surrogates_ ? "unable to unescape string"
                                                        : "invalid unicode code point");
        append_utf8(out, surrogate ? 0xFFFD : value);
        return true;
    }

    std::string_view source_;
    bool takes_surrogates_;
    std::size_t at_ = 0;
    std::vector<Token>& tokens_;
    std::vector<Issue>& issues_;
};

}  // namespace

void append_utf8(std::string& out, std::uint32_t c) {
    const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (c < 0x80) {
        put(c);
    } else if (c < 0x800) {
        put(0xC0 | (c >> 6));
        put(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        put(0xE0 | (c >> 12));
        put(0x80 | ((c >> 6) & 0x3F));
        put(0x80 | (c & 0x3F));
    } else {
        put(0xF0 | (c >> 18));
        put(0x80 | ((c >> 12) & 0x3F));
        put(0x80 | ((c >> 6) & 0x3F));
        put(0x80 | (c & 0x3F));
    }
}

bool lex(std::string_view source, const ParserOptions& options, std::vector<Token>& tokens,
         std::vector<Issue>& issues) {
    return Lexer(source, options, tokens, issues).run();
}

}  // namespace knd::cel
