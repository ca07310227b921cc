// SPDX-License-Identifier: Apache-2.0
#include "sdk/support/netlink_write.hpp"

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>

#include "sdk/support/netlink_attributes.hpp"

namespace knd {

namespace {

constexpr int kCreate = NLM_F_CREATE | NLM_F_EXCL;

std::uint8_t family_of(bool ipv6) {
    return ipv6 ? AF_INET6 : AF_INET;
}

/// Malformed MACs become an empty attribute, which the kernel refuses; they were checked where they
/// came from (configuration), or come from the kernel.
void put_mac(Message& message, int attribute, const std::string& mac) {
    message.put_bytes(attribute, mac_bytes(mac).value_or({}));
}

void put_link_settings(Message& message, const LinkChange& change) {
    if (change.netns_fd) {
        message.put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(*change.netns_fd));
    }
    if (change.name) message.put_text(IFLA_IFNAME, *change.name);
    if (change.mac) put_mac(message, IFLA_ADDRESS, *change.mac);
    if (change.mtu) message.put_u32(IFLA_MTU, static_cast<std::uint32_t>(*change.mtu));
    if (change.txqlen) message.put_u32(IFLA_TXQLEN, static_cast<std::uint32_t>(*change.txqlen));
    if (change.alias) message.put_bytes(IFLA_IFALIAS, *change.alias);
    if (change.master) message.put_u32(IFLA_MASTER, static_cast<std::uint32_t>(*change.master));
    if (change.gso_max_size) message.put_u32(IFLA_GSO_MAX_SIZE, *change.gso_max_size);
    if (change.gro_max_size) message.put_u32(IFLA_GRO_MAX_SIZE, *change.gro_max_size);
    if (change.gso_ipv4_max_size) message.put_u32(kIflaGsoIpv4MaxSize, *change.gso_ipv4_max_size);
    if (change.gro_ipv4_max_size) message.put_u32(kIflaGroIpv4MaxSize, *change.gro_ipv4_max_size);
}

void put_veth_peer(Message& message, const NewLink& link) {
    message.nest(VETH_INFO_PEER, [&] {
        message.append(std::string(sizeof(ifinfomsg), '\0').data(), sizeof(ifinfomsg));
        if (!link.peer_name.empty()) message.put_text(IFLA_IFNAME, link.peer_name);
        if (!link.peer_mac.empty()) put_mac(message, IFLA_ADDRESS, link.peer_mac);
        // Left to itself the kernel makes the peer in the namespace of the socket.
        const auto netns_fd = link.peer_netns_fd ? link.peer_netns_fd : link.netns_fd;
        if (netns_fd) message.put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(*netns_fd));
    });
}

void put_kind(Message& message, const NewLink& link) {
    message.put_text(IFLA_INFO_KIND, link.kind);
    message.nest(IFLA_INFO_DATA, [&] {
        if (link.kind == "veth") {
            put_veth_peer(message, link);
        } else if (link.kind == "macvlan") {
            const auto mode = link.mode == 0 ? MACVLAN_MODE_BRIDGE : link.mode;
            message.put_u32(IFLA_MACVLAN_MODE, static_cast<std::uint32_t>(mode));
        } else if (link.kind == "ipvlan") {
            message.put_u16(IFLA_IPVLAN_MODE, static_cast<std::uint16_t>(link.mode));
        } else if (link.kind == "vlan") {
            message.put_u16(IFLA_VLAN_ID, static_cast<std::uint16_t>(link.vlan_id));
        }
    });
}

void put_gateway(Message& message, bool ipv6_route, const std::string& gateway) {
    if (gateway.empty()) return;
    const bool ipv6_gateway = gateway.find(':') != std::string::npos;
    if (ipv6_gateway == ipv6_route) {
        message.put_ip(RTA_GATEWAY, gateway);
        return;
    }
    const std::uint16_t family = family_of(ipv6_gateway);
    message.put_bytes(RTA_VIA, std::string(reinterpret_cast<const char*>(&family), sizeof family) +
                                   ip_bytes(gateway));
}

