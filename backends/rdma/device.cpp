// SPDX-License-Identifier: Apache-2.0
#include "backends/rdma/device.hpp"

#include <algorithm>
#include <cstdio>

#include "sdk/support/netdev.hpp"

#include <knd/cpp/abi.hpp>

namespace rdma {
namespace {

using knd::sysfs::RdmaDevice;
using knd::sysfs::RdmaPort;

constexpr std::size_t kMaxValue = 64;  // resource.k8s.io: bytes of a string attribute
constexpr std::size_t kMaxItems = 16;  // of a list that is information for people

std::vector<std::string> pkeys_of(const RdmaPort& port) {
    std::vector<std::string> texts;
    for (const auto& pkey : port.pkeys) {
        if (texts.size() == kMaxItems) break;
        texts.push_back(pkey_text(pkey.value));
    }
    return texts;
}

/// A device has 32 attributes and capacities at most, so all is said of the first port alone: what
/// is not here (physical state, width of the rate, board, limits) is what `rdma` and `ibv_devinfo`
/// tell people, and nothing to choose a device by.
void describe_port(const RdmaPort& port, knd::DeviceSink& sink) {
    if (port.number > 1) {
        const auto number = std::to_string(port.number);
        sink.attribute("portState" + number, port.state);
        if (!port.guid.empty()) sink.attribute("portGuid" + number, port.guid);
        return;
    }
    sink.attribute("linkLayer", port.link_layer).attribute("portState", port.state);
    if (port.speed_mbps) sink.attribute("speed", *port.speed_mbps);
    if (port.link_layer != "InfiniBand") {
        if (!port.gids.empty()) sink.attribute("gid", port.gids.front().gid);
        return;
    }
    sink.attribute("lid", static_cast<std::int64_t>(port.lid))
        .attribute("smLid", static_cast<std::int64_t>(port.sm_lid));
    if (!port.guid.empty()) sink.attribute("portGuid", port.guid);
    if (const auto pkeys = pkeys_of(port); !pkeys.empty()) sink.attribute("pkeys", pkeys);
}

void describe_facts(const Facts& facts, knd::DeviceSink& sink) {
    if (facts.active_mtu > 0) sink.attribute("activeMtu", facts.active_mtu);
    if (!facts.link_width.empty()) sink.attribute("linkWidth", facts.link_width);
}

/// What keeps a port from working; empty: nothing.
std::string trouble_of(const RdmaPort& port) {
    const auto number = "port " + std::to_string(port.number);
    if (port.link_layer == "InfiniBand" && port.guid.empty()) {
        return number +
               " has no GUID: it is set through the physical function, and the driver of "
               "the virtual function takes it when it is bound again";
    }
    if (port.state == "ACTIVE" || port.state == "ACTIVE_DEFER") return "";
    if (port.state == "INIT" || port.state == "ARMED") {
        return number + " is " + port.state +
               ": the link is up, and no subnet manager has made it active";
    }
    return number + " is " + port.state + " (" + port.phys_state + ")";
}

}  // namespace

knd::Result<Offer> Offer::read(const knd::Params& config) {
    Offer offer;
    KND_TRY_ASSIGN(offer.include_, config.strings("devices"));
    KND_TRY_ASSIGN(offer.exclude_, config.strings("exclude_devices"));
    KND_TRY_ASSIGN(offer.roce_, config.strings("roce"));
    return offer;
}

std::string Offer::withheld(const RdmaDevice& device) const {
    const auto& name = device.name;
    if (!device.pci) return "it is software, which has no PCI function to be known by";
    if (!include_.empty() && !knd::matches_glob(name, include_))
        return "`devices` does not name it";
    if (knd::matches_glob(name, exclude_)) return "`exclude_devices` names it";
    if (!is_roce(device) || knd::matches_glob(name, roce_)) return "";
    return "it is RoCE, which is offered with its network interface by another backend: to offer "
           "it "
           "here, list `" +
           name + "` in `roce`";
}

bool is_roce(const RdmaDevice& device) {
    // A device without a port that speaks anything is none: EFA's say "Unspecified".
    return !device.ports.empty() &&
           std::all_of(device.ports.begin(), device.ports.end(),
                       [](const auto& port) { return port.link_layer == "Ethernet"; });
}

std::string device_name(const RdmaDevice& device) {
    if (!device.pci) return knd::dns_label(device.name);
    const auto& part = device.subfunction;
    return knd::pci_device_name(device.pci->address) + (part.empty() ? "" : "-" + part);
}

std::string hardware_key(const RdmaDevice& device) {
    if (!device.pci) return "knd.dev/rdma/" + device.name;
    const auto& part = device.subfunction;
    return "pci:" + device.pci->address + (part.empty() ? "" : "/" + part);
}

void describe(const RdmaDevice& device, const std::optional<Facts>& facts, bool exclusive,
              const std::string& withheld, knd::DeviceSink& sink) {
    knd::DeviceSink::Device head{.name = device_name(device), .hardware_key = hardware_key(device)};
    // Of RoCE the interface goes along, and the host guards it.
    if (is_roce(device) && device.netdevs.size() == 1) head.netdev = device.netdevs.front();
    head.withheld = withheld;
    sink.device(head)
        .attribute("rdma", true)
        .attribute("rdmaDevice", device.name)
        .attribute("rdmaNamespaces", exclusive ? "exclusive" : "shared")
        .attribute("ports", static_cast<std::int64_t>(device.ports.size()));
    const auto text = [&](const char* name, const std::string& value) {
        if (!value.empty()) sink.attribute(name, std::string(knd::cut_utf8(value, kMaxValue)));
    };
    // Before what is worth less, for devices of two ports and many interfaces.
    if (device.pci) {
        knd::describe_pci(*device.pci, sink);
        text("driver", device.pci->driver);
        sink.attribute("sriov", device.pci->sriov_total_vfs.value_or(0) > 0);
    }
    text("nodeType", device.node_type);
    text("nodeGuid", device.node_guid);
    text("systemGuid", device.system_guid);
    text("firmware", device.firmware);
    text("hcaType", device.hca_type);
    for (const auto& port : device.ports)
        describe_port(port, sink);
    if (!device.netdevs.empty()) text("ifName", device.netdevs.front());
    if (facts) describe_facts(*facts, sink);
}

std::string trouble(const RdmaDevice& device) {
    std::string all;
    for (const auto& port : device.ports) {
        const auto one = trouble_of(port);
        if (one.empty()) return "";
        all.append(all.empty() ? "" : "; ").append(one);
    }
    return all;
}

std::string pkey_text(std::uint16_t pkey) {
    char text[8];
    std::snprintf(text, sizeof text, "0x%04x", pkey);
    return text;
}

}  // namespace rdma
