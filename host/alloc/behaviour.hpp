// SPDX-License-Identifier: Apache-2.0
//
// What kube-scheduler does differently from what it means to do, by release and implementation. All
// false unless Options::compat asks for it. Not copied: its arithmetic with amounts of capacity
// above 2^63, which become negative and fit everywhere. Internal to alloc.
#pragma once

#include "host/alloc/allocator.hpp"

namespace knd::alloc {

struct Behaviour {
    explicit Behaviour(const Options& options);

    /// distinctAttribute remembers one device per request: of several, the last one.
    bool distinct_per_request = false;
    /// matchAttribute of lists does not get back the values that a step back has taken.
    bool keeps_intersection = false;
    /// A claim's configuration comes once per request that it names, not once.
    bool repeats_claim_config = false;
    /// A class's configuration comes once per request, and names none.
    bool class_config_per_request = false;
    /// "ExactCount" takes devices from pools that are being updated.
    bool uses_incomplete_pools = false;
    /// distinctAttribute is an unknown constraint.
    bool knows_no_distinct = false;
    /// Capacity requests and shares are not looked at.
    bool knows_no_capacity = false;
    /// Errors of selectors do not say on which device, nor what to do.
    bool terse_errors = false;
};

}  // namespace knd::alloc
