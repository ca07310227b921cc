// SPDX-License-Identifier: Apache-2.0
#include "sdk/support/sysfs.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>

namespace knd::sysfs {
namespace {

namespace fs = std::filesystem;

/// The first line of an attribute; empty when it is missing or the driver refuses to answer.
std::string read_line(const fs::path& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\0'))
        line.pop_back();
    return line;
}

template <class T>
std::optional<T> read_number(const fs::path& path, int base = 10) {
    const auto line = read_line(path);
    std::string_view digits = line;
    if (base == 16 && digits.starts_with("0x")) digits.remove_prefix(2);
    T value{};
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (error != std::errc() || digits.empty() || end != digits.data() + digits.size()) {
        return std::nullopt;
    }
    return value;
}

std::string link_name(const fs::path& link) {
    std::error_code error;
    const auto target = fs::read_symlink(link, error);
    return error ? "" : target.filename().string();
}

std::vector<std::string> names_in(const fs::path& directory) {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator it(directory, error), end; !error && it != end;
         it.increment(error)) {
        names.push_back(it->path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

bool is_pci_address(std::string_view text) {
    // dddd:bb:dd.f, the domain may be longer (VMD).
    if (text.size() < 12 || text[text.size() - 2] != '.' || text[text.size() - 5] != ':' ||
        text[text.size() - 8] != ':') {
        return false;
    }
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == ':' || c == '.';
    });
}

/// The component that follows "devices" in a real path: "pci0000:3a".
std::string pcie_root_of(const fs::path& real, const std::string& root) {
    std::error_code error;
    const auto relative = fs::relative(real, fs::path(root) / "devices", error);
    if (error || relative.empty()) return "";
    const auto first = relative.begin()->string();
    return first.starts_with("pci") ? first : "";
}

/// What a netdev's parent device is, as far as PCI is concerned.
struct Parent {
    std::string function;     ///< PCI address; empty when it is no function's own interface
    std::string subfunction;  ///< "sf88"
};

/// Between an interface and its function may be what the function's driver made of it: a virtio
/// device, an auxiliary device. A subfunction is of the latter sort and has a number that its
/// maker chose. Any other bus is something that is plugged in behind the function.
Parent parent_of(fs::path device) {
    Parent parent;
    for (; !device.filename().empty(); device = device.parent_path()) {
        if (const auto name = device.filename().string(); is_pci_address(name)) {
            parent.function = name;
            return parent;
        }
        const auto bus = link_name(device / "subsystem");
        if (bus != "virtio" && bus != "auxiliary") break;
        const auto number = read_number<std::uint32_t>(device / "sfnum");
        if (number) parent.subfunction = "sf" + std::to_string(*number);
    }
    return {};
}

/// The name of an interface among those of its function. Not by how many there are: one that goes
/// into a pod must not change what the others are called.
std::string port_of(const Parent& parent, const fs::path& netdev) {
    auto port = parent.subfunction;
    // The kernel wants dev_port of every driver that makes several interfaces of one function
    // (Documentation/ABI/testing/sysfs-class-net).
    const auto number = read_number<int>(netdev / "dev_port").value_or(0);
    if (number != 0) port += (port.empty() ? "port" : "-port") + std::to_string(number);
    return port;
}

/// RDMA in software (rxe, siw) is no part of a PCI function: it names the interface that it is on.
std::vector<std::string> soft_rdma_devices(const std::string& netdev, const std::string& root) {
    const auto directory = fs::path(root) / "class/infiniband";
    auto names = names_in(directory);
    std::erase_if(names, [&](const std::string& name) {
        return read_line(directory / name / "parent") != netdev;
    });
    return names;
}

}  // namespace

bool is_representor(std::string_view port_name) {
    // Documentation/networking/representors.rst: [c<controller>]pf<n>[vf<n>|sf<n>]
    const auto take = [&](std::string_view letters) {
        if (!port_name.starts_with(letters)) return false;
        const auto end = port_name.find_first_not_of("0123456789", letters.size());
        if (end == letters.size() || port_name.size() == letters.size()) return false;
        port_name.remove_prefix(std::min(end, port_name.size()));
        return true;
    };
    take("c");
    if (!take("pf")) return false;
    return port_name.empty() || ((take("vf") || take("sf")) && port_name.empty());
}

std::string physical_function(const std::string& address, const std::string& root) {
    return link_name(fs::path(root) / "bus/pci/devices" / address / "physfn");
}

std::optional<PciFunction> read_pci(const std::string& address, const std::string& root) {
    std::error_code error;
    const auto real = fs::canonical(fs::path(root) / "bus/pci/devices" / address, error);
    // Where no function's address was asked for, the path leads elsewhere.
    if (error || real.filename() != address) return std::nullopt;
    PciFunction pci;
    pci.address = address;
    pci.pcie_root = pcie_root_of(real, root);
    pci.driver = link_name(real / "driver");
    pci.vendor_id = read_number<std::uint16_t>(real / "vendor", 16).value_or(0);
    pci.device_id = read_number<std::uint16_t>(real / "device", 16).value_or(0);
    pci.subsystem_vendor_id = read_number<std::uint16_t>(real / "subsystem_vendor", 16).value_or(0);
    pci.subsystem_id = read_number<std::uint16_t>(real / "subsystem_device", 16).value_or(0);
    pci.numa_node = read_number<int>(real / "numa_node");
    if (pci.numa_node && *pci.numa_node < 0) pci.numa_node.reset();
    pci.sriov_total_vfs = read_number<int>(real / "sriov_totalvfs");
    pci.sriov_num_vfs = read_number<int>(real / "sriov_numvfs");
    pci.physfn = physical_function(address, root);
    if (const auto group = link_name(real / "iommu_group"); !group.empty()) {
        int number = 0;
        const auto end = group.data() + group.size();
        if (std::from_chars(group.data(), end, number).ptr == end) pci.iommu_group = number;
    }
    pci.rdma_devices = names_in(real / "infiniband");
    return pci;
}

Netdev read_netdev(const std::string& name, const std::string& root) {
    Netdev netdev;
    const auto link = fs::path(root) / "class/net" / name;
    std::error_code error;
    const auto real = fs::canonical(link, error);
    if (error) {
        // Not visible here (another namespace's sysfs): nothing below it to speak of.
        netdev.is_virtual = true;
        return netdev;
    }
    const auto relative = fs::relative(real, fs::path(root) / "devices", error).string();
    netdev.ifindex = read_number<int>(real / "ifindex").value_or(0);
    netdev.is_virtual = relative.starts_with("virtual/");
    netdev.driver = link_name(real / "device/driver");
    const auto device = real.parent_path().parent_path();  // real is DEVICE/net/NAME
    const auto parent = parent_of(device);
    if (!parent.function.empty()) netdev.pci = read_pci(parent.function, root);
    if (netdev.pci) {
        // Those of a subfunction are its own, not its function's.
        netdev.rdma_devices = names_in(device / "infiniband");
        const auto port_name = read_line(real / "phys_port_name");
        netdev.representor = is_representor(port_name);
        netdev.port = netdev.representor ? port_name : port_of(parent, real);
    }
    for (auto& soft : soft_rdma_devices(name, root))
        netdev.rdma_devices.push_back(std::move(soft));
    netdev.speed_mbps = read_number<std::int64_t>(real / "speed");
    if (netdev.speed_mbps && *netdev.speed_mbps <= 0) netdev.speed_mbps.reset();
    return netdev;
}

}  // namespace knd::sysfs
