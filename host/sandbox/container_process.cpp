// SPDX-License-Identifier: Apache-2.0
#include "host/sandbox/container_process.hpp"

#include <signal.h>

extern "C" {  // glibc 2.36 forgot it
#include <sys/pidfd.h>
}

#include <filesystem>
#include <vector>

#include "host/model/text_file.hpp"
#include "sdk/support/netns.hpp"

#include <knd/cpp/fd.hpp>

namespace knd {
namespace {

constexpr char kHidden[] =
    " in the pod's network namespace; does the daemon share the host's process ids (hostPID)?";

/// Those whose cgroup bears the id: of the container, of its monitor and of hooks.
std::vector<pid_t> processes_of(const std::string& container_id) {
    std::vector<pid_t> found;
    std::error_code ended;
    for (std::filesystem::directory_iterator it("/proc", ended), end; !ended && it != end;
         it.increment(ended)) {
        const auto name = it->path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        const auto cgroups = read_text_file(it->path() / "cgroup").value_or("");
        if (cgroups.find(container_id) != std::string::npos) found.push_back(std::stoi(name));
    }
    return found;
}

Result<void> kill_process(pid_t pid, const std::string& netns_id) {
    const auto title = "process " + std::to_string(pid);
    // Held before it is looked at: from here on the number cannot come to mean another one.
    const Fd process(::pidfd_open(pid, 0));
    if (!process) return Error::from_errno(title, errno);
    KND_TRY_ASSIGN(const auto netns, netns::open_of(pid));
    KND_TRY_ASSIGN(const auto id, netns::identity(netns.get()));
    if (id != netns_id) return Error(Code::kFailedPrecondition, title + " is not" + kHidden);
    if (::pidfd_send_signal(process.get(), SIGKILL, nullptr, 0) != 0)
        return Error::from_errno("kill " + title, errno);
    return {};
}

}  // namespace

Result<void> kill_container(const Container& container, const std::string& netns_id) {
    if (container.pid > 0) return kill_process(container.pid, netns_id);
    if (container.id.empty())
        return Error(Code::kInvalidArgument, "the runtime says neither which process nor which id");
    bool killed = false;
    for (const auto pid : processes_of(container.id))
        killed = kill_process(pid, netns_id).ok() || killed;
    if (killed) return {};
    return Error(Code::kFailedPrecondition, "no process of it is" + std::string(kHidden));
}

}  // namespace knd
