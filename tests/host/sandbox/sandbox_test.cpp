// SPDX-License-Identifier: Apache-2.0
//
// Attach and detach on this kernel, in namespaces of their own.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <net/if.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "host/sandbox/attacher.hpp"
#include "host/sandbox/system_kernel.hpp"
#include "tests/host/sandbox/namespaces.hpp"

namespace knd {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr const char* kMac = "02:00:00:00:00:01";

/// "The host" has a veth `dra0` whose peer `dra0-peer` stays there, furnished with all that must
/// come back.
class SandboxTest : public NamespaceTest {
  protected:
    void SetUp() override {
        NamespaceTest::SetUp();
        if (IsSkipped()) return;
        home_ = make_netns();
        kernel_.emplace(Fd(::fcntl(home_.get(), F_DUPFD_CLOEXEC, 0)));
        pod_path_ = testing::TempDir() + "knd-pod-" + std::to_string(::getpid());
        pod_ = make_netns();
        ASSERT_OK(netns::pin(pod_.get(), pod_path_));
        furnish();
    }
    void TearDown() override {
        if (!pod_path_.empty()) EXPECT_OK(netns::unpin(pod_path_));
    }

    void furnish() {
        auto home = netlink_in(home_);
        ASSERT_OK(home.create_link(
            {.kind = "veth", .name = "dra0", .mac = kMac, .mtu = 1400, .peer_name = "dra0-peer"}));
        ifindex_ = home.link("dra0")->ifindex;
        ASSERT_OK(home.change_link(ifindex_, {.alias = "rack 4"}));
        ASSERT_OK(home.add_altname(ifindex_, "a-long-altname-of-dra0"));
        ASSERT_OK(home.add_address({.ifindex = ifindex_,
                                    .address = "192.0.2.1",
                                    .prefix_length = 24,
                                    .broadcast = "192.0.2.255",
                                    .label = "dra0:x",
                                    .metric = 77}));
        ASSERT_OK(home.add_address(
            {.ifindex = ifindex_, .address = "2001:db8::1", .prefix_length = 64, .flags = 0x02}));
        ASSERT_OK(home.set_up(ifindex_));
        ASSERT_OK(home.set_up(home.link("dra0-peer")->ifindex));
        ASSERT_OK(home.add_route({.destination = "203.0.113.0/24",
                                  .nexthops = {{.ifindex = ifindex_, .gateway = "192.0.2.254"}},
                                  .metric = 50,
                                  .metrics = {{2, 1300}}}));
        ASSERT_OK(home.add_route({.destination = "198.51.100.0/24",
                                  .nexthops = {{.ifindex = ifindex_}},
                                  .table = 1000,
                                  .scope = 253}));
        ASSERT_OK(home.add_route({.destination = "2001:db8:1::/48",
                                  .nexthops = {{.ifindex = ifindex_, .gateway = "2001:db8::fe"}},
                                  .metric = 1024}));
        ASSERT_OK(home.add_neighbor(
            {.ifindex = ifindex_, .address = "192.0.2.254", .mac = "02:00:00:00:00:fe"}));
    }

    AttachPlan attach_plan() const {
        AttachPlan plan;
        plan.key = {"claim-uid", "dra0"};
        plan.effects.netdevs = {{ifindex_, "dra0", kMac, ""}};
        plan.network.interface_name = "net1";
        plan.network.mtu = 1300;
        plan.network.hardware_addr = "02:00:00:00:00:0a";
        plan.network.addresses = {{"10.0.0.1/24", "fd00::1/64"}};
        plan.network.routes = {{.destination = "10.9.0.0/16", .gateway = "10.0.0.254"},
                               {.destination = "10.8.0.0/16", .scope = 253}};
        plan.network.rules = {{.priority = 100, .source = "10.0.0.0/24", .table = 1000}};
        plan.network.neighbors = {{"10.0.0.254", "02:00:00:00:00:ff"}};
        plan.netns.path = pod_path_;
        return plan;
    }
    static DetachPlan way_back(const AttachPlan& plan, const HostState& state) {
        DetachPlan back;
        back.key = plan.key;
        back.effects = plan.effects;
        back.network = plan.network;
        back.host_state = state;
        back.netns.path = plan.netns.path;
        return back;
    }

