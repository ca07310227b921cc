// SPDX-License-Identifier: Apache-2.0
//
// Subject: an instance of the library under test and a host that watches it.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host/model/binding.hpp"
#include "host/model/device.hpp"
#include "host/plugin/device_sink.hpp"
#include "host/plugin/reports.hpp"
#include "host/plugin/tables.hpp"
#include "sdk/check/check.hpp"

namespace knd::check {

/// A host that offers everything and does nothing, and counts who calls it.
class WatchingHost {
  public:
    WatchingHost();
    WatchingHost(const WatchingHost&) = delete;
    WatchingHost& operator=(const WatchingHost&) = delete;
    const knd_host* face() const { return &face_; }
    int calls() const { return calls_; }
    /// Events and metrics that a host refuses.
    int bad_reports() const { return bad_reports_; }

  private:
    knd_status note(Code code);

    knd_host face_{};
    knd_host_report report_{};
    plugin::Reports reports_;
    std::atomic<int> calls_ = 0;
    std::atomic<int> bad_reports_ = 0;
};

/// How a call is made.
struct CallOptions {
    std::chrono::milliseconds time{10000};  ///< negative: the deadline is past
    bool cancelled = false;
};

/// A binding that is in force.
struct Live {
    std::string device;
    std::string uid;
    std::string state;
};

struct Listing {
    Result<void> result;
    std::vector<Device> devices;
    std::vector<plugin::DeviceCollector::Refusal> refusals;
};

struct Preparation {
    Result<void> result;
    Effects effects;
    std::optional<Error> refusal;  ///< an effect that the sink refused
    std::set<std::string> keys;    ///< of the claim that it has read
};

struct Validation {
    Result<void> result;
    std::set<std::string> keys;  ///< that it has read
};

struct HealthCheck {
    Result<void> result;
    std::string misuse;  ///< of the sink; empty: none
};

struct Reconciliation {
    Result<void> result;
    std::vector<std::string> lost;  ///< devices
};

class Subject {
  public:
    /// Loads, creates and reads the tables. The error says which of them failed.
    static Result<std::unique_ptr<Subject>> make(const Target& target);
    /// make(), start() with the target's configuration, and reconcile() with what is live.
    static Result<std::unique_ptr<Subject>> running(const Target& target,
                                                    const std::vector<Live>& live = {});
    Subject(const Subject&) = delete;
    Subject& operator=(const Subject&) = delete;
    ~Subject();

    knd_backend* backend() const { return backend_; }
    const plugin::Tables& tables() const { return tables_; }
    const WatchingHost& host() const { return *host_; }

    Result<void> start(const knd_params* config);
    void stop();
    /// With a sink that refuses its call number `refuse_at` (from 1) with RESOURCE_EXHAUSTED.
    Listing list(const CallOptions& options = {}, int refuse_at = 0);
    Preparation prepare(const std::string& device, const std::string& uid, const Json& config,
                        const CallOptions& options = {});
    Result<void> unprepare(const std::string& device, const std::string& uid,
                           const std::string& state = "");
    /// Bindings are longer than the backend knows them.
    Reconciliation reconcile(const std::vector<Live>& live);
    HealthCheck check();
    Validation validate(const std::string& device, const std::string& uid, const Json& config,
                        std::uint32_t flags = 0);

    /// Names of the devices that it lists.
    std::vector<std::string> device_names();
    /// Set when an error was written past its buffer, without an end, or not as UTF-8.
    const std::string& error_misuse() const { return error_misuse_; }

  private:
    Subject(std::unique_ptr<WatchingHost> host, knd_backend* backend, plugin::Tables tables);
    Result<void> checked(const std::function<knd_status(knd_error*)>& function);

    const std::unique_ptr<WatchingHost> host_;
    knd_backend* const backend_;  ///< the library's; destroyed with this object
    const plugin::Tables tables_;
    bool running_ = false;
    std::string error_misuse_;
};

}  // namespace knd::check
