// SPDX-License-Identifier: Apache-2.0
#include "sdk/support/sriov.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>

#include <knd/cpp/fd.hpp>

namespace knd::sriov {
namespace {

constexpr std::uint32_t kNetworkClass = 0x02;

/// A directory whose entries are read by descriptor: a node has thousands of them, and a path that
/// is resolved anew for each costs more than the reading.
class Directory {
  public:
    static std::optional<Directory> open(int at, const std::string& path) {
        Fd fd(::openat(at, path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (!fd) return std::nullopt;
        return Directory(std::move(fd));
    }
    int fd() const { return fd_.get(); }

    std::string text(const char* name) const {
        const Fd file(::openat(fd_.get(), name, O_RDONLY | O_CLOEXEC));
        if (!file) return {};
        char buffer[256];
        const auto size = ::read(file.get(), buffer, sizeof buffer);
        if (size <= 0) return {};
        const std::string_view all(buffer, static_cast<std::size_t>(size));
        return std::string(all.substr(0, all.find_first_of(std::string_view("\n\0", 2))));
    }
    template <class T>
    std::optional<T> number(const char* name) const {
        const auto line = text(name);
        std::string_view digits = line;
        const bool hex = digits.starts_with("0x");
        if (hex) digits.remove_prefix(2);
        T value{};
        const auto* const end = digits.data() + digits.size();
        const auto read = std::from_chars(digits.data(), end, value, hex ? 16 : 10);
        if (digits.empty() || read.ec != std::errc() || read.ptr != end) return std::nullopt;
        return value;
    }
    std::string target(const char* name) const {
        char buffer[1024];
        const auto size = ::readlinkat(fd_.get(), name, buffer, sizeof buffer);
        return size <= 0 ? "" : std::string(buffer, static_cast<std::size_t>(size));
    }
    std::string target_name(const char* name) const {
        const auto path = target(name);
        return path.substr(path.rfind('/') + 1);
    }
    std::vector<std::string> names(const char* path = ".") const {
        std::vector<std::string> found;
        const int fd = ::openat(fd_.get(), path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) return found;
        const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(fd), &::closedir);
        if (!stream) {
            ::close(fd);
            return found;
        }
        while (const auto* entry = ::readdir(stream.get())) {
            if (entry->d_name[0] != '.') found.emplace_back(entry->d_name);
        }
        std::sort(found.begin(), found.end());
        return found;
    }

  private:
    explicit Directory(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
};

/// The component that follows "devices" in where a link of bus/pci/devices leads.
std::string root_in(const std::string& target) {
    constexpr std::string_view kDevices = "devices/";
    const auto at = target.find(kDevices);
    if (at == std::string::npos) return {};
    const auto begin = at + kDevices.size();
    const auto first = target.substr(begin, target.find('/', begin) - begin);
    return first.starts_with("pci") ? first : "";
}

std::optional<int> group_number(const std::string& name) {
    int number = 0;
    const auto* const end = name.data() + name.size();
    if (name.empty() || std::from_chars(name.data(), end, number).ptr != end) return std::nullopt;
    return number;
}

void read_physical(const Directory& directory, Function& function) {
    function.total_vfs = directory.number<int>("sriov_totalvfs").value_or(0);
    if (function.total_vfs <= 0) return;
    function.num_vfs = directory.number<int>("sriov_numvfs").value_or(0);
    function.vf_offset = directory.number<int>("sriov_offset").value_or(0);
    function.vf_stride = directory.number<int>("sriov_stride").value_or(0);
}

/// Nothing when it is no network function, or went away meanwhile.
std::optional<Function> read_one(const Directory& devices, const std::string& address) {
    const auto directory = Directory::open(devices.fd(), address);
    if (!directory) return std::nullopt;
    Function function;
    function.device_class = directory->number<std::uint32_t>("class").value_or(0);
    if (function.device_class >> 16 != kNetworkClass) return std::nullopt;
    const auto vendor = directory->number<std::uint16_t>("vendor");
    const auto device = directory->number<std::uint16_t>("device");
    if (!vendor || !device) return std::nullopt;
    function.address = address;
    function.pcie_root = root_in(devices.target(address.c_str()));
    function.vendor_id = *vendor;
    function.device_id = *device;
    function.subsystem_id = directory->number<std::uint16_t>("subsystem_device").value_or(0);
    function.driver = directory->target_name("driver");
    function.numa_node = directory->number<int>("numa_node");
    if (function.numa_node && *function.numa_node < 0) function.numa_node.reset();
    function.iommu_group = group_number(directory->target_name("iommu_group"));
    function.netdevs = directory->names("net");
    function.rdma_devices = directory->names("infiniband");
    function.physical = directory->target_name("physfn");
    if (function.is_virtual()) return function;
    function.acpi_index = directory->number<std::int64_t>("acpi_index");
    read_physical(*directory, function);
    return function;
}

/// A VF does not know its number; its PF has a link to each.
void number_virtual(const Directory& devices, std::vector<Function>& functions) {
    std::map<std::string, Function*> by_address;
    for (auto& function : functions)
        if (function.is_virtual()) by_address[function.address] = &function;
    for (const auto& physical : functions) {
        if (physical.num_vfs == 0) continue;
        const auto directory = Directory::open(devices.fd(), physical.address);
        if (!directory) continue;
        for (int index = 0; index < physical.num_vfs; ++index) {
            const auto link = "virtfn" + std::to_string(index);
            const auto found = by_address.find(directory->target_name(link.c_str()));
            if (found != by_address.end()) found->second->vf_index = index;
        }
    }
}

/// What stands on functions in other buses: where a link there leads says on which.
void read_dependants(const std::string& root, std::vector<Function>& functions) {
    const auto on = [&](const std::string& target) -> Function* {
        for (auto& function : functions)
            if (target.find("/" + function.address + "/") != std::string::npos) return &function;
        return nullptr;
    };
    if (const auto bus = Directory::open(AT_FDCWD, root + "/bus/vdpa/devices")) {
        for (const auto& name : bus->names())
            if (auto* const function = on(bus->target(name.c_str())))
                function->vdpa_devices.push_back(name);
    }
    if (const auto bus = Directory::open(AT_FDCWD, root + "/bus/auxiliary/devices")) {
        for (const auto& name : bus->names()) {
            const auto number = bus->number<std::uint32_t>((name + "/sfnum").c_str());
            if (!number) continue;
            if (auto* const function = on(bus->target(name.c_str())))
                function->subfunctions.push_back(*number);
        }
    }
}

}  // namespace

bool is_address(const std::string& text) {
    const auto size = text.size();
    if (size < 12 || text[size - 2] != '.' || text[size - 5] != ':' || text[size - 8] != ':')
        return false;
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == ':' || c == '.';
    });
}

Result<std::vector<Function>> read_functions(const std::string& root) {
    const auto path = root + "/bus/pci/devices";
    const auto devices = Directory::open(AT_FDCWD, path);
    std::vector<Function> functions;
    if (!devices) {
        // A machine without PCI has no such functions, and that is no failure.
        if (errno == ENOENT) return functions;
        return Error::from_errno("read " + path, errno);
    }
    for (const auto& address : devices->names())
        if (auto function = read_one(*devices, address)) functions.push_back(*std::move(function));
    number_virtual(*devices, functions);
    read_dependants(root, functions);
    return functions;
}

Result<Function> read_function(const std::string& address, const std::string& root) {
    KND_TRY_ASSIGN(auto functions, read_functions(root));
    for (auto& function : functions)
        if (function.address == address) return std::move(function);
    return Error(Code::kNotFound, "there is no network function " + address);
}

std::string vf_address(const Function& physical, int index) {
    if (!is_address(physical.address) || physical.vf_offset <= 0) return {};
    const auto& own = physical.address;
    const auto bus_at = own.size() - 7;
    const auto part = [&](std::size_t at, std::size_t length) {
        return static_cast<unsigned>(std::stoul(own.substr(at, length), nullptr, 16));
    };
    const auto routing = (part(bus_at, 2) << 8 | part(bus_at + 3, 2) << 3 | part(bus_at + 6, 1)) +
                         static_cast<unsigned>(physical.vf_offset + index * physical.vf_stride);
    if (routing > 0xffff) return {};
    char text[16];
    std::snprintf(text, sizeof text, "%02x:%02x.%x", routing >> 8, routing >> 3 & 0x1f,
                  routing & 7);
    return own.substr(0, bus_at) + text;
}

Result<void> write_attribute(const std::string& path, const std::string& value) {
    const auto what = "write " + (value.empty() ? "nothing" : value) + " to " + path;
    const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file) return Error::from_errno(what, errno);
    const auto line = value + "\n";
    if (::write(file.get(), line.data(), line.size()) < 0) return Error::from_errno(what, errno);
    return {};
}

std::string read_attribute(const std::string& path) {
    const auto slash = path.rfind('/');
    const auto directory = Directory::open(AT_FDCWD, path.substr(0, slash));
    return directory ? directory->text(path.c_str() + slash + 1) : "";
}

}  // namespace knd::sriov
