// SPDX-License-Identifier: Apache-2.0
//
// Regular expressions: RE2's syntax and its linear time are part of CEL's definition.
#include <re2/re2.h>

#include <algorithm>
#include <memory>

#include "host/cel/library.hpp"
#include "host/cel/pattern_text.hpp"

namespace knd::cel {
namespace {

re2::StringPiece piece(std::string_view text) {
    return {text.data(), text.size()};
}

/// Programs larger than this are refused rather than compiled for seconds.
constexpr std::int64_t kMaxProgramMemory = 8 << 20;

re2::RE2::Options options() {
    re2::RE2::Options out;
    out.set_log_errors(false);
    out.set_max_mem(kMaxProgramMemory);
    return out;
}

/// Go's words for what RE2 says.
std::string_view refusal_words(re2::RE2::ErrorCode code) {
    switch (code) {
        case re2::RE2::ErrorMissingParen:
            return "missing closing )";
        case re2::RE2::ErrorMissingBracket:
            return "missing closing ]";
        case re2::RE2::ErrorUnexpectedParen:
            return "unexpected )";
        case re2::RE2::ErrorBadEscape:
            return "invalid escape sequence";
        case re2::RE2::ErrorBadCharClass:
            return "invalid character class";
        case re2::RE2::ErrorBadCharRange:
            return "invalid character class range";
        case re2::RE2::ErrorRepeatArgument:
            return "missing argument to repetition operator";
        case re2::RE2::ErrorRepeatSize:
            return "invalid repeat count";
        case re2::RE2::ErrorRepeatOp:
            return "invalid nested repetition operator";
        case re2::RE2::ErrorBadPerlOp:
            return "invalid or unsupported Perl syntax";
        case re2::RE2::ErrorBadNamedCapture:
            return "invalid named capture";
        case re2::RE2::ErrorTrailingBackslash:
            return "trailing backslash at end of expression";
        case re2::RE2::ErrorBadUTF8:
            return "invalid UTF-8";
        case re2::RE2::ErrorPatternTooLarge:
            return "expression too large";
        case re2::RE2::NoError:
        case re2::RE2::ErrorInternal:
            break;
    }
    return "internal error";
}

std::string refusal(const re2::RE2& regex) {
    return "error parsing regexp: " + std::string(refusal_words(regex.error_code())) + ": `" +
           regex.error_arg() + "`";
}

}  // namespace

class Pattern {
  public:
    explicit Pattern(const std::string& text) : regex(text, options()) {}
    const re2::RE2 regex;
};

void PatternDeleter::operator()(const Pattern* pattern) const {
    delete pattern;
}

namespace {

/// Go's groups have names of ASCII; empty: these have. Else the first that has not.
std::string foreign_group(const re2::RE2& regex) {
    for (const auto& [name, number] : regex.NamedCapturingGroups())
        if (std::any_of(name.begin(), name.end(), [](unsigned char c) { return c >= 0x80; }))
            return name;
    return {};
}

}  // namespace

PatternPointer compile_pattern(std::string_view text, std::string& why) {
    const auto pattern = with_named_groups(text);
    PatternPointer out(new Pattern(pattern));
    if (out->regex.ok()) {
        const auto name = foreign_group(out->regex);
        if (name.empty()) return out;
        const auto group = "?<" + name + ">";
        why = "error parsing regexp: invalid named capture: `(" +
              (text.find("(" + group) == text.npos ? "?P" + group.substr(1) : group) + "`";
        return nullptr;
    }
    why = refusal(out->regex);
    if (out->regex.error_code() != re2::RE2::ErrorBadCharRange) return nullptr;
    // Words are those of the pattern as it was written.
    out.reset(new Pattern(with_category_names(pattern)));
    return out->regex.ok() ? std::move(out) : nullptr;
}

namespace {

/// Calls `use` with the regular expression of the second argument.
template <class Use>
Value with_pattern(const Call& call, Use use) {
    if (call.pattern != nullptr) return use(call.pattern->regex);
    std::string why;
    const auto pattern = compile_pattern(call[1].text(), why);
    return pattern == nullptr ? call.error(why) : use(pattern->regex);
}

Value matches(const Call& call) {
    return with_pattern(call, [&](const re2::RE2& regex) {
        return Value::boolean(re2::RE2::PartialMatch(piece(call[0].text()), regex));
    });
}

Value find(const Call& call) {
    return with_pattern(call, [&](const re2::RE2& regex) {
        re2::StringPiece found;
        const auto text = piece(call[0].text());
        if (!regex.Match(text, 0, text.size(), re2::RE2::UNANCHORED, &found, 1))
            return Value::string("");
        return Value::string({found.data(), found.size()});
    });
}

/// All matches that do not overlap, at most `limit` of them; negative: all.
Value find_all_with(const Call& call, const re2::RE2& regex) {
    const auto limit = call.size() > 2 ? call[2].as_int() : -1;
    const auto text = piece(call[0].text());
    std::vector<Value> out;
    std::size_t at = 0;
    const char* previous_end = nullptr;
    while (at <= text.size() && (limit < 0 || static_cast<std::int64_t>(out.size()) < limit)) {
        re2::StringPiece found;
        if (!regex.Match(text, at, text.size(), re2::RE2::UNANCHORED, &found, 1)) break;
        const bool empty_after_match = found.empty() && found.data() == previous_end;
        if (!empty_after_match) out.push_back(Value::string({found.data(), found.size()}));
        previous_end = found.data() + found.size();
        at = static_cast<std::size_t>(previous_end - text.data());
        if (found.empty()) ++at;
        while (at < text.size() && (text[at] & 0xC0) == 0x80)
            ++at;
    }
    return call.list(out);
}

Value find_all(const Call& call) {
    return with_pattern(call, [&](const re2::RE2& regex) { return find_all_with(call, regex); });
}

/// ceil((size + 1) / 10) * ceil(pattern / 4)
std::uint64_t cost_of_match(const Priced& arguments) {
    return tenth(extent(arguments[0]) + 1) * ((extent(arguments[1]) + 3) / 4);
}

constexpr Overload kRegex[] = {
    {"matches", "string.(string) bool", matches, cost_of_match},
    {.function = "matches", .signature = "(string, string) bool", .native = matches, .until = 36},
    {.function = "matches",
     .signature = "(string, string) bool",
     .native = matches,
     .cost = cost_of_match,
     .since = 37,
     .with_library = true},
    {"find", "string.(string) string", find, cost_of_match},
    {"findAll", "string.(string) list(string)", find_all, cost_of_match},
    {"findAll", "string.(string, int) list(string)", find_all, cost_of_match},
};

}  // namespace

std::span<const Overload> regex_library() {
    return kRegex;
}

}  // namespace knd::cel
