// SPDX-License-Identifier: Apache-2.0
//
// Events: makes the host list again when RDMA devices come or go, which also a move into a
// namespace looks like. By the kernel's uevents; RDMA netlink tells of it only since Linux 6.12.
// Threads: the backend's calls, which do not overlap.
#pragma once

#include <string_view>

#include <knd/cpp/backend.hpp>
#include <knd/cpp/fd.hpp>

namespace rdma {

/// Whether a uevent ("add@/devices/...\0ACTION=add\0SUBSYSTEM=infiniband\0...") is about an RDMA
/// device.
bool is_about_rdma(std::string_view uevent);

class Events {
  public:
    explicit Events(knd::Host host) : host_(host) {}
    knd::Result<void> start();
    void stop();
    /// Whether `fd` is its own, and what was heard has been told to the host.
    bool on_ready(int fd);

  private:
    knd::Host host_;
    knd::Fd socket_;
};

}  // namespace rdma
