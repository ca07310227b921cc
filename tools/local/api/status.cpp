// SPDX-License-Identifier: Apache-2.0
#include "tools/local/api/status.hpp"

namespace knd::api {
namespace {

std::string join(std::string_view head, std::string_view detail) {
    std::string text(head);
    if (!detail.empty()) text.append(": ").append(detail);
    return text;
}

std::string in_quotes(std::string_view text) {
    return to_text(Json(text));
}

/// "resourceclaims.resource.k8s.io" -> {name, group, kind} as StatusDetails has them.
Json details_of(std::string_view resource, std::string_view name) {
    const auto dot = resource.find('.');
    Json details = {{"name", name}, {"kind", resource.substr(0, dot)}};
    if (dot != std::string_view::npos) details["group"] = resource.substr(dot + 1);
    return details;
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
        list.append(list.empty() ? "" : ", ").append(in_quotes(one));
    return {"FieldValueNotSupported", std::move(field),
            "Unsupported value: " + to_text(value) + ": supported values: " + list};
}

Json Status::json() const {
    Json status = {{"apiVersion", "v1"},  {"kind", "Status"},   {"metadata", Json::object()},
                   {"status", "Failure"}, {"message", message}, {"reason", reason},
                   {"code", code}};
    if (!details.is_null()) status["details"] = details;
    return status;
}

Error Status::error() const {
    Code grpc = Code::kInternal;
    switch (code) {
        case 400:
        case 422:
            grpc = Code::kInvalidArgument;
            break;
        case 401:
            grpc = Code::kUnauthenticated;
            break;
        case 403:
            grpc = Code::kPermissionDenied;
            break;
        case 404:
            grpc = Code::kNotFound;
            break;
        case 409:
            grpc = reason == "AlreadyExists" ? Code::kAlreadyExists : Code::kAborted;
            break;
        case 410:
            grpc = Code::kOutOfRange;
            break;
        default:
            break;
    }
    return {grpc, message};
}

Status not_found(std::string_view resource, std::string_view name) {
    return {404, "NotFound", std::string(resource) + " " + in_quotes(name) + " not found",
            details_of(resource, name)};
}

Status already_exists(std::string_view resource, std::string_view name) {
    return {409, "AlreadyExists", std::string(resource) + " " + in_quotes(name) + " already exists",
            details_of(resource, name)};
}

Status conflict(std::string_view resource, std::string_view name, std::string_view why) {
    return {409, "Conflict",
            "Operation cannot be fulfilled on " + std::string(resource) + " " + in_quotes(name) +
                ": " + std::string(why),
            details_of(resource, name)};
}

Status invalid(std::string_view kind, std::string_view name, const FieldErrors& errors) {
    Json causes = Json::array();
    std::string text;
    for (const auto& e : errors) {
        causes.push_back({{"reason", e.reason}, {"message", e.message}, {"field", e.field}});
        text.append(text.empty() ? "" : ", ").append(e.field).append(": ").append(e.message);
    }
    if (errors.size() > 1) text = "[" + text + "]";
    auto details = details_of(kind, name);
    details["causes"] = std::move(causes);
    return {422, "Invalid", std::string(kind) + " " + in_quotes(name) + " is invalid: " + text,
            std::move(details)};
}

Status bad_request(std::string message) {
    return {400, "BadRequest", std::move(message), {}};
}

Status forbidden(std::string_view resource, std::string_view name, std::string_view why) {
    return {403, "Forbidden",
            std::string(resource) + " " + in_quotes(name) + " is forbidden: " + std::string(why),
            details_of(resource, name)};
}

Status method_not_allowed() {
    return {405, "MethodNotAllowed",
            "the server does not allow this method on the requested resource", Json::object()};
}

Status expired(std::string message) {
    return {410, "Expired", std::move(message), {}};
}

Status internal_error(std::string_view message) {
    return {500, "InternalError", "Internal error occurred: " + std::string(message), {}};
}

}  // namespace knd::api
