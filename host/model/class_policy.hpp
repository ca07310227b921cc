// SPDX-License-Identifier: Apache-2.0
//
// What a DeviceClass says about the configuration of claims. Its opaque parameters are defaults;
// the claim's own keys beat them. Under `policy` the class takes that freedom back, key by key, for
// the host's keys and for every backend's:
//   {"vlan": 100, "maxTxRate": 1000,                       defaults
//    "policy": {"lock": ["vlan", "interface.mtu"],         the class's value stands
//               "forbid": ["trust"],                       no claim may set it
//               "maximum": {"maxTxRate": 10000},           numbers or quantities, "10G"
//               "minimum": {"maxTxRate": 1}}}
// A path names a key and everything below it. A bound speaks of values that are set: to bound what
// a claim leaves out, set a default as well. Where several class entries apply, all policies hold.
#pragma once

#include <string>
#include <vector>

#include "host/model/json.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

struct ClassAndClaimConfig {
    Json merged;    ///< the claim's over the class's, checked against the policies
    Json of_class;  ///< what the class alone says, without `policy`
};

/// Merges in this order; a later key replaces an earlier one, objects merge, lists replace, null
/// says nothing. INVALID_ARGUMENT: an entry is no object, a policy makes no sense, or a claim asks
/// for what its class does not allow; all complaints at once, each with field, value and
/// `device_class`'s name (may be empty).
Result<ClassAndClaimConfig> merge_configs(const std::vector<Json>& of_class,
                                          const std::vector<Json>& of_claim,
                                          const std::string& device_class);

}  // namespace knd
