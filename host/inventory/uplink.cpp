// SPDX-License-Identifier: Apache-2.0
#include "host/inventory/uplink.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <deque>

namespace knd {
namespace {

/// Whether a node may be known by it: neither of this host nor of one link alone, nor of a group.
bool is_global(const std::string& ip) {
    in_addr v4{};
    if (inet_pton(AF_INET, ip.c_str(), &v4) == 1) {
        const auto bits = ntohl(v4.s_addr);
        const auto first = bits >> 24;
        return first != 0 && first != IN_LOOPBACKNET && first < 224 && bits >> 16 != 0xa9fe;
    }
    in6_addr v6{};
    return inet_pton(AF_INET6, ip.c_str(), &v6) == 1 && !IN6_IS_ADDR_UNSPECIFIED(&v6) &&
           !IN6_IS_ADDR_LOOPBACK(&v6) && !IN6_IS_ADDR_LINKLOCAL(&v6) && !IN6_IS_ADDR_MULTICAST(&v6);
}

/// The marked interfaces, and those whose neighbours in the stack are still to be looked at.
class Marks {
  public:
    explicit Marks(const Topology& topology) {
        for (const auto& link : topology.links)
            links_.emplace(link.ifindex, link);
    }

    void add(int ifindex, const std::string& reason) {
        const auto link = links_.find(ifindex);
        if (link == links_.end() || reasons_.contains(link->second.name)) return;
        reasons_.emplace(link->second.name, link->second.name + " " + reason);
        queue_.push_back(ifindex);
    }

    /// Ports, parents, masters and physical functions of what is marked are marked as well: without
    /// them it is cut off.
    void spread() {
        while (!queue_.empty()) {
            const auto ifindex = queue_.front();
            queue_.pop_front();
            const auto& marked = links_.at(ifindex);
            const auto because = ": " + reasons_.at(marked.name);
            add(marked.parent, "is what " + marked.name + " is built on" + because);
            add(marked.master, "holds " + marked.name + because);
            // A physical function that a pod resets or shuts down takes its virtual ones along.
            add(marked.physical_function, "is the physical function of " + marked.name + because);
            for (const auto& [other, link] : links_) {
                if (link.master == ifindex && is_uplink_itself(ifindex)) {
                    add(other, "is a port of " + marked.name + because);
                }
            }
        }
    }

    void carries_traffic(int ifindex) { carriers_.push_back(ifindex); }
    std::map<std::string, std::string> take() { return std::move(reasons_); }

  private:
    /// Ports matter where the traffic passes through the master (bond, bridge with the address). A
    /// master that is protected only because it holds the uplink has other, unrelated ports.
    bool is_uplink_itself(int ifindex) const {
        return std::find(carriers_.begin(), carriers_.end(), ifindex) != carriers_.end() ||
               std::any_of(carriers_.begin(), carriers_.end(),
                           [&](int carrier) { return stands_on(carrier, ifindex); });
    }
    bool stands_on(int upper, int lower) const {
        // At most as deep as there are links, against a loop that the kernel should not allow.
        for (std::size_t depth = 0; depth <= links_.size(); ++depth) {
            const auto link = links_.find(upper);
            if (link == links_.end() || link->second.parent == 0) return false;
            upper = link->second.parent;
            if (upper == lower) return true;
        }
        return false;
    }

    std::map<int, Topology::Link> links_;
    std::map<std::string, std::string> reasons_;
    std::vector<int> carriers_;
    std::deque<int> queue_;
};

}  // namespace

std::map<std::string, std::string> find_uplinks(const Topology& topology) {
    Marks marks(topology);
    const auto carrier = [&](int ifindex, const std::string& reason) {
        marks.carries_traffic(ifindex);
        marks.add(ifindex, reason);
    };
    for (const int family : {AF_INET, AF_INET6}) {
        std::optional<std::uint32_t> best;
        for (const auto& route : topology.default_routes) {
            if (route.family == family) best = std::min(best.value_or(route.metric), route.metric);
        }
        for (const auto& route : topology.default_routes) {
            if (route.family != family || route.metric != best) continue;
            for (const int ifindex : route.ifindexes) {
                carrier(ifindex, "carries the node's default route");
            }
        }
    }
    for (const auto& address : topology.addresses) {
        const auto& ips = topology.node_ips;
        if (std::find(ips.begin(), ips.end(), address.ip) != ips.end()) {
            carrier(address.ifindex, "has the node's address " + address.ip);
        }
    }
    if (topology.api_server_ifindex != 0) {
        carrier(topology.api_server_ifindex, "leads to the API server " + topology.api_server);
    }
    for (const auto& address : topology.addresses) {
        if (topology.node_ips_awaited && is_global(address.ip)) {
            carrier(address.ifindex, "has the address " + address.ip +
                                         ", and its Node has none yet: it may be the node's");
        }
    }
    marks.spread();
    return marks.take();
}

}  // namespace knd
