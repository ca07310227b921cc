// SPDX-License-Identifier: Apache-2.0
//
// int(), uint(), double(), bool(), string(), bytes(), duration(), timestamp().
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "host/cel/arithmetic.hpp"
#include "host/cel/library.hpp"

namespace knd::cel {
namespace {

constexpr double kTwo63 = 9223372036854775808.0;
constexpr double kTwo64 = 18446744073709551616.0;

Value identity(const Call& call) {
    return call[0];
}

Value not_a(const Call& call, std::string_view type) {
    return call.error("type conversion error from 'string' to '" + std::string(type) + "'");
}

Value int_of_uint(const Call& call) {
    const auto value = call[0].as_uint();
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return Value::error("integer overflow");
    return Value::integer(static_cast<std::int64_t>(value));
}
/// The ends are excluded: as doubles they may stand for integers out of range.
Value int_of_double(const Call& call) {
    const auto value = call[0].as_double();
    if (!(value > -kTwo63 && value < kTwo63)) return Value::error("integer overflow");
    return Value::integer(static_cast<std::int64_t>(value));
}
Value int_of_string(const Call& call) {
    auto text = call[0].text();
    if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
    std::int64_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool ok = read.ec == std::errc() && read.ptr == text.data() + text.size();
    return ok && !text.empty() ? Value::integer(value) : not_a(call, "int");
}
Value int_of_timestamp(const Call& call) {
    return Value::integer(call[0].time());
}

Value uint_of_int(const Call& call) {
    if (call[0].as_int() < 0) return Value::error("unsigned integer overflow");
    return Value::unsigned_integer(static_cast<std::uint64_t>(call[0].as_int()));
}
Value uint_of_double(const Call& call) {
    const auto value = call[0].as_double();
    if (!(value >= 0 && value < kTwo64)) return Value::error("unsigned integer overflow");
    return Value::unsigned_integer(static_cast<std::uint64_t>(value));
}
Value uint_of_string(const Call& call) {
    const auto text = call[0].text();
    std::uint64_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool ok = read.ec == std::errc() && read.ptr == text.data() + text.size();
    return ok && !text.empty() ? Value::unsigned_integer(value) : not_a(call, "uint");
}

Value double_of_int(const Call& call) {
    return Value::floating(static_cast<double>(call[0].as_int()));
}
Value double_of_uint(const Call& call) {
    return Value::floating(static_cast<double>(call[0].as_uint()));
}

bool is_digit(char c, bool hex) {
    const char low = static_cast<char>(c | 0x20);
    return (c >= '0' && c <= '9') || (hex && low >= 'a' && low <= 'f');
}

/// Digits from `at` on, with "_" between them. False: a "_" is not between digits.
bool skip_digits(std::string_view text, std::size_t& at, bool hex, bool after_prefix) {
    bool digit = after_prefix;
    for (; at < text.size() && (text[at] == '_' || is_digit(text[at], hex)); ++at) {
        if (text[at] == '_' && !digit) return false;
        digit = text[at] != '_';
    }
    return at == 0 || text[at - 1] != '_';
}

/// As Go writes floating point numbers; strtod() takes more, and no "_".
bool is_number_of_go(std::string_view text) {
    const bool sign = text.starts_with('+') || text.starts_with('-');
    if (sign) text.remove_prefix(1);
    std::string low(text);
    for (auto& c : low)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    if (low == "inf" || low == "infinity" || (low == "nan" && !sign)) return true;
    const bool hex = low.starts_with("0x");
    std::size_t at = hex ? 2 : 0;
    const auto start = at;
    if (!skip_digits(low, at, hex, hex)) return false;
    bool digits = at > start;
    if (at < low.size() && low[at] == '.') {
        const auto fraction = ++at;
        if (!skip_digits(low, at, hex, false)) return false;
        digits = digits || at > fraction;
    }
    if (!digits) return false;
    if (at == low.size()) return !hex;
    if (low[at] != (hex ? 'p' : 'e')) return false;
    if (++at < low.size() && (low[at] == '+' || low[at] == '-')) ++at;
    const auto exponent = at;
    return skip_digits(low, at, false, false) && at > exponent && at == low.size();
}

Value double_of_string(const Call& call) {
    std::string text(call[0].text());
    if (!is_number_of_go(text)) return not_a(call, "double");
    std::erase(text, '_');
    const auto value = std::strtod(text.c_str(), nullptr);
    const bool named = text.find_first_of("nN") != std::string::npos;
    if (std::isinf(value) && !named) return not_a(call, "double");
    return Value::floating(value);
}

Value bool_of_string(const Call& call) {
    const auto text = call[0].text();
    for (const auto* word : {"1", "t", "T", "true", "TRUE", "True"})
        if (text == word) return Value::boolean(true);
    for (const auto* word : {"0", "f", "F", "false", "FALSE", "False"})
        if (text == word) return Value::boolean(false);
    return not_a(call, "bool");
}

Value to_string(const Call& call) {
    return call.string(to_text(call[0]));
}

/// Length of the UTF-8 sequence that `text` starts with; 0: it is malformed.
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xF0 ? 4 : (first >= 0xE0 ? 3 : 2);
    if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xC0) != 0x80) return 0;
    // No overlong forms, no surrogates, nothing past U+10FFFF.
    if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F) ||
        (first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F))
        return 0;
    return length;
}

}  // namespace

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const auto length = utf8_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

