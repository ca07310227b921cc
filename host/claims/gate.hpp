// SPDX-License-Identifier: Apache-2.0
//
// The createRuntime hook that holds a container back until the devices of a claim are in its pod.
#pragma once

#include <string_view>

#include "host/claims/options.hpp"
#include "host/model/claim.hpp"
#include "host/model/pod.hpp"

namespace knd {

Hook gate_hook(const ClaimsOptions& options, const ClaimRef& claim);

/// The claim that a hook of a container waits for, or "" when the hook is not a gate of ours.
std::string_view gated_claim(const Hook& hook, const ClaimsOptions& options);

}  // namespace knd
