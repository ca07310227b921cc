// SPDX-License-Identifier: Apache-2.0
//
// What sysfs knows of RDMA devices: the one source that also an adapter without a library in user
// space has. Sources: Documentation/ABI/stable/sysfs-class-infiniband.
//
// In exclusive mode a device that is in a pod is not there at all; what it is, is told by its
// function (PCI class, driver, link layer) and never by what happens to be visible now.
// Threads: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sdk/support/sysfs.hpp"

namespace knd::sysfs {

struct Gid {
    int index = 0;
    std::string gid;     ///< "fe80:0000:0000:0000:0200:0021:0000:0001"
    std::string type;    ///< "IB/RoCE v1", "RoCE v2"; empty: the kernel does not say
    std::string netdev;  ///< of RoCE, the interface whose address it stands for
};

struct Pkey {
    int index = 0;
    std::uint16_t value = 0;  ///< with the membership bit, 0xffff: full member of the default one
};

struct RdmaPort {
    int number = 0;
    std::string link_layer;  ///< "InfiniBand", "Ethernet", "Unspecified"
    std::string state;       ///< "ACTIVE", "INIT", "DOWN", ...
    std::string phys_state;  ///< "LinkUp", "Polling", ...
    std::string rate;        ///< "100 Gb/sec (4X EDR)"
    std::optional<std::int64_t> speed_mbps;
    std::uint32_t lid = 0;
    std::uint32_t sm_lid = 0;  ///< 0: no subnet manager has spoken to it
    std::string guid;          ///< "0200:2100:0000:0001"; of InfiniBand, empty when it has none
    std::vector<Gid> gids;     ///< those that are set
    std::vector<Pkey> pkeys;   ///< those that are set
};

struct RdmaDevice {
    std::string name;
    std::string node_type;  ///< "CA", "RNIC", ...
    std::string node_guid;
    std::string system_guid;
    std::string firmware;
    std::string hca_type;
    std::string board;
    /// The device's parent, "/sys/devices/pci0000:20/.../0000:21:00.0"; empty for one in software.
    std::string directory;
    std::string subfunction;         ///< "sf88"; empty: the function itself
    std::optional<PciFunction> pci;  ///< above all of that
    std::vector<RdmaPort> ports;
    std::vector<std::string> netdevs;  ///< of the same parent
    std::vector<std::string> verbs;    ///< "uverbs0"
    std::vector<std::string> mad;      ///< "issm0", "umad0"
};

/// Those that are visible here, by name. One that goes meanwhile is left out.
std::vector<RdmaDevice> read_rdma_devices(const std::string& root = "/sys");

/// "0200:2100:0000:0001" out of a port's first GID; empty where it says nothing.
std::string guid_of_gid(std::string_view gid);

/// Mbit/s out of "100 Gb/sec (4X EDR)", "2.5 Gb/sec (1X SDR)".
std::optional<std::int64_t> speed_of_rate(std::string_view rate);

/// Whether nothing but zeros is in a GUID or GID.
bool is_zero_guid(std::string_view text);

}  // namespace knd::sysfs
