// SPDX-License-Identifier: Apache-2.0
#include "host/claims/device_nodes.hpp"

#include <fnmatch.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string_view>

namespace knd {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSysfs = "/sys/";

/// "infiniband/uverbs3" out of the uevent of a device.
std::string devname(const fs::path& device) {
    constexpr std::string_view kKey = "DEVNAME=";
    std::ifstream file(device / "uevent");
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(kKey)) return line.substr(kKey.size());
    }
    return "";
}

Result<DeviceNode> node_at(const NodeEffect& effect, const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return Error::from_errno("device node " + path, errno);
    if (!S_ISCHR(info.st_mode) && !S_ISBLK(info.st_mode))
        return Error(Code::kFailedPrecondition, path + " is not a device node");
    DeviceNode node;
    node.path = effect.container_path.empty() ? path : effect.container_path;
    node.type = S_ISCHR(info.st_mode) ? 'c' : 'b';
    node.major = major(info.st_rdev);
    node.minor = minor(info.st_rdev);
    node.mode = effect.mode;
    node.uid = effect.uid >= 0 ? static_cast<std::uint32_t>(effect.uid) : info.st_uid;
    node.gid = effect.gid >= 0 ? static_cast<std::uint32_t>(effect.gid) : info.st_gid;
    node.access = effect.access;
    return node;
}

std::vector<fs::path> matches(const fs::path& pattern) {
    std::vector<fs::path> found;
    std::error_code error;
    const auto wanted = pattern.filename().string();
    for (fs::directory_iterator it(pattern.parent_path(), error), end; !error && it != end;
         it.increment(error)) {
        if (::fnmatch(wanted.c_str(), it->path().filename().c_str(), 0) == 0)
            found.push_back(it->path());
    }
    std::sort(found.begin(), found.end());
    return found;
}

}  // namespace

Result<std::vector<DeviceNode>> find_nodes(const NodeEffect& effect) {
    std::vector<DeviceNode> nodes;
    if (!effect.path.starts_with(kSysfs)) {
        KND_TRY_ASSIGN(auto node, node_at(effect, effect.path));
        nodes.push_back(std::move(node));
        return nodes;
    }
    for (const auto& device : matches(effect.path)) {
        const auto name = devname(device);
        if (name.empty()) continue;
        KND_TRY_ASSIGN(auto node, node_at(effect, "/dev/" + name));
        nodes.push_back(std::move(node));
    }
    if (nodes.empty())
        return Error(Code::kNotFound, "no device node belongs to " + effect.path +
                                          ": the device is gone, or the module that makes its "
                                          "nodes is not loaded");
    return nodes;
}

}  // namespace knd
