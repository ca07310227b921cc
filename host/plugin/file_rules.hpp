// SPDX-License-Identifier: Apache-2.0
//
// What is checked about a backend's file before anything in it runs. A backend is as privileged as
// the daemon, so whoever can write the file, or put another in its place, owns the node.
//
//   1. TOML names a bare file name; it lies in one configured directory. No search path.
//   2. The file is a regular file. A symbolic link is refused, since its target is named elsewhere.
//   3. File, directory and every parent belong to root or to this process's user, and nobody else
//      may write them. A parent may be writable by all if it is sticky (/tmp), the directory not.
//   4. Its SHA-256 equals the pin, if TOML has one.
//   5. It is an ELF shared object for this machine.
#pragma once

#include <string>
#include <string_view>

#include <knd/cpp/fd.hpp>
#include <knd/cpp/result.hpp>

namespace knd::plugin {

/// The absolute path of `file` in `directory`, after rules 1 to 3.
Result<std::string> checked_path(const std::string& directory, const std::string& file);

/// Rules 2 and 3 for what was opened as `path`.
Result<Fd> open_checked(const std::string& path);

/// Rule 4; both are 64 hexadecimal digits, the pin in either case.
Result<void> check_sha256(const std::string& path, std::string_view found, std::string_view pinned);
/// Of all that can be read from the descriptor, from its beginning.
Result<std::string> sha256_of(int fd, const std::string& path);

/// Rule 5.
Result<void> check_elf(const std::string& path);
Result<void> check_elf(int fd, const std::string& path);

}  // namespace knd::plugin
