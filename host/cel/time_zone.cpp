// SPDX-License-Identifier: Apache-2.0
//
// Time zones by name, from the system's zone files. Abseil reads them: this compiler's <chrono>
// cannot yet.
#include <absl/time/time.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "host/cel/library.hpp"

namespace knd::cel {
namespace {

constexpr std::string_view kZoneFiles = "/usr/share/zoneinfo";

/// A whole number with an optional sign.
bool read_number(std::string_view text, std::int64_t& out, std::string& why) {
    auto digits = text;
    if (digits.starts_with('+')) digits.remove_prefix(1);
    const auto* end = digits.data() + digits.size();
    const bool signed_twice = digits.size() != text.size() && digits.starts_with('-');
    const auto read = std::from_chars(digits.data(), end, out);
    if (read.ec == std::errc() && read.ptr == end && !signed_twice) return true;
    why = "strconv.Atoi: parsing " + in_double_quotes(text) +
          (read.ec == std::errc::result_out_of_range && read.ptr == end ? ": value out of range"
                                                                        : ": invalid syntax");
    return false;
}

/// "+09:30": the minutes have the sign of the text.
bool fixed_offset(std::string_view zone, std::size_t colon, std::int64_t& offset,
                  std::string& why) {
    std::int64_t hours = 0, minutes = 0;
    if (!read_number(zone.substr(0, colon), hours, why) ||
        !read_number(zone.substr(colon + 1), minutes, why))
        return false;
    constexpr std::int64_t kMost = 1'000'000;  // beyond any use, and far from overflow
    hours = std::clamp(hours, -kMost, kMost);
    minutes = std::clamp(minutes, -kMost, kMost);
    offset = (hours * 60 + (zone.starts_with('-') ? -minutes : minutes)) * 60;
    return true;
}

/// Why there is no file of that name, as Go has it; empty: there is one.
std::string missing_zone(const std::string& name) {
    const auto unknown = "unknown time zone " + name;
    if (name.find('\0') != name.npos) return unknown;
    std::error_code failed;
    const auto status = std::filesystem::status(std::filesystem::path(kZoneFiles) / name, failed);
    if (std::filesystem::is_regular_file(status)) return {};
    if (std::filesystem::is_directory(status)) return "is a directory";
    if (failed == std::errc::not_a_directory) return "not a directory";
    return failed == std::errc::filename_too_long ? "file name too long" : unknown;
}

}  // namespace

bool zone_offset(std::string_view zone, std::int64_t seconds, std::int64_t& offset,
                 std::string& why) {
    offset = 0;
    if (zone.empty() || zone == "UTC" || zone == "Local") return true;
    if (const auto colon = zone.find(':'); colon != zone.npos)
        return fixed_offset(zone, colon, offset, why);
    const std::string name(zone);
    if (zone.starts_with('/') || zone.starts_with('\\') || zone.find("..") != zone.npos) {
        why = "time: invalid location name";
        return false;
    }
    // Abseil remembers every name it is asked for: only those of files may reach it.
    absl::TimeZone loaded;
    why = missing_zone(name);
    if (!why.empty()) return false;
    if (!absl::LoadTimeZone(name, &loaded)) {
        why = "unknown time zone " + name;
        return false;
    }
    offset = loaded.At(absl::FromUnixSeconds(seconds)).offset;
    return true;
}

}  // namespace knd::cel
