// SPDX-License-Identifier: Apache-2.0
//
// A kernel network interface as a device: which may be given away, what it is called, and the
// attributes under DraNet's names. Shared by the backends whose devices have a netdev.
//
//   ifName mac permanentMac mtu encapsulation alias state type virtual ipv4 ipv6 speed driver
//   ebpf tcFilterNames tcxProgramNames rdma rdmaDevice sriov sriovVfs isSriovVf
//   pciAddress pciVendor pciDevice pciSubsystem numaNode
//   resource.kubernetes.io/{pcieRoot,pciBusID,numaNode}
#pragma once

#include <string>
#include <vector>

#include "sdk/support/bpf.hpp"
#include "sdk/support/link.hpp"
#include "sdk/support/sysfs.hpp"

#include <knd/cpp/sinks.hpp>

namespace knd {

struct Netdev {
    LinkInfo link;
    std::vector<AddressInfo> addresses;
    sysfs::Netdev sysfs;
    bpf::Programs programs;
    /// Why it cannot or must not leave the host; empty when it can.
    std::string immovable;
};

/// All interfaces of the calling thread's network namespace except loopback.
Result<std::vector<Netdev>> read_netdevs();

/// Begins the device in `sink` and adds what is known of it. `withheld`: why it is not offered.
void describe(const Netdev& netdev, DeviceSink& sink, const std::string& withheld = {});

/// Has a device below it: a port, a virtual function, a virtio interface.
bool is_hardware(const Netdev& netdev);

/// The attributes of a PCI function, for devices that are one with or without an interface.
void describe_pci(const sysfs::PciFunction& pci, DeviceSink& sink);

/// "pci-0000-3b-00-1"
std::string pci_device_name(const std::string& address);

/// A DNS label: "pci-0000-3b-00-1", "pci-0000-3b-00-0-sf88", "dra0". Only from what the interface
/// is by itself, never from what else there is: a device that changed its name because another came
/// or went would be two devices to the scheduler.
std::string device_name(const Netdev& netdev);

/// "pci:0000:3b:00.1", "pci:0000:3b:00.0/sf88" or "net:dra0".
std::string hardware_key(const Netdev& netdev);

/// `name` itself if it is a DNS label, else "net-" and its bytes in base32 without padding.
std::string dns_label(const std::string& name);

/// Shell-style pattern with * and ?.
bool matches_glob(const std::string& text, const std::vector<std::string>& patterns);

}  // namespace knd
