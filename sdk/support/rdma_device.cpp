// SPDX-License-Identifier: Apache-2.0
#include "sdk/support/rdma_device.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>

namespace knd::sysfs {
namespace {

namespace fs = std::filesystem;

/// More than any table of the kernel has; what is beyond would be a sysfs that lies.
constexpr std::size_t kMaxEntries = 4096;

std::string read_line(const fs::path& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\0'))
        line.pop_back();
    return line;
}

std::vector<std::string> names_in(const fs::path& directory) {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator it(directory, error), end; !error && it != end;
         it.increment(error)) {
        if (names.size() == kMaxEntries) break;
        names.push_back(it->path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

/// The numbers that name the files of a table, in their order.
std::vector<int> numbers_in(const fs::path& directory) {
    std::vector<int> numbers;
    for (const auto& name : names_in(directory)) {
        int number = 0;
        const auto end = name.data() + name.size();
        if (std::from_chars(name.data(), end, number).ptr == end) numbers.push_back(number);
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

std::uint32_t read_hex(const fs::path& path) {
    const auto line = read_line(path);
    std::string_view digits = line;
    if (digits.starts_with("0x")) digits.remove_prefix(2);
    std::uint32_t value = 0;
    const auto end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value, 16);
    return error == std::errc() && stop == end ? value : 0;
}

/// "ACTIVE" of "4: ACTIVE".
std::string word_of(const fs::path& path) {
    auto line = read_line(path);
    const auto colon = line.find(": ");
    return colon == std::string::npos ? line : line.substr(colon + 2);
}

std::vector<Gid> read_gids(const fs::path& port) {
    std::vector<Gid> gids;
    for (const int index : numbers_in(port / "gids")) {
        const auto name = std::to_string(index);
        auto gid = read_line(port / "gids" / name);
        if (is_zero_guid(gid)) continue;
        gids.push_back({index, std::move(gid), read_line(port / "gid_attrs/types" / name),
                        read_line(port / "gid_attrs/ndevs" / name)});
    }
    return gids;
}

std::vector<Pkey> read_pkeys(const fs::path& port) {
    std::vector<Pkey> pkeys;
    for (const int index : numbers_in(port / "pkeys")) {
        const auto value = read_hex(port / "pkeys" / std::to_string(index));
        if (value != 0) pkeys.push_back({index, static_cast<std::uint16_t>(value)});
    }
    return pkeys;
}

RdmaPort read_port(const fs::path& path, int number) {
    RdmaPort port;
    port.number = number;
    port.link_layer = read_line(path / "link_layer");
    port.state = word_of(path / "state");
    port.phys_state = word_of(path / "phys_state");
    port.rate = read_line(path / "rate");
    port.speed_mbps = speed_of_rate(port.rate);
    port.lid = read_hex(path / "lid");
    port.sm_lid = read_hex(path / "sm_lid");
    if (port.link_layer == "InfiniBand") port.guid = guid_of_gid(read_line(path / "gids/0"));
    port.gids = read_gids(path);
    port.pkeys = read_pkeys(path);
    return port;
}

/// The function, and what of it, that a device is a child of.
void read_parent(RdmaDevice& device, const std::string& root) {
    // A subfunction is an auxiliary device below its function.
    fs::path path = device.directory;
    for (int level = 0; level < 3 && path.has_filename(); ++level, path = path.parent_path()) {
        device.pci = read_pci(path.filename().string(), root);
        if (device.pci) return;
        if (const auto number = read_line(path / "sfnum"); !number.empty())
            device.subfunction = "sf" + number;
    }
}

std::optional<RdmaDevice> read_device(const std::string& name, const std::string& root) {
    const auto path = fs::path(root) / "class/infiniband" / name;
    RdmaDevice device;
    device.name = name;
    device.node_guid = read_line(path / "node_guid");
    if (device.node_guid.empty()) return std::nullopt;
    device.system_guid = read_line(path / "sys_image_guid");
    device.node_type = word_of(path / "node_type");
    device.firmware = read_line(path / "fw_ver");
    device.hca_type = read_line(path / "hca_type");
    device.board = read_line(path / "board_id");
    for (const int number : numbers_in(path / "ports"))
        device.ports.push_back(read_port(path / "ports" / std::to_string(number), number));
    std::error_code error;
    const auto parent = fs::canonical(path / "device", error);
    if (error) return device;
    device.directory = parent.string();
    device.netdevs = names_in(parent / "net");
    device.verbs = names_in(parent / "infiniband_verbs");
    device.mad = names_in(parent / "infiniband_mad");
    read_parent(device, root);
    return device;
}

}  // namespace

bool is_zero_guid(std::string_view text) {
    return text.find_first_not_of("0:") == std::string_view::npos;
}

std::string guid_of_gid(std::string_view gid) {
    constexpr std::size_t kGid = 39, kGuid = 19;
    if (gid.size() != kGid) return "";
    const auto guid = gid.substr(kGid - kGuid);
    return is_zero_guid(guid) ? "" : std::string(guid);
}

std::optional<std::int64_t> speed_of_rate(std::string_view rate) {
    const auto unit = rate.find(" Gb/sec");
    if (unit == std::string_view::npos) return std::nullopt;
    // Not a double: 2.5 is the one speed with a fraction, and has one digit of it.
    const auto number = rate.substr(0, unit);
    const auto dot = number.find('.');
    std::int64_t whole = 0, tenth = 0;
    const auto parse = [](std::string_view digits, std::int64_t& value) {
        const auto end = digits.data() + digits.size();
        const auto [stop, error] = std::from_chars(digits.data(), end, value);
        return error == std::errc() && stop == end && value >= 0 && value < 1000000;
    };
    if (!parse(number.substr(0, dot), whole)) return std::nullopt;
    if (dot != std::string_view::npos && !parse(number.substr(dot + 1, 1), tenth))
        return std::nullopt;
    const auto speed = whole * 1000 + tenth * 100;
    return speed > 0 ? std::optional(speed) : std::nullopt;
}

std::vector<RdmaDevice> read_rdma_devices(const std::string& root) {
    std::vector<RdmaDevice> devices;
    for (const auto& name : names_in(fs::path(root) / "class/infiniband")) {
        if (auto device = read_device(name, root)) devices.push_back(*std::move(device));
    }
    return devices;
}

}  // namespace knd::sysfs
