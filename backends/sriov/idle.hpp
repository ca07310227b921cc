// SPDX-License-Identifier: Apache-2.0
//
// IdleCards: since when the cards that make functions on demand have none in use, and a descriptor
// that is readable when one of them has idled for its time. Threads: one at a time.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include <knd/cpp/fd.hpp>
#include <knd/cpp/result.hpp>

namespace sriov {

class IdleCards {
  public:
    using Clock = std::chrono::steady_clock;

    knd::Result<void> open();
    int fd() const { return timer_.get(); }
    void close() { timer_.reset(); }

    /// `card` has functions and none is in use, until `busy`.
    void idle(const std::string& card, int for_seconds, Clock::time_point now = Clock::now());
    void busy(const std::string& card);
    /// Those whose time is over; each is told once.
    std::vector<std::string> due(Clock::time_point now = Clock::now());

  private:
    void arm(Clock::time_point now);
    std::map<std::string, Clock::time_point> until_;
    knd::Fd timer_;
};

}  // namespace sriov
