// SPDX-License-Identifier: Apache-2.0
#include "host/claims/container_edits.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>

namespace knd {
namespace {

Result<DeviceNode> look_up(const NodeEffect& effect) {
    struct stat info {};
    if (::stat(effect.path.c_str(), &info) != 0)
        return Error::from_errno("device node " + effect.path, errno);
    if (!S_ISCHR(info.st_mode) && !S_ISBLK(info.st_mode))
        return Error(Code::kFailedPrecondition, effect.path + " is not a device node");
    return DeviceNode{effect.path, S_ISCHR(info.st_mode) ? 'c' : 'b', major(info.st_rdev),
                      minor(info.st_rdev), effect.mode};
}

}  // namespace

Result<void> add_effects(const Effects& effects, ContainerEdits& edits) {
    for (const auto& effect : effects.nodes) {
        KND_TRY_ASSIGN(auto node, look_up(effect));
        const auto same = [&](const DeviceNode& other) { return other.path == node.path; };
        if (std::none_of(edits.devices.begin(), edits.devices.end(), same))
            edits.devices.push_back(std::move(node));
    }
    for (const auto& mount : effects.mounts)
        if (std::find(edits.mounts.begin(), edits.mounts.end(), mount) == edits.mounts.end())
            edits.mounts.push_back(mount);
    for (const auto& [name, value] : effects.env)
        edits.env[name] = value;
    return {};
}

}  // namespace knd
