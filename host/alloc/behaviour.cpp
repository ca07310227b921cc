// SPDX-License-Identifier: Apache-2.0
#include "host/alloc/behaviour.hpp"

namespace knd::alloc {

Variant variant_for(const Features& features) {
    const bool settled = features.admin_access || features.prioritized_list ||
                         features.partitionable_devices || features.device_taints;
    const bool recent = features.consumable_capacity || features.device_binding;
    // Before 1.34 there was one implementation, before 1.36 each feature was a step further back.
    if (features.kubernetes_minor < 34) return Variant::kStable;
    if (features.list_attributes) return Variant::kExperimental;
    if (features.kubernetes_minor < 36) {
        if (recent) return Variant::kExperimental;
        return settled ? Variant::kIncubating : Variant::kStable;
    }
    return recent ? Variant::kIncubating : Variant::kStable;
}

Behaviour::Behaviour(const Options& options) {
    if (!options.compat) return;
    const auto minor = options.features.kubernetes_minor;
    const bool stable = options.variant.value_or(variant_for(options.features)) == Variant::kStable;
    distinct_per_request = true;
    keeps_intersection = true;
    repeats_claim_config = true;
    class_config_per_request = minor < 35;
    uses_incomplete_pools = minor < 35;
    knows_no_distinct = stable;
    knows_no_capacity = stable;
    terse_errors = true;
}

}  // namespace knd::alloc
