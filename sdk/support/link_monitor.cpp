// SPDX-License-Identifier: Apache-2.0
#include "sdk/support/link_monitor.hpp"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "sdk/support/netlink_message.hpp"

namespace knd {

namespace {

/// Room for about a thousand links that change at once; more is an overrun, which is reported.
constexpr int kReceiveBuffer = 2 << 20;
constexpr std::size_t kDatagram = 32768;

std::uint32_t kernel_groups(std::uint32_t groups) {
    std::uint32_t result = 0;
    if ((groups & LinkMonitor::kLinks) != 0) result |= RTMGRP_LINK;
    if ((groups & LinkMonitor::kAddresses) != 0) result |= RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
    if ((groups & LinkMonitor::kRoutes) != 0) result |= RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
    return result;
}

void note(const nlmsghdr* message, LinkMonitor::Changes& changes) {
    switch (message->nlmsg_type) {
        case RTM_NEWLINK:
        case RTM_DELLINK:
            if (const auto* header = message_header<ifinfomsg>(message)) {
                changes.links.insert(header->ifi_index);
            }
            break;
        case RTM_NEWADDR:
        case RTM_DELADDR:
            if (const auto* header = message_header<ifaddrmsg>(message)) {
                changes.addresses.insert(static_cast<int>(header->ifa_index));
            }
            break;
        case RTM_NEWROUTE:
        case RTM_DELROUTE:
            changes.routes = true;
            break;
        default:  // a group that the kernel may send more in than we know
            break;
    }
}

}  // namespace

Result<LinkMonitor> LinkMonitor::open(std::uint32_t groups) {
    Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
    if (!fd) return Error::from_errno("open a netlink socket for events", errno);
    // FORCE passes the system's limit and needs CAP_NET_ADMIN; the plain one takes what it may.
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer,
                     sizeof kReceiveBuffer) != 0) {
        ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
    }
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = kernel_groups(groups);
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        return Error::from_errno("subscribe to network events", errno);
    }
    return LinkMonitor(std::move(fd));
}

Result<LinkMonitor::Changes> LinkMonitor::drain() {
    Changes changes;
    alignas(nlmsghdr) char buffer[kDatagram];
    while (true) {
        sockaddr_nl sender{};
        socklen_t sender_size = sizeof sender;
        const auto size = ::recvfrom(fd_.get(), buffer, sizeof buffer, 0,
                                     reinterpret_cast<sockaddr*>(&sender), &sender_size);
        if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return changes;
        if (size < 0 && errno == ENOBUFS) changes.overrun = true;
        if (size < 0 && (errno == ENOBUFS || errno == EINTR)) continue;
        if (size < 0) return Error::from_errno("read network events", errno);
        if (sender.nl_pid != 0) continue;  // not from the kernel
        auto left = static_cast<unsigned>(size);
        for (auto* message = reinterpret_cast<nlmsghdr*>(buffer); NLMSG_OK(message, left);
             message = NLMSG_NEXT(message, left)) {
            note(message, changes);
        }
    }
}

}  // namespace knd