void put_nexthops(Message& message, const RouteInfo& route) {
    message.nest(RTA_MULTIPATH, [&] {
        for (const auto& hop : route.nexthops) {
            rtnexthop raw{};
            raw.rtnh_ifindex = hop.ifindex;
            raw.rtnh_hops = static_cast<std::uint8_t>(hop.weight - 1);
            raw.rtnh_flags = static_cast<std::uint8_t>(hop.flags);
            const auto start = message.size();
            message.append(&raw, sizeof raw);
            put_gateway(message, route.ipv6(), hop.gateway);
            if (!message.ok()) return;
            static_cast<rtnexthop*>(message.at(start))->rtnh_len =
                static_cast<std::uint16_t>(message.size() - start);
        }
    });
}

static_assert(kSettableFlags == (IFF_NOARP | IFF_PROMISC | IFF_ALLMULTI | IFF_MULTICAST));

/// What the kernel works out for itself, and refuses or ignores when it is given.
constexpr std::uint32_t kComputedAddressFlags =
    IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_PERMANENT | IFA_F_DEPRECATED | IFA_F_SECONDARY;

}  // namespace

Message change_link_request(int ifindex, const LinkChange& change) {
    ifinfomsg header{};
    header.ifi_index = ifindex;
    if (change.up) {
        header.ifi_change = IFF_UP;
        header.ifi_flags = *change.up ? IFF_UP : 0;
    }
    if (change.flags) {
        header.ifi_change |= kSettableFlags;
        header.ifi_flags |= *change.flags & kSettableFlags;
    }
    Message message(RTM_NEWLINK, 0);
    message.header(header);
    put_link_settings(message, change);
    return message;
}

Message create_link_request(const NewLink& link) {
    ifinfomsg header{};
    if (link.up) header.ifi_change = header.ifi_flags = IFF_UP;
    Message message(RTM_NEWLINK, kCreate);
    message.header(header);
    put_link_settings(message, {.name = link.name, .netns_fd = link.netns_fd});
    if (!link.mac.empty()) put_mac(message, IFLA_ADDRESS, link.mac);
    if (link.mtu != 0) message.put_u32(IFLA_MTU, static_cast<std::uint32_t>(link.mtu));
    if (link.parent != 0) message.put_u32(IFLA_LINK, static_cast<std::uint32_t>(link.parent));
    message.nest(IFLA_LINKINFO, [&] { put_kind(message, link); });
    return message;
}

Message altname_request(int type, int ifindex, const std::string& name) {
    ifinfomsg header{};
    header.ifi_index = ifindex;
    Message message(type, type == RTM_NEWLINKPROP ? kCreate | NLM_F_APPEND : 0);
    message.header(header);
    message.nest(IFLA_PROP_LIST, [&] { message.put_text(IFLA_ALT_IFNAME, name); });
    return message;
}

Message address_request(int type, const AddressInfo& address) {
    ifaddrmsg header{};
    header.ifa_family = family_of(address.ipv6());
    header.ifa_prefixlen = static_cast<std::uint8_t>(address.prefix_length);
    header.ifa_scope = static_cast<std::uint8_t>(address.scope);
    header.ifa_index = static_cast<std::uint32_t>(address.ifindex);
    Message message(type, type == RTM_NEWADDR ? kCreate : 0);
    message.header(header);
    message.put_ip(IFA_LOCAL, address.address);
    message.put_ip(IFA_ADDRESS, address.peer.empty() ? address.address : address.peer);
    if (!address.broadcast.empty()) message.put_ip(IFA_BROADCAST, address.broadcast);
    if (!address.label.empty()) message.put_text(IFA_LABEL, address.label);
    message.put_u32(IFA_FLAGS, address.flags & ~kComputedAddressFlags);
    if (address.metric != 0) message.put_u32(IFA_RT_PRIORITY, address.metric);
    if (address.valid_s != UINT32_MAX || address.preferred_s != UINT32_MAX) {
        ifa_cacheinfo lifetime{};
        lifetime.ifa_valid = address.valid_s;
        lifetime.ifa_prefered = address.preferred_s;
        message.put_bytes(IFA_CACHEINFO,
                          {reinterpret_cast<const char*>(&lifetime), sizeof lifetime});
    }
    return message;
}

