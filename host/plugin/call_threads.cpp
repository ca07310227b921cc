// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/call_threads.hpp"

#include <sched.h>

#include <chrono>
#include <iterator>
#include <system_error>
#include <utility>

#include "host/plugin/crash_notes.hpp"

namespace knd::plugin {
namespace {

/// Until a thread that is not the last one ends.
constexpr auto kIdle = std::chrono::seconds(10);

}  // namespace

CallThreads::~CallThreads() {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
    auto threads = std::exchange(threads_, {});
    lock.unlock();
    for (auto& thread : threads)
        thread.join();
    lock.lock();
    join_ended(lock);
}

std::size_t CallThreads::count() const {
    const std::lock_guard lock(mutex_);
    return threads_.size();
}

Result<void> CallThreads::run(Work work) {
    std::unique_lock lock(mutex_);
    join_ended(lock);
    waiting_.push_back(std::move(work));
    if (waiting_.size() > idle_ && threads_.size() < most_) {
        auto added = add_thread();
        if (!added && threads_.empty()) {
            waiting_.pop_back();
            return added;
        }
    }
    wake_.notify_one();
    return {};
}

/// With mutex_ held, which the thread takes before it looks at itself in the list.
Result<void> CallThreads::add_thread() {
    const auto self = threads_.emplace(threads_.end());
    try {
        *self = std::thread([this, self] { live(self); });
    } catch (const std::system_error& error) {
        threads_.erase(self);
        return Error(Code::kResourceExhausted,
                     std::string("there is no thread for it: ") + error.what());
    }
    return {};
}

void CallThreads::live(Threads::iterator self) {
    // Where that is forbidden, threads share both, and a call that changes one is found all the
    // same.
    ::unshare(CLONE_FS);
    const SignalStack stack;
    const auto state = ThreadState::capture();
    bool usable = true;
    std::unique_lock lock(mutex_);
    while (usable) {
        const auto woken = [this] { return stopping_ || !waiting_.empty(); };
        ++idle_;
        if (threads_.size() == 1) {
            wake_.wait(lock, woken);
        } else {
            wake_.wait_for(lock, kIdle, woken);
        }
        --idle_;
        if (waiting_.empty()) {
            if (stopping_ || threads_.size() > 1) break;
            continue;
        }
        auto work = std::move(waiting_.front());
        waiting_.pop_front();
        lock.unlock();
        usable = work(state);
        work = nullptr;
        lock.lock();
    }
    if (stopping_) return;  // the destructor has the list
    ended_.splice(ended_.end(), threads_, self);
    // What waits for a thread must not wait for the next run().
    if (waiting_.size() > idle_) static_cast<void>(add_thread());
}

void CallThreads::join_ended(std::unique_lock<std::mutex>& lock) {
    auto ended = std::exchange(ended_, {});
    lock.unlock();
    for (auto& thread : ended)
        thread.join();
    lock.lock();
}

}  // namespace knd::plugin