    /// What `dra0` is like on the host, in a form that two looks can be compared by.
    Result<HostState> look() const {
        KND_TRY_ASSIGN(auto state, Attacher(*kernel_).inspect(attach_plan()));
        auto& link = state.netdevs[0].link;
        link.operstate.clear();
        link.carrier = false;
        link.flags &= IFF_UP;
        for (auto& address : state.netdevs[0].addresses)
            address.flags &= ~0x80u;
        return state;
    }

    Fd home_;
    Fd pod_;
    std::string pod_path_;
    int ifindex_ = 0;
    mutable std::optional<SystemKernel> kernel_;
};

TEST_F(SandboxTest, MovesADeviceIntoThePodAndBringsItHomeAsItWas) {
    const Attacher attacher(*kernel_);
    const auto before = look();
    ASSERT_OK(before);
    EXPECT_THAT(before->netdevs[0].routes, SizeIs(3));
    const auto plan = attach_plan();
    auto state = attacher.inspect(plan);
    ASSERT_OK(state);
    auto facts = attacher.attach(plan, *state);
    ASSERT_OK(facts);
    EXPECT_EQ(facts->at(0).interface_name, "net1");
    EXPECT_EQ(facts->at(0).hardware_address, "02:00:00:00:00:0a");
    EXPECT_THAT(facts->at(0).addresses, ElementsAre("10.0.0.1/24", "fd00::1/64"));

    auto pod = netlink_in(pod_);
    auto link = pod.link("net1");
    ASSERT_OK(link);
    EXPECT_TRUE(link->up());
    EXPECT_EQ(link->mtu, 1300);
    auto routes = pod.routes(link->ifindex);
    ASSERT_OK(routes);
    EXPECT_EQ(std::count_if(routes->begin(), routes->end(),
                            [](const auto& route) { return route.protocol == 3; }),
              2);
    EXPECT_THAT(*pod.neighbors(link->ifindex), Contains(NeighborInfo{.ifindex = link->ifindex,
                                                                     .address = "10.0.0.254",
                                                                     .mac = "02:00:00:00:00:ff"}));

    auto detached = attacher.detach(way_back(plan, *state));
    ASSERT_OK(detached);
    EXPECT_THAT(detached->warnings, SizeIs(0));
    const auto after = look();
    ASSERT_OK(after);
    EXPECT_EQ(to_text(to_json(*after)), to_text(to_json(*before)));
}

TEST_F(SandboxTest, CopiesWhatTheHostHasWhenNothingIsConfigured) {
    const Attacher attacher(*kernel_);
    auto plan = attach_plan();
    plan.network = {};
    auto state = attacher.inspect(plan);
    ASSERT_OK(state);
    auto facts = attacher.attach(plan, *state);
    ASSERT_OK(facts);
    EXPECT_EQ(facts->at(0).interface_name, "dra0");
    EXPECT_THAT(facts->at(0).addresses, ElementsAre("192.0.2.1/24", "2001:db8::1/64"));
    auto pod = netlink_in(pod_);
    auto routes = *pod.routes(pod.link("dra0")->ifindex);
    EXPECT_TRUE(std::any_of(routes.begin(), routes.end(), [](const RouteInfo& route) {
        return route.destination == "203.0.113.0/24" && route.metrics.at(2) == 1300;
    }));
}

TEST_F(SandboxTest, UndoesAnAttachThatTheKernelRefusesHalfWay) {
    const Attacher attacher(*kernel_);
    const auto before = look();
    auto plan = attach_plan();
    plan.network.routes = {{.destination = "10.9.0.0/16", .gateway = "172.16.0.1"}};
    auto state = attacher.inspect(plan);
    ASSERT_OK(state);
    auto facts = attacher.attach(plan, *state);
    ASSERT_FALSE(facts.ok());
    EXPECT_THAT(facts.error().message(), HasSubstr("add route 10.9.0.0/16 via 172.16.0.1: "));
    EXPECT_THAT(facts.error().message(), testing::Not(HasSubstr("undoing failed")));
    const auto after = look();
    ASSERT_OK(after);
    EXPECT_EQ(to_text(to_json(*after)), to_text(to_json(*before)));
}

/// The kernel moves the device before it finds the MTU wrong.
TEST_F(SandboxTest, UndoesAMoveWithAnMtuThatCannotBe) {
    const Attacher attacher(*kernel_);
    const auto before = look();
    auto plan = attach_plan();
    plan.network.mtu = 70000;
    auto state = attacher.inspect(plan);
    ASSERT_OK(state);
    EXPECT_FALSE(attacher.attach(plan, *state).ok());
    EXPECT_EQ(to_text(to_json(*look())), to_text(to_json(*before)));
    EXPECT_THAT(*netlink_in(pod_).links(), SizeIs(1));
}

TEST_F(SandboxTest, EntersAPodThatHasTheHostsNameAndIfindex) {
    auto pod = netlink_in(pod_);
    // Interfaces until the pod has used up the ifindexes that the host's device could keep.
    for (int i = 0; pod.link(ifindex_).code() == Code::kNotFound; ++i) {
        ASSERT_OK(
            pod.create_link({.kind = "veth", .name = i == 0 ? "dra0" : "a" + std::to_string(i)}));
    }
    const Attacher attacher(*kernel_);
    const auto before = look();
    const auto plan = attach_plan();
    auto state = attacher.inspect(plan);
    ASSERT_OK(state);
    ASSERT_OK(attacher.attach(plan, *state));
    EXPECT_NE(pod.link("net1")->ifindex, ifindex_);
    ASSERT_OK(attacher.detach(way_back(plan, *state)));
    auto home = netlink_in(home_);
    EXPECT_EQ(home.link("dra0")->mac, kMac);
    EXPECT_EQ(home.link("dra0")->alias, "rack 4");
}

TEST_F(SandboxTest, RefusesANameThatThePodHas) {
    ASSERT_OK(netlink_in(pod_).create_link({.kind = "veth", .name = "net1"}));
    const auto state = Attacher(*kernel_).inspect(attach_plan());
    EXPECT_EQ(state.code(), Code::kFailedPrecondition);
    EXPECT_THAT(state.error().message(), HasSubstr("the pod has an interface `net1` already"));
}

TEST_F(SandboxTest, TellsThatADeviceDiedWithItsPod) {
    const Attacher attacher(*kernel_);
    const auto plan = attach_plan();
    auto state = attacher.inspect(plan);
    ASSERT_OK(state);
    ASSERT_OK(attacher.attach(plan, *state));
    ASSERT_OK(netns::unpin(pod_path_));
    pod_.reset();
    auto detached = attacher.detach(way_back(plan, *state));
    ASSERT_OK(detached);
    EXPECT_THAT(detached->lost, ElementsAre("dra0"));
}

TEST_F(SandboxTest, BringsADeviceHomeFromAPinnedNamespaceWithoutPath) {
    const Attacher attacher(*kernel_);
    const auto before = look();
    const auto plan = attach_plan();
    auto state = attacher.inspect(plan);
    ASSERT_OK(state);
    ASSERT_OK(attacher.attach(plan, *state));
    auto back = way_back(plan, *state);
    auto pinned = attacher.pin(pod_path_);
    ASSERT_OK(pinned);
    back.netns = *std::move(pinned);
    ASSERT_OK(netns::unpin(pod_path_));
    ASSERT_OK(attacher.detach(back));
    ASSERT_OK(netns::pin(pod_.get(), pod_path_));
    EXPECT_EQ(to_text(to_json(*look())), to_text(to_json(*before)));
}

/// An IPv6 route over two interfaces loses the leg of the one that leaves.
TEST_F(SandboxTest, TellsWhatIsLeftOfARouteThatItCannotPutBack) {
    auto home = netlink_in(home_);
    ASSERT_OK(home.create_link({.kind = "veth", .name = "other", .peer_name = "other-peer"}));
    const int other = home.link("other")->ifindex;
    ASSERT_OK(home.set_up(other));
    ASSERT_OK(home.set_up(home.link("other-peer")->ifindex));
    ASSERT_OK(home.add_address(
        {.ifindex = other, .address = "2001:db8:2::1", .prefix_length = 64, .flags = 0x02}));
    ASSERT_OK(home.add_route({.destination = "2001:db8:9::/48",
                              .nexthops = {{.ifindex = ifindex_, .gateway = "2001:db8::fe"},
                                           {.ifindex = other, .gateway = "2001:db8:2::fe"}},
                              .metric = 1024}));
    const Attacher attacher(*kernel_);
    const auto plan = attach_plan();
    const auto state = attacher.inspect(plan);
    ASSERT_OK(state);
    ASSERT_OK(attacher.attach(plan, *state));
    const auto detached = attacher.detach(way_back(plan, *state));
    ASSERT_OK(detached);
    EXPECT_THAT(detached->warnings,
                ElementsAre(HasSubstr("there is 2001:db8:9::/48 via 2001:db8:2::fe on `other` "
                                      "already")));
}

/// A process that is killed at each of the marked points leaves what one detach puts right.
TEST_F(SandboxTest, SurvivesKillAtEveryMarkedPoint) {
    const auto before = look();
    ASSERT_OK(before);
    const std::vector<std::string> points = {
        "attach.moved", "attach.addressed", "attach.up",        "attach.routed", "detach.moved",
        "detach.reset", "detach.renamed",   "detach.addressed", "detach.up",     "detach.restored"};
    for (const auto& point : points) {
        auto plan = attach_plan();
        auto state = Attacher(*kernel_).inspect(plan);
        ASSERT_OK(state);
        const auto child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            plan.on_step = [&](std::string_view step) {
                if (step == point) ::kill(::getpid(), SIGKILL);
            };
            auto back = way_back(plan, *state);
            back.on_step = plan.on_step;
            static_cast<void>(Attacher(*kernel_).attach(plan, *state));
            static_cast<void>(Attacher(*kernel_).detach(back));
            ::_exit(0);
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status)) << point << " was never reached";
        EXPECT_OK(Attacher(*kernel_).detach(way_back(plan, *state)));
        auto after = look();
        ASSERT_OK(after);
        EXPECT_EQ(to_text(to_json(*after)), to_text(to_json(*before))) << point;
    }
}

