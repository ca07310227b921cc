// SPDX-License-Identifier: Apache-2.0
#include "sdk/support/netlink.hpp"

#include <gmock/gmock.h>
#include <net/if.h>
#include <poll.h>

#include <filesystem>

#include "tests/host/sandbox/namespaces.hpp"

namespace knd {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class NetlinkTest : public NamespaceTest {
  protected:
    void SetUp() override {
        NamespaceTest::SetUp();
        if (IsSkipped()) return;
        home_ = make_netns();
        pod_ = make_netns();
    }
    /// A veth pair in `home_`; the ifindex of `name`.
    int make_veth(Netlink& netlink, const std::string& name, const std::string& peer) {
        EXPECT_OK(netlink.create_link(
            {.kind = "veth", .name = name, .mac = "02:00:00:00:00:01", .peer_name = peer}));
        auto link = netlink.link(name);
        EXPECT_OK(link);
        return link.ok() ? link->ifindex : 0;
    }
    Fd home_;
    Fd pod_;
};

TEST_F(NetlinkTest, SeesTheNamespaceInWhichItWasOpened) {
    auto netlink = netlink_in(home_);
    auto links = netlink.links();
    ASSERT_OK(links);
    ASSERT_THAT(*links, SizeIs(1));
    EXPECT_EQ(links->front().name, "lo");
    EXPECT_TRUE(links->front().loopback());
}

TEST_F(NetlinkTest, TellsWhatALinkIs) {
    auto netlink = netlink_in(home_);
    const int ifindex = make_veth(netlink, "a0", "b0");
    ASSERT_OK(
        netlink.change_link(ifindex, {.mtu = 1400, .up = true, .txqlen = 77, .alias = "mine"}));
    ASSERT_OK(netlink.add_altname(ifindex, "a-name-longer-than-fifteen"));
    auto link = netlink.link("a-name-longer-than-fifteen");
    ASSERT_OK(link);
    EXPECT_EQ(link->name, "a0");
    EXPECT_EQ(link->kind, "veth");
    EXPECT_EQ(link->mac, "02:00:00:00:00:01");
    EXPECT_EQ(link->permanent_mac, "");
    EXPECT_EQ(link->mtu, 1400);
    EXPECT_EQ(link->txqlen, 77);
    EXPECT_EQ(link->alias, "mine");
    EXPECT_EQ(link->encapsulation, "ether");
    EXPECT_EQ(link->parent, netlink.link("b0")->ifindex);
    EXPECT_TRUE(link->up());
    EXPECT_THAT(link->altnames, ElementsAre("a-name-longer-than-fifteen"));
    ASSERT_OK(netlink.delete_altname(ifindex, "a-name-longer-than-fifteen"));
    EXPECT_EQ(netlink.link("a-name-longer-than-fifteen").code(), Code::kNotFound);
}

TEST_F(NetlinkTest, MovesRenamesAndConfiguresInOneRequest) {
    auto here = netlink_in(home_);
    auto there = netlink_in(pod_);
    const int ifindex = make_veth(here, "a0", "b0");
    ASSERT_OK(here.set_up(ifindex));
    ASSERT_OK(here.change_link(ifindex, {.name = "net1",
                                         .mtu = 1300,
                                         .mac = "02:00:00:00:00:09",
                                         .up = true,
                                         .netns_fd = pod_.get()}));
    EXPECT_EQ(here.link("a0").code(), Code::kNotFound);
    auto link = there.link("net1");
    ASSERT_OK(link);
    EXPECT_EQ(link->mtu, 1300);
    EXPECT_EQ(link->mac, "02:00:00:00:00:09");
    EXPECT_TRUE(link->up());
    EXPECT_TRUE(link->parent_netns.has_value());
}

TEST_F(NetlinkTest, MovesALinkWhoseNameIsTakenThere) {
    auto here = netlink_in(home_);
    auto there = netlink_in(pod_);
    const int ifindex = make_veth(here, "eth0", "b0");
    ASSERT_OK(there.create_link({.kind = "veth", .name = "eth0", .peer_name = "b0"}));
    ASSERT_OK(here.change_link(ifindex, {.name = "net1", .netns_fd = pod_.get()}));
    EXPECT_EQ(there.link("net1")->mac, "02:00:00:00:00:01");
}

TEST_F(NetlinkTest, RepeatsTheKernelsExplanation) {
    auto netlink = netlink_in(home_);
    const int ifindex = make_veth(netlink, "a0", "b0");
    auto result = netlink.change_link(ifindex, {.mtu = 5});
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().message(),
              "set MTU 5: Invalid argument (mtu less than device minimum)");
}

