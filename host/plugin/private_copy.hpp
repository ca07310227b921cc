// SPDX-License-Identifier: Apache-2.0
//
// PrivateCopy: the bytes of a library as they were when they were judged.
//
// A library is mapped from its file for as long as the process lives. Whoever writes over that file
// changes running code, and whoever makes it shorter kills the process. So the file is copied into
// memory that nobody can write any more, and that is what is judged, tried in the child process and
// mapped: what was pinned is what runs.
//
// What is lost: `$ORIGIN` would be the copy's directory, so a library that names it is mapped from
// its own file after all. dladdr() names the copy; perf, which goes by the name of the mapping
// ("/memfd:knd-x.so"), does not find symbols. gdb and sanitizers do while the process lives: the
// copy is loaded by a path that others can open.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include <knd/cpp/fd.hpp>
#include <knd/cpp/result.hpp>

namespace knd::plugin {

/// Tells whether a file is still the same without reading it.
struct FileVersion {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t modified_ns = 0;
    bool operator==(const FileVersion&) const = default;
};

struct PrivateCopy {
    std::string path;                ///< of the file
    std::string loaded_from;         ///< for the linker: of the copy, or of the file
    std::shared_ptr<const Fd> copy;  ///< shared by whoever keeps the library
    std::string sha256;              ///< 64 lower-case digits
    FileVersion version;
    /// What was found when it was last read again.
    FileVersion seen{};
    std::string became;
};

/// Copies a file that has passed checked_path(), and applies its rules about the file itself once
/// more, to what was opened.
Result<PrivateCopy> copy_library(const std::string& path);

/// Before the copy is mapped: the linker knows a library by the path that it was loaded by, for as
/// long as the process lives. Closed, the descriptor's number would become another library's, and
/// the linker would answer with the first one.
void keep_open(const PrivateCopy& copied);

/// Why the file is not any more what `copied` was made of; empty: it is. Reads it only when it
/// looks different than ever before.
std::string what_became_of(PrivateCopy& copied);

}  // namespace knd::plugin
