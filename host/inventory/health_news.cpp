// SPDX-License-Identifier: Apache-2.0
#include "host/inventory/health_news.hpp"

namespace knd {

std::vector<DeviceHealth> device_healths(const std::vector<Inventory::Entry>& entries) {
    std::vector<DeviceHealth> devices;
    for (const auto& entry : entries) {
        if (!entry.health || !(entry.offered || entry.held)) continue;
        devices.push_back(
            {entry.pool, entry.device->name, entry.health->health, entry.health->message});
    }
    return devices;
}

void HealthNews::tell(const std::vector<DeviceHealth>& devices,
                      const std::vector<DeviceHolder>& holders) {
    std::map<std::pair<std::string_view, std::string_view>, const DeviceHealth*> by_name;
    for (const auto& device : devices)
        by_name[{device.pool, device.device}] = &device;
    std::map<Key, Health> told;
    for (const auto& holder : holders) {
        const auto found = by_name.find({holder.pool, holder.device});
        if (found == by_name.end()) continue;
        const auto& device = *found->second;
        const Key key(holder.pool, holder.device, holder.claim.uid, holder.pod.uid);
        // Who gets a healthy device is told nothing.
        const auto before = told_.find(key);
        const auto last = before == told_.end() ? Health::kHealthy : before->second;
        if (last != device.health && !told.contains(key)) send(holder, device);
        told[key] = device.health;
    }
    // Whoever has given its device back is forgotten.
    told_ = std::move(told);
}

void HealthNews::send(const DeviceHolder& holder, const DeviceHealth& device) {
    const bool warning = device.health != Health::kHealthy;
    const auto* reason = device.health == Health::kHealthy     ? "DeviceHealthy"
                         : device.health == Health::kUnhealthy ? "DeviceUnhealthy"
                                                               : "DeviceHealthUnknown";
    auto text = "device " + device.device + " of pool " + device.pool + " is " +
                (device.health == Health::kHealthy     ? "healthy again"
                 : device.health == Health::kUnhealthy ? "unhealthy"
                                                       : "in an unknown state");
    if (!device.message.empty()) text += ": " + device.message;
    source_.claim_event(holder.claim, warning, reason, text);
    if (!holder.pod.uid.empty()) source_.pod_event(holder.pod, warning, reason, text);
}

}  // namespace knd
