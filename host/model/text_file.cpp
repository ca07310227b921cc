// SPDX-License-Identifier: Apache-2.0
#include "host/model/text_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include <knd/cpp/fd.hpp>

namespace knd {
namespace {

Result<void> write_all(int fd, std::string_view text, const std::string& path) {
    while (!text.empty()) {
        const auto written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return Error::from_errno("write " + path, errno);
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

}  // namespace

Result<std::string> read_text(int fd, const std::string& name, std::size_t limit) {
    constexpr std::size_t kChunk = 64 * 1024;
    struct stat status {};
    const bool sized = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0;
    // One byte more than there is, to see the end without growing.
    const auto expected = sized ? static_cast<std::size_t>(status.st_size) + 1 : kChunk;
    std::string text(std::min(expected, limit + 1), '\0');
    std::size_t size = 0;
    for (;;) {
        if (size == text.size()) text.resize(size + size / 2);
        const auto got = ::read(fd, text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return Error::from_errno(name, errno);
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
        if (size > limit)
            return Error(Code::kResourceExhausted,
                         name + ": larger than " + std::to_string(limit) + " bytes");
    }
    text.resize(size);
    return text;
}

Result<std::string> read_text_file(const std::string& path, std::size_t limit) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return Error::from_errno(path, errno);
    return read_text(file.get(), path, limit);
}

Result<void> replace_text_file(const std::string& path, std::string_view text, mode_t mode) {
    const auto name = path.rfind('/') + 1;  // 0 when there is no directory
    const auto temporary = path.substr(0, name) + "." + path.substr(name) + ".tmp";
    const Fd file(::open(temporary.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, mode));
    if (!file) return Error::from_errno("create " + temporary, errno);
    auto result = write_all(file.get(), text, temporary);
    if (result && ::rename(temporary.c_str(), path.c_str()) != 0)
        result = Error::from_errno("rename " + temporary + " to " + path, errno);
    if (!result) ::unlink(temporary.c_str());
    return result;
}

}  // namespace knd
