// SPDX-License-Identifier: Apache-2.0
#include "sdk/support/uevent.hpp"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <string_view>

namespace knd {
namespace {

constexpr unsigned kKernelGroup = 1;  // 2 is what udev sends on
/// 1,024 functions that come at once say some 300 bytes each.
constexpr int kReceiveBuffer = 1 << 20;
constexpr std::size_t kEventSize = 8192;

}  // namespace

Result<UeventMonitor> UeventMonitor::open(std::string subsystem) {
    Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT));
    if (!fd) return Error::from_errno("open a socket for the kernel's device events", errno);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = kKernelGroup;
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        return Error::from_errno("listen to the kernel's device events", errno);
    return UeventMonitor(std::move(fd), std::move(subsystem));
}

bool UeventMonitor::drain() {
    char buffer[kEventSize];
    bool seen = false;
    while (true) {
        sockaddr_nl sender{};
        socklen_t length = sizeof sender;
        const auto size = ::recvfrom(fd_.get(), buffer, sizeof buffer, 0,
                                     reinterpret_cast<sockaddr*>(&sender), &length);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return seen || errno == ENOBUFS;
        // "ACTION@PATH", then KEY=VALUE, each with a NUL. Others than the kernel may send, too.
        if (sender.nl_pid != 0) continue;
        std::string_view rest(buffer, static_cast<std::size_t>(size));
        while (!rest.empty() && !seen) {
            const auto end = std::min(rest.find('\0'), rest.size());
            seen = rest.substr(0, end) == wanted_;
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
    }
}

}  // namespace knd
