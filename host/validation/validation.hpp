// SPDX-License-Identifier: Apache-2.0
//
// API validation of resource.k8s.io: every limit and every rule of Kubernetes 1.32 to 1.37, with
// its messages. Objects are JSON as shape_object() leaves them: in v1, with types that are right
// and defaults filled in.
//
// Pure functions: any thread. `before` is null for a new object.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/model/gates.hpp"
#include "host/validation/field_error.hpp"
#include "host/validation/shape.hpp"

#include <knd/cpp/result.hpp>

namespace knd::validation {

/// Limits of the API, for those who have to stay below them.
constexpr std::size_t kMaxDevices = 128;
/// Devices with taints, counters or list attributes are dearer for the scheduler.
constexpr std::size_t kMaxDearDevices = 64;
constexpr std::size_t kMaxAttributesAndCapacities = 32;
constexpr std::size_t kMaxAttributeValues = 48;
constexpr std::size_t kMaxAttributeText = 64;
constexpr std::size_t kMaxCounterSets = 8;
constexpr std::size_t kMaxCounters = 32;
constexpr std::size_t kMaxConsumedSets = 2;
constexpr std::size_t kMaxConsumedUntil134 = 1024;
constexpr std::size_t kMaxCompatibilityGroups = 2;
constexpr std::size_t kMaxDerivedAttributes = 32;
constexpr std::size_t kMaxTaints = 16;
constexpr std::size_t kMaxTaintsUntil134 = 4;
constexpr std::size_t kMaxBindingConditions = 4;
constexpr std::size_t kMaxValidValues = 10;
constexpr std::size_t kMaxDriverName = 63;
constexpr std::size_t kMaxPoolName = 253;
constexpr std::size_t kMaxAttributeId = 32;
constexpr std::size_t kMaxRequests = 32;
constexpr std::size_t kMaxAlternatives = 8;
constexpr std::size_t kMaxSelectors = 32;
constexpr std::size_t kMaxExpression = 10 * 1024;
constexpr std::uint64_t kMaxDerivationCost = 1'000'000;
constexpr std::size_t kMaxConstraints = 32;
constexpr std::size_t kMaxConfigs = 32;
constexpr std::size_t kMaxRawObject = 10 * 1024;
constexpr std::size_t kMaxResults = 32;
constexpr std::size_t kMaxConsumers = 256;
constexpr std::size_t kMaxConditions = 8;
constexpr std::size_t kMaxIps = 16;
constexpr std::size_t kMaxInterfaceName = 256;
constexpr std::size_t kMaxHardwareAddress = 128;

/// Names of a kind, and where its objects live.
struct Scope {
    bool namespaced = false;
    std::vector<std::string> (*name_problems)(std::string_view) = nullptr;
    /// Whether generateName is looked at too, not only the name made of it.
    bool looks_at_prefix = true;
    /// Whether an update looks at the names again, which it cannot change.
    bool names_again = true;
};
/// Also of kinds that are not of resource.k8s.io.
void validate_metadata(const Json& before, const Json& after, const Scope& scope,
                       api::FieldErrors& errors, const Gates& gates = Gates::standard());

void validate_slice(const Json& before, const Json& after, api::FieldErrors& errors,
                    const Gates& gates = Gates::standard());
void validate_class(const Json& before, const Json& after, api::FieldErrors& errors,
                    const Gates& gates = Gates::standard());
void validate_claim(const Json& before, const Json& after, api::FieldErrors& errors,
                    const Gates& gates = Gates::standard());
void validate_template(const Json& before, const Json& after, api::FieldErrors& errors,
                       const Gates& gates = Gates::standard());
void validate_taint_rule(const Json& before, const Json& after, api::FieldErrors& errors,
                         const Gates& gates = Gates::standard());

/// A status that has been changed; the spec is that of `after`.
void validate_claim_status(const Json& before, const Json& after, api::FieldErrors& errors,
                           const Gates& gates = Gates::standard());
void validate_taint_rule_status(const Json& before, const Json& after, api::FieldErrors& errors,
                                const Gates& gates = Gates::standard());

/// Administrative access is for namespaces that carry a label for it. `object` is a claim or a
/// template; of a claim also what has been allocated to it is looked at, unless it was `before`.
void validate_admin_access(const Json& before, const Json& object, const Json& object_namespace,
                           api::FieldErrors& errors);

/// Everything that an API server says of a write, in its order. Both objects have been through
/// shape_object(); `after` is left as it would be stored.
struct Write {
    Operation operation = Operation::kCreate;
    Json before;
    Json after;
    /// Of the namespace; null when it allows administrative access.
    Json object_namespace;
};
api::FieldErrors admit(Write& write, const Gates& gates = Gates::standard());

/// An object of any kind as if it were new, with the status that it has: INVALID_ARGUMENT with all
/// errors, or for a value of a wrong type. Kinds that are not of resource.k8s.io are fine. Fields
/// that the release does not know are added to `unknown`.
Result<void> validate_object(Json object, const Gates& gates = Gates::standard(),
                             std::vector<std::string>* unknown = nullptr);

}  // namespace knd::validation
