// SPDX-License-Identifier: Apache-2.0
//
// Call: one request to a backend, as the backend sees it and as the worker thread runs it.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>

#include <knd/cpp/result.hpp>

#include <knd/abi.h>

namespace knd::plugin {

/// Shared by the domain thread, which may give up on it, and the worker, which may be inside still.
class Call {
  public:
    using Deadline = std::chrono::steady_clock::time_point;

    /// `device`: what the call is about, empty for calls about the whole instance.
    Call(std::string id, std::string operation, std::string device, Deadline deadline);
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    const knd_call* face() const { return &face_; }
    const std::string& id() const { return id_; }
    const std::string& operation() const { return operation_; }
    const std::string& device() const { return device_; }
    Deadline deadline() const { return deadline_; }

    void cancel() { cancelled_ = true; }
    const std::atomic<bool>& cancelled() const { return cancelled_; }

  private:
    const std::string id_;
    const std::string operation_;
    const std::string device_;
    const Deadline deadline_;
    std::atomic<bool> cancelled_ = false;
    knd_call face_{};
};

/// The call that runs on this thread, for log lines of the backend; null outside of calls.
const Call* current_call();

/// Marks `call` as the current one of this thread.
class CurrentCall {
  public:
    explicit CurrentCall(const Call& call);
    CurrentCall(const CurrentCall&) = delete;
    CurrentCall& operator=(const CurrentCall&) = delete;
    ~CurrentCall();

  private:
    const Call* previous_;
};

/// What a call must leave as it found it. Costs about 30 us, so it is for debug builds and tests.
class ThreadState {
  public:
    static ThreadState capture();
    /// "the network namespace and the umask" if this thread differs from what was captured, and
    /// puts it back: the thread goes on to serve other backends.
    std::optional<std::string> difference_and_restore() const;

  private:
    ThreadState() = default;
    unsigned long netns_inode_ = 0;
    std::string cwd_;
    std::string umask_;
    std::string locale_;
    unsigned long long signals_ = 0;
};

}  // namespace knd::plugin
