// SPDX-License-Identifier: Apache-2.0
//
// What resource.k8s.io demands of the policy by which claims share a device's capacity, as far as
// every release agrees.
#pragma once

#include <string_view>

#include "host/model/device.hpp"

#include <knd/cpp/result.hpp>

#include <knd/ext/discovery.h>

namespace knd::plugin {

/// `policy` of a capacity of `total`, which is a quantity. INVALID_ARGUMENT: what is wrong with it.
Result<CapacityPolicy> read_policy(const knd_capacity_policy& policy, std::string_view total);

}  // namespace knd::plugin
