// SPDX-License-Identifier: Apache-2.0
//
// What the server fills in and what it refuses, per kind: the rules over several fields that the
// schema cannot state. Wording as in Kubernetes.
#pragma once

#include <string>

#include "tools/local/api/kinds.hpp"

namespace knd::api {

void complete_nothing(const Json& before, Json& after);
void complete_namespace(const Json& before, Json& after);
void complete_pod(const Json& before, Json& after);
void complete_class(const Json& before, Json& after);
void complete_claim(const Json& before, Json& after);
void complete_template(const Json& before, Json& after);
void complete_slice(const Json& before, Json& after);

void validate_nothing(const Change& change, FieldErrors& errors);
void validate_pod(const Change& change, FieldErrors& errors);
void validate_event(const Change& change, FieldErrors& errors);
void validate_claim(const Change& change, FieldErrors& errors);

}  // namespace knd::api
