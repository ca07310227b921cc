// SPDX-License-Identifier: Apache-2.0
//
// BugCount: answers that only a bug of the backend explains (INTERNAL, UNKNOWN), and whom they keep
// out for how long.
//
// Several by one claim keep that claim out: one user's odd value must not cost all others the
// backend. Several that no single claim explains keep the whole instance out. Both are tried again
// after a pause, which doubles with each relapse.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "host/plugin/call.hpp"

namespace knd::plugin {

class BugCount {
  public:
    using Clock = std::chrono::steady_clock;

    struct Options {
        int allowed = 5;  ///< that many within the window are too many
        Clock::duration window = std::chrono::minutes(10);
        int claims = 3;  ///< that many with bugs of their own are no coincidence
        Clock::duration first_pause = std::chrono::minutes(1);
        Clock::duration last_pause = std::chrono::minutes(30);
    };
    struct KeptOut {
        std::string reason;  ///< "5 internal errors in 10 minutes, the last one in list: why"
        Clock::time_point until;
    };
    struct Verdict {
        std::optional<KeptOut> claim;     ///< just now
        std::optional<KeptOut> instance;  ///< just now
    };

    explicit BugCount(const Options& options) : options_(options) {}

    Verdict add(const CallClaim& claim, const std::string& operation, const std::string& error,
                Clock::time_point now);
    /// A call for a claim did what it should: what was wrong with the claim there is over.
    void worked(const CallClaim& claim, const std::string& operation);
    /// Null: it may be tried.
    const KeptOut* kept_out(const CallClaim& claim, Clock::time_point now) const;

  private:
    /// Who has made bugs, and how long he was kept out for it.
    struct Offender {
        std::deque<Clock::time_point> bugs;
        std::string last_operation;
        std::optional<KeptOut> kept_out;  ///< the last time
        Clock::duration pause{0};
    };

    bool judge(Offender& offender, std::size_t bugs, const std::string& error,
               Clock::time_point now) const;
    void forget(Clock::time_point now);

    const Options options_;
    std::map<std::string, Offender> claims_;  ///< by uid
    Offender instance_;                       ///< bugs of calls about no claim
};

/// "2006-01-02T15:04:05Z", for people.
std::string wall_time(BugCount::Clock::time_point when);

}  // namespace knd::plugin
