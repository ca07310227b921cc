// SPDX-License-Identifier: Apache-2.0
//
// Parts of timestamps and durations.
#include "host/cel/library.hpp"

namespace knd::cel {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

struct Parts {
    Civil civil;
    std::int64_t days = 0;
    std::int64_t second_of_day = 0;
};

enum class Part {
    kYear,
    kMonth,
    kDayOfYear,
    kDayOfMonth,
    kDate,
    kDayOfWeek,
    kHours,
    kMinutes,
    kSeconds,
    kMillis
};

std::int64_t part_of(const Parts& parts, Part part, std::uint32_t nanoseconds) {
    switch (part) {
        case Part::kYear:
            return parts.civil.year;
        case Part::kMonth:
            return parts.civil.month - 1;
        case Part::kDayOfYear:
            return parts.civil.day_of_year;
        case Part::kDayOfMonth:
            return parts.civil.day - 1;
        case Part::kDate:
            return parts.civil.day;
        case Part::kDayOfWeek:
            return ((parts.days + 4) % 7 + 7) % 7;  // 1970 began on a Thursday
        case Part::kHours:
            return parts.second_of_day / 3600;
        case Part::kMinutes:
            return parts.second_of_day / 60 % 60;
        case Part::kSeconds:
            return parts.second_of_day % 60;
        case Part::kMillis:
            return nanoseconds / 1'000'000;
    }
    return 0;
}

template <Part kPart>
Value timestamp_part(const Call& call) {
    std::int64_t offset = 0;
    std::string why;
    if (call.size() > 1 && !zone_offset(call[1].text(), call[0].time(), offset, why))
        return call.error(why);
    const auto seconds = call[0].time() + offset;
    Parts parts;
    parts.days = (seconds - ((seconds % 86400) + 86400) % 86400) / 86400;
    parts.second_of_day = seconds - parts.days * 86400;
    civil_from_days(parts.days, parts.civil);
    return Value::integer(part_of(parts, kPart, call[0].nanoseconds()));
}

/// The whole duration in that unit.
template <std::int64_t kUnit>
Value duration_part(const Call& call) {
    return Value::integer(call[0].time() / kUnit);
}

#define KND_TIME(name, part)                                       \
    {name, "timestamp.() int", timestamp_part<Part::part>}, {      \
        name, "timestamp.(string) int", timestamp_part<Part::part> \
    }
constexpr Overload kTime[] = {
    KND_TIME("getFullYear", kYear),
    KND_TIME("getMonth", kMonth),
    KND_TIME("getDayOfYear", kDayOfYear),
    KND_TIME("getDayOfMonth", kDayOfMonth),
    KND_TIME("getDate", kDate),
    KND_TIME("getDayOfWeek", kDayOfWeek),
    KND_TIME("getHours", kHours),
    KND_TIME("getMinutes", kMinutes),
    KND_TIME("getSeconds", kSeconds),
    KND_TIME("getMilliseconds", kMillis),
    {"getHours", "duration.() int", duration_part<3600 * kSecond>},
    {"getMinutes", "duration.() int", duration_part<60 * kSecond>},
    {"getSeconds", "duration.() int", duration_part<kSecond>},
    {"getMilliseconds", "duration.() int", duration_part<1'000'000>},
};
#undef KND_TIME

}  // namespace

std::span<const Overload> time_library() {
    return kTime;
}

}  // namespace knd::cel
