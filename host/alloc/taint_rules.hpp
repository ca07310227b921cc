// SPDX-License-Identifier: Apache-2.0
//
// DeviceTaintRules: taints that an administrator puts on devices of any driver. The scheduler of
// Kubernetes sees slices only after this merge.
#pragma once

#include <span>

#include "host/model/resource.hpp"

namespace knd::alloc {

/// Appends to each device the taints of the rules that select it, whatever their effect. With
/// `selects_all_by_nothing` a rule without a selector taints every device, as kube-scheduler has it
/// before 1.37; the API says that it selects none.
void apply_taint_rules(std::span<api::ResourceSlice> slices,
                       std::span<const api::DeviceTaintRule> rules,
                       bool selects_all_by_nothing = false);

}  // namespace knd::alloc
