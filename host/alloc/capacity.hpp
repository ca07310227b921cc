// SPDX-License-Identifier: Apache-2.0
//
// Consumable capacity: what a request takes of each of a device's capacities.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "host/alloc/inventory.hpp"

namespace knd::alloc {

/// By the capacity's name as the device writes it.
using Capacity = std::map<std::string, Quantity>;

/// All capacities of the device, zeros included; empty: the device cannot serve the request
/// because it lacks a capacity, or a policy forbids the amount.
std::optional<Capacity> consumed_by(const Inventory::Data& data, const DeviceEntry& device,
                                    const Capacity& requested);

/// Whether `taken` more fits on top of what is `held` already (null: nothing is).
bool has_room(const Inventory::Data& data, const DeviceEntry& device, const Capacity& taken,
              const Capacity* held);

}  // namespace knd::alloc
