// SPDX-License-Identifier: Apache-2.0
#include "sdk/support/netlink.hpp"

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <unordered_map>

#include "sdk/support/netlink_read.hpp"
#include "sdk/support/netlink_socket.hpp"
#include "sdk/support/netlink_write.hpp"

namespace knd {

namespace {

/// RTEXT_FILTER_VF is deliberately absent.
constexpr std::uint32_t kLinkDetail = RTEXT_FILTER_SKIP_STATS;

Error on_link(Error error, const char* what, int ifindex) {
    return std::move(error).wrap(std::string(what) + " of ifindex " + std::to_string(ifindex));
}

std::string object_of(const AddressInfo& address) {
    return address.cidr() + " on ifindex " + std::to_string(address.ifindex);
}

std::string object_of(const RuleInfo& rule) {
    auto text =
        std::to_string(rule.priority) + ": from " + (rule.source.empty() ? "all" : rule.source);
    if (!rule.destination.empty()) text.append(" to ").append(rule.destination);
    return text.append(" lookup ").append(std::to_string(rule.table));
}

/// What is being changed, for an error: "rename to eth1, set MTU 9000".
std::string text_of(const LinkChange& change) {
    std::string text;
    const auto add = [&](const std::string& part) {
        text.append(text.empty() ? "" : ", ").append(part);
    };
    if (change.netns_fd) add("move to another network namespace");
    if (change.name) add("rename to " + *change.name);
    if (change.mac) add("set MAC address " + *change.mac);
    if (change.mtu) add("set MTU " + std::to_string(*change.mtu));
    if (change.up) add(*change.up ? "set up" : "set down");
    if (change.master) add("set master");
    if (change.alias) add("set alias");
    if (text.empty()) add("change settings");
    return text;
}

}  // namespace

Netlink::Netlink(std::unique_ptr<Socket> socket) : socket_(std::move(socket)) {}
Netlink::Netlink(Netlink&&) noexcept = default;
Netlink& Netlink::operator=(Netlink&&) noexcept = default;
Netlink::~Netlink() = default;

Result<Netlink> Netlink::open() {
    KND_TRY_ASSIGN(auto socket, Socket::open(NETLINK_ROUTE));
    return Netlink(std::move(socket));
}

Result<std::vector<LinkInfo>> Netlink::links() {
    Message message(RTM_GETLINK, 0);
    message.header(ifinfomsg{}).put_u32(IFLA_EXT_MASK, kLinkDetail);
    std::vector<LinkInfo> links;
    std::unordered_map<int, std::size_t> places;
    auto result = socket_->dump(
        message, [&] { links.clear(), places.clear(); },
        [&](const nlmsghdr* raw) {
            auto link = read_link(raw);
            if (!link) return;
            // A link that changed its place in the kernel's table during the dump comes twice.
            const auto [place, is_new] = places.try_emplace(link->ifindex, links.size());
            if (is_new) links.emplace_back();
            links[place->second] = *std::move(link);
        });
    if (!result.ok()) return std::move(result).error().wrap("list links");
    return links;
}

Result<LinkInfo> Netlink::link(int ifindex) {
    ifinfomsg header{};
    header.ifi_index = ifindex;
    Message message(RTM_GETLINK, 0);
    message.header(header).put_u32(IFLA_EXT_MASK, kLinkDetail);
    std::optional<LinkInfo> link;
    auto result = socket_->request(message, [&](const nlmsghdr* raw) { link = read_link(raw); });
    if (!result.ok()) {
        return std::move(result).error().wrap("link with ifindex " + std::to_string(ifindex));
    }
    if (!link) return Error(Code::kInternal, "netlink did not tell the link it was asked for");
    return *std::move(link);
}

Result<LinkInfo> Netlink::link(std::string_view name) {
    Message message(RTM_GETLINK, 0);
    // Both look among names and altnames; the short attribute refuses what is too long for a name.
    const bool is_short = name.size() < IFNAMSIZ;
    message.header(ifinfomsg{})
        .put_u32(IFLA_EXT_MASK, kLinkDetail)
        .put_text(is_short ? IFLA_IFNAME : IFLA_ALT_IFNAME, std::string(name));
    std::optional<LinkInfo> link;
    auto result = socket_->request(message, [&](const nlmsghdr* raw) { link = read_link(raw); });
    if (!result.ok()) return std::move(result).error().wrap("link `" + std::string(name) + "`");
    if (!link) return Error(Code::kInternal, "netlink did not tell the link it was asked for");
    return *std::move(link);
}

Result<std::vector<AddressInfo>> Netlink::addresses(int ifindex) {
    ifaddrmsg header{};
    header.ifa_index = static_cast<std::uint32_t>(ifindex);
    Message message(RTM_GETADDR, 0);
    message.header(header);
    std::vector<AddressInfo> addresses;
    auto result = socket_->dump(
        message, [&] { addresses.clear(); },
        [&](const nlmsghdr* raw) {
            auto address = read_address(raw);
            if (!address || (ifindex != 0 && address->ifindex != ifindex)) return;
            addresses.push_back(*std::move(address));
        });
    if (!result.ok()) return on_link(std::move(result).error(), "list addresses", ifindex);
    return addresses;
}

Result<std::vector<RouteInfo>> Netlink::routes(int ifindex) {
    std::vector<RouteInfo> routes;
    for (const std::uint8_t family : {AF_INET, AF_INET6}) {
        rtmsg header{};
        header.rtm_family = family;
        Message message(RTM_GETROUTE, 0);
        message.header(header);
        if (ifindex != 0) message.put_u32(RTA_OIF, static_cast<std::uint32_t>(ifindex));
        const auto before = routes.size();
        auto result = socket_->dump(
            message, [&] { routes.resize(before); },
            [&](const nlmsghdr* raw) {
                auto route = read_route(raw);
                if (!route || (ifindex != 0 && !route->uses(ifindex))) return;
                routes.push_back(*std::move(route));
            });
        // A kernel without IPv6 has no handler for it.
        if (!result.ok() && !(family == AF_INET6 && result.code() == Code::kUnimplemented)) {
            return on_link(std::move(result).error(), "list routes", ifindex);
        }
    }
    return routes;
}

Result<std::vector<RuleInfo>> Netlink::rules() {
    std::vector<RuleInfo> rules;
    for (const std::uint8_t family : {AF_INET, AF_INET6}) {
        fib_rule_hdr header{};
        header.family = family;
        Message message(RTM_GETRULE, 0);
        message.header(header);
        const auto before = rules.size();
        auto result = socket_->dump(
            message, [&] { rules.resize(before); },
            [&](const nlmsghdr* raw) {
                if (auto rule = read_rule(raw)) rules.push_back(*std::move(rule));
            });
        if (!result.ok() && result.error().os_error() != EAFNOSUPPORT &&
            result.code() != Code::kUnimplemented) {
            return std::move(result).error().wrap("list rules");
        }
    }
    return rules;
}

Result<std::vector<NeighborInfo>> Netlink::neighbors(int ifindex) {
    Message message(RTM_GETNEIGH, 0);
    message.header(ndmsg{});
    if (ifindex != 0) message.put_u32(NDA_IFINDEX, static_cast<std::uint32_t>(ifindex));
    std::vector<NeighborInfo> neighbors;
    auto result = socket_->dump(
        message, [&] { neighbors.clear(); },
        [&](const nlmsghdr* raw) {
            auto neighbor = read_neighbor(raw);
            if (!neighbor || (ifindex != 0 && neighbor->ifindex != ifindex)) return;
            neighbors.push_back(*std::move(neighbor));
        });
    if (!result.ok()) return on_link(std::move(result).error(), "list neighbours", ifindex);
    return neighbors;
}

Result<void> Netlink::change_link(int ifindex, const LinkChange& change) {
    auto message = change_link_request(ifindex, change);
    auto result = socket_->request(message);
    if (result.ok()) return {};
    return std::move(result).error().wrap(text_of(change));
}

Result<void> Netlink::add_altname(int ifindex, const std::string& name) {
    auto message = altname_request(RTM_NEWLINKPROP, ifindex, name);
    auto result = socket_->request(message);
    return result.ok() ? Result<void>() : std::move(result).wrap("add altname " + name);
}

Result<void> Netlink::delete_altname(int ifindex, const std::string& name) {
    auto message = altname_request(RTM_DELLINKPROP, ifindex, name);
    auto result = socket_->request(message);
    return result.ok() ? Result<void>() : std::move(result).wrap("delete altname " + name);
}

Result<void> Netlink::create_link(const NewLink& link) {
    auto message = create_link_request(link);
    auto result = socket_->request(message);
    if (result.ok()) return {};
    return std::move(result).wrap("create " + link.kind + " link `" + link.name + "`");
}

Result<void> Netlink::delete_link(int ifindex) {
    ifinfomsg header{};
    header.ifi_index = ifindex;
    Message message(RTM_DELLINK, 0);
    message.header(header);
    auto result = socket_->request(message);
    if (result.ok()) return {};
    return on_link(std::move(result).error(), "delete link", ifindex);
}

Result<void> Netlink::add_address(const AddressInfo& address) {
    auto message = address_request(RTM_NEWADDR, address);
    auto result = socket_->request(message);
    return result.ok() ? Result<void>()
                       : std::move(result).wrap("add address " + object_of(address));
}

Result<void> Netlink::delete_address(const AddressInfo& address) {
    auto message = address_request(RTM_DELADDR, address);
    auto result = socket_->request(message);
    if (result.ok()) return {};
    // The kernel's "Cannot assign requested address" means that it is not there.
    auto error = std::move(result).error().wrap("delete address " + object_of(address));
    if (error.os_error() != EADDRNOTAVAIL) return error;
    return Error(Code::kNotFound, error.message(), error.os_error());
}

Result<void> Netlink::add_route(const RouteInfo& route) {
    auto message = route_request(RTM_NEWROUTE, route);
    auto result = socket_->request(message);
    return result.ok() ? Result<void>() : std::move(result).wrap("add route " + route.text());
}

Result<void> Netlink::delete_route(const RouteInfo& route) {
    auto message = route_request(RTM_DELROUTE, route);
    auto result = socket_->request(message);
    return result.ok() ? Result<void>() : std::move(result).wrap("delete route " + route.text());
}

Result<void> Netlink::add_rule(const RuleInfo& rule) {
    auto message = rule_request(RTM_NEWRULE, rule);
    auto result = socket_->request(message);
    return result.ok() ? Result<void>() : std::move(result).wrap("add rule " + object_of(rule));
}

Result<void> Netlink::delete_rule(const RuleInfo& rule) {
    auto message = rule_request(RTM_DELRULE, rule);
    auto result = socket_->request(message);
    return result.ok() ? Result<void>() : std::move(result).wrap("delete rule " + object_of(rule));
}

Result<void> Netlink::add_neighbor(const NeighborInfo& neighbor) {
    auto message = neighbor_request(RTM_NEWNEIGH, neighbor);
    auto result = socket_->request(message);
    return result.ok() ? Result<void>()
                       : std::move(result).wrap("add neighbour " + neighbor.address);
}

Result<void> Netlink::delete_neighbor(const NeighborInfo& neighbor) {
    auto message = neighbor_request(RTM_DELNEIGH, neighbor);
    auto result = socket_->request(message);
    return result.ok() ? Result<void>()
                       : std::move(result).wrap("delete neighbour " + neighbor.address);
}

}  // namespace knd
