// SPDX-License-Identifier: Apache-2.0
//
// CallQueue: the strand of one instance. It decides which call runs when, gives up on those that
// take too long, and tries those again that may work later.
//
// Threads: everything here runs on the domain thread, except for a job's `work`, which runs on a
//          thread of the queue's own (CallThreads). Without KND_CONCURRENT one job runs at a time.
//          With it, jobs about different devices overlap, up to a limit; a job about no device runs
//          alone.
// Failure: a job that passes its deadline is answered at once, its thread may still be inside. When
//          it does not come back within a grace time either, the queue is stuck: all others are
//          answered UNAVAILABLE, because a thread can not be killed. It recovers when the call
//          returns after all.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <set>
#include <string>

#include "host/model/services.hpp"
#include "host/plugin/call.hpp"
#include "host/plugin/call_threads.hpp"
#include "host/plugin/crash_notes.hpp"

namespace knd::plugin {

class CallQueue : public std::enable_shared_from_this<CallQueue> {
  public:
    using Clock = std::chrono::steady_clock;
    using Deadline = Clock::time_point;

    struct Options {
        bool concurrent = false;
        std::size_t overlap = 4;  ///< jobs of a concurrent backend that run at a time
        std::chrono::milliseconds grace{2000};
        std::chrono::milliseconds first_backoff{50};
        std::chrono::milliseconds last_backoff{1000};
        bool check_locale = false;          ///< after each call, like the state of its thread
        std::shared_ptr<CrashNotes> notes;  ///< may be null
    };

    struct Job {
        std::string operation;  ///< "prepare"; for messages and counters
        std::string device;     ///< empty: about the whole instance
        Deadline deadline = Deadline::max();
        bool retry = false;  ///< on UNAVAILABLE and ABORTED, until the deadline
        /// No other job runs while this one waits for its next try: what it says about claims has
        /// to be as true then as it was at first.
        bool holds = false;
        CallClaim claim = {};
        /// On a thread of the queue's. Owns what it uses: it may return long after the job was
        /// answered.
        std::function<Result<void>(const Call&)> work;
        Done<> done;
    };

    /// What happened, for counters and state. On the domain thread.
    struct Observer {
        std::function<void(const Call&, const Result<void>&, Clock::duration)> finished;
        std::function<void(const Call&)> retried;
        std::function<void(const Call&)> timed_out;
        std::function<void(const Call&)> stuck;
        std::function<void(const Call&)> recovered;
        /// It left its thread changed; `finished` is told as well.
        std::function<void(const Call&)> breached;
    };

    CallQueue(boost::asio::io_context& io, std::string name, Options options, Observer observer);

    void submit(Job job);
    /// Answers everything that has not begun. What runs goes on.
    void fail_waiting(const Error& error);
    /// A job's work is on a thread.
    bool busy() const { return !running_.empty(); }
    /// A job of this operation waits, or its work is on a thread.
    bool has(std::string_view operation) const;

  private:
    struct Entry;
    using EntryPtr = std::shared_ptr<Entry>;

    void pump();
    bool may_start(const Entry& entry, const std::set<std::string>& skipped) const;
    void launch(const EntryPtr& entry);
    struct Outcome {
        Result<void> result;
        Clock::duration took{0};
        bool breached = false;
    };
    void returned(const EntryPtr& entry, Outcome outcome);
    bool try_again(const EntryPtr& entry, const Result<void>& result);
    void deadline_passed(const EntryPtr& entry);
    void grace_passed(const EntryPtr& entry);
    void answer(const EntryPtr& entry, Result<void> result);
    Error stuck_error() const;

    boost::asio::io_context& io_;
    const std::string name_;
    const Options options_;
    const Observer observer_;
    std::list<EntryPtr> waiting_;
    std::list<EntryPtr> running_;
    std::list<EntryPtr> backing_off_;  ///< their devices take no other job
    EntryPtr stuck_in_;
    bool stuck_ = false;
    std::uint64_t next_id_ = 1;
    CallThreads threads_;  ///< ends first
};

}  // namespace knd::plugin
