// SPDX-License-Identifier: Apache-2.0
//
// Device nodes of effects, as they are when a container is made.
#pragma once

#include <vector>

#include "host/model/binding.hpp"
#include "host/model/pod.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

/// The node at the effect's path. A path below /sys names devices instead, the last part perhaps by
/// a pattern ("/sys/devices/.../0000:3b:00.0/infiniband_verbs/uverbs*"): what the kernel calls them
/// now, each at the place in /dev that their uevent names. NOT_FOUND: there is none.
Result<std::vector<DeviceNode>> find_nodes(const NodeEffect& effect);

}  // namespace knd
