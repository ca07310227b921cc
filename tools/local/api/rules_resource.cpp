// SPDX-License-Identifier: Apache-2.0
//
// What the server fills in for resource.k8s.io. What it refuses is in host/validation.
#include "host/model/time.hpp"
#include "host/validation/shape.hpp"
#include "host/validation/validation.hpp"
#include "tools/local/api/rules.hpp"

namespace knd::api {
namespace {

/// A write changes the status or everything but it, so that it shows which of the two it is.
void drop_unwritable(const Json& before, Json& after) {
    using validation::Operation;
    const auto operation = before.is_null() ? Operation::kCreate
                           : json_at(before, "status") != json_at(after, "status")
                               ? Operation::kStatus
                               : Operation::kUpdate;
    validation::drop_unwritable(operation, before, after);
}

}  // namespace

void complete_class(const Json& before, Json& after) {
    drop_unwritable(before, after);
}

void complete_claim(const Json& before, Json& after) {
    drop_unwritable(before, after);
    if (before.is_null()) after["status"] = Json::object();
    if (after.contains("spec")) validation::complete_claim_spec(after["spec"]);
    validation::drop_deallocated(before, after);
}

void complete_template(const Json& before, Json& after) {
    drop_unwritable(before, after);
    if (json_path(after, {"spec", "spec"}).is_object())
        validation::complete_claim_spec(after["spec"]["spec"]);
}

void complete_slice(const Json& before, Json& after) {
    drop_unwritable(before, after);
    if (!json_path(after, {"spec", "devices"}).is_array()) return;
    for (auto& device : after["spec"]["devices"]) {
        if (!device.contains("taints")) continue;
        for (auto& taint : device["taints"]) {
            if (!taint.contains("timeAdded")) taint["timeAdded"] = rfc3339_now();
        }
    }
}

void validate_claim(const Change& change, FieldErrors& errors) {
    validation::validate_claim(change.before, change.after, errors);
    if (!change.before.is_null())
        validation::validate_claim_status(change.before, change.after, errors);
}

}  // namespace knd::api
