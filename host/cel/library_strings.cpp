// SPDX-License-Identifier: Apache-2.0
//
// The strings extension, version 2. Positions count code points; texts are UTF-8, so that looking
// for one text in another is looking for bytes.
#include <algorithm>

#include "host/cel/library.hpp"

namespace knd::cel {
namespace {

/// Results longer than this are refused before they are built.
constexpr std::size_t kMaxText = 16u << 20;

Value out_of_range(const Call& call, std::int64_t position) {
    return call.error("index out of range: " + std::to_string(position));
}

/// The byte where the code point of that number starts; the end for numbers past it.
std::size_t byte_of(std::string_view text, std::int64_t position) {
    std::size_t at = 0;
    for (; position > 0 && at < text.size(); --position)
        do
            ++at;
        while (at < text.size() && (text[at] & 0xC0) == 0x80);
    return at;
}

std::int64_t length(std::string_view text) {
    return static_cast<std::int64_t>(code_points(text));
}

Value char_at(const Call& call) {
    const auto text = call[0].text();
    const auto position = call[1].as_int();
    if (position < 0 || position > length(text)) return out_of_range(call, position);
    const auto from = byte_of(text, position);
    return Value::string(text.substr(from, byte_of(text.substr(from), 1)));
}

/// Where an empty text is found from `offset` on.
Value empty_text_at(const Call& call, std::int64_t offset) {
    if (call.kubernetes_minor < 37) return Value::integer(offset);
    if (offset < 0) return out_of_range(call, offset);
    return Value::integer(std::min(offset, length(call[0].text())));
}

Value index_of(const Call& call) {
    const auto text = call[0].text();
    const auto wanted = call[1].text();
    const auto offset = call.size() > 2 ? call[2].as_int() : 0;
    if (wanted.empty()) return empty_text_at(call, offset);
    if (offset < 0) return out_of_range(call, offset);
    if (offset >= length(text)) return Value::integer(-1);
    const auto found = text.find(wanted, byte_of(text, offset));
    return Value::integer(found == text.npos ? -1 : length(text.substr(0, found)));
}

Value last_index_of(const Call& call) {
    const auto text = call[0].text();
    const auto wanted = call[1].text();
    const auto size = length(text);
    const auto offset = call.size() > 2 ? call[2].as_int() : size - 1;
    if (wanted.empty()) return empty_text_at(call, call.size() > 2 ? offset : size);
    // Before 1.34 an empty text has no place to look at.
    const bool looks_at_sizes = call.size() == 2 && call.kubernetes_minor >= 34;
    if (looks_at_sizes && text.size() < wanted.size()) return Value::integer(-1);
    if (offset < 0) return out_of_range(call, offset);
    if (offset >= size) return Value::integer(-1);
    const auto found = text.rfind(wanted, byte_of(text, offset));
    return Value::integer(found == text.npos ? -1 : length(text.substr(0, found)));
}

Value lower_ascii(const Call& call) {
    std::string out(call[0].text());
    for (auto& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return call.string(out);
}

Value upper_ascii(const Call& call) {
    std::string out(call[0].text());
    for (auto& c : out)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return call.string(out);
}

/// An empty pattern matches before every code point and at the end.
Value replace_between(const Call& call, std::int64_t limit) {
    const auto text = call[0].text();
    const auto with = call[2].text();
    std::string out;
    std::size_t at = 0;
    for (; limit != 0 && at <= text.size() && out.size() < kMaxText; --limit) {
        out += with;
        const auto step = byte_of(text.substr(at), 1);
        if (step == 0) return call.string(out);
        out += text.substr(at, step);
        at += step;
    }
    out += text.substr(std::min(at, text.size()));
    return out.size() < kMaxText ? call.string(out) : call.out_of_memory();
}

Value replace(const Call& call) {
    const auto text = call[0].text();
    const auto pattern = call[1].text();
    auto limit = call.size() > 3 ? call[3].as_int() : -1;
    if (pattern.empty()) return replace_between(call, limit);
    std::string out;
    std::size_t at = 0;
    for (; limit != 0; --limit) {
        const auto found = text.find(pattern, at);
        if (found == text.npos) break;
        out.append(text, at, found - at).append(call[2].text());
        at = found + pattern.size();
        if (out.size() > kMaxText) return call.out_of_memory();
    }
    return call.string(out.append(text.substr(at)));
}

Value split(const Call& call) {
    const auto text = call[0].text();
    const auto separator = call[1].text();
    const auto limit = call.size() > 2 ? call[2].as_int() : -1;
    std::vector<Value> out;
    if (limit == 0) return call.list(out);
    const auto more = [&] {
        return limit < 0 || static_cast<std::int64_t>(out.size()) + 1 < limit;
    };
    std::size_t at = 0;
    while (more()) {
        const auto rest = text.substr(at);
        auto found = rest.find(separator);
        if (separator.empty()) {
            // Into code points; the last one is what remains.
            found = byte_of(rest, 1);
            if (found >= rest.size()) break;
        }
        if (found == rest.npos) break;
        out.push_back(Value::string(rest.substr(0, found)));
        at += found + separator.size();
    }
    if (!separator.empty() || at < text.size()) out.push_back(Value::string(text.substr(at)));
    return call.list(out);
}

Value substring(const Call& call) {
    const auto text = call[0].text();
    const auto size = length(text);
    const auto start = call[1].as_int();
    const auto end = call.size() > 2 ? call[2].as_int() : size;
    if (call.size() > 2 && start > end)
        return call.error("invalid substring range. start: " + std::to_string(start) +
                          ", end: " + std::to_string(end));
    if (start < 0 || start > size) return out_of_range(call, start);
    if (end < 0 || end > size) return out_of_range(call, end);
    const auto from = byte_of(text, start);
    return Value::string(text.substr(from, byte_of(text, end) - from));
}

/// Bytes of the white space of Unicode that `text` starts with.
std::size_t leading_space(std::string_view text) {
    constexpr std::string_view kSpaces[] = {" ",
                                            "\t",
                                            "\n",
                                            "\v",
                                            "\f",
                                            "\r",
                                            "\xC2\x85",
                                            "\xC2\xA0",
                                            "\xE1\x9A\x80",
                                            "\xE2\x80\x80",
                                            "\xE2\x80\x81",
                                            "\xE2\x80\x82",
                                            "\xE2\x80\x83",
                                            "\xE2\x80\x84",
                                            "\xE2\x80\x85",
                                            "\xE2\x80\x86",
                                            "\xE2\x80\x87",
                                            "\xE2\x80\x88",
                                            "\xE2\x80\x89",
                                            "\xE2\x80\x8A",
                                            "\xE2\x80\xA8",
                                            "\xE2\x80\xA9",
                                            "\xE2\x80\xAF",
                                            "\xE2\x81\x9F",
                                            "\xE3\x80\x80"};
    for (const auto space : kSpaces)
        if (text.starts_with(space)) return space.size();
    return 0;
}

Value trim(const Call& call) {
    auto text = call[0].text();
    while (const auto size = leading_space(text))
        text.remove_prefix(size);
    for (bool again = true; again && !text.empty();) {
        again = false;
        for (std::size_t size = 1; size <= 3 && size <= text.size() && !again; ++size) {
            if (leading_space(text.substr(text.size() - size)) != size) continue;
            text.remove_suffix(size);
            again = true;
        }
    }
    return Value::string(text);
}

Value join(const Call& call) {
    const auto& list = call[0].as_list();
    const auto separator = call.size() > 1 ? call[1].text() : std::string_view();
    std::string out;
    for (std::size_t i = 0; i < list.size; ++i) {
        if (!list.items[i].is(Kind::kString))
            return call.error("join: invalid input: " + to_text(list.items[i]));
        if (i != 0) out += separator;
        out += list.items[i].text();
        if (out.size() > kMaxText) return call.out_of_memory();
    }
    return call.string(out);
}

Value quote(const Call& call) {
    constexpr std::string_view kEscaped = "\a\b\f\n\r\t\v\\\"";
    constexpr std::string_view kNames = "abfnrtv\\\"";
    std::string out = "\"";
    for (const char c : call[0].text()) {
        const auto found = kEscaped.find(c);
        if (found == kEscaped.npos)
            out += c;
        else
            out.append(1, '\\').append(1, kNames[found]);
    }
    return call.string(out += '"');
}

std::uint64_t cost_of_first_twice(const Priced& arguments) {
    return tenth(2 * extent(arguments[0]));
}

/// Of the result, which is walked twice.
std::uint64_t cost_of_join(const Priced& arguments) {
    if (!arguments[0].is(Kind::kList) || (arguments.size() > 1 && !arguments[1].is(Kind::kString)))
        return 1;
    const auto& list = arguments[0].as_list();
    std::uint64_t size = 0;
    for (std::size_t i = 0; i < list.size; ++i) {
        if (!list.items[i].is(Kind::kString)) return 1;
        size += extent(list.items[i]);
    }
    if (arguments.size() > 1 && list.size > 1) size += extent(arguments[1]) * (list.size - 1);
    return tenth(2 * size);
}

constexpr Overload kStrings[] = {
    {"charAt", "string.(int) string", char_at, nullptr},
    {"indexOf", "string.(string) int", index_of, cost_of_walk},
    {"indexOf", "string.(string, int) int", index_of, cost_of_walk},
    {"lastIndexOf", "string.(string) int", last_index_of, cost_of_walk},
    {"lastIndexOf", "string.(string, int) int", last_index_of, cost_of_walk},
    {"lowerAscii", "string.() string", lower_ascii, cost_of_first},
    {"upperAscii", "string.() string", upper_ascii, cost_of_first},
    {"replace", "string.(string, string) string", replace, cost_of_first_twice},
    {"replace", "string.(string, string, int) string", replace, cost_of_first_twice},
    {"split", "string.(string) list(string)", split, cost_of_first_twice},
    {"split", "string.(string, int) list(string)", split, cost_of_first_twice},
    {"substring", "string.(int) string", substring, cost_of_first},
    {"substring", "string.(int, int) string", substring, cost_of_first},
    {"trim", "string.() string", trim, cost_of_first},
    {"join", "list(string).() string", join, cost_of_join},
    {"join", "list(string).(string) string", join, cost_of_join},
    {"strings.quote", "(string) string", quote, cost_of_first, 29},
};

}  // namespace

std::span<const Overload> string_library() {
    return kStrings;
}

}  // namespace knd::cel
