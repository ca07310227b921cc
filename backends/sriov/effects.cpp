// SPDX-License-Identifier: Apache-2.0
#include "backends/sriov/effects.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>

namespace sriov {
namespace {

using knd::EffectsSink;

std::vector<std::string> names_in(const std::string& directory) {
    std::vector<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end;
         it.increment(error))
        names.push_back(it->path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

/// "PCIDEVICE_PCI_0000_3B_10_1": a name that shells take.
std::string variable_of(const std::string& device) {
    std::string name = "PCIDEVICE_" + device;
    for (auto& c : name) {
        const auto byte = static_cast<unsigned char>(c);
        c = std::isalnum(byte) != 0 ? static_cast<char>(std::toupper(byte)) : '_';
    }
    return name;
}

void add_vfio(const Record& record, EffectsSink& effects) {
    effects.device_node({.path = record.given_node})
        .device_node({.path = "/dev/vfio/vfio"})
        // The whole memory of a guest is locked, whatever its size.
        .rlimit("RLIMIT_MEMLOCK", EffectsSink::kUnlimited, EffectsSink::kUnlimited)
        .env(variable_of(record.device), record.address);
}

/// Numbers of character devices change when drivers are bound anew: they are looked up each time.
void add_rdma(const std::string& address, const std::string& sysfs, EffectsSink& effects) {
    const auto path = sysfs + "/bus/pci/devices/" + address;
    for (const auto& name : names_in(path + "/infiniband"))
        effects.rdma_link(name);
    const auto nodes = names_in(path + "/infiniband_verbs");
    for (const auto& node : nodes)
        effects.device_node({.path = "/dev/infiniband/" + node});
    if (!nodes.empty()) effects.device_node({.path = "/dev/infiniband/rdma_cm"});
}

}  // namespace

void add_effects(const Device& device, const Record& record, const std::string& sysfs,
                 EffectsSink& effects) {
    effects.attribute("pciBusID", device.address)
        .attribute("mode", record.mode == Mode::kNetdev ? "netdev" : "vfio-pci");
    if (!device.card->name.empty()) effects.attribute("pfName", device.card->name);
    if (!device.whole()) effects.attribute("vfIndex", std::to_string(device.index));
    const auto representor = device.card->representors.find(device.index);
    if (representor != device.card->representors.end())
        effects.attribute("representor", representor->second);
    if (record.after.vlan) effects.attribute("vlan", std::to_string(*record.after.vlan));
    effects.state(record.text());
    if (record.mode == Mode::kVfio) {
        add_vfio(record, effects);
        return;
    }
    effects.netdev({record.given_ifindex, record.given_name, record.given_mac});
    if (device.pool == nullptr) return;
    if (device.pool->selector.is_rdma.value_or(false)) add_rdma(device.address, sysfs, effects);
    if (device.pool->vhost_net) {
        effects.device_node({.path = "/dev/vhost-net"}).device_node({.path = "/dev/net/tun"});
    }
}

}  // namespace sriov
