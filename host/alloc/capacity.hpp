// SPDX-License-Identifier: Apache-2.0
//
// Consumable capacity: what a request takes of each of a device's capacities. Internal to alloc.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "host/alloc/inventory.hpp"

namespace knd::alloc {

/// By the capacity's name as the device writes it.
using Capacity = std::map<std::string, Quantity>;
/// In the order of a device's capacities.
using Amounts = std::vector<Quantity>;

std::string capacity_name(const cel::DeviceView& view, std::size_t number);

struct Consumption {
    enum class Verdict : std::uint8_t {
        kPossible,
        kMissing,    ///< the device lacks a capacity that the request names: `missing`
        kForbidden,  ///< the policy of capacity `number` does not allow its amount
        kOdd,        ///< an amount cannot be counted with: `error`
    };
    Verdict verdict = Verdict::kPossible;
    std::string missing;
    std::string error;
    std::size_t number = 0;
    Amounts amounts;  ///< of all capacities, zeros included; incomplete unless possible
};

/// How amounts are rounded.
struct AmountRules {
    bool checked = false;     ///< what is out of range is kOdd; else it is cut or left as it is
    bool fractional = false;  ///< ranges count in milli-units where they can
};

/// Whether a policy lets an amount be as it is, without one of its own values in its place.
bool leaves(const api::CapacityRequestPolicy& policy, const Quantity& requested);
/// Null: none.
const api::CapacityRequestPolicy* policy_of(const DeviceExtra* extra, std::size_t number);

Consumption consumed_by(const cel::DeviceView& view, const DeviceExtra* extra,
                        const Capacity& requested, const AmountRules& rules);

/// What is held of the device, in the order of its capacities.
Amounts in_order(const cel::DeviceView& view, const Capacity& capacity);

/// The first capacity of which `taken` does not fit on top of `held` and `taking` (null: nothing).
std::optional<std::size_t> without_room(const cel::DeviceView& view, const Amounts& taken,
                                        const Amounts* held, const Amounts* taking);

}  // namespace knd::alloc
