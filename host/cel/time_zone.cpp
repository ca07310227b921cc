// SPDX-License-Identifier: Apache-2.0
//
// Time zones by name, from the system's zone files. Abseil reads them: this compiler's <chrono>
// cannot yet.
#include <absl/time/time.h>

#include <charconv>
#include <filesystem>

#include "host/cel/library.hpp"

namespace knd::cel {
namespace {

constexpr std::string_view kZoneFiles = "/usr/share/zoneinfo";

/// A whole number with an optional sign.
bool read_number(std::string_view text, std::int64_t& out) {
    if (text.starts_with('+')) {
        text.remove_prefix(1);
        if (text.starts_with('-')) return false;
    }
    const auto* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, out);
    return read.ec == std::errc() && read.ptr == end;
}

/// "+09:30": the minutes have the sign of the text.
bool fixed_offset(std::string_view zone, std::size_t colon, std::int64_t& offset,
                  std::string& why) {
    std::int64_t hours = 0, minutes = 0;
    constexpr std::int64_t kMost = 1'000'000;  // beyond any use, and far from overflow
    const bool read = read_number(zone.substr(0, colon), hours) &&
                      read_number(zone.substr(colon + 1), minutes) && std::abs(hours) < kMost &&
                      std::abs(minutes) < kMost;
    if (!read) {
        why = "invalid time zone offset \"" + std::string(zone) + "\"";
        return false;
    }
    offset = (hours * 60 + (zone.starts_with('-') ? -minutes : minutes)) * 60;
    return true;
}

}  // namespace

bool zone_offset(std::string_view zone, std::int64_t seconds, std::int64_t& offset,
                 std::string& why) {
    offset = 0;
    if (zone.empty() || zone == "UTC" || zone == "Local") return true;
    if (const auto colon = zone.find(':'); colon != zone.npos)
        return fixed_offset(zone, colon, offset, why);
    const std::string name(zone);
    const bool outside = zone.starts_with('/') || zone.starts_with('\\') ||
                         zone.find("..") != zone.npos || zone.find('\0') != zone.npos;
    // Abseil remembers every name it is asked for: only those of files may reach it.
    std::error_code ignored;
    absl::TimeZone loaded;
    if (outside ||
        !std::filesystem::is_regular_file(std::filesystem::path(kZoneFiles) / name, ignored) ||
        !absl::LoadTimeZone(name, &loaded)) {
        why = "unknown time zone " + name;
        return false;
    }
    offset = loaded.At(absl::FromUnixSeconds(seconds)).offset;
    return true;
}

}  // namespace knd::cel
