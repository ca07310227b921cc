// SPDX-License-Identifier: Apache-2.0
//
// HostState: what a network device was like on the host before it was touched, complete enough to
// put it back as it was. Taken by Attacher::inspect, kept in the journal as JSON, used by detach.
//
// Left out, because the kernel makes them anew: routes of protocol `kernel` (they come with the
// addresses) and `ra`, the local table, and temporary IPv6 addresses.
#pragma once

#include <string>
#include <vector>

#include "host/model/json.hpp"
#include "sdk/support/link.hpp"
#include "sdk/support/rdma.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

struct LinkState {
    LinkInfo link = {};
    std::vector<AddressInfo> addresses = {};
    std::vector<RouteInfo> routes = {};        ///< in an order in which they can be added
    std::vector<NeighborInfo> neighbors = {};  ///< permanent ones
    bool operator==(const LinkState&) const = default;
};

struct RdmaState {
    RdmaLink link = {};
    std::string bus = {};  ///< of the hardware, "pci"; empty: it is of software, or not noted
    std::string device = {};
    bool operator==(const RdmaState&) const = default;
};

struct HostState {
    std::vector<LinkState> netdevs =
        {};                            ///< one per netdev effect, in their order; empty: it is made
    std::vector<RdmaState> rdma = {};  ///< those that move; none in shared mode
    bool operator==(const HostState&) const = default;
};

/// "null" and an empty state are the same: nothing was inspected yet.
Json to_json(const HostState& state);
/// Strict; DATA_LOSS names the field.
Result<HostState> host_state_from_json(const Json& json);

}  // namespace knd
