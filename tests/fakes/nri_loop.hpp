// SPDX-License-Identifier: Apache-2.0
//
// For tests of what lives on an io_context: run it until something has happened, and a socket of
// their own in a directory of their own.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <string>

#include <knd/cpp/fd.hpp>

namespace knd::fakes {

/// Did `happened` become true within `limit`?
template <class Predicate>
bool run_until(boost::asio::io_context& io, Predicate happened,
               std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!happened()) {
        if (std::chrono::steady_clock::now() > end) return false;
        io.restart();
        io.run_one_for(std::chrono::milliseconds(10));
    }
    return true;
}

/// Only what is ready now.
inline void run_ready(boost::asio::io_context& io) {
    io.restart();
    io.poll();
}

inline void run_for(boost::asio::io_context& io, std::chrono::milliseconds time) {
    io.restart();
    io.run_for(time);
}

inline std::array<Fd, 2> socket_pair() {
    int fds[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    return {Fd(fds[0]), Fd(fds[1])};
}

class TempDir {
  public:
    TempDir() {
        char name[] = "/tmp/knd-nri-XXXXXX";
        path_ = ::mkdtemp(name);
    }
    ~TempDir() {
        std::error_code ec;
        std::filesystem::remove_all(path_, ec);
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    std::string file(const std::string& name) const { return path_ + "/" + name; }

  private:
    std::string path_;
};

}  // namespace knd::fakes
