// SPDX-License-Identifier: Apache-2.0
//
// HostServices: what the host offers to one instance: its names, log, "knd.host.events/1",
// "knd.host.poll/1" and "knd.host.report/1".
//
// Threads: the backend calls in from any thread; everything goes on by post to the domain thread,
//          where the callbacks run. The io_context outlives this object.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "host/plugin/backend.hpp"
#include "host/plugin/options.hpp"
#include "host/plugin/reports.hpp"

#include <knd/knd.h>

#include <knd/cpp/fd.hpp>
#include <knd/cpp/result.hpp>

namespace knd::plugin {

class HostServices : public std::enable_shared_from_this<HostServices> {
  public:
    struct Callbacks {
        /// One coalescing time after the first event. Not at once: most events are of our own
        /// moves, and a list would wait beside them for the kernel's lock.
        std::function<void()> devices_changed;
        /// The same for health alone.
        std::function<void()> health_changed;
        std::function<void(const BackendEvent&)> event;
        /// A watched descriptor is readable. It is not looked at again before rearm(token).
        std::function<void(int fd, std::uint64_t token)> ready;
    };

    /// What the backend is told of itself.
    struct Names {
        std::string instance;
        std::string driver;
        std::string node;
    };

    HostServices(boost::asio::io_context& io, Names names, std::chrono::milliseconds coalesce);
    HostServices(const HostServices&) = delete;
    HostServices& operator=(const HostServices&) = delete;

    const knd_host* face() const { return &face_; }

    // On the domain thread.
    void connect(Callbacks callbacks);
    /// No callback runs any more and all descriptors are let go.
    void disconnect();
    void rearm(int fd, std::uint64_t token);
    std::uint64_t events() const { return devices_.count + health_.count; }
    std::uint64_t dropped_reports() const { return reports_.dropped(); }
    std::vector<BackendMetric> metrics() const { return reports_.metrics(); }

    /// Whether `fd` is still watched by the watch() that made `token`. From any thread.
    bool watched(int fd, std::uint64_t token) const;

  private:
    using Descriptor = boost::asio::posix::stream_descriptor;

    /// A trigger that a backend may pull as often as it likes.
    struct Trigger {
        explicit Trigger(boost::asio::io_context& io) : gathered(io) {}
        std::atomic<bool> posted = false;
        std::atomic<std::uint64_t> count = 0;
        // Domain thread only.
        boost::asio::steady_timer gathered;
        bool gathering = false;
    };

    void log(std::int32_t level, const char* message) const;
    const void* extension(const char* id) const;
    void note(Trigger& trigger);
    void fire_soon(Trigger& trigger);
    Result<void> report_event(const char* claim_uid, std::int32_t warning, const char* reason,
                              const char* message);
    void fill_events_and_poll();
    void fill_report();
    Result<void> watch(int fd);
    void unwatch(int fd);
    void adopt(int fd, std::uint64_t token, Fd copy);
    void wait(int fd, std::uint64_t token);

    boost::asio::io_context& io_;
    const Names names_;
    const std::chrono::milliseconds coalesce_;
    knd_host face_{};
    knd_host_events events_table_{};
    knd_host_poll poll_table_{};
    knd_host_report report_table_{};

    Trigger devices_;
    Trigger health_;
    Reports reports_;
    mutable std::mutex mutex_;
    std::map<int, std::uint64_t> tokens_;  ///< what is watched; guarded by mutex_
    std::uint64_t next_token_ = 1;         ///< guarded by mutex_

    // Domain thread only.
    Callbacks callbacks_;
    std::map<std::uint64_t, Descriptor> descriptors_;
};

}  // namespace knd::plugin
