// SPDX-License-Identifier: Apache-2.0
//
// Rules of ResourceClaim, ResourceClaimTemplate and DeviceClass.
#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "host/cel/cel.hpp"
#include "tools/local/api/rules.hpp"
#include "tools/local/api/schema.hpp"

namespace knd::api {
namespace {

constexpr std::size_t kMaxRawObject = 10 * 1024;
constexpr std::string_view kOneOfRequest =
    "exactly one of `exactly` or `firstAvailable` is required";
constexpr std::string_view kUnknownRequest =
    "must be the name of a request in the claim or the name of a request and a subrequest "
    "separated "
    "by '/'";

/// Names that constraints, configs and results may use: "req" and "req/sub".
std::set<std::string> request_names(const Json& requests) {
    std::set<std::string> names;
    for (const auto& request : requests) {
        const auto name = json_string(request, "name");
        names.insert(name);
        for (const auto& alternative : json_at(request, "firstAvailable"))
            names.insert(name + "/" + json_string(alternative, "name"));
    }
    return names;
}

void complete_request(Json& request) {
    if (json_string(request, "allocationMode") == "ExactCount" && !request.contains("count"))
        request["count"] = 1;
}

void complete_claim_spec(Json& spec) {
    if (!json_path(spec, {"devices", "requests"}).is_array()) return;
    for (auto& request : spec["devices"]["requests"]) {
        if (request.contains("exactly")) complete_request(request["exactly"]);
        if (!request.contains("firstAvailable")) continue;
        for (auto& alternative : request["firstAvailable"])
            complete_request(alternative);
    }
}

void validate_tolerations(const Json& tolerations, const std::string& path, FieldErrors& errors) {
    for (std::size_t i = 0; i < tolerations.size(); ++i) {
        const auto& one = tolerations[i];
        const auto at = path_index(path, i);
        const auto key = json_string(one, "key");
        const bool exists = json_string(one, "operator") == "Exists";
        if (key.empty() && !exists) errors.push_back(field_required(at + ".key"));
        if (auto why = check_format("qualified", key); !key.empty() && !why.empty())
            errors.push_back(field_invalid(at + ".key", key, why));
        if (exists && !json_string(one, "value").empty())
            errors.push_back(field_invalid(at + ".value", json_at(one, "value"),
                                           "must be empty for operator `Exists`"));
    }
}

void validate_request(const Json& request, const std::string& path, FieldErrors& errors) {
    validate_selectors(json_at(request, "selectors"), path + ".selectors", errors);
    if (json_string(request, "allocationMode") == "All" && json_int(request, "count") != 0)
        errors.push_back(field_invalid(path + ".count", json_at(request, "count"),
                                       "must not be specified when allocationMode is 'All'"));
    validate_tolerations(json_at(request, "tolerations"), path + ".tolerations", errors);
    validate_keys(json_path(request, {"capacity", "requests"}), path + ".capacity.requests",
                  "attribute", errors);
}

void validate_requests(const Json& requests, const std::string& path, FieldErrors& errors) {
    validate_unique(requests, path, "name", errors);
    for (std::size_t i = 0; i < requests.size(); ++i) {
        const auto& exactly = json_at(requests[i], "exactly");
        const auto& alternatives = json_at(requests[i], "firstAvailable");
        const auto at = path_index(path, i);
        if (exactly.is_null() == alternatives.empty()) {
            if (exactly.is_null())
                errors.push_back(field_required(at, kOneOfRequest));
            else
                errors.push_back(field_invalid(
                    at, nullptr, std::string(kOneOfRequest) + ", but multiple fields are set"));
        }
        if (exactly.is_object()) validate_request(exactly, at + ".exactly", errors);
        validate_unique(alternatives, at + ".firstAvailable", "name", errors);
        for (std::size_t j = 0; j < alternatives.size(); ++j)
            validate_request(alternatives[j], path_index(at + ".firstAvailable", j), errors);
    }
}

void validate_request_refs(const Json& refs, const std::set<std::string>& names,
                           const std::string& path, FieldErrors& errors) {
    validate_unique(refs, path, "", errors);
    for (std::size_t i = 0; i < refs.size(); ++i) {
        if (!names.contains(refs[i].get_ref<const std::string&>()))
            errors.push_back(field_invalid(path_index(path, i), refs[i], kUnknownRequest));
    }
}

void validate_claim_spec(const Json& spec, const std::string& path, FieldErrors& errors) {
    const auto& devices = json_at(spec, "devices");
    const auto base = path + ".devices";
    const auto& requests = json_at(devices, "requests");
    validate_requests(requests, base + ".requests", errors);
    const auto names = request_names(requests);
    const auto& constraints = json_at(devices, "constraints");
    for (std::size_t i = 0; i < constraints.size(); ++i) {
        const auto at = path_index(base + ".constraints", i);
        validate_request_refs(json_at(constraints[i], "requests"), names, at + ".requests", errors);
        const bool match = constraints[i].contains("matchAttribute");
        if (match == constraints[i].contains("distinctAttribute"))
            errors.push_back(field_required(
                at, "exactly one of `matchAttribute` or `distinctAttribute` is required"));
    }
    const auto& configs = json_at(devices, "config");
    for (std::size_t i = 0; i < configs.size(); ++i) {
        const auto at = path_index(base + ".config", i);
        validate_request_refs(json_at(configs[i], "requests"), names, at + ".requests", errors);
        validate_opaque(configs[i], at, errors);
    }
}

/// What names a device in a claim's status, as one comparable value.
Json device_identity(const Json& entry) {
    return {json_at(entry, "driver"), json_at(entry, "pool"), json_at(entry, "device"),
            json_at(entry, "shareID")};
}

std::set<Json> allocated_devices(const Json& status) {
    std::set<Json> devices;
    for (const auto& result : json_path(status, {"allocation", "devices", "results"}))
        devices.insert(device_identity(result));
    return devices;
}

/// The address in the spelling of inet_ntop with its prefix length; empty when it is none.
std::string canonical_cidr(const std::string& text) {
    const auto slash = text.find('/');
    if (slash == std::string::npos) return "";
    const auto address = text.substr(0, slash);
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

void validate_network_data(const Json& data, const std::string& path, FieldErrors& errors) {
    const auto& ips = json_at(data, "ips");
    validate_unique(ips, path + ".ips", "", errors);
    for (std::size_t i = 0; i < ips.size(); ++i) {
        const auto& text = ips[i].get_ref<const std::string&>();
        const auto canonical = canonical_cidr(text);
        if (canonical.empty()) {
            errors.push_back(field_invalid(path_index(path + ".ips", i), text,
                                           "must be a valid address in CIDR form, (e.g. "
                                           "10.9.8.7/24 or 2001:db8::1/64)"));
        } else if (canonical != text) {
            errors.push_back(field_invalid(path_index(path + ".ips", i), text,
                                           "must be in canonical form (\"" + canonical + "\")"));
        }
    }
}

void validate_device_statuses(const Json& status, FieldErrors& errors) {
    const auto allocated = allocated_devices(status);
    const auto& devices = json_at(status, "devices");
    for (std::size_t i = 0; i < devices.size(); ++i) {
        const auto path = path_index("status.devices", i);
        if (!allocated.contains(device_identity(devices[i])))
            errors.push_back(field_invalid(path, device_identity(devices[i]),
                                           "must be an allocated device in the claim"));
        if (devices[i].contains("data"))
            validate_raw_object(devices[i]["data"], path + ".data", errors);
        validate_network_data(json_at(devices[i], "networkData"), path + ".networkData", errors);
    }
}

void validate_allocation(const Json& claim, const Json& allocation, FieldErrors& errors) {
    const auto names = request_names(json_path(claim, {"spec", "devices", "requests"}));
    const std::string path = "status.allocation.devices";
    const auto& results = json_path(allocation, {"devices", "results"});
    for (std::size_t i = 0; i < results.size(); ++i) {
        if (!names.contains(json_string(results[i], "request")))
            errors.push_back(field_invalid(path_index(path + ".results", i) + ".request",
                                           json_at(results[i], "request"), kUnknownRequest));
    }
    const auto& configs = json_path(allocation, {"devices", "config"});
    for (std::size_t i = 0; i < configs.size(); ++i) {
        const auto at = path_index(path + ".config", i);
        validate_request_refs(json_at(configs[i], "requests"), names, at + ".requests", errors);
        validate_opaque(configs[i], at, errors);
    }
    if (allocation.contains("nodeSelector"))
        validate_node_selector(allocation["nodeSelector"], "status.allocation.nodeSelector", true,
                               errors);
}

void validate_claim_status(const Change& change, FieldErrors& errors) {
    const auto& status = json_at(change.after, "status");
    const auto& allocation = json_at(status, "allocation");
    const auto& allocated_before = json_path(change.before, {"status", "allocation"});
    if (!allocation.is_null() && !allocated_before.is_null() && allocation != allocated_before)
        errors.push_back(field_invalid("status.allocation", allocation, "field is immutable"));
    else if (!allocation.is_null() && allocated_before.is_null())
        validate_allocation(change.after, allocation, errors);
    const auto& reserved = json_at(status, "reservedFor");
    if (!reserved.empty() && allocation.is_null())
        errors.push_back(field_forbidden("status.reservedFor",
                                         "may not be specified when `allocated` is not set"));
    const auto leaving = json_path(change.before, {"metadata", "deletionTimestamp"}).is_string();
    if (leaving && reserved.size() > json_path(change.before, {"status", "reservedFor"}).size())
        errors.push_back(field_forbidden(
            "status.reservedFor", "new entries may not be added while `deletionTimestamp` is set"));
    validate_device_statuses(status, errors);
}

}  // namespace

void complete_claim(const Json& before, Json& after) {
    if (before.is_null()) after["status"] = Json::object();
    if (after.contains("spec")) complete_claim_spec(after["spec"]);
    // The state of a device goes with its allocation.
    if (!json_path(after, {"status", "devices"}).is_array()) return;
    const auto had = allocated_devices(json_at(before, "status"));
    const auto has = allocated_devices(json_at(after, "status"));
    auto& devices = after["status"]["devices"].get_ref<Json::array_t&>();
    std::erase_if(devices, [&](const Json& device) {
        const auto identity = device_identity(device);
        return had.contains(identity) && !has.contains(identity);
    });
    if (devices.empty()) after["status"].erase("devices");
}

void complete_template(const Json&, Json& after) {
    if (json_path(after, {"spec", "spec"}).is_object()) complete_claim_spec(after["spec"]["spec"]);
}

void validate_raw_object(const Json& value, const std::string& path, FieldErrors& errors) {
    if (!value.is_object())
        errors.push_back(field_invalid(path, "<value omitted>", "must be a valid JSON object"));
    else if (to_text(value).size() > kMaxRawObject)
        errors.push_back(field_too_long(path, kMaxRawObject));
}

void validate_opaque(const Json& config, const std::string& path, FieldErrors& errors) {
    const auto& opaque = json_at(config, "opaque");
    if (opaque.is_null())
        errors.push_back(field_required(path + ".opaque"));
    else if (opaque.contains("parameters"))
        validate_raw_object(opaque["parameters"], path + ".opaque.parameters", errors);
}

void validate_selectors(const Json& selectors, const std::string& path, FieldErrors& errors) {
    for (std::size_t i = 0; i < selectors.size(); ++i) {
        const auto expression = json_string(json_at(selectors[i], "cel"), "expression");
        if (expression.empty()) continue;
        const auto field = path_index(path, i) + ".cel.expression";
        const auto compiled = cel::compile_selector(expression, {.stored = false});
        if (!compiled.ok())
            errors.push_back(field_invalid(field, expression, compiled.error().message()));
        else if (compiled->estimated_cost() > cel::kDefaultCostLimit)
            errors.push_back(field_forbidden(field, "too complex, exceeds cost limit"));
    }
}

void validate_admin_access(const Json& object, const Json& object_namespace, FieldErrors& errors) {
    const auto& labels = json_path(object_namespace, {"metadata", "labels"});
    if (json_string(labels, "resource.kubernetes.io/admin-access") == "true") return;
    const bool is_template = json_path(object, {"spec", "spec"}).is_object();
    const auto& claim = is_template ? json_at(object, "spec") : object;
    const auto& requests = json_path(claim, {"spec", "devices", "requests"});
    if (!requests.is_array()) return;  // of a wrong type: refused later, with its field named
    const std::string path = is_template ? "spec.spec.devices.requests" : "spec.devices.requests";
    for (std::size_t i = 0; i < requests.size(); ++i) {
        if (json_bool(json_at(requests[i], "exactly"), "adminAccess"))
            errors.push_back(field_forbidden(path_index(path, i) + ".exactly.adminAccess",
                                             "admin access to devices requires the "
                                             "`resource.kubernetes.io/admin-access: true` label on "
                                             "the containing namespace"));
    }
}

void validate_class(const Change& change, FieldErrors& errors) {
    const auto& spec = json_at(change.after, "spec");
    validate_selectors(json_at(spec, "selectors"), "spec.selectors", errors);
    const auto& configs = json_at(spec, "config");
    for (std::size_t i = 0; i < configs.size(); ++i)
        validate_opaque(configs[i], path_index("spec.config", i), errors);
}

void validate_claim(const Change& change, FieldErrors& errors) {
    const auto& spec = json_at(change.after, "spec");
    if (change.before.is_null())
        validate_claim_spec(spec, "spec", errors);
    else if (json_at(change.before, "spec") != spec)
        errors.push_back(field_invalid("spec", spec, "field is immutable"));
    if (!change.before.is_null()) validate_claim_status(change, errors);
}

void validate_template(const Change& change, FieldErrors& errors) {
    const auto& spec = json_at(change.after, "spec");
    if (change.before.is_null())
        validate_claim_spec(json_at(spec, "spec"), "spec.spec", errors);
    else if (json_at(change.before, "spec") != spec)
        errors.push_back(field_invalid("spec", spec, "field is immutable"));
}

}  // namespace knd::api
