// SPDX-License-Identifier: Apache-2.0
//
// Network functions of the PCI bus as far as SR-IOV is concerned: physical functions (PFs), what
// they can make, and virtual functions (VFs), each read once and each failure confined to its
// function.
// Sources: Documentation/ABI/testing/sysfs-bus-pci, sysfs-bus-vdpa;
// Documentation/PCI/pci-iov-howto.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <knd/cpp/result.hpp>

namespace knd::sriov {

struct Function {
    std::string address;      ///< "0000:3b:00.1"
    std::string pcie_root;    ///< "pci0000:3a"; empty when it has none
    std::string driver = {};  ///< empty when none is bound
    std::uint16_t vendor_id = 0;
    std::uint16_t device_id = 0;
    std::uint16_t subsystem_id = 0;
    std::uint32_t device_class = 0;  ///< 0x020000: Ethernet, 0x020700: InfiniBand
    std::optional<int> numa_node = {};
    std::optional<int> iommu_group = {};
    std::optional<std::int64_t> acpi_index = {};
    std::vector<std::string> netdevs = {};         ///< what is seen in this sysfs
    std::vector<std::string> rdma_devices = {};    ///< "mlx5_0"
    std::vector<std::string> vdpa_devices = {};    ///< "vdpa0"
    std::vector<std::uint32_t> subfunctions = {};  ///< numbers that their maker chose

    // Of a PF.
    int total_vfs = 0;  ///< 0: it is none
    int num_vfs = 0;
    int vf_offset = 0;  ///< from its own routing id to that of its first VF
    int vf_stride = 0;

    // Of a VF.
    std::string physical = {};  ///< address of its PF; empty: it is none
    int vf_index = -1;          ///< -1: its PF does not say which

    bool is_physical() const { return total_vfs > 0; }
    bool is_virtual() const { return !physical.empty(); }
};

/// All network functions. `root` is "/sys", or a made-up tree in tests. A function that cannot be
/// read is left out.
Result<std::vector<Function>> read_functions(const std::string& root = "/sys");
/// NOT_FOUND: there is no such function.
Result<Function> read_function(const std::string& address, const std::string& root = "/sys");

/// The address that VF `index` of a PF has, or will have; empty when the PF does not tell.
std::string vf_address(const Function& physical, int index);

/// Whether a text is a PCI address in full, "0000:3b:00.1".
bool is_address(const std::string& text);

/// Writes an attribute of a function. The error names the file and what was written; the kernel may
/// take seconds, and waits for as long as somebody has the function open.
Result<void> write_attribute(const std::string& path, const std::string& value);
/// The first line of an attribute; empty when it is missing or the driver does not answer.
std::string read_attribute(const std::string& path);

}  // namespace knd::sriov
