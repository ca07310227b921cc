// SPDX-License-Identifier: Apache-2.0
//
// EventRecorder: core/v1 Events, the lines at the end of `kubectl describe`. Best effort: an event
// never holds anything up, and a repeated one only raises the count of the first.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "host/kube/client.hpp"

namespace knd::kube {

/// The object an event is about.
struct EventTarget {
    std::string api_version;
    std::string kind;
    std::string ns;
    std::string name;
    std::string uid;
};

/// Threads: the domain thread. Failure: logged at debug level and counted; the event is lost.
class EventRecorder {
  public:
    struct Options {
        std::string component;  ///< the driver's name
        std::string node;
        std::chrono::seconds window{600};      ///< repeats within it count as the same event
        std::chrono::seconds update_every{5};  ///< at most one count update in this time
        std::size_t max_open = 512;            ///< events that are remembered for counting
    };
    struct Counters {
        std::uint64_t created = 0;
        std::uint64_t updated = 0;
        std::uint64_t lost = 0;
    };

    EventRecorder(Client& client, Options options);
    ~EventRecorder();
    void record(const EventTarget& target, bool warning, std::string_view reason,
                std::string_view message);
    const Counters& counters() const { return counters_; }

  private:
    struct Open;  // one event object that may be counted up
    void create(const std::shared_ptr<Open>& open, const EventTarget& target, bool warning,
                std::string_view reason);
    void created(const std::shared_ptr<Open>& open, const Result<Json>& answer);
    void schedule_update(const std::shared_ptr<Open>& open);
    void update(const std::shared_ptr<Open>& open);
    void forget_old();

    Client& client_;
    const Options options_;
    /// Shared with the requests about it that are under way.
    std::map<std::string, std::shared_ptr<Open>> open_;
    std::uint64_t sequence_ = 0;
    Counters counters_;
    std::shared_ptr<int> alive_;  ///< see Reflector
};

}  // namespace knd::kube
