// SPDX-License-Identifier: Apache-2.0
//
// Listener: a unix socket that is accepted on here, so that it is known who is connected. gRPC
// serves the connections, but does not say when they end.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>

#include "host/dra/socket_file.hpp"

#include <knd/cpp/fd.hpp>
#include <knd/cpp/result.hpp>

namespace knd::dra {

/// Threads: the domain thread.
/// Failure: a connection that cannot be accepted (no descriptor is left) is logged and waits for
/// the next try.
class Listener {
  public:
    struct Handlers {
        /// Who gets it shuts it down at its end, or the far end would never learn of it: a second
        /// descriptor of it is here.
        std::function<void(Fd connection)> accepted;
        /// How many there are now, when one has come or gone.
        std::function<void(std::size_t connections)> changed;
    };

    /// Listens under the hidden name; see SocketFile.
    static Result<std::unique_ptr<Listener>> open(boost::asio::io_context& io,
                                                  const std::filesystem::path& path,
                                                  Handlers handlers);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    SocketFile& file() { return file_; }

  private:
    Listener(boost::asio::io_context& io, SocketFile file, Fd socket, Fd ends, Handlers handlers);
    void wait_for_connections();
    void accept();
    void watch(const Fd& connection);
    void wait_for_ends();
    void take_ends();

    SocketFile file_;
    const Handlers handlers_;
    Fd ends_fd_;  ///< epoll that is ready when a connection has ended, and at nothing else
    boost::asio::posix::stream_descriptor socket_;
    boost::asio::posix::stream_descriptor ends_;
    boost::asio::steady_timer again_;
    std::map<int, Fd> connections_;  ///< second descriptors of them
    /// What is ready may be queued when we go; it holds this weakly.
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace knd::dra
