// SPDX-License-Identifier: Apache-2.0
#include "host/model/socket_path.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <knd/cpp/fd.hpp>

namespace knd {
namespace {

Result<bool> somebody_listens(const sockaddr_un& address) {
    const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!probe) return Error::from_errno("create a unix socket", errno);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    // EAGAIN: it listens and its queue is full.
    return ::connect(probe.get(), generic, sizeof address) == 0 || errno == EAGAIN;
}

}  // namespace

Result<sockaddr_un> socket_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.front() != '/' || path.find('\0') != std::string::npos)
        return Error(Code::kInvalidArgument, "socket path '" + path + "' is not absolute");
    if (path.size() > kMaxSocketPath)
        return Error(Code::kInvalidArgument,
                     "socket path " + path + " has " + std::to_string(path.size()) +
                         " bytes, the kernel takes " + std::to_string(kMaxSocketPath));
    path.copy(address.sun_path, kMaxSocketPath);
    return address;
}

Result<void> remove_stale_socket(const std::string& path) {
    KND_TRY_ASSIGN(const auto address, socket_address(path));
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
        if (errno == ENOENT) return {};
        return Error::from_errno("look at " + path, errno);
    }
    if (!S_ISSOCK(info.st_mode))
        return Error(Code::kFailedPrecondition,
                     path + " exists and is not a socket; remove it or choose another path");
    KND_TRY_ASSIGN(const bool served, somebody_listens(address));
    if (served)
        return Error(Code::kAlreadyExists, path + " is served by another process; stop that first");
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        return Error::from_errno("remove the stale socket " + path, errno);
    return {};
}

}  // namespace knd
