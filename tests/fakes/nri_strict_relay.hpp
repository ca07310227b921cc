// SPDX-License-Identifier: Apache-2.0
//
// NriStrictRelay: stands between a plugin and a runtime and loses the connection as soon as either
// of them sends what a Go peer could not read.
#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "host/nri/unix_socket.hpp"
#include "tests/fakes/nri_go_reader.hpp"

namespace knd::fakes {

class NriStrictRelay {
  public:
    /// Listens on `front` and passes each connection on to `back`.
    NriStrictRelay(boost::asio::io_context& io, const std::string& front, std::string back)
        : io_(io), listener_(io), back_(std::move(back)) {
        boost::system::error_code ec;
        listener_.assign(Protocol(), nri::listen_unix(front).value().release(), ec);
        accept();
    }
    /// What broke a connection, first to last.
    const std::vector<std::string>& violations() const { return violations_; }

  private:
    using Protocol = boost::asio::local::stream_protocol;
    using Socket = Protocol::socket;

    struct Direction {
        NriGoReader reader;
        std::array<char, 65536> buffer;
    };
    struct Pair {
        Pair(Socket f, Socket b) : front(std::move(f)), back(std::move(b)) {}
        Socket front, back;
        Direction to_back, to_front;
    };

    void accept() {
        listener_.async_accept([this](boost::system::error_code ec, Socket front) {
            if (ec) return;
            Socket back(io_);
            back.connect(Protocol::endpoint(back_), ec);
            if (!ec) {
                const auto pair = std::make_shared<Pair>(std::move(front), std::move(back));
                pump(pair, pair->front, pair->back, pair->to_back);
                pump(pair, pair->back, pair->front, pair->to_front);
            }
            accept();
        });
    }

    void pump(const std::shared_ptr<Pair>& pair, Socket& from, Socket& to, Direction& direction) {
        from.async_read_some(
            boost::asio::buffer(direction.buffer),
            [this, pair, &from, &to, &direction](boost::system::error_code ec, std::size_t size) {
                if (ec) return lose(*pair);
                const auto fine = direction.reader.feed({direction.buffer.data(), size});
                direction.reader.take();
                if (!fine) {
                    violations_.push_back(fine.error().message());
                    return lose(*pair);
                }
                boost::asio::async_write(
                    to, boost::asio::buffer(direction.buffer.data(), size),
                    [this, pair, &from, &to, &direction](boost::system::error_code failed, auto) {
                        if (failed) return lose(*pair);
                        pump(pair, from, to, direction);
                    });
            });
    }

    static void lose(Pair& pair) {
        boost::system::error_code ec;
        pair.front.close(ec);
        pair.back.close(ec);
    }

    boost::asio::io_context& io_;
    Protocol::acceptor listener_;
    std::string back_;
    std::vector<std::string> violations_;
};

}  // namespace knd::fakes
