// SPDX-License-Identifier: Apache-2.0
//
// The one file with Boost.DLL. What it does not do by itself: its default mode binds symbols
// lazily, so that a missing one kills the process later; its error_code form loses the linker's
// sentence.
#include "host/plugin/library.hpp"

#include <dlfcn.h>

// Boost 1.74 with the standard filesystem forgets these three.
#include <fstream>
#include <string>
#include <vector>

#define BOOST_DLL_USE_STD_FS
#include <boost/dll/shared_library.hpp>

#include "host/plugin/tables.hpp"

#include <knd/cpp/abi.hpp>

namespace knd::plugin {
namespace {

constexpr auto kMode = static_cast<boost::dll::load_mode::type>(
    static_cast<unsigned>(boost::dll::load_mode::rtld_now) |
    static_cast<unsigned>(boost::dll::load_mode::rtld_local) | RTLD_NODELETE);

/// "libx.so.1: cannot open shared object file: ..." out of Boost's longer text.
std::string linker_text(std::string_view what) {
    constexpr std::string_view kMark = "dlerror system message: ";
    const auto start = what.find(kMark);
    if (start == std::string_view::npos) return std::string(what);
    what.remove_prefix(start + kMark.size());
    // Boost adds "): Bad file descriptor" after the message.
    return std::string(what.substr(0, what.rfind("):")));
}

/// People know the file, not the copy of it.
std::string replaced(std::string text, const std::string& from, const std::string& to) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
        text.replace(at, from.size(), to);
    return text;
}

Error load_error(const std::string& text) {
    std::string_view hint = "cannot be loaded: ";
    if (text.find("undefined symbol") != std::string::npos) {
        hint = "uses a function that nothing on this machine provides: ";
    } else if (text.find("cannot open shared object file") != std::string::npos) {
        hint = "needs a library that is not on this machine: ";
    } else if (text.find("version `") != std::string::npos) {
        hint = "is built against newer libraries than this machine has: ";
    }
    return {Code::kFailedPrecondition, std::string(hint) + text};
}

Result<const knd_entry*> load_entry(const std::string& path, const std::string& loaded_from) {
    try {
        // The handle is closed at the end of this block, and the library stays: RTLD_NODELETE.
        const boost::dll::shared_library library(loaded_from, kMode);
        if (!library.has(KND_ENTRY_SYMBOL)) {
            return Error(Code::kFailedPrecondition,
                         "has no symbol " KND_ENTRY_SYMBOL
                         ", so it is no KND backend, or its build hides the symbol");
        }
        return &library.get<const knd_entry>(KND_ENTRY_SYMBOL);
    } catch (const std::exception& e) {
        return load_error(replaced(linker_text(e.what()), loaded_from, path));
    }
}

}  // namespace

Result<Library> open_library(const std::string& path) {
    return open_library(path, path);
}

Result<Library> open_library(const std::string& path, const std::string& loaded_from) {
    auto entry = load_entry(path, loaded_from);
    if (!entry.ok()) return std::move(entry).error().wrap(path);
    KND_TRY(check_entry(**entry).wrap(path));
    const auto descriptor = copy_in((*entry)->descriptor);
    return Library{.path = path,
                   .entry = *entry,
                   .id = descriptor.id,
                   .version = descriptor.version,
                   .vendor = descriptor.vendor,
                   .concurrent = (descriptor.flags & KND_CONCURRENT) != 0};
}

}  // namespace knd::plugin