Message route_request(int type, const RouteInfo& route) {
    const auto slash = route.destination.find('/');
    const auto cidr = parse_cidr(route.destination);
    const bool single = route.nexthops.size() == 1;
    rtmsg header{};
    header.rtm_family = family_of(route.ipv6());
    header.rtm_dst_len = static_cast<std::uint8_t>(cidr.ok() ? cidr->prefix_length : 0);
    header.rtm_tos = static_cast<std::uint8_t>(route.tos);
    header.rtm_table = static_cast<std::uint8_t>(route.table < 256 ? route.table : RT_TABLE_UNSPEC);
    header.rtm_protocol = static_cast<std::uint8_t>(route.protocol);
    header.rtm_scope = static_cast<std::uint8_t>(route.scope);
    header.rtm_type = static_cast<std::uint8_t>(route.type);
    if (single) header.rtm_flags = route.nexthops.front().flags;
    Message message(type, type == RTM_NEWROUTE ? kCreate : 0);
    message.header(header);
    message.put_ip(RTA_DST, route.destination.substr(0, slash));
    message.put_u32(RTA_TABLE, route.table);
    if (route.metric != 0) message.put_u32(RTA_PRIORITY, route.metric);
    if (!route.source.empty()) message.put_ip(RTA_PREFSRC, route.source);
    if (route.preference != 0)
        message.put_u8(RTA_PREF, static_cast<std::uint8_t>(route.preference));
    if (single) {
        const auto& hop = route.nexthops.front();
        message.put_u32(RTA_OIF, static_cast<std::uint32_t>(hop.ifindex));
        put_gateway(message, route.ipv6(), hop.gateway);
    } else if (!route.nexthops.empty()) {
        put_nexthops(message, route);
    }
    if (!route.metrics.empty()) {
        message.nest(RTA_METRICS, [&] {
            for (const auto& [metric, value] : route.metrics)
                message.put_u32(metric, value);
        });
    }
    return message;
}

Message rule_request(int type, const RuleInfo& rule) {
    const auto source = parse_cidr(rule.source);
    const auto destination = parse_cidr(rule.destination);
    fib_rule_hdr header{};
    header.family = family_of(rule.ipv6);
    header.src_len = static_cast<std::uint8_t>(source.ok() ? source->prefix_length : 0);
    header.dst_len = static_cast<std::uint8_t>(destination.ok() ? destination->prefix_length : 0);
    header.tos = static_cast<std::uint8_t>(rule.tos);
    header.table = static_cast<std::uint8_t>(rule.table < 256 ? rule.table : RT_TABLE_UNSPEC);
    header.action = static_cast<std::uint8_t>(rule.action);
    header.flags = rule.flags & static_cast<std::uint32_t>(FIB_RULE_INVERT);
    Message message(type, type == RTM_NEWRULE ? kCreate : 0);
    message.header(header);
    if (source.ok()) message.put_ip(FRA_SRC, source->address);
    if (destination.ok()) message.put_ip(FRA_DST, destination->address);
    message.put_u32(FRA_PRIORITY, rule.priority);
    message.put_u32(FRA_TABLE, rule.table);
    message.put_u8(FRA_PROTOCOL, static_cast<std::uint8_t>(rule.protocol));
    if (!rule.in_interface.empty()) message.put_text(FRA_IIFNAME, rule.in_interface);
    if (!rule.out_interface.empty()) message.put_text(FRA_OIFNAME, rule.out_interface);
    if (rule.mark != 0) message.put_u32(FRA_FWMARK, rule.mark);
    if (rule.mark_mask != 0) message.put_u32(FRA_FWMASK, rule.mark_mask);
    return message;
}

Message neighbor_request(int type, const NeighborInfo& neighbor) {
    ndmsg header{};
    header.ndm_family = family_of(neighbor.address.find(':') != std::string::npos);
    header.ndm_ifindex = neighbor.ifindex;
    header.ndm_state = static_cast<std::uint16_t>(neighbor.state);
    header.ndm_flags = static_cast<std::uint8_t>(neighbor.flags);
    Message message(type, type == RTM_NEWNEIGH ? NLM_F_CREATE | NLM_F_REPLACE : 0);
    message.header(header);
    message.put_ip(NDA_DST, neighbor.address);
    if (!neighbor.mac.empty()) put_mac(message, NDA_LLADDR, neighbor.mac);
    return message;
}

}  // namespace knd
