// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <vector>

#include "host/model/pod.hpp"

#include <knd/cpp/result.hpp>

namespace knd::local {

/// Becomes what a container sees of files: this machine's root under a layer in memory, a /dev that
/// holds the usual devices and `devices`, and `mounts` where they belong. For a process in a mount
/// namespace of its own (exec_in makes it), which it leaves behind when it ends; nothing is written
/// to this machine's own files. /proc and /sys are those around; of other file systems that are
/// mounted here only /usr and /opt are there. Needs root and overlayfs.
Result<> enter_container_root(const std::vector<DeviceNode>& devices,
                              const std::vector<Mount>& mounts);

}  // namespace knd::local
