// SPDX-License-Identifier: Apache-2.0
//
// Tests of the file, before anything in it runs, and of loading it.
#include <array>
#include <chrono>

#include "host/plugin/file_rules.hpp"
#include "host/plugin/library.hpp"
#include "sdk/check/check.hpp"
#include "sdk/check/elf_file.hpp"
#include "sdk/check/process.hpp"

namespace knd::check {
namespace {

std::string join(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words)
        text += (text.empty() ? "" : ", ") + word;
    return text;
}

/// Runs `judge` on the file, or says why it cannot be read.
template <class Judge>
auto on_file(Judge judge) {
    return [judge](const Target& target) -> Outcome {
        if (auto elf = plugin::check_elf(target.path); !elf.ok()) {
            return fail(elf.error().message());
        }
        const auto file = ElfFile::read(target.path);
        if (!file.ok()) return fail(file.error().message());
        return judge(*file);
    };
}

Outcome exports_one_symbol(const ElfFile& file) {
    bool entry = false;
    std::vector<std::string> others;
    for (const auto& symbol : file.exported) {
        if (symbol.name == KND_ENTRY_SYMBOL) {
            entry = true;
        } else {
            others.push_back(symbol.name);
        }
    }
    if (!entry) return fail("does not export " KND_ENTRY_SYMBOL);
    if (others.empty()) return pass();
    const auto count = others.size();
    others.resize(std::min<std::size_t>(count, 5));
    return fail("exports " + std::to_string(count) + " symbols besides " KND_ENTRY_SYMBOL ": " +
                join(others) + "; link with the version script of the SDK");
}

Outcome has_no_unique_symbols(const ElfFile& file) {
    for (const auto& symbol : file.exported) {
        if (symbol.unique) {
            return fail("symbol " + symbol.name +
                        " is GNU_UNIQUE: all backends would share one; compile with "
                        "-fvisibility=hidden -fvisibility-inlines-hidden");
        }
    }
    return pass();
}

Outcome has_safe_segments(const ElfFile& file) {
    if (file.text_relocations) return fail("has text relocations; compile with -fPIC");
    if (file.writable_code) return fail("has a segment that is writable and executable");
    if (file.executable_stack) {
        return fail("makes the stack of every thread executable; link with -z noexecstack");
    }
    return pass();
}

Outcome binds_at_load(const ElfFile& file) {
    return file.bind_now ? pass() : warn("binds symbols lazily; link with -z now");
}

Outcome needs_no_troublemakers(const ElfFile& file) {
    // Two copies of one message type in a process abort it; the others own the process.
    constexpr std::array<std::string_view, 5> kDenied = {"libprotobuf", "libgrpc", "libasan",
                                                         "libtcmalloc", "libjemalloc"};
    for (const auto& library : file.needed) {
        for (const auto denied : kDenied) {
            if (library.starts_with(denied)) {
                return fail("needs " + library + ", which cannot be in a process twice");
            }
        }
    }
    return pass();
}

Outcome searches_safe_paths(const ElfFile& file) {
    for (const auto& path : file.search) {
        if (path.starts_with('/') || path.starts_with("$ORIGIN")) continue;
        return fail("looks for libraries in `" + path + "`, relative to whoever loads it");
    }
    return pass();
}

Outcome loads(const Target& target) {
    const auto library = plugin::open_library(target.path);
    return library.ok() ? pass() : fail(library.error().message());
}

Outcome loads_fast(const Target& target) {
    const auto began = std::chrono::steady_clock::now();
    if (auto library = plugin::open_library(target.path); !library.ok()) return skip("not loaded");
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - began);
    if (took < std::chrono::milliseconds(50)) return pass();
    return warn("takes " + std::to_string(took.count()) + " ms to load");
}

Outcome starts_no_threads(const Target& target) {
    const auto before = thread_count();
    if (auto library = plugin::open_library(target.path); !library.ok()) return skip("not loaded");
    const auto started = thread_count() - before;
    if (started == 0) return pass();
    return fail("its constructors start " + std::to_string(started) + " threads");
}

}  // namespace

std::vector<Test> elf_tests() {
    return {
        {"KND-V1", "exports-one-symbol", false, on_file(exports_one_symbol)},
        {"KND-L2", "no-unique-symbols", false, on_file(has_no_unique_symbols)},
        {"KND-L2", "safe-segments", false, on_file(has_safe_segments)},
        {"KND-L2", "binds-at-load", false, on_file(binds_at_load)},
        {"KND-L2", "no-troublemakers", false, on_file(needs_no_troublemakers)},
        {"KND-L1", "safe-search-paths", false, on_file(searches_safe_paths)},
    };
}

std::vector<Test> load_tests() {
    return {
        {"KND-L2", "loads", false, loads},
        {"KND-L3", "loads-fast", false, loads_fast},
        {"KND-T4", "constructors-start-no-threads", false, starts_no_threads},
    };
}

}  // namespace knd::check
