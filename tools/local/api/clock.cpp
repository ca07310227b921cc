// SPDX-License-Identifier: Apache-2.0
#include "tools/local/api/clock.hpp"

#include <ctime>

#include <algorithm>
#include <cstdio>

namespace knd::api {
namespace {

/// "3m20s", or "3m" when the small part is zero.
std::string two(std::int64_t big, char big_unit, std::int64_t small, char small_unit) {
    auto text = std::to_string(big) + big_unit;
    if (small != 0) text += std::to_string(small) + small_unit;
    return text;
}

}  // namespace

std::int64_t now_seconds() {
    return static_cast<std::int64_t>(std::time(nullptr));
}

std::int64_t parse_time(const std::string& text) {
    std::tm parts{};
    const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest == nullptr) return 0;
    const auto seconds = static_cast<std::int64_t>(timegm(&parts));
    while (*rest == '.' || (*rest >= '0' && *rest <= '9'))
        ++rest;
    int hours = 0;
    int minutes = 0;
    if ((*rest != '+' && *rest != '-') || std::sscanf(rest + 1, "%2d:%2d", &hours, &minutes) != 2)
        return seconds;
    const auto offset = hours * 3600 + minutes * 60;
    return *rest == '+' ? seconds - offset : seconds + offset;
}

std::string age_text(const std::string& text) {
    if (text.empty()) return "<unknown>";
    const auto s = std::max<std::int64_t>(0, now_seconds() - parse_time(text));
    const auto m = s / 60;
    const auto h = s / 3600;
    const auto d = h / 24;
    if (s < 120) return two(s, 's', 0, ' ');
    if (m < 10) return two(m, 'm', s % 60, 's');
    if (h < 3) return two(m, 'm', 0, ' ');
    if (h < 8) return two(h, 'h', m % 60, 'm');
    if (h < 48) return two(h, 'h', 0, ' ');
    if (d < 8) return two(d, 'd', h % 24, 'h');
    if (d < 2 * 365) return two(d, 'd', 0, ' ');
    if (d < 8 * 365) return two(d / 365, 'y', d % 365, 'd');
    return two(d / 365, 'y', 0, ' ');
}

}  // namespace knd::api
