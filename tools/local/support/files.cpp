// SPDX-License-Identifier: Apache-2.0
#include "tools/local/support/files.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <knd/cpp/fd.hpp>

namespace knd::local {

Result<> write_file(const std::filesystem::path& path, std::string_view content, mode_t mode) {
    const auto temporary = path.string() + ".new";
    const Fd file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (!file) return Error::from_errno("create " + temporary, errno);
    while (!content.empty()) {
        const auto count = write(file.get(), content.data(), content.size());
        if (count < 0) return Error::from_errno("write " + temporary, errno);
        content.remove_prefix(static_cast<std::size_t>(count));
    }
    if (rename(temporary.c_str(), path.c_str()) != 0)
        return Error::from_errno("rename " + temporary, errno);
    return {};
}

std::vector<std::string> json_strings(const Json& list) {
    std::vector<std::string> texts;
    for (const auto& item : list) {
        if (item.is_string()) texts.push_back(item.get<std::string>());
    }
    return texts;
}

std::string random_id(std::size_t digits) {
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string id(digits, '\0');
    // Up to 256 bytes never fail and never come short (getrandom(2)).
    if (getrandom(id.data(), id.size(), 0) < 0) id.assign(digits, '\0');
    for (auto& digit : id)
        digit = kHex[static_cast<unsigned char>(digit) & 15];
    return id;
}

}  // namespace knd::local
