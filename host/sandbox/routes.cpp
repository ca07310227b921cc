// SPDX-License-Identifier: Apache-2.0
#include "host/sandbox/routes.hpp"

#include <algorithm>

namespace knd {
namespace {

/// A metric that is left to the kernel is 1024 in IPv6.
bool same_metric(const RouteInfo& present, const RouteInfo& wanted) {
    constexpr std::uint32_t kIpv6Default = 1024;
    const auto metric = wanted.ipv6() && wanted.metric == 0 ? kIpv6Default : wanted.metric;
    return present.metric == metric;
}

/// What the kernel goes by.
bool is_in_the_way(const RouteInfo& other, const RouteInfo& route) {
    return other.destination == route.destination && other.table == route.table &&
           other.tos == route.tos && same_metric(other, route);
}

bool same_nexthop(const NexthopInfo& a, const NexthopInfo& b) {
    return a.ifindex == b.ifindex && a.gateway == b.gateway;
}

/// As the kernel tells it.
bool same_route(const RouteInfo& present, const RouteInfo& wanted) {
    return is_in_the_way(present, wanted) && present.type == wanted.type &&
           present.source == wanted.source &&
           std::is_permutation(present.nexthops.begin(), present.nexthops.end(),
                               wanted.nexthops.begin(), wanted.nexthops.end(), same_nexthop);
}

/// " on `eth0`"; nothing for a route that leads to no link.
Result<std::string> place_of(NetworkView& view, const RouteInfo& route) {
    if (route.nexthops.empty() || route.nexthops.front().ifindex == 0) return std::string();
    KND_TRY_ASSIGN(const auto link, view.link(route.nexthops.front().ifindex));
    return " on `" + link.name + "`";
}

/// The error that names the route which is there.
Result<void> refuse(NetworkView& view, const RouteInfo& route) {
    KND_TRY_ASSIGN(const auto routes, view.routes(0));
    const auto found = std::find_if(routes.begin(), routes.end(), [&](const RouteInfo& other) {
        return is_in_the_way(other, route);
    });
    if (found == routes.end())
        return Error(Code::kUnavailable, "route " + route.text() +
                                             ": the kernel says that there is one, and shows none");
    KND_TRY_ASSIGN(const auto place, place_of(view, *found));
    return Error(Code::kFailedPrecondition,
                 "route " + route.text() + ": there is " + found->text() + place + " already");
}

Result<bool> has_route(NetworkView& view, int ifindex, const RouteInfo& route) {
    KND_TRY_ASSIGN(const auto routes, view.routes(ifindex));
    return std::any_of(routes.begin(), routes.end(),
                       [&](const RouteInfo& other) { return same_route(other, route); });
}

}  // namespace

Result<void> add_route(NetworkView& view, int ifindex, const RouteInfo& route) {
    auto added = view.add_route(route);
    if (added.code() != Code::kAlreadyExists) return added;
    KND_TRY_ASSIGN(const bool there, has_route(view, ifindex, route));
    if (there) return {};
    return refuse(view, route);
}

}  // namespace knd
