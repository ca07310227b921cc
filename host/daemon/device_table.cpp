// SPDX-License-Identifier: Apache-2.0
#include "host/daemon/device_table.hpp"

namespace knd {

Result<DeviceTable::Found> InventoryTable::find(std::string_view pool,
                                                std::string_view device) const {
    const auto text = "device " + std::string(device) + " of pool " + std::string(pool);
    if (auto found = inventory_.find(std::string(pool), std::string(device))) {
        auto* server = backend(found->backend);
        if (server == nullptr) {
            return Error(Code::kNotFound, text + " belongs to backend " + found->backend +
                                              ", which is not configured any more");
        }
        return Found{*std::move(found), server};
    }
    for (const auto& entry : inventory_.entries()) {
        if (entry.device->name == device && entry.pool == pool) {
            return Error(Code::kNotFound, text + " is not offered: " + entry.reason);
        }
    }
    return Error(Code::kNotFound, text + " is not there (any more)");
}

Result<void> InventoryTable::may_leave(const Device& device) const {
    const auto reason = inventory_.uplink_reason(device.netdev);
    if (reason.empty()) return {};
    return Error(Code::kFailedPrecondition, "the node itself has come to need it: " + reason);
}

Result<void> InventoryTable::may_take(const Device& device, std::string_view interface) const {
    const std::string name(interface);
    const auto refused = [&](const std::string& why) {
        return Error(Code::kFailedPrecondition,
                     "its backend wants to move interface " + name + ", " + why);
    };
    if (const auto uplink = inventory_.uplink_reason(name); !uplink.empty())
        return refused("which the node needs itself: " + uplink);
    for (const auto& entry : inventory_.entries()) {
        const auto& other = *entry.device;
        const bool itself = other.name == device.name && other.backend == device.backend;
        if (itself || other.netdev != name || !(entry.offered || entry.held)) continue;
        return refused("which is device " + other.name + " of backend " + other.backend);
    }
    return {};
}

Backend* InventoryTable::backend(std::string_view instance) const {
    for (auto* candidate : backends_) {
        if (candidate->name() == instance) return candidate;
    }
    return nullptr;
}

}  // namespace knd
