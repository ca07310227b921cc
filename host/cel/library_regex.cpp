// SPDX-License-Identifier: Apache-2.0
//
// Regular expressions: RE2's syntax and its linear time are part of CEL's definition.
#include <re2/re2.h>

#include <memory>

#include "host/cel/library.hpp"

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

std::string refusal(std::string_view pattern, const re2::RE2& regex) {
    return "error parsing regexp: " + regex.error() + ": `" + std::string(pattern) + "`";
}

Value matches(const Call& call) {
    const re2::RE2 regex(piece(call[1].text()), options());
    if (!regex.ok()) return call.error(refusal(call[1].text(), regex));
    return Value::boolean(re2::RE2::PartialMatch(piece(call[0].text()), regex));
}

Value find(const Call& call) {
    const re2::RE2 regex(piece(call[1].text()), options());
    if (!regex.ok()) return call.error(refusal(call[1].text(), regex));
    re2::StringPiece found;
    const auto text = piece(call[0].text());
    if (!regex.Match(text, 0, text.size(), re2::RE2::UNANCHORED, &found, 1))
        return Value::string("");
    return Value::string({found.data(), found.size()});
}

/// All matches that do not overlap, at most `limit` of them; negative: all.
Value find_all(const Call& call) {
    const re2::RE2 regex(piece(call[1].text()), options());
    if (!regex.ok()) return call.error(refusal(call[1].text(), regex));
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

/// ceil((size + 1) / 10) * ceil(pattern / 4)
std::uint64_t cost_of_match(std::span<const Value> arguments) {
    return tenth(extent(arguments[0]) + 1) * ((extent(arguments[1]) + 3) / 4);
}

constexpr Overload kRegex[] = {
    {"matches", "string.(string) bool", matches, cost_of_match},
    {"matches", "(string, string) bool", matches, cost_of_match},
    {"find", "string.(string) string", find, cost_of_match},
    {"findAll", "string.(string) list(string)", find_all, cost_of_match},
    {"findAll", "string.(string, int) list(string)", find_all, cost_of_match},
};

}  // namespace

bool valid_pattern(std::string_view pattern, std::string& why) {
    const re2::RE2 regex(piece(pattern), options());
    if (!regex.ok()) why = refusal(pattern, regex);
    return regex.ok();
}

std::span<const Overload> regex_library() {
    return kRegex;
}

}  // namespace knd::cel
