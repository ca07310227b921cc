// SPDX-License-Identifier: Apache-2.0
//
// The one thing that is done to a container itself: ending one that runs without its devices.
#pragma once

#include <sys/types.h>

#include <string>

#include <knd/cpp/result.hpp>

namespace knd {

/// Kills `pid`, the first process of a container, and so the container. Only when it runs in the
/// network namespace `netns_id`: a number from the runtime may be that of another process by now,
/// or of another pid namespace where the daemon does not see the host's. NOT_FOUND: it has ended.
Result<void> kill_container(pid_t pid, const std::string& netns_id);

}  // namespace knd
