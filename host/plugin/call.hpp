// SPDX-License-Identifier: Apache-2.0
//
// Call: one request to a backend, as the backend sees it and as the worker thread runs it.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <knd/cpp/fd.hpp>
#include <knd/cpp/result.hpp>

#include <knd/abi.h>

namespace knd::plugin {

/// The claim for which a call is made; empty for calls about the whole instance.
struct CallClaim {
    std::string uid;
    std::string name;  ///< "namespace/name"
};

/// Shared by the domain thread, which may give up on it, and the worker, which may be inside still.
class Call {
  public:
    using Deadline = std::chrono::steady_clock::time_point;

    /// `device`: what the call is about, empty for calls about the whole instance.
    Call(std::string id, std::string operation, std::string device, Deadline deadline,
         CallClaim claim = {});
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    const knd_call* face() const { return &face_; }
    const std::string& id() const { return id_; }
    const std::string& operation() const { return operation_; }
    const std::string& device() const { return device_; }
    const CallClaim& claim() const { return claim_; }
    Deadline deadline() const { return deadline_; }

    void cancel() { cancelled_ = true; }
    const std::atomic<bool>& cancelled() const { return cancelled_; }

  private:
    const std::string id_;
    const std::string operation_;
    const std::string device_;
    const Deadline deadline_;
    const CallClaim claim_;
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

/// What a call must leave as it found it: network namespace, working directory, umask and signal
/// mask of its thread; the locale, which is the whole process's, only where that is asked for.
class ThreadState {
  public:
    /// That of the calling thread, which alone may compare with it later.
    static ThreadState capture();

    struct Difference {
        std::string what;      ///< "the network namespace and the umask"
        bool restored = true;  ///< false: this thread must not run anything any more
    };
    /// Four system calls where nothing has changed. Puts back what has.
    std::optional<Difference> restore(bool locale) const;
    /// The same with the locale, as text.
    std::optional<std::string> difference_and_restore() const;

  private:
    ThreadState() = default;
    std::string_view netns_text(std::array<char, 4096>& room) const;

    Fd namespaces_;  ///< /proc/thread-self/ns
    Fd netns_;       ///< the way back
    std::string netns_name_;
    std::string cwd_;
    mode_t umask_ = 0;
    sigset_t signals_{};
    std::string locale_;
};

}  // namespace knd::plugin
