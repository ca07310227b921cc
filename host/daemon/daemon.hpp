// SPDX-License-Identifier: Apache-2.0
//
// Daemon: kndd, wired. This file and daemon.cpp are the map of the host:
//
//   kernel -> Backend (library) -> Inventory -> Publisher -> API server
//                                     |
//   kubelet -> dra::Server -> Claims -+-> Backend.prepare -> Journal -> CDI file
//   runtime -> nri::Plugin -> Claims -+-> Attacher (worker) -> Journal -> marker -> knd-gate
//                                     |
//   kndctl, probes -> HttpServer -----+
//
// Threads: one io_context thread owns all domain state, so there are no locks in the domain. It
//          speaks to the API server too. A small worker pool runs netlink in pods; backends, the
//          journal and gRPC have threads of their own. Everything comes home by `post`.
// Start:   journal, backends, reconciliation, runtime, slices, and the kubelet last: it never meets
//          a half-started driver.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "host/claims/ports.hpp"
#include "host/config/config.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

class Daemon {
  public:
    /// Opens what can fail for good: journal, API client, sockets. Must be called before the
    /// process has threads, because backends are tried out in a forked child first. `observer` is
    /// told of each step that a crash could follow.
    static Result<std::unique_ptr<Daemon>> open(boost::asio::io_context& io, Config config,
                                                StepObserver& observer);
    ~Daemon();
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    /// Begins the start sequence; goes on while the io_context runs.
    void start();
    /// Lets running steps end, takes the sockets away and calls `done`. Devices stay in their pods
    /// and slices stay published: the next start finds both.
    void stop(std::function<void()> done);

  private:
    class Impl;
    explicit Daemon(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

/// The program: command line, signals, exit status.
int run_kndd(int argc, char** argv, StepObserver& observer);

}  // namespace knd
