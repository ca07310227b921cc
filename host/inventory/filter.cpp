// SPDX-License-Identifier: Apache-2.0
#include "host/inventory/filter.hpp"

#include <memory>

#include "host/cel/cel.hpp"

namespace knd {

Result<DeviceFilter> make_device_filter(const std::string& expression, const std::string& driver) {
    if (expression.empty()) return DeviceFilter();
    auto compiled = cel::compile_selector(expression);
    if (!compiled) return std::move(compiled).error().wrap("`inventory.filter`");
    // Shared by the copies that std::function makes of its target.
    auto program = std::make_shared<const cel::Program>(*std::move(compiled));
    return DeviceFilter([program, driver](const Device& device) -> Result<bool> {
        KND_TRY_ASSIGN(const auto view, cel::OwnedDevice::make(driver, device));
        return program->matches(view.view());
    });
}

}  // namespace knd
