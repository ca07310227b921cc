// SPDX-License-Identifier: Apache-2.0
//
// What can be set about loading and calling backends, and what is counted.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "host/plugin/bug_count.hpp"
#include "host/plugin/death_book.hpp"

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
    /// Where it is noted which call runs, and how often the daemon died in one; empty: nowhere.
    std::string run_directory;

    bool probe = true;  ///< load each library in a child process first
    Milliseconds probe_timeout{5000};
    Milliseconds start_timeout{30000};
    Milliseconds list_timeout{10000};
    Milliseconds stop_timeout{10000};
    /// From a missed deadline until the instance counts as stuck.
    Milliseconds grace{2000};
    Milliseconds coalesce{200};  ///< from the first event to on_devices_changed

    BugCount::Options bugs;
    DeathBook::Options deaths;
    std::size_t overlap = 4;           ///< calls at a time to a library with KND_CONCURRENT
    bool check_locale = kDebugChecks;  ///< after each call
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
/// knd_backend_dropped_reports_total{backend}; knd_backend_breaches_total{backend}; and those that
/// a backend reports itself.
struct BackendCounters {
    std::map<std::string, OperationCounters> operations;
    std::uint64_t refused_devices = 0;  ///< left out of the last list
    std::uint64_t unhealthy_devices = 0;
    std::uint64_t events = 0;            ///< devices_changed and health_changed, before coalescing
    std::uint64_t dropped_reports = 0;   ///< events and metrics of its own above the limits
    std::vector<BackendMetric> metrics;  ///< its own, by name and device
    std::uint64_t bugs = 0;              ///< INTERNAL and UNKNOWN
    /// Calls that left network namespace, directory, umask, signals or locale changed.
    std::uint64_t breaches = 0;
};

}  // namespace knd::plugin
