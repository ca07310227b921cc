// SPDX-License-Identifier: Apache-2.0
#include "sdk/support/pci_names.hpp"

extern "C" {
#include <pci/pci.h>
}

#include <memory>

namespace knd {
namespace {

void say_nothing(char* /*format*/, ...) {}

}  // namespace

PciNames pci_names(std::uint16_t vendor_id, std::uint16_t device_id) {
    const std::unique_ptr<pci_access, decltype(&pci_cleanup)> access(pci_alloc(), pci_cleanup);
    if (!access) return {};
    // pci_init() would set them, and end the process where there is no PCI.
    access->debug = say_nothing;
    access->warning = say_nothing;
    char buffer[256];
    PciNames names;
    // No numbers: no answer is better than the number again. Nor udev's database: libpci 3.9 asks
    // it for what pci.ids lacks, calls debug() on the way and loses memory where it is not there.
    constexpr int kPlain = PCI_LOOKUP_NO_NUMBERS | PCI_LOOKUP_NO_HWDB;
    const auto lookup = [&](int what) -> std::string {
        const char* text = pci_lookup_name(access.get(), buffer, sizeof buffer, what | kPlain,
                                           vendor_id, device_id);
        return text != nullptr ? text : "";
    };
    names.vendor = lookup(PCI_LOOKUP_VENDOR);
    names.device = lookup(PCI_LOOKUP_DEVICE);
    return names;
}

}  // namespace knd
