// SPDX-License-Identifier: Apache-2.0
#include "sdk/support/netns.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <optional>
#include <thread>

namespace knd::netns {

namespace {

/// What the calling thread is in, seen as a file.
constexpr const char* kOwnNetns = "/proc/thread-self/ns/net";

Result<void> check_is_netns(int fd, const std::string& path) {
    struct statfs file_system {};
    if (::fstatfs(fd, &file_system) != 0) return Error::from_errno("look at " + path, errno);
    if (file_system.f_type == NSFS_MAGIC && ::ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET) return {};
    return Error(Code::kFailedPrecondition,
                 path + " is no network namespace (any more): nothing is mounted on it");
}

Result<Fd> open_checked(const std::string& path) {
    // O_NONBLOCK: the path comes from outside, and a FIFO there must not hold us.
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd) return Error::from_errno("open network namespace " + path, errno);
    KND_TRY(check_is_netns(fd.get(), path));
    return fd;
}

/// Runs `work` on a new thread and waits. The thread may end up in any namespace; it dies with it.
Result<void> on_new_thread(const std::function<Result<void>()>& work) {
    std::optional<Result<void>> result;
    try {
        std::thread([&] { result = work(); }).join();
    } catch (const std::system_error& error) {
        return Error::from_errno("start a thread to enter a network namespace",
                                 error.code().value());
    }
    return *std::move(result);
}

}  // namespace

Result<Fd> open(const std::string& path) {
    return open_checked(path);
}
Result<Fd> open_own() {
    return open_checked(kOwnNetns);
}
Result<Fd> open_of(pid_t pid) {
    return open_checked("/proc/" + std::to_string(pid) + "/ns/net");
}

Result<std::string> identity(int netns_fd) {
    struct stat file {};
    if (::fstat(netns_fd, &file) != 0)
        return Error::from_errno("identify network namespace", errno);
    return std::to_string(file.st_dev) + ":" + std::to_string(file.st_ino);
}

Result<void> run_in(int netns_fd, const std::function<Result<void>()>& work) {
    return on_new_thread([&]() -> Result<void> {
        if (::setns(netns_fd, CLONE_NEWNET) != 0) {
            return Error::from_errno("enter network namespace", errno);
        }
        return work();
    });
}

Result<Netlink> open_netlink(int netns_fd) {
    std::optional<Netlink> netlink;
    KND_TRY(run_in(netns_fd, [&]() -> Result<void> {
        KND_TRY_ASSIGN(netlink, Netlink::open());
        return {};
    }));
    return *std::move(netlink);
}

Result<LinkMonitor> open_monitor(int netns_fd, std::uint32_t groups) {
    std::optional<LinkMonitor> monitor;
    KND_TRY(run_in(netns_fd, [&]() -> Result<void> {
        KND_TRY_ASSIGN(monitor, LinkMonitor::open(groups));
        return {};
    }));
    return *std::move(monitor);
}

Result<Rdma> open_rdma(int netns_fd) {
    std::optional<Rdma> rdma;
    KND_TRY(run_in(netns_fd, [&]() -> Result<void> {
        KND_TRY_ASSIGN(rdma, Rdma::open());
        return {};
    }));
    return *std::move(rdma);
}

Result<Fd> create() {
    Fd fd;
    KND_TRY(on_new_thread([&]() -> Result<void> {
        if (::unshare(CLONE_NEWNET) != 0) {
            return Error::from_errno("create a network namespace", errno);
        }
        KND_TRY_ASSIGN(fd, open_own());
        return {};
    }));
    return fd;
}

Result<void> pin(int netns_fd, const std::string& path) {
    Fd file(::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0444));
    if (!file) return Error::from_errno("create " + path, errno);
    if (check_is_netns(file.get(), path).ok()) {
        return Error(Code::kAlreadyExists, "a network namespace is pinned at " + path + " already");
    }
    const auto source = "/proc/self/fd/" + std::to_string(netns_fd);
    if (::mount(source.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) != 0) {
        auto error = Error::from_errno("pin network namespace at " + path, errno);
        ::unlink(path.c_str());
        return error;
    }
    return {};
}

Result<void> unpin(const std::string& path) {
    // EINVAL: nothing is mounted there, which leaves the file to remove.
    if (::umount2(path.c_str(), MNT_DETACH) != 0 && errno != EINVAL && errno != ENOENT) {
        return Error::from_errno("unpin network namespace at " + path, errno);
    }
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
        return Error::from_errno("remove " + path, errno);
    }
    return {};
}

}  // namespace knd::netns