TEST_F(NetlinkTest, KeepsWorkingAfterAnError) {
    auto netlink = netlink_in(home_);
    EXPECT_EQ(netlink.link("none").code(), Code::kNotFound);
    EXPECT_EQ(netlink.link(4711).code(), Code::kNotFound);
    EXPECT_OK(netlink.link("lo"));
}

TEST_F(NetlinkTest, PutsAddressesBackAsTheyWere) {
    auto netlink = netlink_in(home_);
    const int ifindex = make_veth(netlink, "a0", "b0");
    for (const AddressInfo& address : {
             AddressInfo{.ifindex = ifindex,
            .address = "192.0.2.1",
            .prefix_length = 24,
            .broadcast = "192.0.2.255",
            .label = "a0:x",
            .metric = 77},
             AddressInfo{.ifindex = ifindex,
             .address = "10.0.0.1",
             .prefix_length = 32,
             .peer = "10.0.0.2",
             .scope = 253},
             AddressInfo{
                 .ifindex = ifindex, .address = "2001:db8::1", .prefix_length = 64, .flags = 0x02},
         }) {
        ASSERT_OK(netlink.add_address(address));
        EXPECT_EQ(netlink.add_address(address).code(), Code::kAlreadyExists);
    }
    auto before = netlink.addresses(ifindex);
    ASSERT_OK(before);
    ASSERT_THAT(*before, SizeIs(3));
    for (const auto& address : *before)
        ASSERT_OK(netlink.delete_address(address));
    EXPECT_THAT(*netlink.addresses(ifindex), SizeIs(0));
    EXPECT_EQ(netlink.delete_address(before->front()).code(), Code::kNotFound);
    for (const auto& address : *before)
        ASSERT_OK(netlink.add_address(address));
    EXPECT_EQ(*netlink.addresses(ifindex), *before);
}

TEST_F(NetlinkTest, PutsRoutesBackAsTheyWere) {
    auto netlink = netlink_in(home_);
    const int ifindex = make_veth(netlink, "a0", "b0");
    const int other = netlink.link("b0")->ifindex;
    ASSERT_OK(netlink.set_up(other));
    ASSERT_OK(
        netlink.add_address({.ifindex = ifindex, .address = "192.0.2.1", .prefix_length = 24}));
    ASSERT_OK(netlink.set_up(ifindex));
    ASSERT_OK(netlink.add_route({.destination = "198.51.100.0/24",
                                 .source = "192.0.2.1",
                                 .nexthops = {{.ifindex = ifindex, .gateway = "192.0.2.254"}},
                                 .metric = 50,
                                 .metrics = {{2, 1300}}}));
    ASSERT_OK(netlink.add_route({.destination = "203.0.113.0/24",
                                 .nexthops = {{.ifindex = ifindex, .gateway = "192.0.2.3"},
                                              {.ifindex = other, .weight = 3}},
                                 .table = 1234}));
    ASSERT_OK(netlink.add_route(
        {.destination = "2001:db8:1::/48", .nexthops = {{.ifindex = ifindex}}, .metric = 100}));
    const auto ours = [&] {
        auto routes = netlink.routes(ifindex);
        EXPECT_OK(routes);
        std::erase_if(*routes, [](const auto& r) { return r.protocol == 2 || r.table == 255; });
        return *routes;
    };
    const auto before = ours();
    ASSERT_THAT(before, SizeIs(3));
    for (const auto& route : before)
        ASSERT_OK(netlink.delete_route(route));
    EXPECT_THAT(ours(), SizeIs(0));
    for (const auto& route : before)
        ASSERT_OK(netlink.add_route(route));
    EXPECT_THAT(ours(), testing::UnorderedElementsAreArray(before));
}

TEST_F(NetlinkTest, AddsAndDeletesRules) {
    auto netlink = netlink_in(home_);
    const RuleInfo rule{.priority = 100, .source = "192.0.2.0/24", .table = 1000};
    ASSERT_OK(netlink.add_rule(rule));
    EXPECT_THAT(*netlink.rules(), Contains(rule));
    EXPECT_EQ(netlink.add_rule(rule).code(), Code::kAlreadyExists);
    ASSERT_OK(netlink.delete_rule(rule));
    EXPECT_EQ(netlink.delete_rule(rule).code(), Code::kNotFound);
}

