// SPDX-License-Identifier: Apache-2.0
//
// Which ResourceClaims a pod names, and whose they are: kubelet, scheduler and claim controller
// have to agree on it.
#pragma once

#include <string>

#include "host/model/json.hpp"

#include <knd/cpp/result.hpp>

namespace knd::local {

/// Name of the claim behind an entry of pod.spec.resourceClaims; empty: not there yet.
std::string claim_name(const Json& pod, const Json& entry);
/// Whether the claim was made from a template for this pod.
bool is_made_for(const Json& pod, const Json& claim);
/// Of an entry with a template: the status of a pod may name a claim that is another's.
Result<> check_owner(const Json& pod, const Json& entry, const Json& claim);

}  // namespace knd::local
