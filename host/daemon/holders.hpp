// SPDX-License-Identifier: Apache-2.0
//
// What the journal's records tell the inventory and the news about health: who has which device,
// and which interfaces and hardware are in live bindings.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "host/inventory/health_news.hpp"
#include "host/journal/record.hpp"

namespace knd {

/// For Inventory::set_bound(). The names that interfaces have on their way home are among them.
struct BoundNames {
    std::map<std::string, std::string> netdevs;
    std::map<std::string, std::string> hardware;
};
BoundNames bound_names(const std::vector<BindingRecord>& records);

std::vector<DeviceHolder> device_holders(const std::vector<BindingRecord>& records);

}  // namespace knd
