// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/file_rules.hpp"

#include <elf.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <optional>

#include <knd/cpp/fd.hpp>

namespace knd::plugin {
namespace {

/// The machine that this host is compiled for.
constexpr Elf64_Half kMachine =
#if defined(__x86_64__)
    EM_X86_64;
#elif defined(__aarch64__)
    EM_AARCH64;
#elif defined(__riscv)
    EM_RISCV;
#elif defined(__powerpc64__)
    EM_PPC64;
#elif defined(__s390x__)
    EM_S390;
#else
#error "add the ELF machine number of this architecture"
#endif
constexpr unsigned char kByteOrder =
    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;

std::string machine_name(unsigned machine) {
    switch (machine) {
        case EM_X86_64:
            return "x86_64";
        case EM_AARCH64:
            return "aarch64";
        case EM_RISCV:
            return "riscv";
        case EM_PPC64:
            return "ppc64";
        case EM_S390:
            return "s390x";
        case EM_386:
            return "i386";
        case EM_ARM:
            return "arm";
        default:
            return "machine " + std::to_string(machine);
    }
}

/// Why `info` is not safe to trust, or nullopt. `sticky_is_enough`: others may write if they can
/// not replace what they do not own.
std::optional<std::string> untrusted(const struct stat& info, bool sticky_is_enough) {
    if (info.st_uid != 0 && info.st_uid != ::geteuid()) {
        return "belongs to uid " + std::to_string(info.st_uid) + "; make it root's or uid " +
               std::to_string(::geteuid()) + "'s";
    }
    const bool writable = (info.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    if (writable && !(sticky_is_enough && (info.st_mode & S_ISVTX) != 0)) {
        char mode[8];
        std::snprintf(mode, sizeof mode, "%04o", info.st_mode & 07777u);
        return "may be written by others (mode " + std::string(mode) + "); run chmod go-w on it";
    }
    return std::nullopt;
}

Result<std::string> real_directory(const std::string& directory) {
    if (directory.empty() || directory.front() != '/') {
        return Error(Code::kInvalidArgument,
                     "the backend directory `" + directory + "` is not an absolute path");
    }
    const std::unique_ptr<char, decltype(&std::free)> real(::realpath(directory.c_str(), nullptr),
                                                           &std::free);
    if (!real) return Error::from_errno("backend directory " + directory, errno);
    return std::string(real.get());
}

Result<void> check_directories(const std::string& directory) {
    for (std::string path = directory;;) {
        struct stat info {};
        if (::stat(path.c_str(), &info) != 0) return Error::from_errno(path, errno);
        if (!S_ISDIR(info.st_mode)) {
            return Error(Code::kFailedPrecondition, path + " is not a directory");
        }
        if (const auto why = untrusted(info, path != directory)) {
            return Error(Code::kPermissionDenied, "directory " + path + " " + *why);
        }
        if (path == "/") return {};
        path.resize(std::max<std::size_t>(path.rfind('/'), 1));
    }
}

Result<void> check_file(const std::string& path, const struct stat& info) {
    if (S_ISLNK(info.st_mode)) {
        return Error(Code::kPermissionDenied,
                     path + " is a symbolic link; put the file itself into the directory");
    }
    if (!S_ISREG(info.st_mode)) {
        return Error(Code::kPermissionDenied, path + " is not a regular file");
    }
    if (const auto why = untrusted(info, false)) {
        return Error(Code::kPermissionDenied, path + " " + *why);
    }
    return {};
}

Result<void> check_file(const std::string& path) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
        if (errno == ENOENT) return Error(Code::kNotFound, path + " does not exist", ENOENT);
        return Error::from_errno(path, errno);
    }
    return check_file(path, info);
}

Result<Fd> open_file(const std::string& path) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd) return Error::from_errno(path, errno);
    return fd;
}

}  // namespace

