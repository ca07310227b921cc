// SPDX-License-Identifier: Apache-2.0
#include "host/cel/syntax_tokens.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace knd::cel::syntax {
namespace {

constexpr std::string_view kNames[] = {
    "<EOF>",  "'=='",       "'!='",          "'in'",      "'<'",     "'<='",     "'>='",
    "'>'",    "'&&'",       "'||'",          "'['",       "']'",     "'{'",      "'}'",
    "'('",    "')'",        "'.'",           "','",       "'-'",     "'!'",      "'?'",
    "':'",    "'+'",        "'*'",           "'/'",       "'%'",     "'true'",   "'false'",
    "'null'", "WHITESPACE", "COMMENT",       "NUM_FLOAT", "NUM_INT", "NUM_UINT", "STRING",
    "BYTES",  "IDENTIFIER", "ESC_IDENTIFIER"};

/// Longer ones first.
constexpr std::pair<std::string_view, TokenType> kMarks[] = {
    {"==", kEquals},     {"!=", kNotEquals},   {"<=", kLessEquals}, {">=", kGreaterEquals},
    {"&&", kLogicalAnd}, {"||", kLogicalOr},   {"<", kLess},        {">", kGreater},
    {"[", kLeftBracket}, {"]", kRightBracket}, {"{", kLeftBrace},   {"}", kRightBrace},
    {"(", kLeftParen},   {")", kRightParen},   {".", kDot},         {",", kComma},
    {"-", kMinus},       {"!", kExclam},       {"?", kQuestion},    {":", kColon},
    {"+", kPlus},        {"*", kStar},         {"/", kSlash},       {"%", kPercent}};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_word(char c) {
    return is_letter(c) || is_digit(c) || c == '_';
}
bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

/// The longest token at a place; the first rule of the grammar wins among equals. Without one,
/// `stuck` is the first character that no token can go on with.
class Scanner {
  public:
    Scanner(std::string_view source, bool knows_backquotes)
        : source_(source), knows_backquotes_(knows_backquotes) {}

    Lexeme next(std::size_t at, std::size_t& stuck) {
        start_ = at;
        best_ = {kNoToken, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at)};
        stuck_ = at;
        marks();
        if (is_digit(peek(at)) || peek(at) == '.') number();
        if (is_letter(peek(at)) || peek(at) == '_') word();
        text_literal();
        if (peek(at) == '`' && knows_backquotes_) escaped_identifier();
        hidden();
        stuck = stuck_;
        return best_;
    }

  private:
    char peek(std::size_t at) const { return at < source_.size() ? source_[at] : '\0'; }
    bool ended(std::size_t at) const { return at >= source_.size(); }
    template <class Is>
    std::size_t skip(std::size_t at, Is is) const {
        while (!ended(at) && is(source_[at]))
            ++at;
        return at;
    }
    void accept(TokenType type, std::size_t end) {
        if (end <= best_.end) return;
        best_.type = type;
        best_.end = static_cast<std::uint32_t>(end);
    }
    /// A token could have gone on up to there.
    void stuck(std::size_t at) { stuck_ = std::max(stuck_, at); }

    void marks() {
        const auto rest = source_.substr(start_);
        for (const auto& [text, type] : kMarks)
            if (rest.starts_with(text)) return accept(type, start_ + text.size());
        if (rest.starts_with('=') || rest.starts_with('&') || rest.starts_with('|'))
            stuck(start_ + 1);
    }

    void number() {
        auto at = skip(start_, is_digit);
        const bool whole = at > start_;
        if (whole) integer(at);
        if (peek(start_) == '0' && peek(start_ + 1) == 'x' && is_hex(peek(start_ + 2)))
            integer(skip(start_ + 2, is_hex));
        if (peek(at) == '.' && is_digit(peek(at + 1))) {
            at = skip(at + 1, is_digit);
            accept(kFloat, at);
        } else if (!whole) {
            return;
        }
        if (peek(at) != 'e' && peek(at) != 'E') return;
        const bool sign = peek(at + 1) == '+' || peek(at + 1) == '-';
        const auto digits = at + (sign ? 2 : 1);
        if (is_digit(peek(digits))) accept(kFloat, skip(digits, is_digit));
    }
    void integer(std::size_t end) {
        accept(kInt, end);
        if (peek(end) == 'u' || peek(end) == 'U') accept(kUint, end + 1);
    }

