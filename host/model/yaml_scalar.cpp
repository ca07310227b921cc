// SPDX-License-Identifier: Apache-2.0
#include "host/model/yaml_scalar.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace knd {
namespace {

template <std::size_t N>
bool one_of(std::string_view text, const std::string_view (&words)[N]) {
    return std::find(std::begin(words), std::end(words), text) != std::end(words);
}

constexpr std::string_view kTrue[] = {"y",    "Y",    "yes", "Yes", "YES", "true",
                                      "True", "TRUE", "on",  "On",  "ON"};
constexpr std::string_view kFalse[] = {"n",     "N",     "no",  "No",  "NO", "false",
                                       "False", "FALSE", "off", "Off", "OFF"};
constexpr std::string_view kNull[] = {"", "~", "null", "Null", "NULL"};
constexpr std::string_view kNotFinite[] = {".nan",  ".NaN",  ".NAN",  ".inf",  ".Inf",  ".INF",
                                           "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF"};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// 0x1F, 0b101, 0o17 and 017 besides decimals.
std::optional<Json> integer(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    int base = 10;
    if (text.size() > 1 && text[0] == '0') {
        const char mark = static_cast<char>(text[1] | 0x20);
        base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
        text.remove_prefix(mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1);
    }
    std::uint64_t value = 0;
    const auto* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value, base);
    if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
    constexpr auto kMax = std::uint64_t{1} << 63;
    if (!negative) return value < kMax ? Json(static_cast<std::int64_t>(value)) : Json(value);
    if (value > kMax) return std::nullopt;
    return Json(static_cast<std::int64_t>(0 - value));
}

/// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool looks_like_float(std::string_view text) {
    std::size_t at = 0;
    const auto digits = [&] {
        const auto from = at;
        while (at < text.size() && is_digit(text[at]))
            ++at;
        return at - from;
    };
    const auto skip = [&](std::string_view any_of) {
        const bool found = at < text.size() && any_of.find(text[at]) != std::string_view::npos;
        at += found ? 1 : 0;
        return found;
    };
    skip("+-");
    const auto whole = digits();
    const auto fraction = skip(".") ? digits() : 0;
    if (whole == 0 && fraction == 0) return false;
    if (skip("eE")) {
        skip("+-");
        if (digits() == 0) return false;
    }
    return at == text.size();
}

}  // namespace

std::optional<Json> resolve_plain_scalar(const std::string& text) {
    if (one_of(text, kNull)) return Json();
    const char first = text[0];
    if (!is_digit(first) && first != '+' && first != '-' && first != '.') {
        if (one_of(text, kTrue)) return Json(true);
        if (one_of(text, kFalse)) return Json(false);
        return Json(text);
    }
    if (one_of(text, kNotFinite)) return std::nullopt;
    auto plain = text;
    std::erase(plain, '_');
    if (first != '.') {
        if (auto number = integer(plain)) return number;
    }
    if (!looks_like_float(plain)) return Json(text);
    double value = 0;
    const auto* begin = plain.data() + (first == '+' ? 1 : 0);
    const auto read = std::from_chars(begin, plain.data() + plain.size(), value);
    // Out of range: a string, as it is in Kubernetes.
    return read.ec == std::errc() ? Json(value) : Json(text);
}

}  // namespace knd
