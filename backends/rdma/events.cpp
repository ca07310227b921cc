// SPDX-License-Identifier: Apache-2.0
#include "backends/rdma/events.hpp"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>

namespace rdma {
namespace {

constexpr std::size_t kDatagram = 8192;  // the kernel's buffer for one is 2 KiB
constexpr unsigned kFromKernel = 1;      // udev's own are another group
constexpr int kReceiveBuffer = 1 << 20;

}  // namespace

bool is_about_rdma(std::string_view uevent) {
    constexpr std::string_view kKey = "SUBSYSTEM=infiniband";  // and infiniband_verbs
    while (!uevent.empty()) {
        const auto end = uevent.find('\0');
        if (uevent.substr(0, end).starts_with(kKey)) return true;
        if (end == std::string_view::npos) break;
        uevent.remove_prefix(end + 1);
    }
    return false;
}

knd::Result<void> Events::start() {
    knd::Fd fd(
        ::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT));
    if (!fd) return knd::Error::from_errno("open a netlink socket for uevents", errno);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = kFromKernel;
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        return knd::Error::from_errno("subscribe to uevents", errno);
    KND_TRY(host_.watch(fd.get()));
    socket_ = std::move(fd);
    return {};
}

void Events::stop() {
    if (!socket_) return;
    host_.unwatch(socket_.get());
    socket_ = knd::Fd();
}

bool Events::on_ready(int fd) {
    if (!socket_ || socket_.get() != fd) return false;
    bool changed = false;
    char buffer[kDatagram];
    while (true) {
        const auto size = ::recv(fd, buffer, sizeof buffer, 0);
        if (size >= 0) {
            changed = changed || is_about_rdma({buffer, static_cast<std::size_t>(size)});
        } else if (errno == ENOBUFS) {
            changed = true;  // some were lost
        } else if (errno != EINTR) {
            break;
        }
    }
    if (changed) {
        host_.devices_changed();
        host_.health_changed();
    }
    return true;
}

}  // namespace rdma
