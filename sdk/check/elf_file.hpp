// SPDX-License-Identifier: Apache-2.0
//
// ElfFile: what the dynamic linker will see of a shared object, read without loading it. Only the
// program headers are used: a stripped library has no sections worth the name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <knd/cpp/result.hpp>

namespace knd::check {

struct ElfSymbol {
    std::string name;
    bool unique = false;  ///< STB_GNU_UNIQUE
};

struct ElfFile {
    std::vector<ElfSymbol> exported;  ///< defined, global, weak or unique
    std::vector<std::string> needed;  ///< DT_NEEDED
    std::vector<std::string> search;  ///< entries of DT_RPATH and DT_RUNPATH
    bool bind_now = false;
    bool text_relocations = false;
    bool writable_code = false;     ///< a segment that is writable and executable
    bool executable_stack = false;  ///< or no statement about it, which means the same

    /// 64-bit files in this machine's byte order; anything damaged is an error, never a crash.
    static Result<ElfFile> read(const std::string& path);
};

}  // namespace knd::check
