// SPDX-License-Identifier: Apache-2.0
//
// Paths of unix sockets: what the kernel takes, and what a dead process has left at one.
#pragma once

#include <sys/un.h>

#include <cstddef>
#include <string>

#include <knd/cpp/result.hpp>

namespace knd {

inline constexpr std::size_t kMaxSocketPath = sizeof(sockaddr_un::sun_path) - 1;

/// INVALID_ARGUMENT: the path is not absolute, or longer than the kernel takes.
Result<sockaddr_un> socket_address(const std::string& path);

/// Makes room for a new socket. Removes one that nobody listens on and touches nothing else:
/// FAILED_PRECONDITION: something is there that is no socket. ALREADY_EXISTS: somebody listens.
Result<void> remove_stale_socket(const std::string& path);

}  // namespace knd
