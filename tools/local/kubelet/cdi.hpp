// SPDX-License-Identifier: Apache-2.0
//
// The Container Device Interface as a container runtime reads it: JSON files in the CDI directories
// say what a device name like "knd.dev/claim=UID" adds to a container.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "host/model/pod.hpp"

#include <knd/cpp/result.hpp>

namespace knd::local {

/// What the devices add, in the order of `ids`; an id that comes twice counts once. Directories are
/// read anew at each call, later ones win. A file that cannot be understood is left out with a
/// warning, as it may be another vendor's. Error, in containerd's words: `unresolvable CDI devices
/// A, B`; two files of one directory with the same device make it unresolvable.
Result<ContainerEdits> resolve_cdi(const std::vector<std::filesystem::path>& directories,
                                   const std::vector<std::string>& ids);

}  // namespace knd::local
