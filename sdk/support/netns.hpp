// SPDX-License-Identifier: Apache-2.0
//
// Network namespaces: naming, pinning, entering. The only place of the project that calls setns()
// or unshare(): a thread is made for it, does what must be done inside and ends, so that no thread
// that lives on is ever in the wrong namespace. What it opened (a netlink socket) stays bound to
// that namespace and works from anywhere. Threads: any.
#pragma once

#include <sys/types.h>
#include <functional>
#include <string>

#include "sdk/support/link_monitor.hpp"
#include "sdk/support/netlink.hpp"
#include "sdk/support/rdma.hpp"

#include <knd/cpp/fd.hpp>
#include <knd/cpp/result.hpp>

namespace knd::netns {

/// Opens what `path` names; the fd keeps that namespace alive. FAILED_PRECONDITION when it is not a
/// network namespace (the file under it is there, but nothing is mounted on it), NOT_FOUND when
/// there is no such file.
Result<Fd> open(const std::string& path);
/// That of the calling thread.
Result<Fd> open_own();
/// That of a process.
Result<Fd> open_of(pid_t pid);

/// "4:4026532008" (device and inode): the same for every fd of one namespace. A number is given out
/// again after its namespace died, so it is proof only while an fd is held.
Result<std::string> identity(int netns_fd);

/// Runs `work` in a thread of its own inside the namespace and waits for it.
Result<void> run_in(int netns_fd, const std::function<Result<void>()>& work);

/// Sockets that live in the namespace, whoever uses them.
Result<Netlink> open_netlink(int netns_fd);
Result<LinkMonitor> open_monitor(int netns_fd, std::uint32_t groups);
Result<Rdma> open_rdma(int netns_fd);

/// A new, empty namespace (its loopback is down) that lives as long as the fd or what is in it.
Result<Fd> create();
/// Gives it a name in the file system: a bind mount at `path`, which is created when it is missing.
/// ALREADY_EXISTS when a namespace is mounted there.
Result<void> pin(int netns_fd, const std::string& path);
/// Takes the name away, and the file; without effect when there is none.
Result<void> unpin(const std::string& path);

}  // namespace knd::netns
