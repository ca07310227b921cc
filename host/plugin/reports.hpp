// SPDX-License-Identifier: Apache-2.0
//
// Reports: what an instance may tell by "knd.host.report/1", and how much of it.
//
// Threads: any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/plugin/backend.hpp"
#include "host/plugin/options.hpp"

#include <knd/cpp/result.hpp>

namespace knd::plugin {

class Reports {
  public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::size_t kMaxEvents = 10;
    static constexpr std::chrono::minutes kEventWindow{1};
    static constexpr std::size_t kMaxMetrics = 1024;

    /// RESOURCE_EXHAUSTED: too many in the last minute; INVALID_ARGUMENT: not an event.
    Result<BackendEvent> event(std::string_view claim_uid, std::int32_t warning,
                               std::string_view reason, std::string_view message,
                               Clock::time_point now = Clock::now());
    /// Sets a number, or with NaN takes it away.
    Result<void> metric(std::int32_t kind, std::string_view name, std::string_view device,
                        double value);

    std::vector<BackendMetric> metrics() const;
    /// What did not come in because of a limit.
    std::uint64_t dropped() const { return dropped_; }

  private:
    mutable std::mutex mutex_;
    std::deque<Clock::time_point> events_;                           ///< guarded by mutex_
    std::map<std::pair<std::string, std::string>, double> metrics_;  ///< guarded by mutex_
    std::atomic<std::uint64_t> dropped_ = 0;
};

}  // namespace knd::plugin
