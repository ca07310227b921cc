// SPDX-License-Identifier: Apache-2.0
//
// Exponential waiting with jitter, so that a thousand nodes do not come back to a restarted API
// server in the same millisecond.
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace knd::kube {

class Backoff {
  public:
    using Duration = std::chrono::milliseconds;
    Backoff(Duration first, Duration limit)
        : first_(first), limit_(limit), next_(first), random_(std::random_device{}()) {}

    /// The wait before the next attempt: between half of and the whole current step.
    Duration next() {
        const auto step = next_;
        next_ = std::min(limit_, next_ * 2);
        std::uniform_int_distribution<Duration::rep> pick(step.count() / 2, step.count());
        return Duration(pick(random_));
    }
    void reset() { next_ = first_; }

  private:
    Duration first_;
    Duration limit_;
    Duration next_;
    std::minstd_rand random_;
};

}  // namespace knd::kube
