// SPDX-License-Identifier: Apache-2.0
#include "host/daemon/device_table.hpp"

namespace knd {

Result<DeviceTable::Found> InventoryTable::find(std::string_view pool,
                                                std::string_view device) const {
    const auto text = "device " + std::string(device) + " of pool " + std::string(pool);
    const Inventory::Entry* withheld = nullptr;
    for (const auto& entry : inventory_.entries()) {
        if (entry.device.name != device || entry.pool != pool) continue;
        if (!entry.offered) {
            withheld = &entry;
            continue;
        }
        auto* server = backend(entry.device.backend);
        if (server == nullptr) {
            return Error(Code::kNotFound, text + " belongs to backend " + entry.device.backend +
                                              ", which is not configured any more");
        }
        return Found{entry.device, server};
    }
    if (withheld != nullptr) {
        return Error(Code::kNotFound, text + " is not offered: " + withheld->reason);
    }
    return Error(Code::kNotFound, text + " is not there (any more)");
}

Backend* InventoryTable::backend(std::string_view instance) const {
    for (auto* candidate : backends_) {
        if (candidate->name() == instance) return candidate;
    }
    return nullptr;
}

}  // namespace knd
