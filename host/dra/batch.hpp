// SPDX-License-Identifier: Apache-2.0
//
// Batch: one NodePrepareResources or NodeUnprepareResources call on its way through the domain, in
// no API version's types. Born on a gRPC thread, run on the domain thread, answered once.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host/model/claim.hpp"

#include <knd/cpp/result.hpp>

namespace knd::dra {

struct Batch {
    using Clock = std::chrono::steady_clock;
    using Outcome = Result<std::vector<PreparedDevice>>;
    enum class Kind { kPrepare, kUnprepare };

    Kind kind = Kind::kPrepare;
    bool v1 = true;  ///< or an older version of the API
    std::vector<ClaimRef> claims;
    Clock::time_point started;
    Clock::time_point deadline;
    std::map<std::string, Outcome> outcomes;  ///< by claim uid; domain thread
    std::size_t left = 0;                     ///< claims without an outcome; domain thread

    /// Fills the reply from `outcomes` (when given no error) and sends it. Must not be called but
    /// through finish().
    std::function<void(const std::optional<Error>& refusal)> reply;

    /// The first caller's answer is sent; whether it was this one. The message is gRPC's
    /// afterwards.
    bool finish(const std::optional<Error>& refusal) {
        if (finished_.exchange(true)) return false;
        reply(refusal);
        return true;
    }
    bool finished() const { return finished_; }

  private:
    std::atomic<bool> finished_{false};
};

/// The batches that are under way, so that a server that stops can answer them all: gRPC waits for
/// every call it has handed out. Threads: any.
class Batches {
  public:
    void open() {
        const std::lock_guard lock(mutex_);
        closed_ = false;
    }
    /// False when the server is stopping; the caller refuses the call itself.
    bool add(const std::shared_ptr<Batch>& batch) {
        const std::lock_guard lock(mutex_);
        if (!closed_) running_.insert(batch);
        return !closed_;
    }
    void remove(const std::shared_ptr<Batch>& batch) {
        const std::lock_guard lock(mutex_);
        running_.erase(batch);
    }
    /// Refuses newcomers from now on; returns who is inside.
    std::set<std::shared_ptr<Batch>> close() {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        return std::exchange(running_, {});
    }

  private:
    std::mutex mutex_;
    bool closed_ = false;
    std::set<std::shared_ptr<Batch>> running_;  ///< shared with their reactors and the domain
};

}  // namespace knd::dra
