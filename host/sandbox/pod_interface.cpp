// SPDX-License-Identifier: Apache-2.0
#include "host/sandbox/pod_interface.hpp"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <algorithm>

#include "host/sandbox/namespaces.hpp"
#include "host/sandbox/routes.hpp"

namespace knd {

namespace {

/// Duplicate address detection takes a second in which the address cannot be used. The claim says
/// who has it.
constexpr std::uint32_t kPodAddressFlags = IFA_F_NODAD;

Result<std::vector<AddressInfo>> configured_addresses(const std::vector<std::string>& texts) {
    std::vector<AddressInfo> addresses;
    for (const auto& text : texts) {
        KND_TRY_ASSIGN(const auto cidr, parse_cidr(text));
        addresses.push_back({.address = cidr.address,
                             .prefix_length = cidr.prefix_length,
                             .flags = cidr.ipv6() ? kPodAddressFlags : 0});
    }
    return addresses;
}

/// Without lifetime and label: who renews the one on the host does not do so in the pod, and the
/// other holds the name on the host.
std::vector<AddressInfo> host_addresses(const LinkState& host) {
    std::vector<AddressInfo> addresses;
    for (const auto& address : host.addresses) {
        const bool temporary = address.ipv6() && (address.flags & IFA_F_TEMPORARY) != 0;
        if (address.scope != RT_SCOPE_UNIVERSE || temporary) continue;
        addresses.push_back({.address = address.address,
                             .prefix_length = address.prefix_length,
                             .peer = address.peer,
                             .broadcast = address.broadcast,
                             .flags = address.ipv6() ? kPodAddressFlags : 0,
                             .metric = address.metric});
    }
    return addresses;
}

Result<std::vector<RouteInfo>> configured_routes(const std::vector<RouteConfig>& configs) {
    std::vector<RouteInfo> routes;
    for (const auto& config : configs) {
        KND_TRY_ASSIGN(const auto destination, parse_cidr(config.destination));
        RouteInfo route;
        route.destination = destination.network();
        route.source = config.source;
        route.nexthops = {{.gateway = config.gateway}};
        if (config.table != 0) route.table = static_cast<std::uint32_t>(config.table);
        // The kernel refuses an IPv4 route without a gateway in any other scope.
        route.scope = config.gateway.empty() ? RT_SCOPE_LINK : config.scope;
        routes.push_back(std::move(route));
    }
    return routes;
}

std::vector<RouteInfo> host_routes(const LinkState& host) {
    std::vector<RouteInfo> routes;
    for (auto route : host.routes) {
        const bool useful = route.table == RT_TABLE_MAIN && route.type == RTN_UNICAST &&
                            route.nexthops.size() == 1 && !route.is_default();
        if (!useful) continue;
        route.nexthops.front().ifindex = 0;
        routes.push_back(std::move(route));
    }
    return routes;
}

std::vector<RuleInfo> configured_rules(const std::vector<RuleConfig>& configs) {
    std::vector<RuleInfo> rules;
    for (const auto& config : configs) {
        RuleInfo rule;
        rule.priority = static_cast<std::uint32_t>(config.priority);
        rule.source = config.source;
        rule.destination = config.destination;
        rule.ipv6 = (config.source + config.destination).find(':') != std::string::npos;
        if (config.table != 0) rule.table = static_cast<std::uint32_t>(config.table);
        rules.push_back(std::move(rule));
    }
    return rules;
}

/// A repeated attach finds what it wants there already, and so does one after a crash; but it may
/// also be another one that is in the way.
Result<void> add_address(NetworkView& pod, const AddressInfo& address) {
    auto added = pod.add_address(address);
    if (added.code() != Code::kAlreadyExists) return added;
    KND_TRY_ASSIGN(const auto present, pod.addresses(address.ifindex));
    for (const auto& other : present) {
        if (other.address != address.address) continue;
        if (other.prefix_length == address.prefix_length && other.peer == address.peer) return {};
        return Error(
            Code::kFailedPrecondition,
            "address " + address.cidr() + ": the interface has it already, as " + other.cidr());
    }
    return added;
}

/// Rules that are equal are one: whether it is there is known when it has been taken away.
Result<void> add_rule(NetworkView& pod, const RuleInfo& rule) {
    auto added = pod.add_rule(rule);
    if (added.code() != Code::kAlreadyExists) return added;
    const auto removed = pod.delete_rule(rule);
    if (!removed.ok() && !is_absent(removed.error())) return removed;
    return pod.add_rule(rule);
}

}  // namespace

Result<PodInterface> plan_interface(std::string name, const NetworkConfig& network,
                                    const LinkState& host) {
    PodInterface wanted;
    wanted.name = std::move(name);
    wanted.mtu = network.mtu;
    if (!network.hardware_addr.empty()) {
        KND_TRY_ASSIGN(const auto bytes, mac_bytes(network.hardware_addr));
        wanted.mac = mac_text(bytes);
    }
    if (network.addresses) {
        KND_TRY_ASSIGN(wanted.addresses, configured_addresses(*network.addresses));
    } else {
        wanted.addresses = host_addresses(host);
        wanted.addresses_of_host = true;
    }
    KND_TRY_ASSIGN(wanted.routes, configured_routes(network.routes));
    if (!network.addresses && network.routes.empty()) wanted.routes = host_routes(host);
    // Routes through a gateway need the route to the gateway.
    std::stable_partition(wanted.routes.begin(), wanted.routes.end(), [](const RouteInfo& route) {
        return route.nexthops.front().gateway.empty();
    });
    wanted.rules = configured_rules(network.rules);
    for (const auto& neighbor : network.neighbors) {
        wanted.neighbors.push_back(
            {.address = neighbor.destination, .mac = neighbor.hardware_addr});
    }
    return wanted;
}

Result<std::vector<std::string>> configure(NetworkView& pod, int ifindex,
                                           const PodInterface& wanted, const StepHook& on_step) {
    std::vector<std::string> got;
    bool without_ipv6 = false;
    for (auto address : wanted.addresses) {
        address.ifindex = ifindex;
        auto added = add_address(pod, address);
        // What the kernel says to an IPv6 address where net.ipv6.conf.*.disable_ipv6 is set.
        const bool disabled = address.ipv6() && added.code() == Code::kPermissionDenied;
        if (disabled && wanted.addresses_of_host) {
            without_ipv6 = true;
            continue;
        }
        KND_TRY(added);
        got.push_back(address.cidr());
    }
    on_step("attach.addressed");
    KND_TRY(pod.change_link(ifindex, {.up = true}));
    on_step("attach.up");
    for (auto route : wanted.routes) {
        if (without_ipv6 && route.ipv6()) continue;
        route.nexthops.front().ifindex = ifindex;
        KND_TRY(add_route(pod, ifindex, route));
    }
    for (const auto& rule : wanted.rules)
        KND_TRY(add_rule(pod, rule));
    for (auto neighbor : wanted.neighbors) {
        neighbor.ifindex = ifindex;
        KND_TRY(pod.add_neighbor(neighbor));
    }
    on_step("attach.routed");
    return got;
}

}  // namespace knd
