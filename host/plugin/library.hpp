// SPDX-License-Identifier: Apache-2.0
//
// A backend library in this process. It is never unloaded: libraries hold threads, thread-local
// destructors and symbols that the linker keeps anyway.
#pragma once

#include <memory>
#include <string>

#include "host/plugin/private_copy.hpp"

#include <knd/cpp/result.hpp>

#include <knd/knd.h>

namespace knd::plugin {

struct Library {
    std::string path;
    const knd_entry* entry = nullptr;  ///< checked; valid until the process ends
    std::string id;
    std::string version;
    std::string vendor;
    bool concurrent = false;
    std::shared_ptr<PrivateCopy> file = {};  ///< null: loaded from `path` by itself
};

/// dlopen with all symbols bound at once and none of them visible to others, then the entry symbol
/// and its checks. The file has passed file_rules.hpp. The error keeps what the linker said.
Result<Library> open_library(const std::string& path);
/// Loads `loaded_from` and says `path` in errors.
Result<Library> open_library(const std::string& path, const std::string& loaded_from);

}  // namespace knd::plugin
