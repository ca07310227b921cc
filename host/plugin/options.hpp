// SPDX-License-Identifier: Apache-2.0
//
// What can be set about loading and calling backends, and what is counted.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace knd::plugin {

#ifdef KND_DEBUG_CHECKS
inline constexpr bool kDebugChecks = true;
#else
inline constexpr bool kDebugChecks = false;
#endif

struct PluginOptions {
    using Milliseconds = std::chrono::milliseconds;

    std::string directory;           ///< where the libraries are; absolute
    std::string domain = "knd.dev";  ///< of attributes that come without one: the driver's name
    std::string node = {};           ///< name of the Node, for the backends

    bool probe = true;  ///< load each library in a child process first
    Milliseconds probe_timeout{5000};
    Milliseconds start_timeout{30000};
    Milliseconds list_timeout{10000};
    Milliseconds stop_timeout{10000};
    /// From a missed deadline until the instance counts as stuck.
    Milliseconds grace{2000};
    Milliseconds coalesce{200};  ///< from the first event to on_devices_changed

    int bugs_allowed = 5;  ///< INTERNAL errors within bug_window that end the service
    std::chrono::minutes bug_window{10};
    bool check_calls = kDebugChecks;  ///< netns, cwd, umask, signal mask, locale after each call
};

/// A number that a backend reports by knd.host.report/1: knd_backend_NAME{backend,device}.
struct BackendMetric {
    std::string name;
    std::string device;       ///< empty: of the whole instance
    bool is_counter = false;  ///< else a gauge
    double value = 0;
};

struct OperationCounters {
    std::uint64_t calls = 0;  ///< attempts that returned
    std::uint64_t failures = 0;
    std::uint64_t retries = 0;
    std::uint64_t timeouts = 0;
    std::chrono::nanoseconds time{0};  ///< spent inside of the library
};

/// Metrics: knd_backend_calls_total{backend,operation}, ..._failures_total, ..._retries_total,
/// ..._timeouts_total, ..._seconds_total; knd_backend_refused_devices{backend};
/// knd_backend_unhealthy_devices{backend};
/// knd_backend_events_total{backend}; knd_backend_bugs_total{backend};
/// knd_backend_dropped_reports_total{backend}; and those that a backend reports itself.
struct BackendCounters {
    std::map<std::string, OperationCounters> operations;
    std::uint64_t refused_devices = 0;  ///< left out of the last list
    std::uint64_t unhealthy_devices = 0;
    std::uint64_t events = 0;            ///< devices_changed and health_changed, before coalescing
    std::uint64_t dropped_reports = 0;   ///< events and metrics of its own above the limits
    std::vector<BackendMetric> metrics;  ///< its own, by name and device
    std::uint64_t bugs = 0;              ///< INTERNAL and UNKNOWN
};

}  // namespace knd::plugin
