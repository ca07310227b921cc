// SPDX-License-Identifier: Apache-2.0
//
// Numbers and times as text, in the spelling of the reference implementation (which is Go's).
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>

#include "host/cel/arithmetic.hpp"
#include "host/cel/library.hpp"

namespace knd::cel {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// Days since 1970 of a date of the Gregorian calendar, and back.
std::int64_t days_from_civil(std::int64_t year, int month, int day) {
    year -= month <= 2 ? 1 : 0;
    const auto era = (year >= 0 ? year : year - 399) / 400;
    const auto year_of_era = year - era * 400;
    const auto day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

bool take_number(std::string_view& text, std::size_t digits, int& out) {
    if (text.size() < digits ||
        !std::all_of(text.begin(), text.begin() + static_cast<long>(digits), is_digit))
        return false;
    std::from_chars(text.data(), text.data() + digits, out);
    text.remove_prefix(digits);
    return true;
}

bool take(std::string_view& text, char c) {
    if (!text.starts_with(c)) return false;
    text.remove_prefix(1);
    return true;
}

/// Go reads hours of one digit as well.
bool take_hour(std::string_view& text, int& out) {
    const bool single = text.size() > 1 && is_digit(text[0]) && !is_digit(text[1]);
    return take_number(text, single ? 1 : 2, out);
}

bool leap(int year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int days_in_month(int year, int month) {
    constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && leap(year) ? 29 : kDays[month - 1];
}

/// ".25" as nanoseconds; digits beyond the ninth are dropped.
bool take_fraction(std::string_view& text, std::uint32_t& nanoseconds) {
    nanoseconds = 0;
    if (!take(text, '.') && !take(text, ',')) return true;
    if (text.empty() || !is_digit(text[0])) return false;
    std::uint32_t unit = 100'000'000;
    for (; !text.empty() && is_digit(text[0]); text.remove_prefix(1), unit /= 10)
        nanoseconds += static_cast<std::uint32_t>(text[0] - '0') * unit;
    return true;
}

/// "Z" or "+hh:mm", in seconds east of UTC.
bool take_zone(std::string_view& text, int& offset) {
    offset = 0;
    if (take(text, 'Z')) return true;
    const bool west = text.starts_with('-');
    if (!west && !text.starts_with('+')) return false;
    text.remove_prefix(1);
    int hours = 0, minutes = 0;
    if (!take_number(text, 2, hours) || !take(text, ':') || !take_number(text, 2, minutes))
        return false;
    if (hours > 24 || minutes > 60) return false;
    offset = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
    return true;
}

struct Unit {
    std::string_view name;
    std::int64_t nanoseconds;
};
constexpr Unit kUnits[] = {{"ns", 1},           {"us", 1000},         {"\xC2\xB5s", 1000},
                           {"\xCE\xBCs", 1000}, {"ms", 1'000'000},    {"s", kSecond},
                           {"m", 60 * kSecond}, {"h", 3600 * kSecond}};

/// One "1.5h" of a duration.
bool take_duration_part(std::string_view& text, __int128& total) {
    std::int64_t whole = 0;
    double fraction = 0;
    bool digits = false;
    for (; !text.empty() && is_digit(text[0]); text.remove_prefix(1), digits = true)
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, text[0] - '0', &whole))
            return false;
    if (take(text, '.')) {
        double unit = 0.1;
        for (; !text.empty() && is_digit(text[0]); text.remove_prefix(1), unit /= 10, digits = true)
            fraction += (text[0] - '0') * unit;
    }
    if (!digits) return false;
    const auto end =
        std::find_if(text.begin(), text.end(), [](char c) { return c == '.' || is_digit(c); });
    const auto name = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    for (const auto& unit : kUnits) {
        if (unit.name != name) continue;
        text.remove_prefix(name.size());
        __extension__ using Wide = __int128;
        total += Wide{whole} * unit.nanoseconds +
                 static_cast<std::int64_t>(fraction * static_cast<double>(unit.nanoseconds) + 1e-6);
        return total <= std::numeric_limits<std::int64_t>::max();
    }
    return false;
}

std::string fraction_text(std::uint32_t nanoseconds) {
    if (nanoseconds == 0) return "";
    char buffer[16];
    std::snprintf(buffer, sizeof buffer, ".%09u", nanoseconds);
    std::string out = buffer;
    out.erase(out.find_last_not_of('0') + 1);
    return out;
}

}  // namespace