    void word() {
        const auto end = skip(start_, is_word);
        const auto text = source_.substr(start_, end - start_);
        for (const auto& [word, type] : {std::pair{std::string_view("in"), kIn},
                                         {"true", kTrue},
                                         {"false", kFalse},
                                         {"null", kNull}})
            if (text == word) return accept(type, end);
        accept(kIdentifier, end);
    }

    void text_literal() {
        auto at = start_;
        const bool bytes = peek(at) == 'b' || peek(at) == 'B';
        if (bytes) ++at;
        const bool raw = peek(at) == 'r' || peek(at) == 'R';
        if (raw) ++at;
        const char quote = peek(at);
        if (quote != '"' && quote != '\'') return;
        const auto type = bytes ? kBytes : kString;
        if (const auto end = enclosed(at + 1, std::string_view(&quote, 1), raw)) accept(type, *end);
        const std::string three(3, quote);
        if (!source_.substr(at).starts_with(three)) return;
        if (const auto end = enclosed(at + 3, three, raw)) accept(type, *end);
    }
    /// Past the closing mark.
    std::optional<std::size_t> enclosed(std::size_t at, std::string_view mark, bool raw) {
        while (!ended(at)) {
            if (source_.substr(at).starts_with(mark)) return at + mark.size();
            const char c = source_[at];
            if (mark.size() == 1 && (c == '\n' || c == '\r')) break;
            if (c != '\\' || raw) {
                ++at;
            } else if (!escape(at)) {
                break;
            }
        }
        stuck(at);
        return std::nullopt;
    }
    /// Moves past an escape, or to what is wrong with it.
    bool escape(std::size_t& at) {
        const char c = peek(++at);
        if (ended(at)) return false;
        if (std::string_view("abfnrtv\"'\\?`").find(c) != std::string_view::npos) return ++at, true;
        if (c >= '0' && c <= '3') {
            ++at;
            return digits(at, 2, [](char d) { return d >= '0' && d <= '7'; });
        }
        const std::size_t count = c == 'x' || c == 'X' ? 2 : (c == 'u' ? 4 : (c == 'U' ? 8 : 0));
        if (count == 0) return false;
        return digits(++at, count, is_hex);
    }
    template <class Is>
    bool digits(std::size_t& at, std::size_t count, Is is) const {
        for (; count > 0; --count, ++at)
            if (ended(at) || !is(source_[at])) return false;
        return true;
    }

    void escaped_identifier() {
        const auto end = skip(start_ + 1, [](char c) {
            return is_word(c) || c == '.' || c == '-' || c == '/' || c == ' ';
        });
        stuck(end);
        if (peek(end) == '`' && end > start_ + 1) accept(kEscapedIdentifier, end + 1);
    }

    void hidden() {
        accept(kWhitespace, skip(start_, is_blank));
        if (source_.substr(start_).starts_with("//"))
            accept(kComment, std::min(source_.find('\n', start_), source_.size()));
    }

    std::string_view source_;
    bool knows_backquotes_;
    std::size_t start_ = 0, stuck_ = 0;
    Lexeme best_;
};

/// Past the character there.
std::size_t after(std::string_view source, std::size_t at) {
    if (at >= source.size()) return source.size();
    ++at;
    while (at < source.size() && (source[at] & 0xC0) == 0x80)
        ++at;
    return at;
}

}  // namespace

std::vector<Lexeme> scan(std::string_view source, const ParserOptions& options,
                         std::vector<Issue>& issues) {
    std::vector<Lexeme> out;
    Scanner scanner(source, options.knows_backquotes);
    for (std::size_t at = 0; at < source.size();) {
        std::size_t stuck = at;
        const auto token = scanner.next(at, stuck);
        if (token.type != kNoToken) {
            out.push_back(token);
            at = token.end;
            continue;
        }
        const auto end = after(source, stuck);
        issues.push_back(
            {static_cast<std::uint32_t>(at), "Syntax error: token recognition error at: '" +
                                                 std::string(source.substr(at, end - at)) + "'"});
        at = end;
    }
    const auto size = static_cast<std::uint32_t>(source.size());
    out.push_back({kEof, size, size});
    return out;
}

std::string_view token_name(TokenType type) {
    return kNames[type];
}

std::string set_text(TokenSet set) {
    std::string out;
    int count = 0;
    for (std::uint8_t type = 0; type < kNoToken; ++type) {
        if ((set & one_of(static_cast<TokenType>(type))) == 0) continue;
        if (count++ > 0) out += ", ";
        out += kNames[type];
    }
    return count == 1 ? out : "{" + out + "}";
}

}  // namespace knd::cel::syntax
