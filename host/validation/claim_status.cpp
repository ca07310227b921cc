// SPDX-License-Identifier: Apache-2.0
//
// Rules of the status of a ResourceClaim: what the scheduler has allocated, who uses it, and what
// drivers say of their devices.
#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <iterator>

#include "host/validation/checks.hpp"
#include "host/validation/schema.hpp"
#include "host/validation/validation.hpp"

namespace knd::validation {
namespace {

/// What names a device in a claim's status, as one comparable value.
Json identity(const JsonField& entry) {
    return {entry["driver"].text_or_empty(), entry["pool"].text_or_empty(),
            entry["device"].text_or_empty(), entry["shareID"].text_or_empty()};
}

/// How errors show such a value.
std::string identity_text(const Json& identity) {
    std::string text;
    for (std::size_t i = 0; i < identity.size(); ++i) {
        constexpr const char* kNames[] = {
            "{\"Driver\":", ",\"Pool\":", ",\"Device\":", ",\"ShareID\":"};
        text += kNames[i] + api::go_json(identity[i]);
    }
    return text + "}";
}

bool is_hex(std::string_view text) {
    return text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

/// 8-4-4-4-12 hexadecimal digits.
bool is_uuid(std::string_view text) {
    return text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-' &&
           is_hex(text.substr(0, 8)) && is_hex(text.substr(9, 4)) && is_hex(text.substr(14, 4)) &&
           is_hex(text.substr(19, 4)) && is_hex(text.substr(24));
}

/// Why a text is no UUID in any of the spellings that are known; empty if it is one.
std::string uuid_problem(std::string_view text) {
    constexpr std::string_view kUrn = "urn:uuid:";
    constexpr std::size_t kLength = 36;
    if (text.size() == kLength + kUrn.size()) {
        if (lower_case(text.substr(0, kUrn.size())) != kUrn)
            return "invalid urn prefix: " + to_text(text.substr(0, kUrn.size()));
        text.remove_prefix(kUrn.size());
    } else if (text.size() == kLength + 2) {
        if (text.front() != '{' || text.back() != '}') return "invalid bracketed UUID format";
        text = text.substr(1, kLength);
    } else if (text.size() == kLength - 4) {
        return is_hex(text) ? "" : "invalid UUID format";
    } else if (text.size() != kLength) {
        return "invalid UUID length: " + std::to_string(text.size());
    }
    return is_uuid(text) ? "" : "invalid UUID format";
}

void check_share_id(const JsonField& field, Report& report) {
    if (!field.present()) return;
    const auto text = field.text_or_empty();
    if (const auto problem = uuid_problem(text); !problem.empty())
        report.add(api::field_invalid(field.path(), text, "error validating uid: " + problem));
    else if (text.size() != 36 || lower_case(text) != text)
        report.add(api::field_invalid(
            field.path(), text,
            "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with "
            "lowercase hexadecimal characters"));
}

/// Zeros in front of a number do no harm to the API server, which reads it as a decimal one (issue
/// 100895 of Kubernetes), but inet_pton() refuses them.
std::string without_leading_zeros(std::string_view address) {
    std::string text;
    bool begins = true;
    for (std::size_t i = 0; i < address.size(); ++i) {
        const bool more = i + 1 < address.size() && is_hex(address.substr(i + 1, 1));
        if (begins && address[i] == '0' && more) continue;
        begins = address[i] == '.' || address[i] == ':';
        text += address[i];
    }
    return text;
}

/// The address as Go writes it with its prefix length; empty when it is none.
std::string canonical_cidr(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return "";
    const auto address = without_leading_zeros(text.substr(0, slash));
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
    constexpr unsigned char kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (family == AF_INET6 && std::equal(std::begin(kMapped), std::end(kMapped), bytes)) {
        // An IPv4 address in the dress of IPv6 is written as what it is.
        inet_ntop(AF_INET, bytes + sizeof kMapped, canonical, sizeof canonical);
        if (prefix > 32) prefix -= 96;
    } else {
        inet_ntop(family, bytes, canonical, sizeof canonical);
        // "::1:2", which inet_ntop() takes for an IPv4 address.
        if (family == AF_INET6 && std::strchr(canonical, '.') != nullptr)
            std::snprintf(canonical, sizeof canonical, "::%x:%x", bytes[12] << 8 | bytes[13],
                          bytes[14] << 8 | bytes[15]);
    }
    return std::string(canonical) + "/" + std::to_string(prefix);
}

void check_address(const JsonField& field, Report& report) {
    const auto text = field.text_or_empty();
    const auto canonical = canonical_cidr(text);
    if (canonical.empty())
        report.add(api::field_invalid(field.path(), text,
                                      "must be a valid address in CIDR form, (e.g. "
                                      "10.9.8.7/24 or 2001:db8::1/64)"));
    else if (canonical != text && report.minor() >= 33)
        report.add(api::field_invalid(field.path(), text,
                                      "must be in canonical form (\"" + canonical + "\")"));
}

bool is_reason(std::string_view text) {
    constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const std::string inside = std::string(kLetters) + "0123456789_,:";
    return kLetters.find(text.front()) != std::string_view::npos && text.back() != ',' &&
           text.back() != ':' && text.find_first_not_of(inside) == std::string_view::npos;
}

void check_reason(const JsonField& reason, Report& report) {
    const auto text = reason.text_or_empty();
    if (text.empty()) return report.add(api::field_required(reason.path()));
    if (!is_reason(text))
        report.add(api::field_invalid(
            reason.path(), text,
            "a condition reason must start with alphabetic character, optionally followed by a "
            "string of alphanumeric characters or '_,:', and must end with an alphanumeric "
            "character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or "
            "'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is "
            "'[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')"));
    check_length(reason, 1024, report);
}

void check_condition(const JsonField& condition, Report& report) {
    // Since 1.37 an empty text is one that is missing.
    const auto is_missing = [&](const JsonField& text) {
        if (report.minor() < 37 || !text.text_or_empty().empty()) return false;
        report.add(api::field_required(text.path()));
        return true;
    };
    if (!is_missing(condition["type"])) check_label_key(condition["type"], report);
    if (!is_missing(condition["status"]))
        check_one_of(condition["status"], {"False", "True", "Unknown"}, report);
    const auto generation = condition["observedGeneration"].integer(0);
    if (generation.ok() && *generation < 0)
        report.add(api::field_invalid(condition["observedGeneration"].path(), *generation,
                                      "must be greater than or equal to zero"));
    const auto changed = condition["lastTransitionTime"];
    if (!changed.present()) report.add(api::field_required(changed.path()));
    check_reason(condition["reason"], report);
    check_length(condition["message"], 32 * 1024, report);
}

void check_conditions(const JsonField& conditions, Report& report) {
    std::set<std::string_view> types;
    conditions.each([&](const JsonField& condition) {
        const auto type = condition["type"];
        if (!types.insert(type.text_or_empty()).second)
            report.add(api::field_duplicate(report.minor() >= 37 ? condition.path() : type.path(),
                                            type.text_or_empty()));
        check_condition(condition, report);
    });
}

void check_number_of_conditions(const JsonField& conditions, Report& report) {
    if (conditions.size() > kMaxConditions)
        report.add(api::field_too_many(conditions.path(), conditions.size(), kMaxConditions));
}

void check_network_data(const JsonField& data, Report& report) {
    check_length(data["interfaceName"], kMaxInterfaceName, report);
    check_length(data["hardwareAddress"], kMaxHardwareAddress, report);
    const auto ips = data["ips"];
    const auto check = [&](const JsonField& ip) { check_address(ip, report); };
    if (report.minor() >= 33) return check_set(ips, kMaxIps, report, check);
    // In 1.32 addresses had any form, and were compared in the canonical one.
    check_list(ips, kMaxIps, report, check);
    std::set<std::string> seen;
    ips.each([&](const JsonField& ip) {
        const auto [known, is_new] = seen.insert(canonical_cidr(ip.text_or_empty()));
        if (!is_new) report.add(api::field_duplicate(ip.path(), *known));
    });
}

void check_device_status(const JsonField& device, const std::set<Json>& allocated, Report& report) {
    check_driver(device["driver"], report);
    check_pool(device["pool"], report);
    check_label(device["device"], report);
    check_share_id(device["shareID"], report);
    if (const auto one = identity(device); !allocated.contains(one))
        report.add(api::field_invalid_as(device.path(), identity_text(one),
                                         "must be an allocated device in the claim"));
    check_number_of_conditions(device["conditions"], report);
    check_conditions(device["conditions"], report);
    if (device["data"].present()) check_raw_object(device["data"], false, report);
    check_network_data(device["networkData"], report);
}

void check_result(const JsonField& result, const RequestNames& names, Report& report) {
    names.check(result["request"], report);
    check_driver(result["driver"], report);
    check_pool(result["pool"], report);
    check_label(result["device"], report);
    check_binding_conditions(result, report);
    check_share_id(result["shareID"], report);
    check_skipped_operations(result["skipNodeOperations"], report);
    // In older releases nobody looks at what the scheduler has copied.
    if (report.minor() >= 37)
        result["tolerations"].each([&](const JsonField& one) { check_toleration(one, report); });
}

void check_allocation(const JsonField& allocation, const RequestNames& names, Report& report) {
    const auto devices = allocation["devices"];
    check_list(devices["results"], kMaxResults, report,
               [&](const JsonField& result) { check_result(result, names, report); });
    // Those of the class and those of the claim.
    check_list(devices["config"], 2 * kMaxConfigs, report, [&](const JsonField& config) {
        const auto source = config["source"];
        if (source.text_or_empty().empty())
            report.add(api::field_required(source.path()));
        else
            check_one_of(source, {"FromClaim", "FromClass"}, report);
        names.check_all(config["requests"], report);
        check_opaque(config, false, report);
    });
    if (allocation["nodeSelector"].present())
        check_node_selector(allocation["nodeSelector"], report);
}

void check_consumers(const JsonField& reserved, Report& report) {
    check_set(
        reserved, kMaxConsumers, report,
        [&](const JsonField& consumer) {
            for (const auto* key : {"resource", "name", "uid"}) {
                if (consumer[key].text_or_empty().empty())
                    report.add(api::field_required(consumer[key].path()));
            }
        },
        "uid");
}

/// Consumers need an allocation, and no new ones come to what is to go.
void check_reserving(const Json& before, const Json& after, const JsonField& reserved,
                     Report& report) {
    if (reserved.size() == 0) return;
    if (json_path(after, {"status", "allocation"}).is_null())
        return report.add(api::field_forbidden(reserved.path(),
                                               "may not be specified when `allocated` is not set"));
    if (!json_path(after, {"metadata", "deletionTimestamp"}).is_string()) return;
    const auto& had = json_path(before, {"status", "reservedFor"});
    bool is_new = false;
    reserved.each([&](const JsonField& one) {
        is_new = is_new || std::find(had.begin(), had.end(), one.json()) == had.end();
    });
    if (is_new)
        report.add(api::field_forbidden(reserved.path(),
                                        "new entries may not be added while "
                                        "`deallocationRequested` or `deletionTimestamp` are set"));
}

void check_devices(const JsonField& devices, const JsonField& allocation, Report& report) {
    const auto allocated_devices = allocation["devices"];
    std::set<Json> allocated;
    allocated_devices["results"].each(
        [&](const JsonField& result) { allocated.insert(identity(result)); });
    devices.each([&](const JsonField& device) { check_device_status(device, allocated, report); });
    std::set<Json> seen;
    devices.each([&](const JsonField& device) {
        const auto one = identity(device);
        if (seen.insert(one).second) return;
        const auto path = device.path() + (report.minor() >= 35 ? "" : ".deviceID");
        report.add(api::field_duplicate_as(path, identity_text(one)));
    });
}

}  // namespace

void validate_claim_status(const Json& before, const Json& after, FieldErrors& errors,
                           const Gates& gates) {
    Report report(errors, gates);
    const JsonField root(after, "");
    const auto status = root["status"];
    const auto allocation = status["allocation"];
    check_consumers(status["reservedFor"], report);
    check_devices(status["devices"], allocation, report);
    check_reserving(before, after, status["reservedFor"], report);
    if (!allocation.present()) return;
    const auto& had = json_path(before, {"status", "allocation"});
    const RequestNames names(json_path(after, {"spec", "devices", "requests"}));
    if (had.is_null()) return check_allocation(allocation, names, report);
    const auto& type = *Schema::instance().find("AllocationResult");
    if (!same(type, true, allocation.json(), had))
        report.add(api::field_invalid_as(allocation.path(),
                                         go_text(type, allocation.json(), report.minor()),
                                         "field is immutable"));
}

void validate_taint_rule_status(const Json&, const Json& after, FieldErrors& errors,
                                const Gates& gates) {
    Report report(errors, gates);
    const JsonField root(after, "");
    const auto status = root["status"];
    check_conditions(status["conditions"], report);
    check_number_of_conditions(status["conditions"], report);
}

}  // namespace knd::validation
