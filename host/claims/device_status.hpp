// SPDX-License-Identifier: Apache-2.0
//
// What the status of a claim says about one of its devices.
#pragma once

#include "host/claims/binding_table.hpp"
#include "host/model/claim.hpp"
#include "host/model/device.hpp"

namespace knd {

/// `health`: what the device's backend says of it; null: it does not tell.
DeviceStatus status_of(const Binding& binding, const HealthReport* health);

}  // namespace knd
