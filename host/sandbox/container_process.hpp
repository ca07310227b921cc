// SPDX-License-Identifier: Apache-2.0
//
// The one thing that is done to a container itself: ending one that runs without its devices.
#pragma once

#include <string>

#include "host/model/services.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

/// Kills the first process of a container, and so the container. Only when it runs in the network
/// namespace `netns_id`: a number from the runtime may be that of another process by now, or of
/// another pid namespace where the daemon does not see the host's. NOT_FOUND: it has ended.
/// CRI-O (1.34) tells no numbers: then these are all processes there whose cgroup bears the
/// container's id.
Result<void> kill_container(const Container& container, const std::string& netns_id);

}  // namespace knd