TEST_F(NetlinkTest, AddsPermanentNeighbours) {
    auto netlink = netlink_in(home_);
    const int ifindex = make_veth(netlink, "a0", "b0");
    ASSERT_OK(netlink.set_up(ifindex));
    const NeighborInfo neighbor{
        .ifindex = ifindex, .address = "192.0.2.7", .mac = "02:00:00:00:00:07"};
    ASSERT_OK(netlink.add_neighbor(neighbor));
    ASSERT_OK(netlink.add_neighbor(neighbor));
    EXPECT_THAT(*netlink.neighbors(ifindex), Contains(neighbor));
}

TEST_F(NetlinkTest, MakesLinksStraightInAnotherNamespace) {
    auto here = netlink_in(home_);
    auto there = netlink_in(pod_);
    const int parent = make_veth(here, "a0", "b0");
    ASSERT_OK(here.create_link({.kind = "macvlan",
                                .name = "net1",
                                .mtu = 1400,
                                .netns_fd = pod_.get(),
                                .parent = parent}));
    EXPECT_EQ(there.link("net1")->kind, "macvlan");
    ASSERT_OK(here.create_link(
        {.kind = "veth", .name = "h0", .peer_name = "p0", .peer_netns_fd = pod_.get()}));
    EXPECT_OK(there.link("p0"));
    ASSERT_OK(there.delete_link(there.link("p0")->ifindex));
    EXPECT_EQ(here.link("h0").code(), Code::kNotFound);
}

TEST_F(NetlinkTest, ListsAThousandLinksOnceEach) {
    auto netlink = netlink_in(home_);
    for (int i = 0; i < 500; ++i) {
        ASSERT_OK(netlink.create_link({.kind = "veth", .name = "a" + std::to_string(i)}));
    }
    EXPECT_THAT(*netlink.links(), SizeIs(1001));
}

TEST_F(NetlinkTest, MonitorTellsWhichLinksChanged) {
    auto monitor = netns::open_monitor(home_.get(), LinkMonitor::kLinks | LinkMonitor::kAddresses);
    ASSERT_OK(monitor);
    EXPECT_TRUE(monitor->drain()->empty());
    auto netlink = netlink_in(home_);
    const int ifindex = make_veth(netlink, "a0", "b0");
    ASSERT_OK(
        netlink.add_address({.ifindex = ifindex, .address = "192.0.2.1", .prefix_length = 24}));
    pollfd ready{monitor->fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&ready, 1, 1000), 1);
    auto changes = monitor->drain();
    ASSERT_OK(changes);
    EXPECT_THAT(changes->links, Contains(ifindex));
    EXPECT_THAT(changes->addresses, ElementsAre(ifindex));
    EXPECT_FALSE(changes->overrun);
}

class NetnsTest : public NamespaceTest {
  protected:
    const std::string path_ = testing::TempDir() + "knd-netns-" + std::to_string(::getpid());
};

TEST_F(NetnsTest, HasOneIdentityWhereverItIsOpened) {
    const auto netns = make_netns();
    ASSERT_OK(netns::pin(netns.get(), path_));
    auto again = netns::open(path_);
    ASSERT_OK(again);
    EXPECT_EQ(*netns::identity(netns.get()), *netns::identity(again->get()));
    EXPECT_NE(*netns::identity(netns.get()), *netns::identity(netns::open_own()->get()));
    EXPECT_EQ(netns::pin(netns.get(), path_).code(), Code::kAlreadyExists);
    EXPECT_OK(netns::unpin(path_));
    EXPECT_EQ(netns::open(path_).code(), Code::kNotFound);
    EXPECT_OK(netns::unpin(path_));
}

TEST_F(NetnsTest, IsNotAnyFile) {
    auto result = netns::open("/proc/self/ns/mnt");
    EXPECT_EQ(result.code(), Code::kFailedPrecondition);
    EXPECT_THAT(result.error().message(), HasSubstr("is no network namespace"));
    EXPECT_EQ(netns::open("/dev/null").code(), Code::kFailedPrecondition);
}

TEST_F(NetnsTest, IsNotThatOfTheCallerAfterwards) {
    const auto own = *netns::identity(netns::open_own()->get());
    const auto netns = make_netns();
    std::string inside;
    EXPECT_OK(netns::run_in(netns.get(), [&]() -> Result<void> {
        inside = *netns::identity(netns::open_own()->get());
        return {};
    }));
    EXPECT_EQ(inside, *netns::identity(netns.get()));
    EXPECT_EQ(own, *netns::identity(netns::open_own()->get()));
}

}  // namespace
}  // namespace knd
