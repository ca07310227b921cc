// SPDX-License-Identifier: Apache-2.0
//
// Which interfaces the node itself lives by: the one with the default route, with the node's
// address, or on the way to the API server, and everything those are built on. A pure function over
// what the kernel said, so that a change of routes or addresses is a new call.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace knd {

/// The host's network namespace, as far as uplinks are concerned.
struct Topology {
    struct Link {
        int ifindex = 0;
        std::string name;
        int master = 0;  ///< bond, bridge or VRF that it belongs to; 0: none
        int parent = 0;  ///< what a VLAN, macvlan or ipvlan sits on, in this namespace; 0: none
        int physical_function = 0;  ///< of a virtual function's interface; 0: none
    };
    struct DefaultRoute {
        int family = 0;  ///< AF_INET, AF_INET6
        std::uint32_t metric = 0;
        std::vector<int> ifindexes;  ///< several for a multipath route
    };
    struct Address {
        int ifindex = 0;
        std::string ip;
    };
    std::vector<Link> links;
    std::vector<DefaultRoute> default_routes;  ///< of the main table
    std::vector<Address> addresses;
    std::vector<std::string> node_ips;  ///< status.addresses of the Node
    /// It has none yet, as before a cloud's controller has seen it: any global address may become
    /// one.
    bool node_ips_awaited = false;
    std::string api_server;      ///< its address
    int api_server_ifindex = 0;  ///< where a packet to it leaves; 0: unknown
};

/// Interface name -> why it is not offered. Of the default routes only those with the lowest metric
/// of each family count: routers on a fabric announce themselves too.
std::map<std::string, std::string> find_uplinks(const Topology& topology);

}  // namespace knd
