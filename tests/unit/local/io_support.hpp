// SPDX-License-Identifier: Apache-2.0
//
// What the tests of knd-local's halves share: a directory, and an io_context that runs until
// something is true.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>

namespace knd::local {

class Directory {
  public:
    Directory() {
        std::string name = "/tmp/kl-XXXXXX";
        path_ = mkdtemp(name.data());
    }
    ~Directory() { std::filesystem::remove_all(path_); }
    std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

/// True as soon as `condition` is; false after five seconds without.
inline bool run_until(boost::asio::io_context& io, const std::function<bool()>& condition) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > limit) return false;
        io.restart();
        io.run_one_for(std::chrono::milliseconds(20));
    }
    return true;
}

inline void run_for(boost::asio::io_context& io, std::chrono::milliseconds time) {
    io.restart();
    io.run_for(time);
}

}  // namespace knd::local
