// SPDX-License-Identifier: Apache-2.0
#include "tools/local/nri_runtime/edits_merge.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace knd::local {
namespace {

bool is_removal(const std::string& key) {
    return !key.empty() && key.front() == '-';
}

}  // namespace

Result<> EditsMerge::own(const std::string& plugin, const std::string& kind,
                         const std::string& key) {
    const auto [owner, inserted] = owners_.emplace(kind + " " + key, plugin);
    if (inserted) return {};
    return Error(Code::kFailedPrecondition, "NRI plugins " + owner->second + " and " + plugin +
                                                " both tried to set " + owner->first);
}

Result<> EditsMerge::add(const std::string& plugin, ContainerEdits edits) {
    // A removal comes first whatever its place in the message.
    for (const auto& device : edits.devices) {
        if (!is_removal(device.path)) continue;
        const auto path = device.path.substr(1);
        std::erase_if(edits_.devices, [&](const DeviceNode& d) { return d.path == path; });
        owners_.erase("device " + path);
    }
    for (const auto& mount : edits.mounts) {
        if (!is_removal(mount.destination)) continue;
        const auto destination = mount.destination.substr(1);
        std::erase_if(edits_.mounts, [&](const Mount& m) { return m.destination == destination; });
        owners_.erase("mount " + destination);
    }
    for (const auto& [key, value] : edits.env) {
        if (!is_removal(key)) continue;
        edits_.env.erase(key.substr(1));
        owners_.erase("variable " + key.substr(1));
    }
    for (auto& device : edits.devices) {
        if (is_removal(device.path)) continue;
        KND_TRY(own(plugin, "device", device.path));
        edits_.devices.push_back(std::move(device));
    }
    for (auto& mount : edits.mounts) {
        if (is_removal(mount.destination)) continue;
        KND_TRY(own(plugin, "mount", mount.destination));
        edits_.mounts.push_back(std::move(mount));
    }
    for (auto& [key, value] : edits.env) {
        if (is_removal(key)) continue;
        KND_TRY(own(plugin, "variable", key));
        edits_.env[key] = std::move(value);
    }
    for (auto& limit : edits.rlimits) {
        KND_TRY(own(plugin, "rlimit", limit.type));
        edits_.rlimits.push_back(std::move(limit));
    }
    for (auto& [file, text] : edits.unified) {
        KND_TRY(own(plugin, "cgroup file", file));
        edits_.unified[file] = std::move(text);
    }
    std::move(edits.create_runtime_hooks.begin(), edits.create_runtime_hooks.end(),
              std::back_inserter(edits_.create_runtime_hooks));
    return {};
}

}  // namespace knd::local
