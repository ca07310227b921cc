// SPDX-License-Identifier: Apache-2.0
//
// What the numbers of a PCI function are called. Apart from sysfs.hpp, which needs no library.
// Threads: any.
#pragma once

#include <cstdint>
#include <string>

namespace knd {

/// The names behind the ids, from the system's pci.ids; empty when it has none.
struct PciNames {
    std::string vendor;
    std::string device;
};
PciNames pci_names(std::uint16_t vendor_id, std::uint16_t device_id);

}  // namespace knd
