// SPDX-License-Identifier: Apache-2.0
#include "sdk/check/process.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace knd::check {

namespace fs = std::filesystem;

long thread_count() {
    std::error_code ec;
    return std::distance(fs::directory_iterator("/proc/self/task", ec), fs::directory_iterator());
}

std::vector<std::string> open_descriptors() {
    std::vector<std::string> open;
    std::error_code ec;
    for (const auto& entry : fs::directory_iterator("/proc/self/fd", ec)) {
        std::error_code gone;
        const auto target = fs::read_symlink(entry.path(), gone);
        // The descriptor of this very iteration points to the directory.
        if (gone || target.string().find("/proc/") == 0) continue;
        open.push_back(entry.path().filename().string() + " -> " + target.string());
    }
    std::sort(open.begin(), open.end());
    return open;
}

long resident_kib() {
    long pages = 0;
    long resident = 0;
    std::ifstream("/proc/self/statm") >> pages >> resident;
    return resident * (::sysconf(_SC_PAGESIZE) / 1024);
}

}  // namespace knd::check
