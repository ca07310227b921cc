// SPDX-License-Identifier: Apache-2.0
//
// What the server fills in for resource.k8s.io. What it refuses is in host/validation.
#include <set>

#include "host/validation/validation.hpp"
#include "tools/local/api/clock.hpp"
#include "tools/local/api/rules.hpp"

namespace knd::api {
namespace {

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

void complete_slice(const Json&, Json& after) {
    if (!json_path(after, {"spec", "devices"}).is_array()) return;
    for (auto& device : after["spec"]["devices"]) {
        if (!device.contains("taints")) continue;
        for (auto& taint : device["taints"]) {
            if (!taint.contains("timeAdded")) taint["timeAdded"] = now_text();
        }
    }
}

void validate_claim(const Change& change, FieldErrors& errors) {
    validation::validate_claim(change.before, change.after, errors);
    if (!change.before.is_null())
        validation::validate_claim_status(change.before, change.after, errors);
}

}  // namespace knd::api
