// SPDX-License-Identifier: Apache-2.0
//
// Verbs: RDMA devices through libibverbs, for what neither netlink nor sysfs tells, and for the
// events of their ports.
//
// A device is open while it is on the host. One that moves into a pod dies here with an event, and
// is opened again when it is listed again.
// Threads: the backend's calls, which do not overlap. There is no thread of its own: the host
// watches the descriptors.
#pragma once

#include <infiniband/verbs.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <knd/cpp/backend.hpp>

namespace rdma {

/// What a driver in user space says of a device's first port.
struct Facts {
    std::int64_t active_mtu = 0;  ///< bytes; 0: the port does not say
    std::string link_width;       ///< "4X"
};

class Verbs {
  public:
    explicit Verbs(knd::Host host) : host_(host) {}
    Verbs(const Verbs&) = delete;
    Verbs& operator=(const Verbs&) = delete;
    ~Verbs() { close(); }

    /// Opens those of these names that are not open yet, and closes all others.
    void follow(const std::vector<std::string>& names);
    void close();
    /// Nothing: libibverbs has no driver for it, or it does not answer.
    std::optional<Facts> facts(const std::string& name) const;

    /// Whether `fd` is one of its own, and what was heard has been told to the host.
    bool on_ready(int fd);

  private:
    struct Close {
        void operator()(ibv_context* context) const { ibv_close_device(context); }
    };
    using Context = std::unique_ptr<ibv_context, Close>;

    void open(ibv_device* device);
    void forget(std::map<std::string, Context>::iterator open);

    knd::Host host_;
    std::map<std::string, Context> open_;
};

}  // namespace rdma
