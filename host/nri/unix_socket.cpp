// SPDX-License-Identifier: Apache-2.0
#include "host/nri/unix_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace knd::nri {
namespace {

Result<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.front() != '/' || path.find('\0') != std::string::npos)
        return Error(Code::kInvalidArgument, "socket path '" + path + "' is not absolute");
    if (path.size() >= sizeof address.sun_path)
        return Error(Code::kInvalidArgument, "socket path " + path + " is longer than the " +
                                                 std::to_string(sizeof address.sun_path - 1) +
                                                 " bytes the kernel allows");
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

Result<Fd> new_socket() {
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return Error::from_errno("create a unix socket", errno);
    return fd;
}

int connect_to(const Fd& fd, const sockaddr_un& address) {
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    return ::connect(fd.get(), generic, sizeof address) == 0 ? 0 : errno;
}

/// Makes room for a new socket at `path`.
Result<> remove_stale(const std::string& path, const sockaddr_un& address) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
        if (errno == ENOENT) return {};
        return Error::from_errno("look at " + path, errno);
    }
    if (!S_ISSOCK(info.st_mode))
        return Error(Code::kAlreadyExists, path + " exists and is not a socket: remove it");
    KND_TRY_ASSIGN(Fd probe, new_socket());
    const int error = connect_to(probe, address);
    if (error == 0 || error == EAGAIN)
        return Error(Code::kAlreadyExists, path + " is in use by another process: stop it first");
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        return Error::from_errno("remove the stale socket " + path, errno);
    return {};
}

}  // namespace

Result<Fd> connect_unix(const std::string& path) {
    KND_TRY_ASSIGN(const sockaddr_un address, address_of(path));
    KND_TRY_ASSIGN(Fd fd, new_socket());
    if (const int error = connect_to(fd, address); error != 0)
        return Error::from_errno("connect to " + path, error);
    return fd;
}

Result<Fd> listen_unix(const std::string& path) {
    KND_TRY_ASSIGN(const sockaddr_un address, address_of(path));
    KND_TRY(remove_stale(path, address));
    KND_TRY_ASSIGN(Fd fd, new_socket());
    // The mode of the socket file is that of the socket itself: no moment with a wider one.
    if (::fchmod(fd.get(), 0600) != 0) return Error::from_errno("set the mode of " + path, errno);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (::bind(fd.get(), generic, sizeof address) != 0)
        return Error::from_errno("bind " + path, errno);
    if (::listen(fd.get(), SOMAXCONN) != 0) return Error::from_errno("listen on " + path, errno);
    return fd;
}

Result<Fd> accept_unix(int listener) {
    Fd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) return Error::from_errno("accept a connection", errno);
    return fd;
}

}  // namespace knd::nri
