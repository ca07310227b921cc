// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "host/model/device.hpp"

namespace knd {

/// What the kubelet and the status of claims are told of a device.
struct DeviceHealth {
    std::string pool;
    std::string device;
    Health health = Health::kUnknown;
    std::string message;  ///< for people
    bool operator==(const DeviceHealth&) const = default;
};

}  // namespace knd
