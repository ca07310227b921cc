// SPDX-License-Identifier: Apache-2.0
//
// What is written is read back: requests and events of rtnetlink have one format, so each writer is
// checked against the reader, and the reader against messages cut at every byte.
#include <gtest/gtest.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <cstring>
#include <vector>

#include "sdk/support/netlink_attributes.hpp"
#include "sdk/support/netlink_read.hpp"
#include "sdk/support/netlink_write.hpp"

namespace knd {
namespace {

AddressInfo rich_address() {
    return {.ifindex = 7,
            .address = "192.0.2.1",
            .prefix_length = 24,
            .peer = "192.0.2.9",
            .broadcast = "192.0.2.255",
            .label = "eth1:a",
            .scope = RT_SCOPE_LINK,
            .flags = IFA_F_NOPREFIXROUTE,
            .metric = 77,
            .valid_s = 600,
            .preferred_s = 300};
}

RouteInfo rich_route() {
    return {.destination = "198.51.100.0/24",
            .source = "192.0.2.1",
            .nexthops = {{.ifindex = 7, .gateway = "192.0.2.254", .flags = RTNH_F_ONLINK}},
            .table = 1000,
            .metric = 50,
            .tos = 0x10,
            .protocol = RTPROT_STATIC,
            .metrics = {{RTAX_MTU, 1400}, {RTAX_ADVMSS, 1300}}};
}

TEST(AddressMessage, KeepsEveryProperty) {
    auto message = address_request(RTM_NEWADDR, rich_address());
    ASSERT_TRUE(message.ok());
    EXPECT_EQ(read_address(message.raw()), rich_address());
}

TEST(AddressMessage, LeavesOutWhatTheKernelWorksOut) {
    AddressInfo address{.ifindex = 7, .address = "2001:db8::1", .prefix_length = 64};
    address.flags = IFA_F_PERMANENT | IFA_F_TENTATIVE | IFA_F_NODAD;
    auto message = address_request(RTM_NEWADDR, address);
    EXPECT_EQ(read_address(message.raw())->flags, std::uint32_t{IFA_F_NODAD});
}

TEST(AddressMessage, WithoutAnAddressIsRefused) {
    EXPECT_FALSE(address_request(RTM_NEWADDR, {.ifindex = 7, .address = "nonsense"}).ok());
}

TEST(RouteMessage, KeepsEveryProperty) {
    auto message = route_request(RTM_NEWROUTE, rich_route());
    ASSERT_TRUE(message.ok());
    EXPECT_EQ(read_route(message.raw()), rich_route());
}

TEST(RouteMessage, KeepsSeveralNexthops) {
    RouteInfo route{.destination = "2001:db8:1::/48",
                    .nexthops = {{.ifindex = 3, .gateway = "fe80::1", .weight = 2},
                                 {.ifindex = 4, .gateway = "fe80::2"},
                                 {.ifindex = 5}},
                    .metric = 1024};
    auto message = route_request(RTM_NEWROUTE, route);
    ASSERT_TRUE(message.ok());
    EXPECT_EQ(read_route(message.raw()), route);
}

TEST(RouteMessage, KeepsAGatewayOfTheOtherFamily) {
    RouteInfo route{.destination = "198.51.100.0/24",
                    .nexthops = {{.ifindex = 3, .gateway = "fe80::1"}}};
    auto message = route_request(RTM_NEWROUTE, route);
    EXPECT_EQ(read_route(message.raw()), route);
}

TEST(RouteMessage, OfTheDefaultRouteIsCanonical) {
    RouteInfo route{.destination = "::/0", .nexthops = {{.ifindex = 3}}};
    auto message = route_request(RTM_NEWROUTE, route);
    EXPECT_EQ(read_route(message.raw())->destination, "::/0");
    EXPECT_TRUE(route.is_default());
}

TEST(RuleMessage, KeepsEveryProperty) {
    RuleInfo rule{.ipv6 = false,
                  .priority = 100,
                  .source = "192.0.2.0/24",
                  .destination = "198.51.100.0/24",
                  .in_interface = "eth0",
                  .out_interface = "eth1",
                  .table = 1000,
                  .mark = 5,
                  .mark_mask = 0xFF,
                  .tos = 0x10};
    auto message = rule_request(RTM_NEWRULE, rule);
    ASSERT_TRUE(message.ok());
    EXPECT_EQ(read_rule(message.raw()), rule);
}

TEST(NeighborMessage, KeepsEveryProperty) {
    NeighborInfo neighbor{.ifindex = 7, .address = "192.0.2.7", .mac = "02:00:00:00:00:07"};
    auto message = neighbor_request(RTM_NEWNEIGH, neighbor);
    EXPECT_EQ(read_neighbor(message.raw()), neighbor);
}

TEST(LinkMessage, CarriesAllChangesOfAMove) {
    auto message = change_link_request(
        7, {.name = "net1", .mtu = 9000, .mac = "02:00:00:00:00:01", .up = true, .netns_fd = 5});
    ASSERT_TRUE(message.ok());
    const auto link = read_link(message.raw());
    EXPECT_EQ(link->ifindex, 7);
    EXPECT_EQ(link->name, "net1");
    EXPECT_EQ(link->mtu, 9000);
    EXPECT_EQ(link->mac, "02:00:00:00:00:01");
    EXPECT_TRUE(link->up());
    const auto attributes = Attributes::of(message.raw(), sizeof(ifinfomsg));
    EXPECT_EQ(attributes.u32(IFLA_NET_NS_FD), 5u);
}

TEST(LinkMessage, NamesTheKindOfANewLink) {
    auto message = create_link_request({.kind = "veth", .name = "a0", .peer_name = "b0"});
    ASSERT_TRUE(message.ok());
    EXPECT_EQ(read_link(message.raw())->kind, "veth");
}

TEST(LinkMessage, TellsWhatAVxlanStandsOn) {
    Message message(RTM_NEWLINK, 0);
    message.header(ifinfomsg{}).nest(IFLA_LINKINFO, [&] {
        message.put_text(IFLA_INFO_KIND, "vxlan");
        message.nest(IFLA_INFO_DATA, [&] { message.put_u32(IFLA_VXLAN_LINK, 7); });
    });
    EXPECT_EQ(read_link(message.raw())->parent, 7);
}

TEST(LinkMessage, TellsWhetherTheKernelMovesTheLink) {
    Message message(RTM_NEWLINK, 0);
    message.header(ifinfomsg{}).put_u8(kIflaNetnsImmutable, 1);
    EXPECT_TRUE(read_link(message.raw())->netns_immutable);
    Message silent(RTM_NEWLINK, 0);
    silent.header(ifinfomsg{});
    EXPECT_FALSE(read_link(silent.raw())->netns_immutable);
}

/// The message in memory of its own size, so that a sanitizer sees a read beyond its end.
template <class Read>
void read_cut_at_every_byte(Message message, Read read) {
    const auto* const bytes = reinterpret_cast<const char*>(message.raw());
    for (std::uint32_t size = sizeof(nlmsghdr); size < message.size(); ++size) {
        std::vector<char> cut(bytes, bytes + size);
        reinterpret_cast<nlmsghdr*>(cut.data())->nlmsg_len = size;
        read(reinterpret_cast<nlmsghdr*>(cut.data()));
    }
}

TEST(TornMessage, IsReadWithoutHarm) {
    read_cut_at_every_byte(address_request(RTM_NEWADDR, rich_address()), read_address);
    read_cut_at_every_byte(route_request(RTM_NEWROUTE, rich_route()), read_route);
    read_cut_at_every_byte(create_link_request({.kind = "veth", .name = "a0"}), read_link);
    read_cut_at_every_byte(rule_request(RTM_NEWRULE, {.source = "192.0.2.0/24"}), read_rule);
    read_cut_at_every_byte(neighbor_request(RTM_NEWNEIGH, {.address = "192.0.2.7"}), read_neighbor);
    auto header_only = address_request(RTM_NEWADDR, rich_address());
    header_only.raw()->nlmsg_len = sizeof(nlmsghdr);
    EXPECT_FALSE(read_address(header_only.raw()));
}

}  // namespace
}  // namespace knd
