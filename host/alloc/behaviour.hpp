// SPDX-License-Identifier: Apache-2.0
//
// What kube-scheduler does differently from release to release and from one implementation to the
// next, as the last patch release of each has it. Not copied: its arithmetic with amounts of
// capacity above 2^63, which become negative and fit everywhere before 1.37. Internal to alloc.
#pragma once

#include "host/alloc/allocator.hpp"

namespace knd::alloc {

struct Behaviour {
    explicit Behaviour(const Options& options);

    // --- what a release means to do: also without Options::compat ---

    /// Since 1.37 "All" wants the devices without room as well, and fails on them; before, it left
    /// them out.
    bool all_wants_full_devices = false;
    /// Since 1.37 an amount that no policy can round, or a negative one, is an error.
    bool odd_amounts_are_errors = false;
    /// Since 1.37 a configuration for each of the claim's requests names none of them.
    bool clears_full_config = false;
    /// Slices with counters belong to a pool wherever their nodes are; since 1.37 they are looked
    /// for among all slices, if those of the node are not the whole pool.
    bool counters_reach_all_nodes = true;

    /// A capacity of an alternative that the gate forbids is that of its request, until 1.34.
    bool names_whole_request = false;

    // --- flaws, and what Kubernetes has given up: with Options::compat alone ---

    /// distinctAttribute remembers one device per request: of several, the last one.
    bool distinct_per_request = false;
    /// distinctAttribute takes values for different unless they are those of one device.
    bool distinct_by_device = false;
    /// matchAttribute of lists does not get back the values that a step back has taken.
    bool keeps_intersection = false;
    /// A claim's configuration comes once per request that it names, not once.
    bool repeats_claim_config = false;
    /// Results do not carry tolerations.
    bool drops_tolerations = false;
    /// Slices in the order in which they come, not by name.
    bool unsorted_slices = false;
    /// Pools with binding conditions are not tried last.
    bool bindings_anywhere = false;
    /// A pool is what the node sees of it: complete or not, up to date or not.
    bool sees_own_slices_only = false;
    /// "ExactCount" takes devices from pools that are being updated.
    bool uses_incomplete_pools = false;
    /// Pools that are being updated are checked as the others are.
    bool checks_incomplete_pools = false;
    /// Counters belong to the devices of their slice.
    bool counters_by_slice = false;
    /// Slices with counters are used when the gate is off.
    bool keeps_counter_slices = false;
    /// The counters of the first pool that a search comes to are those of every pool of its name,
    /// whatever the driver; Kubernetes keeps them from node to node as well, which is not copied.
    bool counters_by_pool_name = false;
    /// An invalid pool ends the search that comes to it, for all nodes.
    bool invalid_pools_fail = false;
    /// It is a device of such a pool that ends it, when a request would take it.
    bool invalid_devices_fail = false;
    /// A device is refused for what it takes of its own counters alone, also of those that its
    /// slice does not have; whether the gate is on is asked of its slice alone.
    bool counters_judged_by_use = false;
    /// Counters of a device that its taints or a constraint refuse stay taken.
    bool leaks_counters = false;
    /// The counters of a device are free while it has shares only.
    bool shares_hold_no_counters = false;
    /// Counters that are big decimals ("1.5Gi") change with what is computed of them: devices that
    /// were tried once may be free, and totals shrink (search_digits.cpp).
    bool counters_share_digits = false;
    /// What a request asks of a capacity, if it is held as a big decimal ("1.5Gi"), grows by what
    /// the search has taken already of each device that the request is compared with. What is then
    /// given back is not what was taken, and may leave something, or nothing too early.
    bool requests_grow = false;
    /// Shares that consume nothing are forgotten when another one of the device is given back, and
    /// a share of a device without capacities is never given back.
    bool forgets_bare_shares = false;
    /// A share that consumes nothing does not tell that the device's counters are paid.
    bool bare_shares_pay_again = false;
    /// Taints of any effect keep devices away.
    bool all_effects_block = false;
    /// bindsToNode does not tie the claim to the node.
    bool ignores_binds_to_node = false;
    /// Devices that need no operations of their node go anywhere.
    bool ignores_node_operations = false;
    /// Of alternatives that want all devices, the second one gets those of the first.
    bool second_all_selects_like_first = false;
    /// An alternative that wants all devices goes on with those of the first one.
    bool all_continues_with_first = false;
    /// "All" fits where there is no device at all.
    bool all_of_none_fits = false;
    /// "All" that cannot have one of its devices is the end: nothing else is tried.
    bool failed_all_is_the_end = false;
    /// What "All" has taken stays taken when the search goes back, and in the claim's results until
    /// an earlier choice for the claim is taken back.
    bool all_keeps_devices = false;
    /// An administrator's devices are not taken: not by another request, nor by the same one, nor
    /// are their counters.
    bool admin_takes_nothing = false;
    /// The devices of a claim are counted when all of its requests are understood.
    bool counts_claims_last = false;
    /// More than 32 devices are one more choice that leads nowhere, not the end of the request; or
    /// not looked at while choices are made.
    bool limit_is_a_failure = false;
    bool limit_is_forgotten = false;
    /// Devices of one request are tried in all orders.
    bool permutes = false;
    /// distinctAttribute is an unknown constraint.
    bool knows_no_distinct = false;
    /// Capacity requests and shares are not looked at, by expressions neither.
    bool knows_no_capacity = false;
    /// Errors of selectors do not say on which device, nor what to do.
    bool terse_errors = false;
};

}  // namespace knd::alloc
