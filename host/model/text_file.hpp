// SPDX-License-Identifier: Apache-2.0
//
// Reads and writes files as a whole.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

#include <knd/cpp/result.hpp>

namespace knd {

/// Large enough for every configuration and every cluster, small enough for memory.
constexpr std::size_t kMaxTextFile = std::size_t{1} << 30;

/// An error begins with the path, also of a file larger than `limit`.
Result<std::string> read_text_file(const std::string& path, std::size_t limit = kMaxTextFile);

/// The same from a descriptor to its end; `name` is for errors.
Result<std::string> read_text(int fd, const std::string& name, std::size_t limit = kMaxTextFile);

/// Readers see the old content or the new one, never half of it: it is written beside the file, as
/// ".NAME.tmp", and renamed. Nothing is flushed to the disk.
Result<void> replace_text_file(const std::string& path, std::string_view text, mode_t mode = 0644);

}  // namespace knd
