// SPDX-License-Identifier: Apache-2.0
//
// LinkWatch: makes the host list a backend's devices again whenever links or addresses of the
// network namespace change.
//
// Threads: the backend's calls, which do not overlap.
// Failure: a socket that breaks is closed, the host is asked to list, and the list opens another.
//          While none can be opened, each list of the host tries again: at the latest after the
//          resync period, by which devices are looked at meanwhile.
#pragma once

#include <optional>

#include "sdk/support/link_monitor.hpp"

#include <knd/cpp/backend.hpp>

namespace knd {

class LinkWatch {
  public:
    explicit LinkWatch(Host host) : host_(host) {}

    Result<void> start();
    void stop();
    /// At the begin of every list(), so that what changes during the list is heard.
    void ensure();
    /// What on_ready() got.
    void on_ready(int fd);

  private:
    Host host_;
    std::optional<LinkMonitor> monitor_;
};

}  // namespace knd
