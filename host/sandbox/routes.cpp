// SPDX-License-Identifier: Apache-2.0
#include "host/sandbox/routes.hpp"

#include <algorithm>

namespace knd {
namespace {

bool is_in_the_way(const RouteInfo& other, const RouteInfo& route) {
    return other.destination == route.destination && other.table == route.table;
}

bool same_nexthop(const NexthopInfo& a, const NexthopInfo& b) {
    return a.ifindex == b.ifindex && a.gateway == b.gateway;
}

/// As the kernel tells it.
bool same_route(const RouteInfo& present, const RouteInfo& wanted) {
    const bool same_metric =
        present.metric == wanted.metric || (wanted.ipv6() && wanted.metric == 0);
    return is_in_the_way(present, wanted) && same_metric && present.tos == wanted.tos &&
           present.type == wanted.type && present.source == wanted.source &&
           std::equal(present.nexthops.begin(), present.nexthops.end(), wanted.nexthops.begin(),
                      wanted.nexthops.end(), same_nexthop);
}

/// The error that names the route which is there.
Result<void> refuse(NetworkView& view, const RouteInfo& route) {
    KND_TRY_ASSIGN(const auto links, view.links());
    for (const auto& link : links) {
        KND_TRY_ASSIGN(const auto routes, view.routes(link.ifindex));
        for (const auto& other : routes)
            if (is_in_the_way(other, route))
                return Error(Code::kFailedPrecondition, "route " + route.text() + ": there is " +
                                                            other.text() + " on `" + link.name +
                                                            "` already");
    }
    return Error(Code::kUnavailable,
                 "route " + route.text() + ": the kernel says that there is one, and shows none");
}

}  // namespace

Result<bool> has_route(NetworkView& view, int ifindex, const RouteInfo& route) {
    KND_TRY_ASSIGN(const auto routes, view.routes(ifindex));
    return std::any_of(routes.begin(), routes.end(),
                       [&](const RouteInfo& other) { return same_route(other, route); });
}

Result<void> add_route(NetworkView& view, int ifindex, const RouteInfo& route) {
    auto added = view.add_route(route);
    if (added.code() != Code::kAlreadyExists) return added;
    KND_TRY_ASSIGN(const bool there, has_route(view, ifindex, route));
    if (there) return {};
    return refuse(view, route);
}

}  // namespace knd
