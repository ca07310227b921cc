// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/call_queue.hpp"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <utility>

namespace knd::plugin {
namespace {

std::string seconds_text(CallQueue::Clock::duration duration) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
    return ms < 1000 ? std::to_string(ms) + " ms"
                     : std::to_string(ms / 1000) + "." + std::to_string(ms % 1000 / 100) + " s";
}

}  // namespace

struct CallQueue::Entry {
    Entry(boost::asio::io_context& io, Job j, std::string id)
        : job(std::move(j)),
          call(std::move(id), job.operation, job.device, job.deadline, job.claim),
          deadline_timer(io),
          backoff_timer(io) {}

    Job job;
    Call call;
    boost::asio::steady_timer deadline_timer;  ///< then the grace time
    boost::asio::steady_timer backoff_timer;
    Clock::time_point submitted = Clock::now();
    std::chrono::milliseconds backoff{0};
    bool answered = false;
};

CallQueue::CallQueue(boost::asio::io_context& io, std::string name, Options options,
                     Observer observer)
    : io_(io),
      name_(std::move(name)),
      options_(std::move(options)),
      observer_(std::move(observer)),
      threads_(options_.concurrent ? options_.overlap : 1) {}

void CallQueue::submit(Job job) {
    auto entry =
        std::make_shared<Entry>(io_, std::move(job), name_ + "-" + std::to_string(next_id_++));
    entry->backoff = options_.first_backoff;
    if (stuck_) return answer(entry, stuck_error());
    if (entry->job.deadline != Deadline::max()) {
        entry->deadline_timer.expires_at(entry->job.deadline);
        entry->deadline_timer.async_wait([weak = weak_from_this(), entry](const auto& ec) {
            const auto self = weak.lock();
            if (!ec && self) self->deadline_passed(entry);
        });
    }
    waiting_.push_back(std::move(entry));
    pump();
}

void CallQueue::fail_waiting(const Error& error) {
    for (const auto& entry : std::exchange(waiting_, {}))
        answer(entry, error);
    for (const auto& entry : std::exchange(backing_off_, {})) {
        entry->backoff_timer.cancel();
        answer(entry, error);
    }
}

bool CallQueue::has(std::string_view operation) const {
    const auto is_one = [&](const EntryPtr& entry) { return entry->job.operation == operation; };
    return std::any_of(running_.begin(), running_.end(), is_one) ||
           std::any_of(waiting_.begin(), waiting_.end(), is_one);
}

/// Starts what may run now, in order; a job never overtakes one about the same device.
void CallQueue::pump() {
    std::set<std::string> skipped;
    for (auto next = waiting_.begin(); next != waiting_.end();) {
        const auto entry = *next;
        if (may_start(*entry, skipped)) {
            next = waiting_.erase(next);
            launch(entry);
            continue;
        }
        // A job about everything waits for those before it and holds up those behind it.
        if (entry->job.device.empty()) return;
        skipped.insert(entry->job.device);
        ++next;
    }
}

bool CallQueue::may_start(const Entry& entry, const std::set<std::string>& skipped) const {
    const auto& device = entry.job.device;
    const auto holds = [](const EntryPtr& other) { return other->job.holds; };
    if (std::any_of(backing_off_.begin(), backing_off_.end(), holds)) return false;
    if (running_.size() >= options_.overlap) return false;
    if (!options_.concurrent || device.empty()) {
        if (!running_.empty()) return false;
    }
    if (device.empty()) return true;
    if (skipped.contains(device)) return false;
    const auto blocks = [&](const EntryPtr& other) { return other->job.device == device; };
    const auto alone = [](const EntryPtr& other) { return other->job.device.empty(); };
    return std::none_of(running_.begin(), running_.end(), blocks) &&
           std::none_of(running_.begin(), running_.end(), alone) &&
           std::none_of(backing_off_.begin(), backing_off_.end(), blocks);
}

