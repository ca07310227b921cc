// SPDX-License-Identifier: Apache-2.0
//
// Netlink: one rtnetlink socket, bound for ever to the network namespace in which it was opened
// (netns::open_netlink opens one elsewhere). Reads and changes links, addresses, routes, rules and
// neighbours.
//
// Threads: any, one at a time. One object per thread of use costs 4 us.
// Failure: an Error carries the kernel's errno, what was asked of which object, and the kernel's
// own
//          explanation where it gives one. Every change is acknowledged before the call returns.
//          After a timeout (a reply that never came) the socket still works: late replies are
//          skipped.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sdk/support/link.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

class Netlink {
  public:
    /// In the network namespace of the calling thread.
    static Result<Netlink> open();
    Netlink(Netlink&&) noexcept;
    Netlink& operator=(Netlink&&) noexcept;
    ~Netlink();

    /// All links, without statistics and without VF information (which takes a driver milliseconds
    /// per VF). A link that is renamed meanwhile is there once.
    Result<std::vector<LinkInfo>> links();
    /// NOT_FOUND when there is none. By name: altnames count.
    Result<LinkInfo> link(int ifindex);
    Result<LinkInfo> link(std::string_view name);

    /// `ifindex` 0: of all links.
    Result<std::vector<AddressInfo>> addresses(int ifindex = 0);
    /// Routes of all tables that leave through `ifindex` (0: all), IPv4 before IPv6.
    Result<std::vector<RouteInfo>> routes(int ifindex = 0);
    Result<std::vector<RuleInfo>> rules();
    Result<std::vector<NeighborInfo>> neighbors(int ifindex = 0);

    Result<void> change_link(int ifindex, const LinkChange& change);
    Result<void> set_up(int ifindex) { return change_link(ifindex, {.up = true}); }
    Result<void> set_down(int ifindex) { return change_link(ifindex, {.up = false}); }
    Result<void> add_altname(int ifindex, const std::string& name);
    Result<void> delete_altname(int ifindex, const std::string& name);

    /// ALREADY_EXISTS when a link of that name is there.
    Result<void> create_link(const NewLink& link);
    Result<void> delete_link(int ifindex);

    /// Adding what is there already is ALREADY_EXISTS, deleting what is not there NOT_FOUND.
    Result<void> add_address(const AddressInfo& address);
    Result<void> delete_address(const AddressInfo& address);
    Result<void> add_route(const RouteInfo& route);
    Result<void> delete_route(const RouteInfo& route);
    Result<void> add_rule(const RuleInfo& rule);
    Result<void> delete_rule(const RuleInfo& rule);
    /// Replaces a neighbour that is there.
    Result<void> add_neighbor(const NeighborInfo& neighbor);
    Result<void> delete_neighbor(const NeighborInfo& neighbor);

  private:
    class Socket;
    friend class Rdma;        // another protocol over the same kind of socket
    friend class VfSettings;  // answers that are longer than any here
    explicit Netlink(std::unique_ptr<Socket> socket);
    std::unique_ptr<Socket> socket_;
};

}  // namespace knd
