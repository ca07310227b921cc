// SPDX-License-Identifier: Apache-2.0
//
// InventoryTable: the claims' view of the inventory and of the backends behind it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "host/claims/ports.hpp"
#include "host/inventory/inventory.hpp"
#include "host/plugin/backend.hpp"

namespace knd {

/// Borrows both. Threads: domain thread.
class InventoryTable final : public DeviceTable {
  public:
    InventoryTable(const Inventory& inventory, const std::vector<Backend*>& backends)
        : inventory_(inventory), backends_(backends) {}

    Result<Found> find(std::string_view pool, std::string_view device) const override;
    Result<void> may_leave(const Device& device) const override;
    Result<void> may_take(const Device& device, std::string_view interface) const override;
    std::vector<std::string> wholes_of(const Device& device) const override {
        return inventory_.wholes_of(device);
    }
    Backend* backend(std::string_view instance) const override;
    std::vector<Backend*> backends() const override { return backends_; }

  private:
    const Inventory& inventory_;
    const std::vector<Backend*>& backends_;
};

}  // namespace knd
