// SPDX-License-Identifier: Apache-2.0
#include "host/alloc/behaviour.hpp"

namespace knd::alloc {

Variant variant_for(const Features& features) {
    const bool settled = features.admin_access || features.prioritized_list ||
                         features.partitionable_devices || features.device_taints;
    const bool recent = features.consumable_capacity || features.device_binding;
    // Before 1.34 there was one implementation, before 1.36 each feature was a step further back.
    if (features.kubernetes_minor < 34) return Variant::kStable;
    if (features.list_attributes || features.compatibility_groups || features.derived_attributes ||
        features.optional_node_operations)
        return Variant::kExperimental;
    if (features.kubernetes_minor < 36) {
        if (recent) return Variant::kExperimental;
        return settled ? Variant::kIncubating : Variant::kStable;
    }
    return recent || features.fractional_range ? Variant::kIncubating : Variant::kStable;
}

Behaviour::Behaviour(const Options& options) {
    const auto minor = options.features.kubernetes_minor;
    const auto variant = options.variant.value_or(variant_for(options.features));
    const bool stable = variant == Variant::kStable;
    all_wants_full_devices = minor >= 37;
    odd_amounts_are_errors = minor >= 37;
    clears_full_config = minor >= 37;
    counters_reach_all_nodes = minor < 37 || stable;
    names_whole_request = minor < 35;
    if (!options.compat) return;
    const bool first = variant == Variant::kExperimental;  // to get what is new
    distinct_per_request = minor < 37;
    distinct_by_device = minor < 35;
    keeps_intersection = minor < 37;
    repeats_claim_config = minor > 32 && minor < 37;
    drops_tolerations = minor < 35;
    unsorted_slices = minor < 36 || stable;
    bindings_anywhere = stable || (minor < 36 && !first);
    sees_own_slices_only = minor < 35;
    uses_incomplete_pools = minor < 35;
    checks_incomplete_pools = minor == 35 && stable;
    counters_by_slice = minor < 35;
    keeps_counter_slices = minor == 34 || (minor == 35 && stable);
    if (minor < 35 || keeps_counter_slices) counters_reach_all_nodes = false;
    counters_by_pool_name = minor == 35;
    invalid_pools_fail = minor == 33 || minor == 34;
    invalid_devices_fail = minor < 33;
    counters_judged_by_use = minor < 34;
    leaks_counters = minor == 34 || minor == 35;
    counters_share_digits = minor < 37;
    shares_hold_no_counters = minor < 36 || stable;
    requests_grow = minor < 37;
    forgets_bare_shares = minor < 36;
    bare_shares_pay_again = minor < 37;
    all_effects_block = minor < 35;
    ignores_binds_to_node = stable || (minor < 36 && !first);
    ignores_node_operations = !first;
    second_all_selects_like_first = minor < 36;
    all_continues_with_first = minor < 36;
    all_of_none_fits = minor < 33;
    failed_all_is_the_end = minor < 33;
    all_keeps_devices = minor < 34;
    admin_takes_nothing = minor < 34;
    counts_claims_last = minor < 34;
    limit_is_a_failure = minor == 33;
    limit_is_forgotten = minor < 33;
    permutes = minor < 36 || stable;
    knows_no_distinct = stable || (minor < 36 && !first);
    knows_no_capacity = knows_no_distinct;
    terse_errors = minor < 37;
}

}  // namespace knd::alloc
