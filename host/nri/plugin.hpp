// SPDX-License-Identifier: Apache-2.0
//
// Plugin: the driver as the container runtime sees it. Connects to the runtime's NRI socket for as
// long as it lives, registers, and passes pods and containers on to the PodService.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>

#include "host/model/services.hpp"

#include <knd/cpp/result.hpp>

namespace knd::nri {

class Session;

/// Watches a Plugin, for metrics and health. Called on the domain thread.
class PluginObserver {
  public:
    virtual ~PluginObserver() = default;
    /// One request of the runtime was answered.
    virtual void answered(std::string_view method, Code code, std::chrono::nanoseconds took) {
        (void)method, (void)code, (void)took;
    }
    /// Registered and synchronised, or not any more.
    virtual void connection_changed(bool connected) { (void)connected; }
};

struct PluginOptions {
    std::string socket_path = "/var/run/nri/nri.sock";
    std::string name = "knd";
    std::string index = "10";  ///< two digits; plugins are called in this order
    /// An answer must be out before the runtime's own limit (2 s), because after that the runtime
    /// drops the plugin and carries on *without* it. Shortened to 3/4 of what the runtime
    /// announces.
    std::chrono::milliseconds budget{1500};
    std::chrono::milliseconds registration_timeout{30000};
    std::chrono::milliseconds retry_min{50};
    std::chrono::milliseconds retry_max{1000};  ///< short: pods start without us meanwhile
};

/// Threads: the thread of the io_context, for everything.
/// Failure: a lost or refused connection is logged once per change and retried forever. What the
/// PodService answers for run and create goes to the runtime as it is; a service that does not
/// answer within the budget fails the pod or container (closed, not open). Stop, remove and
/// synchronize always succeed towards the runtime, within the budget as well: a runtime that knows
/// failure policies fails what we do not answer. Only a domain thread that is itself busy for
/// longer than that can make an answer late.
/// Ownership: must not be destroyed from inside a call of its PodService or observer.
class Plugin {
  public:
    /// `service` and `observer` must outlive the plugin.
    Plugin(boost::asio::io_context& io, PluginOptions options, PodService& service,
           PluginObserver& observer);
    ~Plugin();
    Plugin(const Plugin&) = delete;
    Plugin& operator=(const Plugin&) = delete;

    /// Connects, now and whenever the connection is lost. INVALID_ARGUMENT for a name, index or
    /// path that no runtime would accept.
    Result<> start();
    /// Ends the connection; open requests of the runtime stay unanswered.
    void stop();

    /// Registered with the runtime, which has told us of all its pods.
    bool connected() const { return connected_; }
    /// Of the last connection that got as far as Configure.
    const RuntimeInfo& runtime() const { return runtime_; }

  private:
    friend class Session;
    void connect();
    void disconnect();
    void retry_later();
    void report_down(const Error& error);
    void session_configured(RuntimeInfo info) {
        runtime_ = std::move(info);
        service_.runtime_connected(runtime_);
    }
    void session_ready();
    void session_lost(const Error& error);

    boost::asio::io_context& io_;
    PluginOptions options_;
    PodService& service_;
    PluginObserver& observer_;
    boost::asio::steady_timer retry_;
    std::chrono::milliseconds retry_delay_;
    std::minstd_rand jitter_;
    std::shared_ptr<int> running_;  ///< from start to stop; a retry that is queued looks at it
    std::shared_ptr<Session> session_;
    RuntimeInfo runtime_;
    bool connected_ = false;
    std::string last_error_;  ///< what has been logged already
};

}  // namespace knd::nri