namespace {

Value string_of_bytes(const Call& call) {
    if (!is_utf8(call[0].text()))
        return Value::error("invalid UTF-8 in bytes, cannot convert to string");
    return Value::string(call[0].text());
}
Value bytes_of_string(const Call& call) {
    return Value::bytes(call[0].text());
}

Value duration_of_string(const Call& call) {
    std::int64_t nanoseconds = 0;
    if (!read_duration(call[0].text(), nanoseconds)) return not_a(call, "google.protobuf.Duration");
    return Value::duration(nanoseconds);
}
Value timestamp_of_string(const Call& call) {
    Instant instant;
    if (!read_timestamp(call[0].text(), instant)) return not_a(call, "google.protobuf.Timestamp");
    return Value::timestamp(instant.seconds, instant.nanoseconds, instant.zone);
}
Value timestamp_of_int(const Call& call) {
    return checked_timestamp(call[0].as_int(), 0, 0);
}
/// Declared, but never possible.
Value duration_of_int(const Call&) {
    return Value::error("type conversion error from 'int' to 'google.protobuf.Duration'");
}

std::uint64_t cost_of_conversion(const Priced& call) {
    return call.resolved ? cost_of_first(call) : 1;
}

constexpr Overload kConversions[] = {
    {"int", "(int) int", identity},
    {"int", "(uint) int", int_of_uint},
    {"int", "(double) int", int_of_double},
    {"int", "(duration) int", [](const Call& call) { return Value::integer(call[0].time()); }},
    {"int", "(string) int", int_of_string},
    {"int", "(timestamp) int", int_of_timestamp},
    {"uint", "(uint) uint", identity},
    {"uint", "(int) uint", uint_of_int},
    {"uint", "(double) uint", uint_of_double},
    {"uint", "(string) uint", uint_of_string},
    {"double", "(double) double", identity},
    {"double", "(int) double", double_of_int},
    {"double", "(uint) double", double_of_uint},
    {"double", "(string) double", double_of_string},
    {"bool", "(bool) bool", identity},
    {"bool", "(string) bool", bool_of_string},
    {"string", "(string) string", identity},
    {"string", "(bool) string", to_string},
    {"string", "(int) string", to_string},
    {"string", "(uint) string", to_string},
    {"string", "(double) string", to_string},
    {"string", "(bytes) string", string_of_bytes, cost_of_conversion},
    {"string", "(duration) string", to_string},
    {"string", "(timestamp) string", to_string},
    {"bytes", "(bytes) bytes", identity},
    {"bytes", "(string) bytes", bytes_of_string, cost_of_conversion},
    {"duration", "(duration) duration", identity},
    {.function = "duration", .signature = "(int) duration", .native = duration_of_int, .until = 36},
    {"duration", "(string) duration", duration_of_string},
    {"timestamp", "(timestamp) timestamp", identity},
    {"timestamp", "(int) timestamp", timestamp_of_int},
    {"timestamp", "(string) timestamp", timestamp_of_string},
};

}  // namespace

std::span<const Overload> conversion_library() {
    return kConversions;
}

}  // namespace knd::cel
