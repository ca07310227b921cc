// SPDX-License-Identifier: Apache-2.0
//
// What sysfs knows of a network interface and of the PCI function under it.
// Sources: Documentation/ABI/testing/sysfs-class-net, sysfs-bus-pci; "pcieRoot" as KEP-4381 defines
// it: the first component below /sys/devices of the function's real path.
//
// sysfs shows the network namespace of the process that mounted it: a daemon that was put into
// another namespace needs its own mount.
// Threads: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace knd::sysfs {

struct PciFunction {
    std::string address;    ///< "0000:3b:00.1"
    std::string pcie_root;  ///< "pci0000:3a"; empty when it has none
    std::string driver;     ///< kernel driver; empty when none is bound
    std::uint16_t vendor_id = 0;
    std::uint16_t device_id = 0;
    std::uint16_t subsystem_vendor_id = 0;
    std::uint16_t subsystem_id = 0;
    std::optional<int> numa_node;        ///< none when the kernel says -1
    std::optional<int> sriov_total_vfs;  ///< none when it is no physical function
    std::optional<int> sriov_num_vfs;
    std::string physfn;  ///< PCI address of the physical function of a VF
    std::optional<int> iommu_group;
    std::vector<std::string> rdma_devices;  ///< "mlx5_0"
};

struct Netdev {
    bool is_virtual = false;  ///< lives under /sys/devices/virtual
    std::string driver;       ///< of the parent device, PCI or not
    std::optional<PciFunction> pci;
    /// Those of its PCI function, and those in software on it ("rxe0").
    std::vector<std::string> rdma_devices;
    std::optional<std::int64_t> speed_mbps;  ///< none without link
    std::string duplex;
    std::string phys_port_id;
    std::string phys_switch_id;
    std::string phys_port_name;
};

/// `root` is "/sys", or a made-up tree in tests.
Netdev read_netdev(const std::string& name, const std::string& root = "/sys");
std::optional<PciFunction> read_pci(const std::string& address, const std::string& root = "/sys");

/// The PCI address of the physical function of a VF; empty when `address` is none.
std::string physical_function(const std::string& address, const std::string& root = "/sys");

/// The last component of `path` that is a PCI address; empty if there is none.
std::string pci_address_in(std::string_view path);

}  // namespace knd::sysfs
