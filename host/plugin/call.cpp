// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/call.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>

#include <clocale>
#include <cstdlib>
#include <fstream>
#include <utility>

#include <knd/cpp/fd.hpp>

namespace knd::plugin {
namespace {

constexpr const char* kNetns = "/proc/thread-self/ns/net";

/// The backend's log function gets no call, only the thread tells which one it is.
thread_local const Call* t_current = nullptr;

unsigned long netns_inode() {
    struct stat info {};
    return ::stat(kNetns, &info) == 0 ? info.st_ino : 0;
}

std::string working_directory() {
    char path[4096];
    return ::getcwd(path, sizeof path) != nullptr ? path : "";
}

/// Read from /proc, since umask(2) can not read without writing.
std::string umask_text() {
    std::ifstream status("/proc/thread-self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("Umask:")) return line.substr(line.find_first_not_of("Umask:\t "));
    }
    return {};
}

unsigned long long blocked_signals() {
    sigset_t set;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &set);
    unsigned long long bits = 0;
    for (int signal = 1; signal < 64; ++signal) {
        if (sigismember(&set, signal) == 1) bits |= 1ull << signal;
    }
    return bits;
}

void restore_signals(unsigned long long bits) {
    sigset_t set;
    sigemptyset(&set);
    for (int signal = 1; signal < 64; ++signal) {
        if ((bits & (1ull << signal)) != 0) sigaddset(&set, signal);
    }
    ::pthread_sigmask(SIG_SETMASK, &set, nullptr);
}

std::string locale_name() {
    const char* name = std::setlocale(LC_ALL, nullptr);
    return name != nullptr ? name : "";
}

}  // namespace

Call::Call(std::string id, std::string operation, std::string device, Deadline deadline)
    : id_(std::move(id)),
      operation_(std::move(operation)),
      device_(std::move(device)),
      deadline_(deadline) {
    face_.size = sizeof face_;
    // steady_clock is CLOCK_MONOTONIC here.
    face_.deadline_ns =
        deadline == Deadline::max()
            ? 0
            : std::chrono::duration_cast<std::chrono::nanoseconds>(deadline.time_since_epoch())
                  .count();
    face_.id = id_.c_str();
    face_.cancelled = [](const knd_call* call) noexcept {
        return static_cast<const Call*>(call->host_data)->cancelled_.load();
    };
    face_.host_data = this;
}

const Call* current_call() {
    return t_current;
}

CurrentCall::CurrentCall(const Call& call) : previous_(std::exchange(t_current, &call)) {}
CurrentCall::~CurrentCall() {
    t_current = previous_;
}

ThreadState ThreadState::capture() {
    ThreadState state;
    state.netns_inode_ = netns_inode();
    state.cwd_ = working_directory();
    state.umask_ = umask_text();
    state.locale_ = locale_name();
    state.signals_ = blocked_signals();
    return state;
}

std::optional<std::string> ThreadState::difference_and_restore() const {
    std::string changed;
    const auto note = [&](std::string_view what) {
        if (!changed.empty()) changed += " and ";
        changed.append("the ").append(what);
    };
    if (netns_inode() != netns_inode_) {
        note("network namespace");
        // The main thread never leaves the host's namespace, so it knows the way back.
        const Fd home(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
        if (::setns(home.get(), CLONE_NEWNET) != 0) note("(lost) way back to it");
    }
    if (working_directory() != cwd_) {
        note("working directory");
        if (::chdir(cwd_.c_str()) != 0) note("(lost) way back to it");
    }
    if (umask_text() != umask_) {
        note("umask");
        ::umask(static_cast<mode_t>(std::strtoul(umask_.c_str(), nullptr, 8)));
    }
    if (blocked_signals() != signals_) {
        note("signal mask");
        restore_signals(signals_);
    }
    if (locale_name() != locale_) {
        note("locale");
        std::setlocale(LC_ALL, locale_.c_str());
    }
    if (changed.empty()) return std::nullopt;
    return changed;
}

}  // namespace knd::plugin