Result<std::string> checked_path(const std::string& directory, const std::string& file) {
    if (file.empty() || file == "." || file == ".." || file.find('/') != std::string::npos) {
        return Error(Code::kInvalidArgument,
                     "library `" + file + "` must be a bare file name; it is looked for in " +
                         directory + " and nowhere else");
    }
    KND_TRY_ASSIGN(const auto real, real_directory(directory));
    KND_TRY(check_directories(real));
    auto path = (real == "/" ? "" : real) + "/" + file;
    KND_TRY(check_file(path));
    return path;
}

Result<Fd> open_checked(const std::string& path) {
    // O_NONBLOCK: a FIFO that has come into the file's place must not hold us.
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!fd) return Error::from_errno(path, errno);
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) return Error::from_errno(path, errno);
    KND_TRY(check_file(path, info));
    return fd;
}

Result<std::string> sha256_of(int fd, const std::string& path) {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest(EVP_MD_CTX_new(),
                                                                         &EVP_MD_CTX_free);
    if (!digest || EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr) != 1) {
        return Error(Code::kInternal, "SHA-256 is not available in libcrypto");
    }
    std::array<unsigned char, 65536> buffer;
    for (off_t at = 0;;) {
        const auto got = ::pread(fd, buffer.data(), buffer.size(), at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return Error::from_errno("read " + path, errno);
        if (got == 0) break;
        at += got;
        EVP_DigestUpdate(digest.get(), buffer.data(), static_cast<std::size_t>(got));
    }
    std::array<unsigned char, EVP_MAX_MD_SIZE> sum;
    unsigned size = 0;
    EVP_DigestFinal_ex(digest.get(), sum.data(), &size);
    std::string hex;
    for (unsigned i = 0; i < size; ++i) {
        constexpr std::string_view kDigits = "0123456789abcdef";
        hex += kDigits[sum[i] >> 4];
        hex += kDigits[sum[i] & 15];
    }
    return hex;
}

Result<void> check_sha256(const std::string& path, std::string_view found,
                          std::string_view pinned) {
    const bool same = std::equal(
        found.begin(), found.end(), pinned.begin(), pinned.end(),
        [](char a, char b) { return a == (b >= 'A' && b <= 'F' ? b + ('a' - 'A') : b); });
    if (same) return {};
    return Error(Code::kPermissionDenied, path + " has SHA-256 " + std::string(found) +
                                              ", but the configuration pins " +
                                              std::string(pinned));
}

Result<void> check_elf(const std::string& path) {
    KND_TRY_ASSIGN(const Fd fd, open_file(path));
    return check_elf(fd.get(), path);
}

Result<void> check_elf(int fd, const std::string& path) {
    Elf64_Ehdr header{};
    const auto got = ::pread(fd, &header, sizeof header, 0);
    if (got < 0) return Error::from_errno("read " + path, errno);
    if (got < static_cast<ssize_t>(EI_NIDENT) ||
        std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
        return Error(Code::kFailedPrecondition,
                     path + " is not an ELF file, so it is no shared library");
    }
    const auto refuse = [&](const std::string& what) {
        return Error(Code::kFailedPrecondition, path + " is built for " + what +
                                                    ", this machine is " + machine_name(kMachine));
    };
    if (header.e_ident[EI_CLASS] != ELFCLASS64) {
        // e_machine lies at the same offset in 32-bit files.
        return refuse("a 32-bit machine (" + machine_name(header.e_machine) + ")");
    }
    if (header.e_ident[EI_DATA] != kByteOrder) return refuse("the other byte order");
    if (got < static_cast<ssize_t>(sizeof header)) {
        return Error(Code::kFailedPrecondition,
                     path + " ends within its ELF header; it was not copied completely");
    }
    if (header.e_machine != kMachine) return refuse(machine_name(header.e_machine));
    if (header.e_type != ET_DYN) {
        return Error(Code::kFailedPrecondition, path + " is an ELF file but no shared library");
    }
    return {};
}

}  // namespace knd::plugin