// --- made in the pod ----------------------------------------------------------------------------

class MadeInThePodTest : public SandboxTest {
  protected:
    AttachPlan made_plan(const MadeLink& made) const {
        auto plan = attach_plan();
        plan.network.addresses = {{"10.0.0.1/24"}};
        NetdevEffect effect;
        effect.name = "made0";
        effect.made = made;
        plan.effects.netdevs = {effect};
        return plan;
    }
    /// In and out again, by what the attach has noted or without it.
    void makes_and_removes(const AttachPlan& plan) {
        const Attacher attacher(*kernel_);
        for (const bool noted : {true, false}) {
            auto state = attacher.inspect(plan);
            ASSERT_OK(state);
            auto facts = attacher.attach(plan, *state);
            ASSERT_OK(facts);
            auto again = attacher.attach(plan, *state);
            ASSERT_OK(again);
            EXPECT_EQ(again->at(0).ifindex, facts->at(0).ifindex);
            EXPECT_TRUE(netlink_in(pod_).link("net1")->up());
            auto way = way_back(plan, *state);
            if (noted) way.attached = *facts;
            ASSERT_OK(attacher.detach(way));
            EXPECT_EQ(netlink_in(pod_).link("net1").code(), Code::kNotFound);
        }
    }
};

TEST_F(MadeInThePodTest, AVethWhoseOtherEndIsUp) {
    const Attacher attacher(*kernel_);
    const auto plan = made_plan({.kind = "veth", .peer = "ve-host"});
    const auto state = attacher.inspect(plan);
    ASSERT_OK(state);
    ASSERT_OK(attacher.attach(plan, *state));
    EXPECT_TRUE(netlink_in(home_).link("ve-host")->up());
    EXPECT_EQ(netlink_in(home_).link("ve-host")->mtu, 1300);
    ASSERT_OK(attacher.detach(way_back(plan, *state)));
    EXPECT_EQ(netlink_in(home_).link("ve-host").code(), Code::kNotFound);
    makes_and_removes(plan);
}

