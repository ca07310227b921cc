// SPDX-License-Identifier: Apache-2.0
#include "host/claims/container_edits.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "host/claims/device_nodes.hpp"

#include <knd/cpp/fd.hpp>

namespace knd {
namespace {

/// cgroup v2; one write sets the limits of one device.
constexpr const char* kRdmaMax = "rdma.max";

/// The source belongs to whom the backend said, whatever made it anew since.
Result<void> give_owner(const MountEffect& effect) {
    if (effect.uid < 0 && effect.gid < 0) return {};
    const auto what = "owner of " + effect.mount.source;
    // A link would give away what somebody else put behind it.
    const Fd source(::open(effect.mount.source.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat info {};
    if (!source || ::fstat(source.get(), &info) != 0) return Error::from_errno(what, errno);
    if (S_ISLNK(info.st_mode))
        return Error(Code::kFailedPrecondition, effect.mount.source + " is a symbolic link");
    const auto uid = effect.uid < 0 ? info.st_uid : static_cast<uid_t>(effect.uid);
    const auto gid = effect.gid < 0 ? info.st_gid : static_cast<gid_t>(effect.gid);
    if (info.st_uid == uid && info.st_gid == gid) return {};
    if (::fchownat(source.get(), "", uid, gid, AT_EMPTY_PATH) != 0)
        return Error::from_errno(what, errno);
    return {};
}

Result<void> add_mount(const MountEffect& effect, ContainerEdits& edits) {
    KND_TRY(give_owner(effect));
    const auto& mount = effect.mount;
    for (const auto& other : edits.mounts) {
        if (other == mount) return {};
        if (other.destination == mount.destination)
            return Error(Code::kFailedPrecondition, "two devices want different things at " +
                                                        mount.destination + ": " + other.source +
                                                        " and " + mount.source);
    }
    edits.mounts.push_back(mount);
    return {};
}

void add_rlimit(const Rlimit& limit, ContainerEdits& edits) {
    for (auto& other : edits.rlimits) {
        if (other.type != limit.type) continue;
        other.soft = std::max(other.soft, limit.soft);
        other.hard = std::max(other.hard, limit.hard);
        return;
    }
    edits.rlimits.push_back(limit);
}

Result<void> add_rdma_limit(const RdmaLimit& limit, ContainerEdits& edits) {
    const auto amount = [](std::int64_t value) {
        return value < 0 ? std::string("max") : std::to_string(value);
    };
    const auto text = limit.device + " hca_handle=" + amount(limit.hca_handles) +
                      " hca_object=" + amount(limit.hca_objects);
    const auto [other, is_new] = edits.unified.emplace(kRdmaMax, text);
    if (is_new || other->second == text) return {};
    return Error(Code::kFailedPrecondition,
                 "limits of two RDMA devices in one container (" + other->second + "; " + text +
                     "): the kernel takes one per write, and container runtimes write once");
}

}  // namespace

Result<void> add_effects(const Effects& effects, ContainerEdits& edits) {
    for (const auto& effect : effects.nodes) {
        KND_TRY_ASSIGN(auto nodes, find_nodes(effect));
        for (auto& node : nodes) {
            const auto same = [&](const DeviceNode& other) { return other.path == node.path; };
            if (std::none_of(edits.devices.begin(), edits.devices.end(), same))
                edits.devices.push_back(std::move(node));
        }
    }
    for (const auto& mount : effects.mounts)
        KND_TRY(add_mount(mount, edits));
    for (const auto& [name, value] : effects.env)
        edits.env[name] = value;
    for (const auto& limit : effects.rlimits)
        add_rlimit(limit, edits);
    for (const auto& limit : effects.rdma_limits)
        KND_TRY(add_rdma_limit(limit, edits));
    return {};
}

}  // namespace knd
