// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <vector>

#include "host/model/pod.hpp"

#include <knd/cpp/result.hpp>

namespace knd::local {

/// Sets the limits of a process, 0 for the caller. INVALID_ARGUMENT names a limit that there is
/// none of in this kernel.
Result<> set_rlimits(pid_t pid, const std::vector<Rlimit>& limits);

}  // namespace knd::local
