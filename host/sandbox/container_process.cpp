// SPDX-License-Identifier: Apache-2.0
#include "host/sandbox/container_process.hpp"

#include <signal.h>

extern "C" {  // glibc 2.36 forgot it
#include <sys/pidfd.h>
}

#include "sdk/support/netns.hpp"

#include <knd/cpp/fd.hpp>

namespace knd {

Result<void> kill_container(pid_t pid, const std::string& netns_id) {
    const auto title = "process " + std::to_string(pid);
    if (pid <= 0) return Error(Code::kInvalidArgument, "the runtime does not say which process");
    // Held before it is looked at: from here on the number cannot come to mean another one.
    const Fd process(::pidfd_open(pid, 0));
    if (!process) return Error::from_errno(title, errno);
    KND_TRY_ASSIGN(const auto netns, netns::open_of(pid));
    KND_TRY_ASSIGN(const auto id, netns::identity(netns.get()));
    if (id != netns_id)
        return Error(Code::kFailedPrecondition,
                     title +
                         " is not in the pod's network namespace; does the daemon share the "
                         "host's process ids (hostPID)?");
    if (::pidfd_send_signal(process.get(), SIGKILL, nullptr, 0) != 0)
        return Error::from_errno("kill " + title, errno);
    return {};
}

}  // namespace knd
