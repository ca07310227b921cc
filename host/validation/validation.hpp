// SPDX-License-Identifier: Apache-2.0
//
// API validation of resource.k8s.io: every limit and every rule of Kubernetes 1.36, with its
// messages. Objects are JSON in any served version; what a field is called in v1 is what errors
// name. Defaults that the API server fills in need not be there, and values of a wrong type are
// passed over: telling of those is the readers' part.
//
// Pure functions: any thread. `before` is null for a new object.
#pragma once

#include "host/validation/field_error.hpp"

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
constexpr std::size_t kMaxTaints = 16;
constexpr std::size_t kMaxBindingConditions = 4;
constexpr std::size_t kMaxValidValues = 10;
constexpr std::size_t kMaxDriverName = 63;
constexpr std::size_t kMaxPoolName = 253;
constexpr std::size_t kMaxAttributeId = 32;
constexpr std::size_t kMaxRequests = 32;
constexpr std::size_t kMaxAlternatives = 8;
constexpr std::size_t kMaxSelectors = 32;
constexpr std::size_t kMaxExpression = 10 * 1024;
constexpr std::size_t kMaxTolerations = 16;
constexpr std::size_t kMaxConstraints = 32;
constexpr std::size_t kMaxConfigs = 32;
constexpr std::size_t kMaxRawObject = 10 * 1024;
constexpr std::size_t kMaxResults = 32;
constexpr std::size_t kMaxConsumers = 256;
constexpr std::size_t kMaxConditions = 8;
constexpr std::size_t kMaxIps = 16;
constexpr std::size_t kMaxInterfaceName = 256;
constexpr std::size_t kMaxHardwareAddress = 128;

void validate_slice(const Json& before, const Json& after, api::FieldErrors& errors);
void validate_class(const Json& before, const Json& after, api::FieldErrors& errors);
void validate_claim(const Json& before, const Json& after, api::FieldErrors& errors);
void validate_template(const Json& before, const Json& after, api::FieldErrors& errors);
void validate_taint_rule(const Json& before, const Json& after, api::FieldErrors& errors);

/// The status of a claim that has been changed; its spec is that of `after`.
void validate_claim_status(const Json& before, const Json& after, api::FieldErrors& errors);

/// Administrative access is for namespaces that carry a label for it. `object` is a claim or a
/// template.
void validate_admin_access(const Json& object, const Json& object_namespace,
                           api::FieldErrors& errors);

/// An object of any kind as if it were new, with the status that it has: INVALID_ARGUMENT with all
/// errors. Kinds that are not of resource.k8s.io are fine.
Result<void> validate_object(const Json& object);

}  // namespace knd::validation
