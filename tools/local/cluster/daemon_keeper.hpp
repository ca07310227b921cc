// SPDX-License-Identifier: Apache-2.0
//
// Keeps one node's kndd running: starts it in the node's namespaces, writes its output to a file,
// and starts it again when it ends, later each time it does so quickly. A DaemonSet of one.
//
// Threads: the io_context's.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "host/model/json.hpp"
#include "tools/local/support/process.hpp"

namespace knd::local {

struct DaemonOptions {
    std::string node;
    std::vector<std::string> argv;
    std::vector<std::string> env;
    std::filesystem::path netns;
    std::filesystem::path log;
    std::filesystem::path record;  ///< says which process it is, for later runs
    std::chrono::milliseconds first_delay{500};
    std::chrono::milliseconds longest_delay{30'000};
    /// One that ran for longer starts over with the first delay.
    std::chrono::milliseconds settled{30'000};
};

class DaemonKeeper {
  public:
    DaemonKeeper(boost::asio::io_context& io, DaemonOptions options);
    /// Ends what an earlier run has left, then starts.
    void start();
    /// SIGTERM; does not wait.
    void stop();
    /// Waits until it has ended, and kills it when it takes too long.
    void wait();

    /// pid, restarts, how it ended last.
    Json status() const;

  private:
    void launch();
    Result<Child> spawn_daemon() const;
    void ended(const std::string& how);

    boost::asio::io_context& io_;
    DaemonOptions options_;
    boost::asio::steady_timer timer_;
    std::unique_ptr<ExitWatch> watch_;
    ProcessId process_;
    std::chrono::steady_clock::time_point started_;
    std::chrono::milliseconds delay_{0};
    std::string last_end_;
    int restarts_ = 0;
    bool stopping_ = false;
};

}  // namespace knd::local
