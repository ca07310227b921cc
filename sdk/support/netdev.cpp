// SPDX-License-Identifier: Apache-2.0
#include "sdk/support/netdev.hpp"

#include <fnmatch.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <map>

#include "sdk/support/netlink.hpp"
#include "sdk/support/pci_names.hpp"

#include <knd/cpp/abi.hpp>

namespace knd {
namespace {

constexpr std::size_t kMaxValue = 64;  // resource.k8s.io: bytes of a string attribute

bool is_dns_label(const std::string& name) {
    if (name.empty() || name.size() > 63 || name.front() == '-' || name.back() == '-') return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
}

std::string base32(const std::string& bytes) {
    static constexpr char kAlphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
    std::string text;
    unsigned buffer = 0;
    int bits = 0;
    for (const unsigned char c : bytes) {
        buffer = buffer << 8 | c;
        for (bits += 8; bits >= 5; bits -= 5)
            text += kAlphabet[buffer >> (bits - 5) & 31];
    }
    if (bits > 0) text += kAlphabet[buffer << (5 - bits) & 31];
    return text;
}

/// Items joined by commas, as many as fit whole.
std::string join(const std::vector<std::string>& items) {
    std::string text;
    for (const auto& item : items) {
        const auto longer = text.size() + (text.empty() ? 0 : 1) + item.size();
        if (longer > kMaxValue) break;
        text += (text.empty() ? "" : ",") + item;
    }
    return text;
}

/// Links that the kernel refuses to move (NETIF_F_NETNS_LOCAL), and those whose move would break
/// what the host has built on them.
std::string immovable_reason(const LinkInfo& link, const std::vector<LinkInfo>& all) {
    static const std::vector<std::string> kLocalKinds = {"bridge", "bond", "team", "vrf",
                                                         "openvswitch"};
    const auto& kind = link.kind;
    const bool local = std::find(kLocalKinds.begin(), kLocalKinds.end(), kind) != kLocalKinds.end();
    if (local || link.netns_immutable) {
        return (kind.empty() ? "it" : "a " + kind) + " cannot change its network namespace";
    }
    for (const auto& other : all) {
        if (link.master != 0 && other.ifindex == link.master) {
            return "it is a port of " + other.name;
        }
        const bool stands_on = other.parent == link.ifindex && !other.parent_netns;
        // The kernel deletes a VLAN or macvlan when what it stands on leaves.
        if (stands_on && other.kind != "veth") return other.name + " stands on it";
    }
    return "";
}

/// Whether it is a PCI function's interface, not one that stands on such (a partition of IPoIB).
bool is_port(const Netdev& netdev) {
    return netdev.sysfs.pci && netdev.link.parent == 0;
}

/// sysfs is asked by name, and shows the namespace that it was mounted in: what it says is taken
/// only if it speaks of this interface.
bool read_sysfs(Netdev& netdev) {
    netdev.sysfs = sysfs::read_netdev(netdev.link.name);
    if (netdev.sysfs.ifindex == netdev.link.ifindex) return true;
    netdev.sysfs = {};
    netdev.sysfs.is_virtual = netdev.link.device.empty();
    return false;
}

std::vector<std::string> global_addresses(const Netdev& netdev, bool ipv6) {
    std::vector<std::string> found;
    for (const auto& address : netdev.addresses) {
        if (address.ipv6() == ipv6 && address.scope == RT_SCOPE_UNIVERSE) {
            found.push_back(address.cidr());
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

void describe_link(const Netdev& netdev, DeviceSink& sink) {
    const auto& link = netdev.link;
    sink.attribute("ifName", link.name)
        .attribute("mac", link.mac)
        .attribute("mtu", link.mtu)
        .attribute("encapsulation", link.encapsulation)
        .attribute("alias", std::string(cut_utf8(link.alias, kMaxValue)))
        .attribute("state", link.operstate)
        .attribute("type", link.kind.empty() ? "device" : link.kind)
        .attribute("virtual", netdev.sysfs.is_virtual)
        .attribute("ebpf", netdev.programs.any());
    if (!link.permanent_mac.empty()) sink.attribute("permanentMac", link.permanent_mac);
    for (const bool ipv6 : {false, true}) {
        const auto addresses = join(global_addresses(netdev, ipv6));
        if (!addresses.empty()) sink.attribute(ipv6 ? "ipv6" : "ipv4", addresses);
    }
    if (const auto names = join(netdev.programs.tc_filters); !names.empty()) {
        sink.attribute("tcFilterNames", names);
    }
    if (const auto names = join(netdev.programs.tcx_programs); !names.empty()) {
        sink.attribute("tcxProgramNames", names);
    }
    if (netdev.sysfs.speed_mbps) sink.attribute("speed", *netdev.sysfs.speed_mbps);
    if (!netdev.sysfs.driver.empty()) sink.attribute("driver", netdev.sysfs.driver);
}

}  // namespace

std::string pci_device_name(const std::string& address) {
    auto name = "pci-" + address;
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c == ':' || c == '.'; }, '-');
    return name;
}

void describe_pci(const sysfs::PciFunction& pci, DeviceSink& sink) {
    const auto names = pci_names(pci.vendor_id, pci.device_id);
    sink.attribute("pciAddress", pci.address)
        .attribute("resource.kubernetes.io/pciBusID", pci.address);
    const auto text = [&](const char* name, const std::string& value) {
        if (!value.empty()) sink.attribute(name, std::string(cut_utf8(value, kMaxValue)));
    };
    text("pciVendor", names.vendor);
    text("pciDevice", names.device);
    char subsystem[8];
    std::snprintf(subsystem, sizeof subsystem, "%04x", pci.subsystem_id);
    sink.attribute("pciSubsystem", subsystem);
    text("resource.kubernetes.io/pcieRoot", pci.pcie_root);
    if (pci.numa_node) {
        sink.attribute("numaNode", *pci.numa_node)
            .attribute("resource.kubernetes.io/numaNode", *pci.numa_node);
    }
    if (pci.sriov_num_vfs) sink.attribute("sriovVfs", *pci.sriov_num_vfs);
    if (!pci.physfn.empty()) sink.attribute("isSriovVf", true);
}

std::string dns_label(const std::string& name) {
    return is_dns_label(name) ? name : "net-" + base32(name);
}

bool matches_glob(const std::string& text, const std::vector<std::string>& patterns) {
    return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
        return ::fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
    });
}

