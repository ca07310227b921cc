// SPDX-License-Identifier: Apache-2.0
//
// CallThreads: the threads that run the calls of one instance. No other instance and nothing of the
// host waits for one of them, however many hang.
//
// A thread is made when there is work for it, up to a limit, and all but one end when there was
// none for a while. Each has a working directory and a umask of its own (CLONE_FS), so that what a
// call does to them hurts nobody else, and is measured by a ThreadState from its first moment on.
//
// Threads: run() from any.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

#include "host/plugin/call.hpp"

namespace knd::plugin {

class CallThreads {
  public:
    /// Answers whether its thread may be used again. The state is its thread's.
    using Work = std::function<bool(const ThreadState&)>;

    explicit CallThreads(std::size_t most) : most_(most) {}
    CallThreads(const CallThreads&) = delete;
    CallThreads& operator=(const CallThreads&) = delete;
    /// Waits for all that was given to run().
    ~CallThreads();

    /// RESOURCE_EXHAUSTED: there is no thread and none can be made; `work` is dropped.
    Result<void> run(Work work);
    /// How many there are.
    std::size_t count() const;

  private:
    using Threads = std::list<std::thread>;

    Result<void> add_thread();
    void live(Threads::iterator self);
    void join_ended(std::unique_lock<std::mutex>& lock);

    const std::size_t most_;
    mutable std::mutex mutex_;  ///< guards all below
    std::condition_variable wake_;
    std::deque<Work> waiting_;
    Threads threads_;
    Threads ended_;  ///< to be joined
    std::size_t idle_ = 0;
    bool stopping_ = false;
};

}  // namespace knd::plugin
