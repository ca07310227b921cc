// SPDX-License-Identifier: Apache-2.0
#include "tools/local/api/status.hpp"

namespace knd::api {
namespace {

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
    for (const auto& e : errors)
        causes.push_back({{"reason", e.reason}, {"message", e.message}, {"field", e.field}});
    auto details = details_of(kind, name);
    details["causes"] = std::move(causes);
    return {422, "Invalid",
            std::string(kind) + " " + in_quotes(name) + " is invalid: " + joined(errors),
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
