// SPDX-License-Identifier: Apache-2.0
//
// Rdma: RDMA devices of one network namespace, by RDMA netlink. A device is usable in all
// namespaces (shared mode) or belongs to one and can be moved (exclusive mode); which of both holds
// is a setting of the whole system (`rdma system`).
//
// Its number stays a device's own across moves and renames, for as long as it exists.
// Threads: any, one at a time per object.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sdk/support/netlink.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

struct RdmaLink {
    int index = 0;
    std::string name;
    std::string node_guid;  ///< "506b:4b03:00a1:b2c3"; empty: none, or not told
    bool operator==(const RdmaLink&) const = default;
};

class Rdma {
  public:
    /// In the network namespace of the calling thread. UNIMPLEMENTED: this kernel has no RDMA.
    static Result<Rdma> open();
    Rdma(Rdma&&) noexcept;
    Rdma& operator=(Rdma&&) noexcept;
    ~Rdma();

    /// Whether each device belongs to one namespace.
    Result<bool> exclusive();
    /// Those that are seen from here.
    Result<std::vector<RdmaLink>> links();
    /// Into another namespace. UNIMPLEMENTED in shared mode.
    Result<void> move(int index, int netns_fd);
    Result<void> rename(int index, const std::string& name);

  private:
    explicit Rdma(std::unique_ptr<Netlink::Socket> socket);
    std::unique_ptr<Netlink::Socket> socket_;
};

}  // namespace knd
