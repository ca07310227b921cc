// SPDX-License-Identifier: Apache-2.0
//
// Child processes of knd-local: daemons (one kndd per node), containers (processes that only wait)
// and OCI hooks. A process is remembered by number and start time, so that a number which the
// kernel has given to somebody else meanwhile is never signalled.
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/model/json.hpp"

#include <knd/cpp/fd.hpp>
#include <knd/cpp/result.hpp>

namespace knd::local {

struct ProcessId {
    pid_t pid = 0;
    std::uint64_t started = 0;  ///< field 22 of /proc/PID/stat

    static Result<ProcessId> of(pid_t pid);
    static ProcessId from_json(const Json& json);
    Json json() const;
    bool alive() const;
    /// True when the signal reached this very process.
    bool signal(int number) const;
};

struct SpawnOptions {
    /// Empty: no program; the child waits for a signal, as a pod's pause container does.
    std::vector<std::string> argv;
    std::string program;  ///< what is executed, when it is not argv[0]
    /// The whole environment of the child.
    std::vector<std::string> env;
    std::filesystem::path directory = "/";
    /// Network namespace to enter; empty: the caller's.
    std::filesystem::path netns;
    /// A mount namespace of its own in which /sys shows the network namespace above.
    bool own_sysfs = false;
    /// SIGTERM when this process ends, however it ends.
    bool dies_with_parent = false;
    /// Standard streams; /dev/null where not valid.
    Fd input, output, errors;
};

struct Child {
    ProcessId id;
    Fd pidfd;
};

/// Starts a process. The error carries the errno of what failed in the child, exec included.
Result<Child> spawn(const SpawnOptions& options);

/// Becomes `argv` in a network namespace, with a /sys that shows it; searches PATH. Returns only
/// when that failed. For a process with one thread.
/// `prepare` runs in between, in a mount namespace of its own.
Error exec_in(const std::filesystem::path& netns, const std::vector<std::string>& argv,
              const std::function<Result<>()>& prepare = {});

/// How a process ended: an exit code, or 128 + signal as a shell says it.
struct Exit {
    int code = 0;
    std::string text() const;  ///< "exit status 1", "signal: killed"
};

/// Calls back once when the process has ended, and reaps it when it is a child of ours (another
/// process's exit code is not known to us: 255). Forgets the process when destroyed.
class ExitWatch {
  public:
    using Callback = std::function<void(Exit)>;
    ExitWatch(boost::asio::io_context& io, Fd pidfd, Callback callback);
    ~ExitWatch();
    ExitWatch(const ExitWatch&) = delete;
    ExitWatch& operator=(const ExitWatch&) = delete;

    /// For a process that an earlier run has started. NOT_FOUND when it has ended already.
    static Result<std::unique_ptr<ExitWatch>> adopt(boost::asio::io_context& io,
                                                    const ProcessId& process, Callback callback);

  private:
    struct State;
    std::shared_ptr<State> state_;  // shared with the wait that is under way
};

/// SIGTERM, then SIGKILL after `grace`. Blocks until the process has ended.
void end_process(const ProcessId& process, std::chrono::milliseconds grace);

}  // namespace knd::local
