// SPDX-License-Identifier: Apache-2.0
//
// Stream sockets in the file system, for both ends of NRI. Non-blocking and close-on-exec from
// birth, which Boost 1.74 does not offer.
#pragma once

#include <string>

#include <knd/cpp/fd.hpp>
#include <knd/cpp/result.hpp>

namespace knd::nri {

/// Answers at once: a socket whose queue of waiting connections is full is UNAVAILABLE.
Result<Fd> connect_unix(const std::string& path);

/// Replaces a socket that a dead process left behind, but refuses to touch anything else at `path`.
/// The socket is accessible by its owner alone.
Result<Fd> listen_unix(const std::string& path);

/// UNAVAILABLE when nobody waits.
Result<Fd> accept_unix(int listener);

}  // namespace knd::nri
