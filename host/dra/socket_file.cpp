// SPDX-License-Identifier: Apache-2.0
#include "host/dra/socket_file.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "host/model/socket_path.hpp"

namespace knd::dra {
namespace {

constexpr int kBacklog = 128;

/// Short, so that a path that fits under its final name fits under the hidden one too; and the same
/// each time, so that a predecessor's is found.
std::string hidden_name(const std::string& name) {
    std::uint32_t hash = 2166136261u;
    for (const char c : name)
        hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
    char text[16];
    std::snprintf(text, sizeof text, ".%06x", hash & 0xffffffu);
    return text;
}

std::uint64_t inode_of(const std::string& path) {
    struct stat info {};
    return ::lstat(path.c_str(), &info) == 0 ? info.st_ino : 0;
}

}  // namespace

SocketFile::SocketFile(std::string path, std::string hidden)
    : path_(std::move(path)), hidden_(std::move(hidden)) {}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_(std::move(other.path_)),
      hidden_(std::move(other.hidden_)),
      shown_(std::exchange(other.shown_, false)),
      inode_(other.inode_) {
    other.hidden_.clear();
}

SocketFile::~SocketFile() {
    remove();
}

Result<SocketFile> SocketFile::claim(const std::filesystem::path& path) {
    const auto name = path.filename().string();
    const auto hidden = (path.parent_path() / hidden_name(name)).string();
    const auto longest = std::max(path.string().size(), hidden.size());
    if (!path.is_absolute() || name.empty())
        return Error(Code::kInvalidArgument, "socket path " + path.string() + " is not absolute");
    if (longest > kMaxSocketPath)
        return Error(Code::kInvalidArgument,
                     "socket path " + path.string() + " has " + std::to_string(longest) +
                         " bytes, the kernel takes " + std::to_string(kMaxSocketPath) +
                         "; configure a shorter directory or driver name");
    std::error_code failed;
    std::filesystem::create_directories(path.parent_path(), failed);
    if (failed) return Error::from_errno("make " + path.parent_path().string(), failed.value());
    KND_TRY(remove_stale_socket(path.string()));
    KND_TRY(remove_stale_socket(hidden));
    return SocketFile(path.string(), hidden);
}

Result<Fd> SocketFile::listen() {
    KND_TRY_ASSIGN(const auto address, socket_address(hidden_));
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return Error::from_errno("make a unix socket", errno);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return Error::from_errno("bind to " + hidden_, errno);
    inode_ = inode_of(hidden_);
    if (::listen(socket.get(), kBacklog) != 0)
        return Error::from_errno("listen on " + hidden_, errno);
    return socket;
}

Result<> SocketFile::show() {
    // Nobody knows the hidden name, so the mode is right before anybody can connect.
    if (::chmod(hidden_.c_str(), 0600) != 0)
        return Error::from_errno("set the mode of " + hidden_, errno);
    if (::rename(hidden_.c_str(), path_.c_str()) != 0)
        return Error::from_errno("move the socket to " + path_, errno);
    shown_ = true;
    return {};
}

Result<> SocketFile::show_again() {
    if (!shown_) return Error(Code::kFailedPrecondition, path_ + " was not shown before");
    if (::rename(path_.c_str(), hidden_.c_str()) != 0)
        return Error::from_errno("hide the socket " + path_, errno);
    return show();
}

bool SocketFile::in_place() const {
    return shown_ && inode_of(path_) == inode_;
}

void SocketFile::remove() {
    const bool shown = std::exchange(shown_, false);
    const auto& at = shown ? path_ : hidden_;
    if (!at.empty() && inode_ != 0 && inode_of(at) == inode_) ::unlink(at.c_str());
    inode_ = 0;
}

}  // namespace knd::dra
