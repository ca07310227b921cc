// SPDX-License-Identifier: Apache-2.0
#include "host/dra/listener.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "host/model/log.hpp"

namespace knd::dra {
namespace {

constexpr std::chrono::milliseconds kAgain{500};  ///< after an accept that failed

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(boost::asio::io_context& io,
                                                 const std::filesystem::path& path,
                                                 Handlers handlers) {
    KND_TRY_ASSIGN(auto file, SocketFile::claim(path));
    KND_TRY_ASSIGN(auto socket, file.listen());
    Fd ends(::epoll_create1(EPOLL_CLOEXEC));
    if (!ends) return Error::from_errno("watch connections of " + path.string(), errno);
    std::unique_ptr<Listener> made(
        new Listener(io, std::move(file), std::move(socket), std::move(ends), std::move(handlers)));
    made->wait_for_connections();
    made->wait_for_ends();
    return made;
}

Listener::Listener(boost::asio::io_context& io, SocketFile file, Fd socket, Fd ends,
                   Handlers handlers)
    : file_(std::move(file)),
      handlers_(std::move(handlers)),
      ends_fd_(std::move(ends)),
      socket_(io, socket.release()),
      ends_(io, ends_fd_.get()),
      again_(io) {}

Listener::~Listener() {
    ends_.release();  // the descriptor is ends_fd_'s
}

void Listener::wait_for_connections() {
    socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [this, weak = std::weak_ptr(alive_)](const boost::system::error_code& ec) {
                           if (!ec && !weak.expired()) accept();
                       });
}

void Listener::accept() {
    while (true) {
        Fd connection(
            ::accept4(socket_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (connection) {
            watch(connection);
            handlers_.accepted(std::move(connection));
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno == EAGAIN) return wait_for_connections();
        log::error("cannot accept a connection",
                   {{"path", file_.path()}, {"error", std::strerror(errno)}});
        again_.expires_after(kAgain);
        again_.async_wait(
            [this, weak = std::weak_ptr(alive_)](const boost::system::error_code& ec) {
                if (!ec && !weak.expired()) accept();
            });
        return;
    }
}

/// By a second descriptor, because the first may be closed, and its number be another's, before we
/// look.
void Listener::watch(const Fd& connection) {
    Fd second(::fcntl(connection.get(), F_DUPFD_CLOEXEC, 0));
    epoll_event interest{};
    interest.events = EPOLLRDHUP;
    interest.data.fd = second.get();
    if (!second || ::epoll_ctl(ends_fd_.get(), EPOLL_CTL_ADD, second.get(), &interest) != 0) {
        log::error("cannot watch a connection",
                   {{"path", file_.path()}, {"error", std::strerror(errno)}});
        return;
    }
    connections_.emplace(second.get(), std::move(second));
    handlers_.changed(connections_.size());
}

void Listener::wait_for_ends() {
    ends_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [this, weak = std::weak_ptr(alive_)](const boost::system::error_code& ec) {
                         if (!ec && !weak.expired()) take_ends();
                     });
}

void Listener::take_ends() {
    std::array<epoll_event, 16> ended{};
    const int count = ::epoll_wait(ends_fd_.get(), ended.data(), static_cast<int>(ended.size()), 0);
    for (int i = 0; i < count; ++i) {
        const int fd = ended[static_cast<std::size_t>(i)].data.fd;
        // Closing ours would not do it while gRPC has the connection open.
        ::epoll_ctl(ends_fd_.get(), EPOLL_CTL_DEL, fd, nullptr);
        connections_.erase(fd);
    }
    wait_for_ends();
    if (count > 0) handlers_.changed(connections_.size());
}

}  // namespace knd::dra
