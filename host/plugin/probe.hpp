// SPDX-License-Identifier: Apache-2.0
//
// A library's constructors run inside of dlopen, before anything can be asked of it. So it is
// loaded in a child process first: what would have killed the daemon becomes a sentence.
#pragma once

#include <chrono>
#include <string>

#include <knd/cpp/result.hpp>

namespace knd::plugin {

/// Loads `loaded_from`, which errors call `path`, in a forked child, makes an instance, checks its
/// tables and destroys it. Call while the process has one thread. INTERNAL: it crashed or hung;
/// anything else as open_library.
Result<void> probe_library(const std::string& path, const std::string& loaded_from,
                           std::chrono::milliseconds timeout);

}  // namespace knd::plugin
