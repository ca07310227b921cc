// SPDX-License-Identifier: Apache-2.0
#include "host/daemon/holders.hpp"

#include "host/sandbox/attacher.hpp"

namespace knd {

BoundNames bound_names(const std::vector<BindingRecord>& records) {
    BoundNames bound;
    for (const auto& record : records) {
        const auto& device = record.device;
        const auto who = "claim " + record.claim.text() + " has it (device " + device.name + ")";
        if (!device.netdev.empty()) bound.netdevs.emplace(device.netdev, who);
        if (!device.hardware_key.empty()) bound.hardware.emplace(device.hardware_key, who);
        const BindingKey key{record.claim.uid, device.name, record.share_id};
        const auto& netdevs = record.effects.netdevs;
        for (std::size_t i = 0; i < netdevs.size(); ++i) {
            // What is made in the pod is nothing that the host has.
            if (netdevs[i].made) continue;
            bound.netdevs.emplace(netdevs[i].name, who);
            bound.netdevs.emplace(transit_name(key, i), who);
        }
    }
    return bound;
}

std::vector<DeviceHolder> device_holders(const std::vector<BindingRecord>& records) {
    std::vector<DeviceHolder> holders;
    for (const auto& record : records) {
        DeviceHolder holder{record.pool, record.device.name, record.claim, {}};
        const bool in_pod =
            record.state == BindingState::kAttaching || record.state == BindingState::kAttached;
        if (in_pod) {
            const auto slash = record.pod.find('/');
            holder.pod.id = record.sandbox_id;
            holder.pod.uid = record.pod_uid;
            holder.pod.ns = record.pod.substr(0, slash);
            holder.pod.name = slash == std::string::npos ? "" : record.pod.substr(slash + 1);
        }
        holders.push_back(std::move(holder));
    }
    return holders;
}

}  // namespace knd
