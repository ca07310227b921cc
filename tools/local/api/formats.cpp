// SPDX-License-Identifier: Apache-2.0
//
// The named formats of the schema, with the explanations Kubernetes gives.
#include <algorithm>

#include "tools/local/api/schema.hpp"

namespace knd::api {
namespace {

constexpr std::string_view kLabelWhy =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must "
    "start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for "
    "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
constexpr std::string_view kSubdomainWhy =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', "
    "and must start and end with an alphanumeric character (e.g. 'example.com', regex used for "
    "validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr std::string_view kNameWhy =
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with "
    "an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
constexpr std::string_view kValueWhy =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or "
    "'12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

bool is_lower(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
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

bool is_name(std::string_view text) {
    return !text.empty() && is_alnum(text.front()) && is_alnum(text.back()) &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; });
}

std::string label(const std::string& text) {
    if (text.size() > 63) return "must be no more than 63 bytes";
    return is_label(text) ? "" : std::string(kLabelWhy);
}

std::string subdomain(const std::string& text) {
    if (text.size() > 253) return "must be no more than 253 bytes";
    return is_subdomain(text) ? "" : std::string(kSubdomainWhy);
}

/// Names joined by "/", each a subdomain.
std::string pool(const std::string& text) {
    std::string_view rest = text;
    for (;;) {
        const auto slash = rest.find('/');
        if (auto why = subdomain(std::string(rest.substr(0, slash))); !why.empty()) return why;
        if (slash == std::string_view::npos) return "";
        rest.remove_prefix(slash + 1);
    }
}

/// [domain/]name, as label keys and extended resources are.
std::string qualified(const std::string& text) {
    const auto slash = text.find('/');
    const auto name = slash == std::string::npos ? text : text.substr(slash + 1);
    if (slash != std::string::npos) {
        if (slash == 0) return "prefix part must be non-empty";
        if (auto why = subdomain(text.substr(0, slash)); !why.empty()) return "prefix part " + why;
    }
    if (name.empty()) return "name part must be non-empty";
    if (name.size() > 63) return "name part must be no more than 63 bytes";
    return is_name(name) ? "" : std::string(kNameWhy);
}

/// domain/identifier, as device attributes are.
std::string attribute(const std::string& text, bool domain_required) {
    const auto slash = text.find('/');
    if (slash == std::string::npos && domain_required) return "must include a domain";
    const auto name = slash == std::string::npos ? text : text.substr(slash + 1);
    if (slash != std::string::npos) {
        if (slash == 0) return "the domain must not be empty";
        if (slash > 63) return "the domain must be no more than 63 bytes";
        if (auto why = subdomain(text.substr(0, slash)); !why.empty()) return why;
    }
    if (name.empty()) return "the name must not be empty";
    if (name.size() > 32) return "the name must be no more than 32 bytes";
    const bool identifier =
        !(name[0] >= '0' && name[0] <= '9') &&
        std::all_of(name.begin(), name.end(), [](char c) { return is_alnum(c) || c == '_'; });
    return identifier
               ? ""
               : "a valid C identifier must start with alphabetic character or '_', followed "
                 "by a string of alphanumeric characters or '_' (e.g. 'my_name',  or "
                 "'MY_NAME',  or 'MyName', regex used for validation is "
                 "'[A-Za-z_][A-Za-z0-9_]*')";
}

std::string label_value(const std::string& text) {
    if (text.size() > 63) return "must be no more than 63 bytes";
    return text.empty() || is_name(text) ? "" : std::string(kValueWhy);
}

}  // namespace

std::string check_format(std::string_view format, const std::string& value) {
    if (format == "label") return label(value);
    if (format == "subdomain") return subdomain(value);
    if (format == "pool") return pool(value);
    if (format == "qualified") return qualified(value);
    if (format == "attribute") return attribute(value, false);
    if (format == "fullyqualified") return attribute(value, true);
    if (format == "labelvalue") return label_value(value);
    return "";
}

}  // namespace knd::api
