// SPDX-License-Identifier: Apache-2.0
#include "host/model/semver.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "host/model/quote.hpp"

namespace knd {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_identifier_character(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}
bool all_digits(std::string_view text) {
    return std::all_of(text.begin(), text.end(), is_digit);
}
bool has_leading_zero(std::string_view text) {
    return text.size() > 1 && text[0] == '0';
}

Error invalid(std::string text) {
    return {Code::kInvalidArgument, std::move(text)};
}

Result<std::uint64_t> read_number(std::string_view text) {
    const auto failed = [&](std::string_view why) {
        return invalid("strconv.ParseUint: parsing " + in_double_quotes(text) + ": " +
                       std::string(why));
    };
    if (text.empty()) return failed("invalid syntax");
    std::uint64_t value = 0;
    for (const char c : text) {
        const auto digit = static_cast<std::uint64_t>(c - '0');
        if (value > (std::numeric_limits<std::uint64_t>::max() - digit) / 10)
            return failed("value out of range");
        value = value * 10 + digit;
    }
    return value;
}

/// One of major, minor, patch. `name` starts with a capital letter.
Result<std::uint64_t> read_component(std::string_view text, std::string_view lower,
                                     std::string_view upper) {
    if (!all_digits(text))
        return invalid("Invalid character(s) found in " + std::string(lower) + " number " +
                       in_double_quotes(text));
    if (has_leading_zero(text))
        return invalid(std::string(upper) + " number must not contain leading zeroes " +
                       in_double_quotes(text));
    return read_number(text);
}

/// At most `limit` parts; the last holds the rest.
std::vector<std::string> split(std::string_view text, std::size_t limit) {
    std::vector<std::string> parts;
    while (parts.size() + 1 < limit) {
        const auto dot = text.find('.');
        if (dot == std::string_view::npos) break;
        parts.emplace_back(text.substr(0, dot));
        text.remove_prefix(dot + 1);
    }
    parts.emplace_back(text);
    return parts;
}

}  // namespace

Result<Semver> Semver::parse(std::string_view text) {
    if (text.empty()) return invalid("Version string empty");
    const auto parts = split(text, 3);
    if (parts.size() != 3) return invalid("No Major.Minor.Patch elements found");
    Semver version;
    KND_TRY_ASSIGN(version.numbers_[0], read_component(parts[0], "major", "Major"));
    KND_TRY_ASSIGN(version.numbers_[1], read_component(parts[1], "minor", "Minor"));
    std::string_view patch = parts[2];
    std::optional<std::string_view> build, prerelease;
    if (const auto plus = patch.find('+'); plus != std::string_view::npos) {
        build = patch.substr(plus + 1);
        patch = patch.substr(0, plus);
    }
    if (const auto dash = patch.find('-'); dash != std::string_view::npos) {
        prerelease = patch.substr(dash + 1);
        patch = patch.substr(0, dash);
    }
    KND_TRY_ASSIGN(version.numbers_[2], read_component(patch, "patch", "Patch"));
    if (prerelease) KND_TRY(version.read_prerelease(*prerelease));
    if (build) KND_TRY(version.read_build(*build));
    return version;
}

Result<void> Semver::read_prerelease(std::string_view text) {
    for (auto& part : split(text, std::string_view::npos)) {
        if (part.empty()) return invalid("Prerelease is empty");
        Identifier identifier;
        if (all_digits(part)) {
            if (has_leading_zero(part))
                return invalid("Numeric PreRelease version must not contain leading zeroes " +
                               in_double_quotes(part));
            KND_TRY_ASSIGN(identifier.number, read_number(part));
            identifier.numeric = true;
        } else if (std::all_of(part.begin(), part.end(), is_identifier_character)) {
            identifier.text = std::move(part);
        } else {
            return invalid("Invalid character(s) found in prerelease " + in_double_quotes(part));
        }
        prerelease_.push_back(std::move(identifier));
    }
    return {};
}

Result<void> Semver::read_build(std::string_view text) {
    for (const auto& part : split(text, std::string_view::npos)) {
        if (part.empty()) return invalid("Build meta data is empty");
        if (!std::all_of(part.begin(), part.end(), is_identifier_character))
            return invalid("Invalid character(s) found in build meta data " +
                           in_double_quotes(part));
    }
    build_ = text;
    return {};
}

Result<Semver> Semver::parse_lenient(std::string_view text) {
    if (text.starts_with('v')) text.remove_prefix(1);
    auto parts = split(text, 3);
    for (auto& part : parts) {
        if (part.size() < 2) continue;
        part.erase(0, part.find_first_not_of('0'));
        if (part.empty() || !is_digit(part[0])) part.insert(part.begin(), '0');
    }
    if (parts.size() < 3 && parts.back().find_first_of("+-") != std::string::npos)
        return invalid("short version cannot contain PreRelease/Build meta data");
    parts.resize(3, "0");
    return parse(parts[0] + "." + parts[1] + "." + parts[2]);
}

std::string Semver::text() const {
    auto out = std::to_string(numbers_[0]) + "." + std::to_string(numbers_[1]) + "." +
               std::to_string(numbers_[2]);
    char separator = '-';
    for (const auto& identifier : prerelease_) {
        out += separator;
        out += identifier.numeric ? std::to_string(identifier.number) : identifier.text;
        separator = '.';
    }
    return build_.empty() ? out : out + "+" + build_;
}

std::strong_ordering Semver::Identifier::operator<=>(const Identifier& other) const {
    if (numeric != other.numeric)
        return numeric ? std::strong_ordering::less : std::strong_ordering::greater;
    if (numeric) return number <=> other.number;
    const auto order = text.compare(other.text);
    return order <=> 0;
}

std::strong_ordering Semver::operator<=>(const Semver& other) const {
    for (int i = 0; i < 3; ++i)
        if (const auto order = numbers_[i] <=> other.numbers_[i]; order != 0) return order;
    // A version without a pre-release comes after every one that has it.
    if (prerelease_.empty() || other.prerelease_.empty())
        return other.prerelease_.size() == prerelease_.size() ? std::strong_ordering::equal
               : prerelease_.empty()                          ? std::strong_ordering::greater
                                                              : std::strong_ordering::less;
    return std::lexicographical_compare_three_way(
        prerelease_.begin(), prerelease_.end(), other.prerelease_.begin(), other.prerelease_.end());
}

}  // namespace knd