TEST_F(MadeInThePodTest, AVethThatThePodTookElsewhereGoesByItsOtherEnd) {
    const Attacher attacher(*kernel_);
    const auto plan = made_plan({.kind = "veth", .peer = "ve-host"});
    const auto state = attacher.inspect(plan);
    ASSERT_OK(state);
    const auto facts = attacher.attach(plan, *state);
    ASSERT_OK(facts);
    const auto inner = make_netns();
    ASSERT_OK(netlink_in(pod_).change_link(facts->at(0).ifindex, {.netns_fd = inner.get()}));
    ASSERT_OK(attacher.detach(way_back(plan, *state)));
    EXPECT_EQ(netlink_in(home_).link("ve-host").code(), Code::kNotFound);
    EXPECT_EQ(netlink_in(inner).link("net1").code(), Code::kNotFound);
}

TEST_F(MadeInThePodTest, AVethLeavesOneOfTheNetworkAlone) {
    auto home = netlink_in(home_);
    ASSERT_OK(home.create_link({.kind = "veth",
                                .name = "net1",
                                .netns_fd = pod_.get(),
                                .peer_name = "cni-host",
                                .peer_netns_fd = home_.get()}));
    const Attacher attacher(*kernel_);
    const auto plan = made_plan({.kind = "veth", .peer = "ve-host"});
    EXPECT_EQ(attacher.inspect(plan).code(), Code::kFailedPrecondition);
    HostState state;
    state.netdevs.resize(1);
    EXPECT_FALSE(attacher.attach(plan, state).ok());
    ASSERT_OK(attacher.detach(way_back(plan, state)));
    EXPECT_OK(netlink_in(pod_).link("net1"));
    EXPECT_EQ(netlink_in(home_).link("ve-host").code(), Code::kNotFound);
}

