// SPDX-License-Identifier: Apache-2.0
//
// inventory.filter: a CEL expression over `device`, the same language as a DeviceClass selector.
#pragma once

#include <string>

#include "host/inventory/inventory.hpp"

namespace knd {

/// No filter for an empty expression. INVALID_ARGUMENT with CEL's message when it does not compile.
Result<DeviceFilter> make_device_filter(const std::string& expression, const std::string& driver);

}  // namespace knd
