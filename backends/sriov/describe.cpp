// SPDX-License-Identifier: Apache-2.0
#include "backends/sriov/describe.hpp"

#include <algorithm>
#include <variant>

#include "sdk/support/pci_names.hpp"

#include <knd/cpp/abi.hpp>

namespace sriov {
namespace {

using knd::DeviceSink;
using knd::sriov::Function;

constexpr std::size_t kMaxAttributes = 32;  // resource.k8s.io: attributes and capacities
constexpr std::size_t kMaxValue = 64;

/// In order of importance: a device with more than the API takes keeps the first ones.
class Attributes {
  public:
    using Value = std::variant<std::string, std::int64_t, bool>;
    void text(const std::string& name, const std::string& value) {
        if (!value.empty()) add(name, std::string(knd::cut_utf8(value, kMaxValue)));
    }
    void number(const std::string& name, std::int64_t value) { add(name, value); }
    void flag(const std::string& name, bool value) { add(name, value); }
    void write(DeviceSink& sink, std::size_t room) const {
        for (std::size_t i = 0; i < std::min(room, all_.size()); ++i) {
            std::visit([&](const auto& value) { sink.attribute(all_[i].first, value); },
                       all_[i].second);
        }
    }

  private:
    void add(const std::string& name, Value value) {
        const bool there = std::any_of(all_.begin(), all_.end(),
                                       [&](const auto& one) { return one.first == name; });
        if (!there) all_.emplace_back(name, std::move(value));
    }
    std::vector<std::pair<std::string, Value>> all_;
};

std::string hex(std::uint16_t value) {
    char text[8];
    std::snprintf(text, sizeof text, "%04x", value);
    return text;
}

void add_place(const Function& function, const std::string& address, Attributes& attributes) {
    attributes.text("resource.kubernetes.io/pcieRoot", function.pcie_root);
    attributes.text("resource.kubernetes.io/pciBusID", address);
    if (function.numa_node) {
        attributes.number("resource.kubernetes.io/numaNode", *function.numa_node);
        attributes.number("numaNode", *function.numa_node);
    }
    attributes.text("pciAddress", address);
}

void add_card(const Device& device, Attributes& attributes) {
    const auto& card = *device.card;
    attributes.text("pfName", card.name);
    attributes.text("pfPciAddress", card.function.address);
    if (!device.whole()) attributes.number("vfIndex", device.index);
    const bool infiniband = card.function.device_class == 0x020700 ||
                            (card.link && card.link->encapsulation == "infiniband");
    attributes.text("linkType", infiniband ? "infiniband" : "ethernet");
    if (card.speed_mbps) attributes.number("speed", *card.speed_mbps);
    // As dra-driver-sriov calls them.
    attributes.text("PFName", card.name);
    attributes.text("pfDeviceID", hex(card.function.device_id));
    if (!device.whole()) attributes.number("vfID", device.index);
    const auto representor = card.representors.find(device.index);
    if (representor != card.representors.end()) attributes.text("representor", representor->second);
}

void add_function(const Function& function, Attributes& attributes) {
    attributes.text("driver", function.driver);
    attributes.number("vendorId", function.vendor_id);
    attributes.number("deviceId", function.device_id);
    attributes.text("vendor", hex(function.vendor_id));
    attributes.text("deviceID", hex(function.device_id));
    attributes.flag("rdma", !function.rdma_devices.empty());
    attributes.flag("rdmaCapable", !function.rdma_devices.empty());
    if (!function.rdma_devices.empty())
        attributes.text("rdmaDevice", function.rdma_devices.front());
    if (function.iommu_group) attributes.number("iommuGroup", *function.iommu_group);
    if (!function.vdpa_devices.empty()) attributes.text("vdpa", function.vdpa_devices.front());
}

void add_link(const knd::LinkInfo& link, Attributes& attributes) {
    attributes.text("ifName", link.name);
    attributes.text("mac", link.mac);
    attributes.number("mtu", link.mtu);
}

std::string counter_set(const Card& card, std::string_view instance) {
    return std::string(instance) + "-" + device_name(card.function.address, -1);
}

bool has_counter(const Card& card) {
    return card.rule != nullptr && card.rule->whole && card.offered() > 0;
}

}  // namespace

void describe(const Device& device, std::string_view instance, bool vhost_net, DeviceSink& sink) {
    const auto& card = *device.card;
    const bool counted = has_counter(card);
    sink.device({.name = device.name,
                 .hardware_key =
                     device.address.empty() ? "knd.dev/" + device.name : "pci:" + device.address,
                 .netdev = device.link ? device.link->name : "",
                 .withheld = device.withheld,
                 .parent_key =
                     counted && !device.whole() ? "pci:" + card.function.address : std::string()});
    Attributes attributes;
    if (device.pool != nullptr) {
        attributes.text("pool", device.pool->name);
        attributes.text("mode", device.pool->mode == Mode::kNetdev ? "netdev" : "vfio-pci");
        for (const auto& [name, value] : device.pool->attributes)
            attributes.text(name, value);
    }
    attributes.flag("isSriovVf", !device.whole());
    add_place(device.function != nullptr ? *device.function : card.function, device.address,
              attributes);
    add_card(device, attributes);
    if (device.function != nullptr) add_function(*device.function, attributes);
    if (device.link) add_link(*device.link, attributes);
    attributes.flag("vhostNet", vhost_net);
    const bool rated =
        device.pool != nullptr && device.pool->bandwidth && !device.whole() && card.speed_mbps;
    attributes.write(sink, kMaxAttributes - (rated ? 1 : 0));
    if (rated) sink.capacity("bandwidth", std::to_string(*card.speed_mbps) + "M");
    if (counted) {
        sink.consumes(counter_set(card, instance), "vfs",
                      std::to_string(device.whole() ? card.offered() : 1));
    }
}

void describe_counter(const Card& card, std::string_view instance, DeviceSink& sink) {
    if (has_counter(card))
        sink.counter(counter_set(card, instance), "vfs", std::to_string(card.offered()));
}

}  // namespace sriov
