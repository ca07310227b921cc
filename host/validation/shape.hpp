// SPDX-License-Identifier: Apache-2.0
//
// Reading an object as an API server does before it validates: types, unknown fields, defaults,
// and the conversion to what it works with, which is v1.
#pragma once

#include <string>
#include <vector>

#include "host/model/gates.hpp"
#include "host/model/json.hpp"

#include <knd/cpp/result.hpp>

namespace knd::validation {

struct Shaped {
    Json object;
    /// "unknown field \"spec.x\"": refused by fieldValidation=Strict, else dropped.
    std::vector<std::string> unknown;
};

/// INVALID_ARGUMENT for a value of a wrong type. Kinds that are not of resource.k8s.io come back as
/// they are.
Result<Shaped> shape_object(Json object, const Gates& gates = Gates::standard());

/// What a write cannot change or use: the status of a new object, everything but the status in a
/// write of the status, and fields whose feature gate is off, unless the stored object uses that
/// feature. Both objects have been shaped; `before` is null for a new one.
enum class Operation { kCreate, kUpdate, kStatus };
void drop_unwritable(Operation operation, const Json& before, Json& after,
                     const Gates& gates = Gates::standard());

/// The defaults of a claim's spec in v1.
void complete_claim_spec(Json& spec);

/// The state of a device goes with its allocation.
void drop_deallocated(const Json& before, Json& after);

}  // namespace knd::validation
