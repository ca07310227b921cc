// SPDX-License-Identifier: Apache-2.0
#include "host/validation/field_error.hpp"

#include <set>

namespace knd::api {
namespace {

std::string join(std::string_view head, std::string_view detail) {
    std::string text(head);
    if (!detail.empty()) text.append(": ").append(detail);
    return text;
}

/// Texts in Go's quotes, JSON for all else.
std::string shown(const Json& value) {
    return value.is_string() ? go_quoted(value.get_ref<const std::string&>()) : to_text(value);
}

}  // namespace

std::string go_quoted(std::string_view text) {
    constexpr std::string_view kHex = "0123456789abcdef";
    constexpr std::string_view kNamed = "\aa\bb\tt\nn\vv\ff\rr\"\"\\\\";
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        std::size_t at = 0;
        while (at < kNamed.size() && kNamed[at] != c)
            at += 2;
        if (at < kNamed.size())
            out.append("\\").append(1, kNamed[at + 1]);
        else if (byte < 0x20 || byte == 0x7f)
            out.append("\\x").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
        else
            out += c;
    }
    return out + "\"";
}

std::string go_json(const Json& value) {
    std::string out;
    for (const char c : to_text(value)) {
        if (c == '<' || c == '>' || c == '&')
            out.append(c == '<' ? "\\u003c" : c == '>' ? "\\u003e" : "\\u0026");
        else
            out += c;
    }
    return out;
}

FieldError field_required(std::string field, std::string_view detail) {
    return {"FieldValueRequired", std::move(field), join("Required value", detail)};
}

FieldError field_forbidden(std::string field, std::string_view detail) {
    return {"FieldValueForbidden", std::move(field), join("Forbidden", detail)};
}

FieldError field_invalid(std::string field, const Json& value, std::string_view detail) {
    return field_invalid_as(std::move(field), shown(value), detail);
}

FieldError field_invalid_as(std::string field, std::string_view value, std::string_view detail) {
    return {"FieldValueInvalid", std::move(field),
            join("Invalid value: " + std::string(value), detail)};
}

FieldError field_duplicate(std::string field, const Json& value) {
    return field_duplicate_as(std::move(field), shown(value));
}

FieldError field_duplicate_as(std::string field, std::string_view value) {
    return {"FieldValueDuplicate", std::move(field), "Duplicate value: " + std::string(value)};
}

FieldError field_not_found(std::string field, const Json& value) {
    return {"FieldValueNotFound", std::move(field), "Not found: " + go_json(value)};
}

FieldError field_too_many(std::string field, std::size_t actual, std::size_t limit) {
    return {"FieldValueTooMany", std::move(field),
            "Too many: " + std::to_string(actual) + ": must have at most " + std::to_string(limit) +
                (limit == 1 ? " item" : " items")};
}

FieldError field_too_long(std::string field, std::size_t limit) {
    return {"FieldValueTooLong", std::move(field),
            "Too long: may not be more than " + std::to_string(limit) + " bytes"};
}

FieldError field_unsupported(std::string field, const Json& value,
                             const std::vector<std::string>& supported) {
    std::string list;
    for (const auto& one : supported)
        list.append(list.empty() ? "" : ", ").append(shown(one));
    return {"FieldValueNotSupported", std::move(field),
            "Unsupported value: " + go_json(value) + ": supported values: " + list};
}

std::string joined(const FieldErrors& errors) {
    std::string text;
    std::set<std::string> known;
    for (const auto& error : errors) {
        const auto [one, is_new] = known.insert(error.text());
        if (is_new) text.append(text.empty() ? "" : ", ").append(*one);
    }
    return known.size() > 1 ? "[" + text + "]" : text;
}

}  // namespace knd::api
