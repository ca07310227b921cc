// SPDX-License-Identifier: Apache-2.0
#include "host/validation/formats.hpp"

#include <algorithm>

namespace knd::validation {
namespace {

constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxSubdomain = 253;
// Kubernetes is of two minds what it counts; it is bytes always.
constexpr char kCharacters[] = " characters";
constexpr char kBytes[] = " bytes";

constexpr std::string_view kLabelWhy =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
constexpr std::string_view kSubdomainWhy =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr std::string_view kKeyWhy =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
constexpr std::string_view kValueWhy =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or "
    "'12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
constexpr std::string_view kIdentifierWhy =
    "a valid C identifier must start with alphabetic character or '_', followed by a string of "
    "alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for "
    "validation is '[A-Za-z_][A-Za-z0-9_]*')";

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_lower(char c) {
    return (c >= 'a' && c <= 'z') || is_digit(c);
}
bool is_alnum(char c) {
    return is_lower(c) || (c >= 'A' && c <= 'Z');
}

bool is_label(std::string_view text) {
    return !text.empty() && is_lower(text.front()) && is_lower(text.back()) &&
           std::all_of(text.begin(), text.end(), [](char c) { return is_lower(c) || c == '-'; });
}

bool is_subdomain(std::string_view text) {
    for (;;) {
        const auto dot = text.find('.');
        if (!is_label(text.substr(0, dot))) return false;
        if (dot == std::string_view::npos) return true;
        text.remove_prefix(dot + 1);
    }
}

bool is_key(std::string_view text) {
    return !text.empty() && is_alnum(text.front()) && is_alnum(text.back()) &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; });
}

std::string too_long(std::size_t limit, const char* unit) {
    return "must be no more than " + std::to_string(limit) + unit;
}

Problems subdomain_problems(std::string_view text, const char* unit) {
    Problems problems;
    if (text.size() > kMaxSubdomain) problems.push_back(too_long(kMaxSubdomain, unit));
    if (!is_subdomain(text)) problems.emplace_back(kSubdomainWhy);
    return problems;
}

}  // namespace

std::string lower_case(std::string_view text) {
    std::string lower(text);
    for (auto& c : lower)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return lower;
}

Problems label_problems(std::string_view text) {
    Problems problems;
    if (text.size() > kMaxLabel) problems.push_back(too_long(kMaxLabel, kCharacters));
    if (!is_label(text))
        problems.emplace_back(is_subdomain(text) ? "must not contain dots" : kLabelWhy);
    return problems;
}

Problems subdomain_problems(std::string_view text) {
    return subdomain_problems(text, kCharacters);
}

Problems long_name_problems(std::string_view text) {
    return subdomain_problems(text, kBytes);
}

Problems label_key_problems(std::string_view text) {
    if (std::count(text.begin(), text.end(), '/') > 1)
        return {"a valid label key " + std::string(kKeyWhy) +
                " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"};
    Problems problems;
    if (const auto slash = text.find('/'); slash != std::string_view::npos) {
        if (slash == 0) problems.emplace_back("prefix part must be non-empty");
        if (slash > 0) {
            for (const auto& problem : long_name_problems(text.substr(0, slash)))
                problems.push_back("prefix part " + problem);
        }
        text.remove_prefix(slash + 1);
    }
    if (text.empty()) problems.emplace_back("name part must be non-empty");
    if (text.size() > kMaxLabel) problems.push_back("name part " + too_long(kMaxLabel, kBytes));
    if (!is_key(text)) problems.push_back("name part " + std::string(kKeyWhy));
    return problems;
}

Problems label_value_problems(std::string_view text) {
    Problems problems;
    if (text.size() > kMaxLabel) problems.push_back(too_long(kMaxLabel, kBytes));
    if (!text.empty() && !is_key(text)) problems.emplace_back(kValueWhy);
    return problems;
}

Problems c_identifier_problems(std::string_view text) {
    const bool fine =
        !text.empty() && !is_digit(text[0]) &&
        std::all_of(text.begin(), text.end(), [](char c) { return is_alnum(c) || c == '_'; });
    if (fine) return {};
    return {std::string(kIdentifierWhy)};
}

}  // namespace knd::validation
