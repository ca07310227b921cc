// SPDX-License-Identifier: Apache-2.0
#include "sdk/support/netlink_read.hpp"

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <iterator>

#include "sdk/support/netlink_attributes.hpp"
#include "sdk/support/netlink_message.hpp"

namespace knd {

namespace {

std::string operstate_text(std::uint8_t state) {
    constexpr const char* kNames[] = {"unknown", "notpresent", "down", "lowerlayerdown",
                                      "testing", "dormant",    "up"};
    return state < std::size(kNames) ? kNames[state] : "unknown";
}

std::string encapsulation_text(std::uint16_t type) {
    switch (type) {
        case ARPHRD_ETHER:
            return "ether";
        case ARPHRD_LOOPBACK:
            return "loopback";
        case ARPHRD_INFINIBAND:
            return "infiniband";
        case ARPHRD_IEEE80211:
            return "ieee802.11";
        case ARPHRD_PPP:
            return "ppp";
        case ARPHRD_TUNNEL:
            return "ipip";
        case ARPHRD_TUNNEL6:
            return "tunnel6";
        case ARPHRD_SIT:
            return "sit";
        case ARPHRD_IPGRE:
            return "gre";
        case ARPHRD_IP6GRE:
            return "gre6";
        case ARPHRD_NONE:
            return "none";
        default:
            return std::to_string(type);
    }
}

void read_link_sizes(const Attributes& attributes, LinkInfo& link) {
    link.mtu = static_cast<int>(attributes.u32(IFLA_MTU));
    link.min_mtu = static_cast<int>(attributes.u32(IFLA_MIN_MTU));
    link.max_mtu = static_cast<int>(attributes.u32(IFLA_MAX_MTU));
    link.gso_max_size = attributes.u32(IFLA_GSO_MAX_SIZE);
    link.gro_max_size = attributes.u32(IFLA_GRO_MAX_SIZE);
    link.gso_ipv4_max_size = attributes.u32(kIflaGsoIpv4MaxSize);
    link.gro_ipv4_max_size = attributes.u32(kIflaGroIpv4MaxSize);
    link.txqlen = static_cast<int>(attributes.u32(IFLA_TXQLEN));
    link.num_tx_queues = static_cast<int>(attributes.u32(IFLA_NUM_TX_QUEUES));
    link.num_rx_queues = static_cast<int>(attributes.u32(IFLA_NUM_RX_QUEUES));
}

std::uint32_t route_table(const Attributes& attributes, std::uint8_t short_table) {
    return attributes.maybe_u32(RTA_TABLE).value_or(short_table);
}

/// The gateway of an attribute set, be it of the route's own family (RTA_GATEWAY) or of the other
/// one.
std::string gateway_in(const Attributes& attributes) {
    if (attributes.has(RTA_GATEWAY)) return attributes.ip(RTA_GATEWAY);
    const auto via = attributes.bytes(RTA_VIA);
    return via.size() > sizeof(rtvia) ? ip_text(via.substr(sizeof(rtvia))) : "";
}

std::vector<NexthopInfo> multipath_nexthops(std::string_view bytes) {
    std::vector<NexthopInfo> hops;
    while (bytes.size() >= sizeof(rtnexthop)) {
        rtnexthop raw{};
        bytes.copy(reinterpret_cast<char*>(&raw), sizeof raw);
        if (raw.rtnh_len < sizeof raw || raw.rtnh_len > bytes.size()) break;
        const auto attributes =
            Attributes::in(bytes.data() + sizeof raw, raw.rtnh_len - sizeof raw);
        hops.push_back({.ifindex = raw.rtnh_ifindex,
                        .gateway = gateway_in(attributes),
                        .weight = raw.rtnh_hops + 1,
                        .flags = raw.rtnh_flags & static_cast<std::uint32_t>(RTNH_F_ONLINK)});
        bytes.remove_prefix(std::min<std::size_t>(RTNH_ALIGN(raw.rtnh_len), bytes.size()));
    }
    return hops;
}

bool is_ip(int family) {
    return family == AF_INET || family == AF_INET6;
}

std::string prefix_text(const std::string& address, int length, bool ipv6) {
    if (address.empty()) return ipv6 ? "::/" + std::to_string(length) : "0.0.0.0/0";
    return address + "/" + std::to_string(length);
}

}  // namespace

std::optional<LinkInfo> read_link(const nlmsghdr* message) {
    const auto* const header = message_header<ifinfomsg>(message);
    if (message->nlmsg_type != RTM_NEWLINK || header == nullptr) return std::nullopt;
    const auto attributes = Attributes::of(message, sizeof *header);
    LinkInfo link;
    link.ifindex = header->ifi_index;
    link.flags = header->ifi_flags;
    link.type = header->ifi_type;
    link.encapsulation = encapsulation_text(header->ifi_type);
    link.name = attributes.text(IFLA_IFNAME);
    Attributes::each(attributes.raw(IFLA_PROP_LIST), [&](int type, std::string_view value) {
        if (type == IFLA_ALT_IFNAME) link.altnames.emplace_back(value.substr(0, value.find('\0')));
    });
    const auto info = Attributes::within(attributes.raw(IFLA_LINKINFO));
    link.kind = info.text(IFLA_INFO_KIND);
    link.mac = mac_text(attributes.bytes(IFLA_ADDRESS));
    link.permanent_mac = mac_text(attributes.bytes(IFLA_PERM_ADDRESS));
    link.operstate = operstate_text(attributes.u8(IFLA_OPERSTATE));
    link.carrier = attributes.u8(IFLA_CARRIER) != 0;
    link.alias = attributes.text(IFLA_IFALIAS);
    link.master = static_cast<int>(attributes.u32(IFLA_MASTER));
    link.parent = static_cast<int>(attributes.u32(IFLA_LINK));
    // A VXLAN tells what it stands on among its own settings, and dies with it like a VLAN.
    if (link.kind == "vxlan" && link.parent == 0) {
        const auto settings = Attributes::within(info.raw(IFLA_INFO_DATA));
        link.parent = static_cast<int>(settings.u32(IFLA_VXLAN_LINK));
    }
    if (const auto nsid = attributes.maybe_u32(IFLA_LINK_NETNSID)) {
        link.parent_netns = static_cast<int>(*nsid);
    }
    link.bus = attributes.text(IFLA_PARENT_DEV_BUS_NAME);
    link.device = attributes.text(IFLA_PARENT_DEV_NAME);
    link.phys_port_name = attributes.text(IFLA_PHYS_PORT_NAME);
    link.phys_port_id = mac_text(attributes.bytes(IFLA_PHYS_PORT_ID));
    link.phys_switch_id = mac_text(attributes.bytes(IFLA_PHYS_SWITCH_ID));
    link.netns_immutable = attributes.u8(kIflaNetnsImmutable) != 0;
    read_link_sizes(attributes, link);
    return link;
}

std::optional<AddressInfo> read_address(const nlmsghdr* message) {
    const auto* const header = message_header<ifaddrmsg>(message);
    if (message->nlmsg_type != RTM_NEWADDR || header == nullptr) return std::nullopt;
    if (!is_ip(header->ifa_family)) return std::nullopt;
    const auto attributes = Attributes::of(message, sizeof *header);
    AddressInfo address;
    address.ifindex = static_cast<int>(header->ifa_index);
    address.prefix_length = header->ifa_prefixlen;
    address.scope = header->ifa_scope;
    // IFA_LOCAL is ours and IFA_ADDRESS the far end, where both are there and differ; IPv6
    // addresses without a far end have IFA_ADDRESS alone.
    const auto local = attributes.ip(IFA_LOCAL);
    const auto remote = attributes.ip(IFA_ADDRESS);
    address.address = local.empty() ? remote : local;
    if (!local.empty() && !remote.empty() && local != remote) address.peer = remote;
    address.broadcast = attributes.ip(IFA_BROADCAST);
    address.label = attributes.text(IFA_LABEL);
    address.flags = attributes.maybe_u32(IFA_FLAGS).value_or(header->ifa_flags);
    address.metric = attributes.u32(IFA_RT_PRIORITY);
    const auto lifetime = attributes.bytes(IFA_CACHEINFO);
    if (lifetime.size() >= sizeof(ifa_cacheinfo)) {
        ifa_cacheinfo raw{};
        lifetime.copy(reinterpret_cast<char*>(&raw), sizeof raw);
        address.valid_s = raw.ifa_valid;
        address.preferred_s = raw.ifa_prefered;
    }
    return address;
}

std::optional<RouteInfo> read_route(const nlmsghdr* message) {
    const auto* const header = message_header<rtmsg>(message);
    if (message->nlmsg_type != RTM_NEWROUTE || header == nullptr) return std::nullopt;
    if (!is_ip(header->rtm_family) || (header->rtm_flags & RTM_F_CLONED) != 0) return std::nullopt;
    const auto attributes = Attributes::of(message, sizeof *header);
    RouteInfo route;
    route.destination =
        prefix_text(attributes.ip(RTA_DST), header->rtm_dst_len, header->rtm_family == AF_INET6);
    route.source = attributes.ip(RTA_PREFSRC);
    route.table = route_table(attributes, header->rtm_table);
    route.metric = attributes.u32(RTA_PRIORITY);
    route.tos = header->rtm_tos;
    route.scope = header->rtm_scope;
    route.protocol = header->rtm_protocol;
    route.type = header->rtm_type;
    route.preference = attributes.u8(RTA_PREF);
    Attributes::each(attributes.raw(RTA_METRICS), [&](int type, std::string_view value) {
        std::uint32_t number = 0;
        // RTAX_CC_ALGO is a name, and the only metric that is no number.
        if (type == RTAX_CC_ALGO || value.size() != sizeof number) return;
        value.copy(reinterpret_cast<char*>(&number), sizeof number);
        route.metrics[type] = number;
    });
    if (attributes.has(RTA_MULTIPATH)) {
        route.nexthops = multipath_nexthops(attributes.bytes(RTA_MULTIPATH));
    } else if (attributes.has(RTA_OIF)) {
        route.nexthops = {{.ifindex = static_cast<int>(attributes.u32(RTA_OIF)),
                           .gateway = gateway_in(attributes),
                           .weight = 1,
                           .flags = header->rtm_flags & static_cast<std::uint32_t>(RTNH_F_ONLINK)}};
    }
    return route;
}

std::optional<RuleInfo> read_rule(const nlmsghdr* message) {
    const auto* const header = message_header<fib_rule_hdr>(message);
    if (message->nlmsg_type != RTM_NEWRULE || header == nullptr) return std::nullopt;
    if (!is_ip(header->family)) return std::nullopt;
    const auto attributes = Attributes::of(message, sizeof *header);
    RuleInfo rule;
    rule.ipv6 = header->family == AF_INET6;
    rule.priority = attributes.u32(FRA_PRIORITY);
    if (attributes.has(FRA_SRC)) {
        rule.source = prefix_text(attributes.ip(FRA_SRC), header->src_len, rule.ipv6);
    }
    if (attributes.has(FRA_DST)) {
        rule.destination = prefix_text(attributes.ip(FRA_DST), header->dst_len, rule.ipv6);
    }
    rule.in_interface = attributes.text(FRA_IIFNAME);
    rule.out_interface = attributes.text(FRA_OIFNAME);
    rule.table = attributes.maybe_u32(FRA_TABLE).value_or(header->table);
    rule.mark = attributes.u32(FRA_FWMARK);
    rule.mark_mask = attributes.u32(FRA_FWMASK);
    rule.tos = header->tos;
    rule.action = header->action;
    rule.protocol = attributes.u8(FRA_PROTOCOL);
    rule.flags = header->flags;
    return rule;
}

std::optional<NeighborInfo> read_neighbor(const nlmsghdr* message) {
    const auto* const header = message_header<ndmsg>(message);
    if (message->nlmsg_type != RTM_NEWNEIGH || header == nullptr) return std::nullopt;
    if (!is_ip(header->ndm_family)) return std::nullopt;
    const auto attributes = Attributes::of(message, sizeof *header);
    return NeighborInfo{.ifindex = header->ndm_ifindex,
                        .address = attributes.ip(NDA_DST),
                        .mac = mac_text(attributes.bytes(NDA_LLADDR)),
                        .state = header->ndm_state,
                        .flags = header->ndm_flags};
}

}  // namespace knd
