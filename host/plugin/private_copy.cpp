// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/private_copy.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>
#include <vector>

#include "host/plugin/file_rules.hpp"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U  // Linux 6.3
#endif

namespace knd::plugin {
namespace {

FileVersion version_of(const struct stat& info) {
    return {info.st_dev, info.st_ino, info.st_size,
            std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec};
}

Result<Fd> make_memory(const std::string& path) {
    const auto name = path.substr(path.rfind('/') + 1);
    const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    Fd memory(::memfd_create(name.c_str(), flags));
    // vm.memfd_noexec = 2 wants it said that nobody will execve() it. It can be mapped all the
    // same.
    if (!memory && errno == EACCES)
        memory = Fd(::memfd_create(name.c_str(), flags | MFD_NOEXEC_SEAL));
    if (!memory) return Error::from_errno("memory for a copy of " + path, errno);
    return memory;
}

Result<void> copy_all(int from, int to, const std::string& path) {
    char buffer[65536];
    for (;;) {
        const auto got = ::read(from, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return Error::from_errno("read " + path, errno);
        if (got == 0) return {};
        for (ssize_t done = 0; done < got;) {
            const auto put = ::write(to, buffer + done, static_cast<std::size_t>(got - done));
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) return Error::from_errno("copy " + path + " into memory", errno);
            done += put;
        }
    }
}

/// In whatever section: this is about who could look for other libraries by it.
Result<bool> names_its_origin(int fd, const std::string& path) {
    struct stat info {};
    if (::fstat(fd, &info) != 0) return Error::from_errno("look at the copy of " + path, errno);
    if (info.st_size == 0) return false;
    const auto size = static_cast<std::size_t>(info.st_size);
    void* memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (memory == MAP_FAILED) return Error::from_errno("map the copy of " + path, errno);
    const std::string_view bytes(static_cast<const char*>(memory), size);
    const bool found = bytes.find("$ORIGIN") != std::string_view::npos ||
                       bytes.find("${ORIGIN}") != std::string_view::npos;
    ::munmap(memory, size);
    return found;
}

}  // namespace

Result<PrivateCopy> copy_library(const std::string& path) {
    KND_TRY_ASSIGN(const Fd file, open_checked(path));
    struct stat info {};
    if (::fstat(file.get(), &info) != 0) return Error::from_errno(path, errno);
    KND_TRY_ASSIGN(auto memory, make_memory(path));
    KND_TRY(copy_all(file.get(), memory.get(), path));
    constexpr int kSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    if (::fcntl(memory.get(), F_ADD_SEALS, kSeals) != 0)
        return Error::from_errno("seal the copy of " + path, errno);
    KND_TRY_ASSIGN(auto sha256, sha256_of(memory.get(), path));
    KND_TRY_ASSIGN(const bool own_file, names_its_origin(memory.get(), path));
    // By process id rather than "self": debuggers open it, too.
    auto loaded_from =
        own_file ? path
                 : "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(memory.get());
    return PrivateCopy{path,
                       std::move(loaded_from),
                       std::make_shared<const Fd>(std::move(memory)),
                       std::move(sha256),
                       version_of(info),
                       {},
                       ""};
}

void keep_open(const PrivateCopy& copied) {
    static std::vector<std::shared_ptr<const Fd>> kept;
    kept.push_back(copied.copy);
}

std::string what_became_of(PrivateCopy& copied) {
    struct stat info {};
    if (::stat(copied.path.c_str(), &info) != 0) {
        if (errno != ENOENT) return "";
        return "the file was removed after it was loaded; put it back, or this backend is gone "
               "with the next start of kndd";
    }
    const auto now = version_of(info);
    if (now == copied.version) return "";
    if (now == copied.seen) return copied.became;
    const Fd file(::open(copied.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    const auto sum = file ? sha256_of(file.get(), copied.path) : Result<std::string>("");
    copied.seen = now;
    // Else it was touched, or installed once more.
    copied.became = sum && *sum == copied.sha256
                        ? ""
                        : "the file was replaced after it was loaded; restart kndd to use it";
    return copied.became;
}

}  // namespace knd::plugin
