// SPDX-License-Identifier: Apache-2.0
//
// LinkMonitor: tells that links, addresses or routes of a network namespace have changed. What they
// are now is asked of Netlink; an event is only the reason to look.
//
// Threads: any, one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <set>

#include <knd/cpp/fd.hpp>
#include <knd/cpp/result.hpp>

namespace knd {

class LinkMonitor {
  public:
    enum Groups : std::uint32_t { kLinks = 1, kAddresses = 2, kRoutes = 4 };

    /// What has happened since the last drain().
    struct Changes {
        std::set<int> links;      ///< ifindex of links that are new, changed or gone
        std::set<int> addresses;  ///< ifindex of links whose addresses changed
        bool routes = false;
        /// Events were lost because they came faster than they were read: look at everything.
        bool overrun = false;
        bool empty() const { return links.empty() && addresses.empty() && !routes && !overrun; }
    };

    /// Joins `groups` (a sum of Groups) in the network namespace of the calling thread.
    static Result<LinkMonitor> open(std::uint32_t groups);

    /// Readable when there is something to drain. Stays the same for the life of the object.
    int fd() const { return fd_.get(); }
    /// Never blocks. An error means that the socket is broken: open another.
    Result<Changes> drain();

  private:
    explicit LinkMonitor(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
};

}  // namespace knd
