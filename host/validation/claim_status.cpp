// SPDX-License-Identifier: Apache-2.0
//
// Rules of the status of a ResourceClaim: what the scheduler has allocated, who uses it, and what
// drivers say of their devices.
#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "host/validation/checks.hpp"
#include "host/validation/validation.hpp"

namespace knd::validation {
namespace {

/// What names a device in a claim's status, as one comparable value.
Json identity(const JsonField& entry) {
    return {entry["driver"].json(), entry["pool"].json(), entry["device"].json(),
            entry["shareID"].json()};
}

/// 8-4-4-4-12 lower-case hexadecimal digits.
bool is_uid(std::string_view text) {
    constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    return std::equal(text.begin(), text.end(), kShape.begin(), kShape.end(), [](char c, char s) {
        return s == '-' ? c == '-' : (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    });
}

void check_share_id(const JsonField& field, FieldErrors& errors) {
    if (field.present() && !is_uid(field.text_or_empty()))
        errors.push_back(api::field_invalid(
            field.path(), field.json(),
            "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with "
            "lowercase hexadecimal characters"));
}

/// The address in the spelling of inet_ntop with its prefix length; empty when it is none.
std::string canonical_cidr(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return "";
    const std::string address(text.substr(0, slash));
    const int family = address.find(':') == std::string::npos ? AF_INET : AF_INET6;
    unsigned char bytes[sizeof(in6_addr)];
    if (inet_pton(family, address.c_str(), bytes) != 1) return "";
    int prefix = -1;
    const auto* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + slash + 1, end, prefix);
    if (parsed.ec != std::errc() || parsed.ptr != end || prefix < 0 ||
        prefix > (family == AF_INET ? 32 : 128))
        return "";
    char canonical[INET6_ADDRSTRLEN];
    inet_ntop(family, bytes, canonical, sizeof canonical);
    return std::string(canonical) + "/" + std::to_string(prefix);
}

void check_address(const JsonField& field, FieldErrors& errors) {
    const auto text = field.text_or_empty();
    const auto canonical = canonical_cidr(text);
    if (canonical.empty())
        errors.push_back(api::field_invalid(field.path(), text,
                                            "must be a valid address in CIDR form, (e.g. "
                                            "10.9.8.7/24 or 2001:db8::1/64)"));
    else if (canonical != text)
        errors.push_back(api::field_invalid(field.path(), text,
                                            "must be in canonical form (\"" + canonical + "\")"));
}

void check_condition(const JsonField& condition, FieldErrors& errors) {
    check_label_key(condition["type"], errors);
    check_one_of(condition["status"], {"False", "True", "Unknown"}, errors);
    if (!condition["lastTransitionTime"].present())
        errors.push_back(api::field_required(condition["lastTransitionTime"].path()));
    const auto reason = condition["reason"];
    if (reason.text_or_empty().empty()) errors.push_back(api::field_required(reason.path()));
    check_length(reason, 1024, errors);
    check_length(condition["message"], 32 * 1024, errors);
}

void check_conditions(const JsonField& conditions, FieldErrors& errors) {
    if (conditions.size() > kMaxConditions)
        errors.push_back(api::field_too_many(conditions.path(), conditions.size(), kMaxConditions));
    std::set<Json> types;
    conditions.each([&](const JsonField& condition) {
        const auto type = condition["type"];
        if (!types.insert(type.json()).second)
            errors.push_back(api::field_duplicate(type.path(), type.json()));
        check_condition(condition, errors);
    });
}

void check_network_data(const JsonField& data, FieldErrors& errors) {
    check_length(data["interfaceName"], kMaxInterfaceName, errors);
    check_length(data["hardwareAddress"], kMaxHardwareAddress, errors);
    check_set(
        data["ips"], kMaxIps, errors, [&](const JsonField& ip) { check_address(ip, errors); },
        [](const JsonField& ip) { return ip.json(); });
}

void check_device_status(const JsonField& device, const std::set<Json>& allocated,
                         FieldErrors& errors) {
    check_driver(device["driver"], errors);
    check_pool(device["pool"], errors);
    check_label(device["device"], errors);
    check_share_id(device["shareID"], errors);
    if (const auto one = identity(device); !allocated.contains(one))
        errors.push_back(
            api::field_invalid(device.path(), one, "must be an allocated device in the claim"));
    check_conditions(device["conditions"], errors);
    if (device["data"].present()) check_raw_object(device["data"], errors);
    check_network_data(device["networkData"], errors);
}

void check_result(const JsonField& result, const RequestNames& names, FieldErrors& errors) {
    names.check(result["request"], errors);
    check_driver(result["driver"], errors);
    check_pool(result["pool"], errors);
    check_label(result["device"], errors);
    check_binding_conditions(result, errors);
    check_share_id(result["shareID"], errors);
    check_list(result["tolerations"], kMaxTolerations, errors, [](const JsonField&) {});
}

void check_allocation(const JsonField& allocation, const RequestNames& names, FieldErrors& errors) {
    const auto devices = allocation["devices"];
    check_list(devices["results"], kMaxResults, errors,
               [&](const JsonField& result) { check_result(result, names, errors); });
    // Those of the class and those of the claim.
    check_list(devices["config"], 2 * kMaxConfigs, errors, [&](const JsonField& config) {
        const auto source = config["source"];
        if (source.text_or_empty().empty())
            errors.push_back(api::field_required(source.path()));
        else
            check_one_of(source, {"FromClaim", "FromClass"}, errors);
        names.check_all(config["requests"], errors);
        check_opaque(config, errors);
    });
    if (allocation["nodeSelector"].present())
        check_node_selector(allocation["nodeSelector"], errors);
}

void check_reserved(const Json& before, const Json& after, const JsonField& reserved,
                    FieldErrors& errors) {
    check_set(
        reserved, kMaxConsumers, errors,
        [&](const JsonField& consumer) {
            for (const auto* key : {"resource", "name", "uid"}) {
                if (consumer[key].text_or_empty().empty())
                    errors.push_back(api::field_required(consumer[key].path()));
            }
        },
        [](const JsonField& consumer) { return consumer["uid"].json(); });
    if (reserved.size() == 0) return;
    if (json_path(after, {"status", "allocation"}).is_null()) {
        errors.push_back(api::field_forbidden(reserved.path(),
                                              "may not be specified when `allocated` is not set"));
        return;
    }
    if (!json_path(after, {"metadata", "deletionTimestamp"}).is_string()) return;
    const auto& had = json_path(before, {"status", "reservedFor"});
    bool is_new = false;
    reserved.each([&](const JsonField& one) {
        is_new = is_new || std::find(had.begin(), had.end(), one.json()) == had.end();
    });
    if (is_new)
        errors.push_back(api::field_forbidden(reserved.path(),
                                              "new entries may not be added while "
                                              "`deallocationRequested` or `deletionTimestamp` are "
                                              "set"));
}

}  // namespace

void validate_claim_status(const Json& before, const Json& after, FieldErrors& errors) {
    const JsonField root(after, "");
    const auto status = root["status"];
    const auto allocation = status["allocation"];
    const auto devices = allocation["devices"];
    std::set<Json> allocated;
    devices["results"].each([&](const JsonField& result) { allocated.insert(identity(result)); });
    check_reserved(before, after, status["reservedFor"], errors);
    const auto statuses = status["devices"];
    check_set(
        statuses, statuses.size(), errors,
        [&](const JsonField& device) { check_device_status(device, allocated, errors); }, identity);
    if (!allocation.present()) return;
    const auto& had = json_path(before, {"status", "allocation"});
    if (!had.is_null()) return check_immutable(allocation, had, errors);
    const RequestNames names(json_path(after, {"spec", "devices", "requests"}));
    check_allocation(allocation, names, errors);
}

}  // namespace knd::validation
