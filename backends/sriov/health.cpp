// SPDX-License-Identifier: Apache-2.0
#include "backends/sriov/health.hpp"

#include <set>

namespace sriov {
namespace {

/// Of a function that is there; empty: nothing is wrong with it.
std::string fault_of(const Device& device, const Record* record) {
    const auto mode = record != nullptr ? record->mode : device.pool->mode;
    const auto& driver = device.function->driver;
    if (driver.empty() && (mode == Mode::kNetdev || record != nullptr))
        return "function " + device.address + " has no driver: somebody unbound it";
    if (record != nullptr && mode == Mode::kVfio && driver != "vfio-pci")
        return "function " + device.address + " is bound to " + driver + " instead of vfio-pci";
    if (record != nullptr && mode == Mode::kNetdev && driver == "vfio-pci")
        return "function " + device.address + " was bound to vfio-pci";
    const auto& link = device.card->link;
    if (link && link->up() && !link->carrier && !device.whole())
        return "card " + link->name + " has no link";
    return "";
}

}  // namespace

void report_health(const Node& node, const std::vector<Record>& in_use, knd::HealthSink& sink) {
    std::set<std::string> told;
    for (const auto& record : in_use) {
        if (node.function(record.address) != nullptr) continue;
        told.insert(record.device);
        sink.unhealthy(record.device, "function " + record.address + " is gone");
    }
    for (const auto& device : node.devices()) {
        if (device.function == nullptr || device.pool == nullptr || !device.withheld.empty())
            continue;
        if (told.contains(device.name)) continue;
        const Record* mine = nullptr;
        for (const auto& record : in_use)
            if (record.device == device.name) mine = &record;
        if (const auto fault = fault_of(device, mine); !fault.empty()) {
            sink.unhealthy(device.name, fault);
        } else if (const auto& link = device.card->link; link && !link->up() && !device.whole()) {
            sink.unknown(device.name, "card " + link->name + " is not up");
        }
    }
}

}  // namespace sriov