void CallQueue::launch(const EntryPtr& entry) {
    running_.push_back(entry);
    auto work = [weak = weak_from_this(), entry, name = name_, notes = options_.notes,
                 locale = options_.check_locale,
                 // The loop must not end while an answer is on its way to it.
                 home = boost::asio::make_work_guard(io_)](const ThreadState& thread) {
        const auto began = Clock::now();
        Outcome outcome;
        {
            const CurrentCall current(entry->call);
            const CrashNotes::Scope note(notes.get(), name, entry->call);
            outcome.result = entry->job.work(entry->call);
        }
        outcome.took = Clock::now() - began;
        const auto changed = thread.restore(locale);
        if (changed) {
            outcome.breached = true;
            outcome.result =
                Error(Code::kInternal, entry->job.operation + " changed " + changed->what +
                                           " of its thread and did not put it back");
        }
        boost::asio::post(home.get_executor(), [weak, entry, outcome = std::move(outcome)] {
            if (const auto self = weak.lock()) self->returned(entry, outcome);
        });
        return !changed || changed->restored;
    };
    auto begun = threads_.run(std::move(work));
    if (begun) return;
    boost::asio::post(io_, [weak = weak_from_this(), entry, e = std::move(begun).error()] {
        if (const auto self = weak.lock()) self->returned(entry, {e});
    });
}

void CallQueue::returned(const EntryPtr& entry, Outcome outcome) {
    auto& [result, took, breached] = outcome;
    running_.remove(entry);
    const bool was_stuck = stuck_in_ == entry;
    if (was_stuck) {
        // First: observers may have something to submit.
        stuck_ = false;
        stuck_in_.reset();
    }
    if (breached) observer_.breached(entry->call);
    observer_.finished(entry->call, result, took);
    if (was_stuck) observer_.recovered(entry->call);
    if (!entry->answered && !try_again(entry, result)) answer(entry, std::move(result));
    if (entry->answered) entry->deadline_timer.cancel();
    pump();
}

bool CallQueue::try_again(const EntryPtr& entry, const Result<void>& result) {
    const bool transient = result.code() == Code::kUnavailable || result.code() == Code::kAborted;
    if (!entry->job.retry || !transient || stuck_) return false;
    if (Clock::now() + entry->backoff >= entry->job.deadline) return false;
    observer_.retried(entry->call);
    entry->backoff_timer.expires_after(entry->backoff);
    entry->backoff = std::min(entry->backoff * 2, options_.last_backoff);
    backing_off_.push_back(entry);
    entry->backoff_timer.async_wait([weak = weak_from_this(), entry](const auto& ec) {
        const auto self = weak.lock();
        if (ec || !self || entry->answered) return;
        self->backing_off_.remove(entry);
        // To the front: jobs about the same device have waited behind it.
        self->waiting_.push_front(entry);
        self->pump();
    });
    return true;
}

void CallQueue::deadline_passed(const EntryPtr& entry) {
    if (entry->answered) return;
    entry->call.cancel();
    observer_.timed_out(entry->call);
    const auto waited = seconds_text(Clock::now() - entry->submitted);
    const bool is_running = std::find(running_.begin(), running_.end(), entry) != running_.end();
    if (!is_running) {
        waiting_.remove(entry);
        backing_off_.remove(entry);
        entry->backoff_timer.cancel();
        const auto first = running_.empty() ? "" : ", behind " + running_.front()->job.operation;
        answer(entry, Error(Code::kDeadlineExceeded,
                            entry->job.operation + " waited for " + waited + first));
        pump();
        return;
    }
    answer(entry, Error(Code::kDeadlineExceeded,
                        entry->job.operation + " did not return within " + waited));
    entry->deadline_timer.expires_after(options_.grace);
    entry->deadline_timer.async_wait([weak = weak_from_this(), entry](const auto& ec) {
        const auto self = weak.lock();
        if (!ec && self) self->grace_passed(entry);
    });
}

void CallQueue::grace_passed(const EntryPtr& entry) {
    const bool is_running = std::find(running_.begin(), running_.end(), entry) != running_.end();
    if (!is_running || stuck_) return;
    stuck_ = true;
    stuck_in_ = entry;
    observer_.stuck(entry->call);
    fail_waiting(stuck_error());
}

/// By post, so that a caller's Done never runs inside of its own call.
void CallQueue::answer(const EntryPtr& entry, Result<void> result) {
    entry->answered = true;
    boost::asio::post(io_, [done = std::move(entry->job.done), r = std::move(result)] { done(r); });
}

Error CallQueue::stuck_error() const {
    return {Code::kUnavailable, "stuck in " +
                                    (stuck_in_ ? stuck_in_->job.operation : std::string("a call")) +
                                    ", which does not return"};
}

}  // namespace knd::plugin
