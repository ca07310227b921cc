// SPDX-License-Identifier: Apache-2.0
#include "host/nri/unix_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>

#include "host/model/socket_path.hpp"

namespace knd::nri {
namespace {

Result<Fd> new_socket() {
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return Error::from_errno("create a unix socket", errno);
    return fd;
}

int connect_to(const Fd& fd, const sockaddr_un& address) {
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    return ::connect(fd.get(), generic, sizeof address) == 0 ? 0 : errno;
}

}  // namespace

Result<Fd> connect_unix(const std::string& path) {
    KND_TRY_ASSIGN(const sockaddr_un address, socket_address(path));
    KND_TRY_ASSIGN(Fd fd, new_socket());
    if (const int error = connect_to(fd, address); error != 0)
        return Error::from_errno("connect to " + path, error);
    return fd;
}

Result<Fd> listen_unix(const std::string& path) {
    KND_TRY_ASSIGN(const sockaddr_un address, socket_address(path));
    KND_TRY(remove_stale_socket(path));
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
