// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/call.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <clocale>
#include <cstring>
#include <utility>

namespace knd::plugin {
namespace {

/// The backend's log function gets no call, only the thread tells which one it is.
thread_local const Call* t_current = nullptr;

using Path = std::array<char, 4096>;

std::string_view working_directory(Path& room) {
    return ::getcwd(room.data(), room.size()) != nullptr ? room.data() : "";
}

/// umask(2) can not read without writing. Between the two, only this thread could make a file with
/// a wrong mode, if its umask is its own (CallThreads).
mode_t current_umask() {
    const mode_t found = ::umask(077);
    ::umask(found);
    return found;
}

/// Of what the kernel knows; the C library's type has room for sixteen times as many.
bool same_signals(const sigset_t& a, const sigset_t& b) {
    return std::memcmp(&a, &b, _NSIG / 8) == 0;
}

std::string locale_name() {
    const char* name = std::setlocale(LC_ALL, nullptr);
    return name != nullptr ? name : "";
}

}  // namespace

Call::Call(std::string id, std::string operation, std::string device, Deadline deadline,
           CallClaim claim)
    : id_(std::move(id)),
      operation_(std::move(operation)),
      device_(std::move(device)),
      deadline_(deadline),
      claim_(std::move(claim)) {
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
    state.namespaces_ = Fd(::open("/proc/thread-self/ns", O_PATH | O_DIRECTORY | O_CLOEXEC));
    state.netns_ = Fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    Path room;
    state.netns_name_ = state.netns_text(room);
    state.cwd_ = working_directory(room);
    state.umask_ = current_umask();
    ::pthread_sigmask(SIG_BLOCK, nullptr, &state.signals_);
    state.locale_ = locale_name();
    return state;
}

/// "net:[4026531840]". A third of the time that stat(2) takes, which follows the link.
std::string_view ThreadState::netns_text(std::array<char, 4096>& room) const {
    const auto size = ::readlinkat(namespaces_.get(), "net", room.data(), room.size());
    return {room.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

std::optional<ThreadState::Difference> ThreadState::restore(bool locale) const {
    Difference difference;
    const auto changed = [&](std::string_view what, bool restored) {
        if (!difference.what.empty()) difference.what += " and ";
        difference.what.append("the ").append(what);
        difference.restored = difference.restored && restored;
    };
    Path room;
    if (netns_text(room) != netns_name_)
        changed("network namespace", ::setns(netns_.get(), CLONE_NEWNET) == 0);
    if (working_directory(room) != cwd_) changed("working directory", ::chdir(cwd_.c_str()) == 0);
    if (::umask(umask_) != umask_) changed("umask", true);
    sigset_t signals;
    ::pthread_sigmask(SIG_SETMASK, &signals_, &signals);
    if (!same_signals(signals, signals_)) changed("signal mask", true);
    if (locale && locale_name() != locale_)
        changed("locale", std::setlocale(LC_ALL, locale_.c_str()) != nullptr);
    if (difference.what.empty()) return std::nullopt;
    return difference;
}

std::optional<std::string> ThreadState::difference_and_restore() const {
    const auto difference = restore(true);
    if (!difference) return std::nullopt;
    return difference->restored ? difference->what : difference->what + " (lost)";
}

}  // namespace knd::plugin
