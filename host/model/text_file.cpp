// SPDX-License-Identifier: Apache-2.0
#include "host/model/text_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include <knd/cpp/fd.hpp>

namespace knd {

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

}  // namespace knd