bool is_hardware(const Netdev& netdev) {
    return !netdev.sysfs.is_virtual || !netdev.link.device.empty();
}

std::string device_name(const Netdev& netdev) {
    if (!is_port(netdev)) return dns_label(netdev.link.name);
    const auto& port = netdev.sysfs.port;
    return pci_device_name(netdev.sysfs.pci->address) + (port.empty() ? "" : "-" + port);
}

std::string hardware_key(const Netdev& netdev) {
    if (!is_port(netdev)) return "net:" + netdev.link.name;
    const auto& port = netdev.sysfs.port;
    return "pci:" + netdev.sysfs.pci->address + (port.empty() ? "" : "/" + port);
}

Result<std::vector<Netdev>> read_netdevs() {
    KND_TRY_ASSIGN(auto netlink, Netlink::open());
    KND_TRY_ASSIGN(const auto links, netlink.links());
    KND_TRY_ASSIGN(const auto addresses, netlink.addresses());
    std::vector<int> ifindexes;
    ifindexes.reserve(links.size());
    for (const auto& link : links)
        ifindexes.push_back(link.ifindex);
    // Names of programs are information; without them the interface is still a device.
    const auto programs = bpf::programs(ifindexes).value_or({});
    std::vector<Netdev> netdevs;
    for (const auto& link : links) {
        if (link.loopback()) continue;
        Netdev netdev;
        netdev.link = link;
        for (const auto& address : addresses) {
            if (address.ifindex == link.ifindex) netdev.addresses.push_back(address);
        }
        const bool visible = read_sysfs(netdev);
        if (const auto found = programs.find(link.ifindex); found != programs.end()) {
            netdev.programs = found->second;
        }
        netdev.immovable = immovable_reason(link, links);
        if (netdev.immovable.empty() && !visible && !netdev.sysfs.is_virtual) {
            netdev.immovable = "the sysfs of this network namespace does not show it";
        }
        netdevs.push_back(std::move(netdev));
    }
    return netdevs;
}

void describe(const Netdev& netdev, DeviceSink& sink, const std::string& withheld) {
    sink.device({device_name(netdev), hardware_key(netdev), netdev.link.name, withheld});
    describe_link(netdev, sink);
    const auto& pci = netdev.sysfs.pci;
    sink.attribute("sriov", pci && pci->sriov_total_vfs.value_or(0) > 0);
    const auto& rdma = netdev.sysfs.rdma_devices;
    sink.attribute("rdma", !rdma.empty());
    if (!rdma.empty()) sink.attribute("rdmaDevice", rdma.front());
    if (pci) describe_pci(*pci, sink);
}

}  // namespace knd