void civil_from_days(std::int64_t days, Civil& out) {
    days += 719468;
    const auto era = (days >= 0 ? days : days - 146096) / 146097;
    const auto day_of_era = days - era * 146097;
    const auto year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const auto day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const auto month = (5 * day_of_year + 2) / 153;
    out.day = static_cast<int>(day_of_year - (153 * month + 2) / 5 + 1);
    out.month = static_cast<int>(month < 10 ? month + 3 : month - 9);
    out.year = year_of_era + era * 400 + (out.month <= 2 ? 1 : 0);
    out.day_of_year = static_cast<int>(days - 719468 - days_from_civil(out.year, 1, 1));
}

bool read_timestamp(std::string_view text, Instant& out) {
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, offset = 0;
    const bool read = take_number(text, 4, year) && take(text, '-') &&
                      take_number(text, 2, month) && take(text, '-') && take_number(text, 2, day) &&
                      take(text, 'T') && take_hour(text, hour) && take(text, ':') &&
                      take_number(text, 2, minute) && take(text, ':') &&
                      take_number(text, 2, second) && take_fraction(text, out.nanoseconds) &&
                      take_zone(text, offset) && text.empty();
    if (!read || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    if (hour > 23 || minute > 59 || second > 59) return false;
    out.seconds =
        days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
    out.zone = static_cast<std::int16_t>(offset / 60);
    return out.seconds >= kMinTimestamp && out.seconds <= kMaxTimestamp;
}

std::string timestamp_text(const Instant& instant) {
    const auto seconds = instant.seconds + std::int64_t{instant.zone} * 60;
    auto days = seconds / 86400;
    auto rest = seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        --days;
    }
    Civil civil;
    civil_from_days(days, civil);
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, "%04d-%02d-%02dT%02d:%02d:%02d",
                  static_cast<int>(civil.year), civil.month, civil.day,
                  static_cast<int>(rest / 3600), static_cast<int>(rest / 60 % 60),
                  static_cast<int>(rest % 60));
    auto out = buffer + fraction_text(instant.nanoseconds);
    if (instant.zone == 0) return out + "Z";
    const auto size = std::abs(int{instant.zone});
    std::snprintf(buffer, sizeof buffer, "%c%02d:%02d", instant.zone < 0 ? '-' : '+', size / 60,
                  size % 60);
    return out + buffer;
}

bool read_duration(std::string_view text, std::int64_t& nanoseconds) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    if (text == "0") {
        nanoseconds = 0;
        return true;
    }
    if (text.empty()) return false;
    __extension__ __int128 total = 0;
    while (!text.empty())
        if (!take_duration_part(text, total)) return false;
    nanoseconds = static_cast<std::int64_t>(total) * (negative ? -1 : 1);
    return true;
}

std::string duration_text(std::int64_t nanoseconds) {
    // By way of a double, which does not hold all of a long duration's nanoseconds: as in Go.
    const auto seconds = static_cast<double>(nanoseconds / kSecond) +
                         static_cast<double>(nanoseconds % kSecond) / 1e9;
    char buffer[64];
    const auto end =
        std::to_chars(buffer, buffer + sizeof buffer, seconds, std::chars_format::fixed).ptr;
    return std::string(buffer, end) + "s";
}

std::string double_text(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value < 0 ? "-Inf" : "+Inf";
    char buffer[64];
    const auto written =
        std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
    const std::string_view text(buffer, static_cast<std::size_t>(written.ptr - buffer));
    const auto mark = text.find('e');
    int exponent = 0;
    const auto* digits = text.data() + mark + (text[mark + 1] == '+' ? 2 : 1);
    std::from_chars(digits, text.data() + text.size(), exponent);
    constexpr int kFirstExponent = 6;  // of the exponent form; and from 1e-5 down
    if (exponent < -4 || exponent >= kFirstExponent) return std::string(text);
    const auto plain =
        std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
    return {buffer, plain.ptr};
}

}  // namespace knd::cel
