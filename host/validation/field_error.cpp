// SPDX-License-Identifier: Apache-2.0
#include "host/validation/field_error.hpp"

namespace knd::api {
namespace {

std::string join(std::string_view head, std::string_view detail) {
    std::string text(head);
    if (!detail.empty()) text.append(": ").append(detail);
    return text;
}

}  // namespace

FieldError field_required(std::string field, std::string_view detail) {
    return {"FieldValueRequired", std::move(field), join("Required value", detail)};
}

FieldError field_forbidden(std::string field, std::string_view detail) {
    return {"FieldValueForbidden", std::move(field), join("Forbidden", detail)};
}

FieldError field_invalid(std::string field, const Json& value, std::string_view detail) {
    return {"FieldValueInvalid", std::move(field),
            join("Invalid value: " + to_text(value), detail)};
}

FieldError field_duplicate(std::string field, const Json& value) {
    return {"FieldValueDuplicate", std::move(field), "Duplicate value: " + to_text(value)};
}

FieldError field_not_found(std::string field, const Json& value) {
    return {"FieldValueNotFound", std::move(field), "Not found: " + to_text(value)};
}

FieldError field_too_many(std::string field, std::size_t actual, std::size_t limit) {
    return {"FieldValueTooMany", std::move(field),
            "Too many: " + std::to_string(actual) + ": must have at most " + std::to_string(limit) +
                " items"};
}

FieldError field_too_long(std::string field, std::size_t limit) {
    return {"FieldValueTooLong", std::move(field),
            "Too long: may not be more than " + std::to_string(limit) + " bytes"};
}

FieldError field_unsupported(std::string field, const Json& value,
                             const std::vector<std::string>& supported) {
    std::string list;
    for (const auto& one : supported)
        list.append(list.empty() ? "" : ", ").append(to_text(Json(one)));
    return {"FieldValueNotSupported", std::move(field),
            "Unsupported value: " + to_text(value) + ": supported values: " + list};
}

std::string joined(const FieldErrors& errors) {
    std::string text;
    for (const auto& error : errors)
        text.append(text.empty() ? "" : ", ").append(error.text());
    return errors.size() > 1 ? "[" + text + "]" : text;
}

}  // namespace knd::api
