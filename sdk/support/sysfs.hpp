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
    int ifindex = 0;          ///< 0: not visible in this sysfs
    bool is_virtual = false;  ///< lives under /sys/devices/virtual
    std::string driver;       ///< of the parent device, PCI or not
    /// The function whose own interface it is. None for what hangs on a bus behind one, as USB.
    std::optional<PciFunction> pci;
    /// Which of its function's interfaces it is: "port1", "sf88", "pf0vf3". Empty for the
    /// function's first or only port. Told by nothing but the interface itself, so it stays when
    /// others go.
    std::string port;
    /// The switch's end of a virtual function or subfunction, not the network card's own port.
    bool representor = false;
    /// Those of its device, and those in software on it ("rxe0").
    std::vector<std::string> rdma_devices;
    std::optional<std::int64_t> speed_mbps;  ///< none without link
};

/// `root` is "/sys", or a made-up tree in tests.
Netdev read_netdev(const std::string& name, const std::string& root = "/sys");
/// Nothing: there is no such function.
std::optional<PciFunction> read_pci(const std::string& address, const std::string& root = "/sys");

/// The PCI address of the physical function of a VF; empty when `address` is none.
std::string physical_function(const std::string& address, const std::string& root = "/sys");

/// Whether a port of that name (phys_port_name) represents a function behind a switch: "pf0",
/// "pf0vf3", "c1pf0sf88". A port of the card is "p0" or "p0s1".
bool is_representor(std::string_view port_name);

}  // namespace knd::sysfs