TEST_F(MadeInThePodTest, ALinkWhoseMarkThePodTookAway) {
    const Attacher attacher(*kernel_);
    for (const auto& made :
         {MadeLink{.kind = "veth", .peer = "ve-host"},
          MadeLink{.kind = "macvlan", .parent_ifindex = ifindex_, .parent = "dra0"}}) {
        const auto plan = made_plan(made);
        const auto state = attacher.inspect(plan);
        ASSERT_OK(state);
        const auto facts = attacher.attach(plan, *state);
        ASSERT_OK(facts);
        auto pod = netlink_in(pod_);
        ASSERT_OK(pod.change_link(facts->at(0).ifindex,
                                  {.name = "mine", .mac = "02:00:00:00:77:77", .alias = ""}));
        auto way = way_back(plan, *state);
        way.attached = *facts;
        ASSERT_OK(attacher.detach(way));
        EXPECT_EQ(pod.link("mine").code(), Code::kNotFound) << made.kind;
    }
}

TEST_F(MadeInThePodTest, AnotherLinkUnderItsIfindex) {
    const Attacher attacher(*kernel_);
    const auto plan = made_plan({.kind = "veth", .peer = "ve-host"});
    const auto state = attacher.inspect(plan);
    ASSERT_OK(state);
    auto facts = attacher.attach(plan, *state);
    ASSERT_OK(facts);
    auto pod = netlink_in(pod_);
    ASSERT_OK(pod.delete_link(facts->at(0).ifindex));
    // As the network's eth0, which sits on the host too.
    ASSERT_OK(netlink_in(home_).create_link({.kind = "veth",
                                             .name = "eth0",
                                             .netns_fd = pod_.get(),
                                             .peer_name = "cni-host",
                                             .peer_netns_fd = home_.get()}));
    facts->at(0).ifindex = pod.link("eth0")->ifindex;
    auto way = way_back(plan, *state);
    way.attached = *facts;
    ASSERT_OK(attacher.detach(way));
    EXPECT_OK(pod.link("eth0"));
}

