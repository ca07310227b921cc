// SPDX-License-Identifier: Apache-2.0
//
// Rules of ResourceClaim, ResourceClaimTemplate and DeviceClass.
#include "host/model/object_read.hpp"
#include "host/validation/checks.hpp"
#include "host/validation/validation.hpp"

namespace knd::validation {
namespace {

constexpr std::string_view kOneOfRequest =
    "exactly one of `exactly` or `firstAvailable` is required";
constexpr std::string_view kAdminLabel = "resource.kubernetes.io/admin-access";

/// The API server fills in ExactCount and 1.
void check_count(const JsonField& request, FieldErrors& errors) {
    const auto mode = request["allocationMode"];
    const auto count = request["count"];
    const auto number = count.integer(0);
    if (mode.text_or_empty() == "All") {
        if (number.ok() && *number != 0)
            errors.push_back(api::field_invalid(
                count.path(), *number, "must not be specified when allocationMode is 'All'"));
    } else if (mode.text_or_empty().empty() || mode.text_or_empty() == "ExactCount") {
        if (number.ok() && *number < 0)
            errors.push_back(
                api::field_invalid(count.path(), *number, "must be greater than zero"));
    } else {
        check_one_of(mode, {"All", "ExactCount"}, errors);
    }
}

void check_exact_request(const JsonField& request, FieldErrors& errors) {
    check_class_name(request["deviceClassName"], errors);
    check_selectors(request["selectors"], errors);
    check_count(request, errors);
    check_list(request["tolerations"], kMaxTolerations, errors,
               [&](const JsonField& one) { check_toleration(one, errors); });
    const auto capacity = request["capacity"];
    const auto amounts = capacity["requests"];
    amounts.each_member([&](const std::string& name, auto&) {
        check_qualified_name(amounts.path(), name, errors);
    });
}

void check_request(const JsonField& request, FieldErrors& errors) {
    check_label(request["name"], errors);
    const auto alternatives = request["firstAvailable"];
    const auto* exactly = api::exact_request(request.json());
    if (exactly == nullptr && alternatives.size() == 0)
        return errors.push_back(api::field_required(request.path(), kOneOfRequest));
    if (exactly != nullptr && alternatives.size() > 0)
        return errors.push_back(api::field_invalid(
            request.path(), nullptr, std::string(kOneOfRequest) + ", but multiple fields are set"));
    if (exactly != nullptr)
        return check_exact_request(request["exactly"].in_place_of(*exactly), errors);
    check_set(
        alternatives, kMaxAlternatives, errors,
        [&](const JsonField& alternative) {
            check_label(alternative["name"], errors);
            check_exact_request(alternative, errors);
        },
        [](const JsonField& alternative) { return alternative["name"].json(); });
}

void check_constraint(const JsonField& constraint, const RequestNames& names, FieldErrors& errors) {
    names.check_all(constraint["requests"], errors);
    const auto match = constraint["matchAttribute"];
    const auto distinct = constraint["distinctAttribute"];
    if (match.present() == distinct.present())
        errors.push_back(api::field_required(constraint.path(),
                                             "exactly one of \"matchAttribute\" or "
                                             "\"distinctAttribute\" is required, but multiple "
                                             "fields are set"));
    else
        check_full_name(match.present() ? match : distinct, errors);
}

void check_claim_spec(const JsonField& spec, FieldErrors& errors) {
    const auto devices = spec["devices"];
    const auto requests = devices["requests"];
    check_set(
        requests, kMaxRequests, errors,
        [&](const JsonField& request) { check_request(request, errors); },
        [](const JsonField& request) { return request["name"].json(); });
    const RequestNames names(requests.json());
    check_list(devices["constraints"], kMaxConstraints, errors,
               [&](const JsonField& one) { check_constraint(one, names, errors); });
    check_list(devices["config"], kMaxConfigs, errors, [&](const JsonField& config) {
        names.check_all(config["requests"], errors);
        check_opaque(config, errors);
    });
}

bool is_native(std::string_view resource) {
    return resource.find('/') == std::string_view::npos ||
           resource.find("kubernetes.io/") != std::string_view::npos;
}

/// A quota for it must be nameable: "requests." and the name.
bool is_extended_resource(std::string_view name) {
    return !is_native(name) && !name.starts_with("requests.") &&
           label_key_problems("requests." + std::string(name)).empty();
}

}  // namespace

void validate_class(const Json&, const Json& after, FieldErrors& errors) {
    const JsonField root(after, "");
    const auto spec = root["spec"];
    check_selectors(spec["selectors"], errors);
    check_list(spec["config"], kMaxConfigs, errors,
               [&](const JsonField& config) { check_opaque(config, errors); });
    const auto extended = spec["extendedResourceName"];
    if (extended.present() && !is_extended_resource(extended.text_or_empty()))
        errors.push_back(api::field_invalid(extended.path(), extended.json(),
                                            "must be a valid extended resource name"));
}

void validate_claim(const Json& before, const Json& after, FieldErrors& errors) {
    const JsonField root(after, "");
    const auto known = errors.size();
    if (!before.is_null()) check_immutable(root["spec"], json_at(before, "spec"), errors);
    // What has not changed needs no second look: a rule may have become stricter since.
    if (before.is_null() || errors.size() > known) check_claim_spec(root["spec"], errors);
}

void validate_template(const Json& before, const Json& after, FieldErrors& errors) {
    const JsonField root(after, "");
    const auto spec = root["spec"];
    if (before.is_null())
        check_claim_spec(spec["spec"], errors);
    else
        check_immutable(spec, json_at(before, "spec"), errors);
}

void validate_admin_access(const Json& object, const Json& object_namespace, FieldErrors& errors) {
    const auto& labels = json_path(object_namespace, {"metadata", "labels"});
    if (json_string(labels, kAdminLabel) == "true") return;
    const JsonField root(object, "");
    const auto spec = root["spec"];
    const auto claim = spec["spec"];
    const auto devices = (claim.json().is_object() ? claim : spec)["devices"];
    devices["requests"].each([&](const JsonField& request) {
        const auto* exactly = api::exact_request(request.json());
        if (exactly == nullptr || !json_bool(*exactly, "adminAccess")) return;
        errors.push_back(api::field_forbidden(request["exactly"]["adminAccess"].path(),
                                              "admin access to devices requires the `" +
                                                  std::string(kAdminLabel) +
                                                  ": true` label on the containing namespace"));
    });
}

Result<void> validate_object(const Json& object) {
    const auto kind = json_string(object, "kind");
    FieldErrors errors;
    if (kind == "ResourceSlice") {
        validate_slice(Json(), object, errors);
    } else if (kind == "DeviceClass") {
        validate_class(Json(), object, errors);
    } else if (kind == "ResourceClaim") {
        validate_claim(Json(), object, errors);
        if (!json_at(object, "status").is_null()) validate_claim_status(Json(), object, errors);
    } else if (kind == "ResourceClaimTemplate") {
        validate_template(Json(), object, errors);
    } else if (kind == "DeviceTaintRule") {
        validate_taint_rule(Json(), object, errors);
    }
    if (errors.empty()) return {};
    return Error(Code::kInvalidArgument, api::joined(errors));
}

}  // namespace knd::validation