TEST_F(MadeInThePodTest, WhatABackendMakesIsNoLinkOfTheNetwork) {
    const Attacher attacher(*kernel_);
    const auto plan = made_plan({.by_backend = true});
    const auto state = attacher.inspect(plan);
    ASSERT_OK(state);
    const auto facts = attacher.attach(plan, *state);
    ASSERT_OK(facts);
    auto pod = netlink_in(pod_);
    ASSERT_OK(pod.create_link({.kind = "veth", .name = "made0"}));
    ASSERT_OK(pod.create_link({.kind = "veth", .name = "net1"}));
    const int own = pod.link("net1")->ifindex;
    EXPECT_EQ(attacher.inspect(plan).code(), Code::kFailedPrecondition);
    EXPECT_FALSE(attacher.configure_made(plan, *facts).ok());
    EXPECT_THAT(*pod.addresses(own), SizeIs(0));
    ASSERT_OK(pod.delete_link(own));
    for (int turn = 0; turn < 2; ++turn) {
        const auto complete = attacher.configure_made(plan, *facts);
        ASSERT_OK(complete);
        EXPECT_EQ(complete->at(0).interface_name, "net1");
        EXPECT_EQ(complete->at(0).ifindex, pod.link("net1")->ifindex);
    }
}

TEST_F(MadeInThePodTest, AMacvlanOnAMacvlan) {
    auto home = netlink_in(home_);
    const auto made = home.create_link({.kind = "macvlan", .name = "mv-host", .parent = ifindex_});
    if (!made.ok()) GTEST_SKIP() << "this kernel makes no macvlan: " << made.error().message();
    makes_and_removes(made_plan(
        {.kind = "macvlan", .parent_ifindex = home.link("mv-host")->ifindex, .parent = "mv-host"}));
}

TEST_F(MadeInThePodTest, ARouteOfThePodsIsInTheWay) {
    auto pod = netlink_in(pod_);
    ASSERT_OK(pod.create_link({.kind = "veth", .name = "eth0", .up = true}));
    const int eth0 = pod.link("eth0")->ifindex;
    ASSERT_OK(pod.add_address({.ifindex = eth0, .address = "10.244.0.2", .prefix_length = 24}));
    ASSERT_OK(pod.add_route(
        {.destination = "0.0.0.0/0", .nexthops = {{.ifindex = eth0, .gateway = "10.244.0.1"}}}));
    auto plan = made_plan({.kind = "veth", .peer = "ve-host"});
    plan.network.routes = {{.destination = "0.0.0.0/0", .gateway = "10.0.0.254"}};
    const Attacher attacher(*kernel_);
    const auto state = attacher.inspect(plan);
    ASSERT_OK(state);
    const auto attached = attacher.attach(plan, *state);
    ASSERT_FALSE(attached.ok());
    EXPECT_THAT(attached.error().message(),
                testing::HasSubstr("there is 0.0.0.0/0 via 10.244.0.1 on `eth0` already"));
    EXPECT_EQ(netlink_in(home_).link("ve-host").code(), Code::kNotFound);
}

}  // namespace
}  // namespace knd
