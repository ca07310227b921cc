// SPDX-License-Identifier: Apache-2.0
//
// Links that the host makes in the pod, RDMA devices, and what a pod does to either.
#include <linux/if_link.h>

#include "host/sandbox/attacher.hpp"
#include "tests/unit/sandbox/sandbox_scene.hpp"

namespace knd {
namespace {

using testing::ElementsAre;

class Made : public SandboxScene {
  protected:
    void SetUp() override { before_ = host(); }
    std::vector<AttachedFacts> attach(const AttachPlan& plan) {
        auto state = attacher_.inspect(plan);
        EXPECT_OK(state);
        state_ = state.ok() ? *state : HostState();
        auto facts = attacher_.attach(plan, state_);
        EXPECT_OK(facts);
        return facts.ok() ? *facts : std::vector<AttachedFacts>();
    }
    DetachPlan back(const AttachPlan& plan, const std::vector<AttachedFacts>& facts) {
        auto way = way_back(plan, state_);
        way.attached = facts;
        return way;
    }
    AttachPlan veth_plan(const std::string& name) {
        auto plan = attach_plan({"ve0"});
        plan.network.interface_name = name;
        return plan;
    }
    std::map<std::string, LinkState> before_;
    HostState state_;
};

TEST_F(Made, IsConfiguredLikeAnyOther) {
    auto plan = attach_plan({"mv0"});
    const auto facts = attach(plan);
    ASSERT_EQ(facts.size(), 1u);
    EXPECT_EQ(facts[0].interface_name, "net1");
    EXPECT_EQ(facts[0].hardware_address, "02:00:00:00:00:0a");
    EXPECT_THAT(facts[0].addresses, ElementsAre("10.0.0.1/24", "fd00::1/64"));
    EXPECT_EQ(kernel_.at(kPod, "net1").link.mtu, 9000);
    EXPECT_EQ(host(), before_);
}

TEST_F(Made, HasWhatItsBackendSaysWhereTheClaimIsSilent) {
    auto plan = attach_plan({"mv0"});
    plan.network = {};
    plan.effects.netdevs[0].made->mtu = 1300;
    plan.effects.netdevs[0].made->mac = "02-00-00-00-00-AA";
    attach(plan);
    const auto& link = kernel_.at(kPod, "mv0").link;
    EXPECT_EQ(link.mtu, 1300);
    EXPECT_EQ(link.mac, "02:00:00:00:00:aa");
}

TEST_F(Made, IsRefusedOnAParentThatIsAway) {
    auto plan = attach_plan({"mv0"});
    kernel_.remove(kFakeHome, "uplink");
    const auto state = attacher_.inspect(plan);
    ASSERT_FALSE(state.ok());
    EXPECT_EQ(
        state.error().message(),
        "make macvlan `net1` on `uplink`: its parent `uplink` (ifindex 2) is not on the host: "
        "it is gone, or in a pod");
}

TEST_F(Made, IsRefusedOnAParentOfAnotherName) {
    auto plan = attach_plan({"mv0"});
    kernel_.at(kFakeHome, "uplink").link.name = "other";
    EXPECT_EQ(attacher_.inspect(plan).code(), Code::kFailedPrecondition);
}

TEST_F(Made, IsRefusedUnderANameThatThePodHas) {
    auto plan = attach_plan({"mv0"});
    plan.network.interface_name = "eth0";
    const auto state = attacher_.inspect(plan);
    ASSERT_FALSE(state.ok());
    EXPECT_NE(state.error().message().find("the pod has an interface `eth0` already"),
              std::string::npos);
}

TEST_F(Made, IsFoundByItsIndexWhateverThePodHasCalledIt) {
    auto plan = attach_plan({"mv0"});
    const auto facts = attach(plan);
    kernel_.at(kPod, "net1").link.name = "mine";
    // One of the pod's own under the old name stays.
    kernel_.add_virtual(kPod, "net1", "macvlan", "02:00:00:00:00:0a");
    ASSERT_OK(attacher_.detach(back(plan, facts)));
    EXPECT_FALSE(kernel_.has(kPod, "mine"));
    EXPECT_TRUE(kernel_.has(kPod, "net1"));
}

TEST_F(Made, ThatTheBackendMakesIsConfiguredAfterwards) {
    auto plan = attach_plan({"mv0"});
    plan.effects.netdevs[0].made = MadeLink{.by_backend = true};
    const auto facts = attach(plan);
    EXPECT_TRUE(kernel_.links(kPod).size() == 1) << "nobody has made it yet";
    kernel_.add_virtual(kPod, "mv0", "vxlan", "02:00:00:00:00:33");
    const auto complete = attacher_.configure_made(plan, facts);
    ASSERT_OK(complete);
    EXPECT_EQ(complete->at(0).interface_name, "net1");
    EXPECT_EQ(complete->at(0).ifindex, kernel_.at(kPod, "net1").link.ifindex);
    EXPECT_EQ(kernel_.at(kPod, "net1").addresses.size(), 2u);
    EXPECT_EQ(kernel_.at(kPod, "net1").link.mac, "02:00:00:00:00:0a");
}

TEST_F(Made, ThatTheBackendForgotIsAnErrorThatNamesIt) {
    auto plan = attach_plan({"mv0"});
    plan.effects.netdevs[0].made = MadeLink{.by_backend = true};
    const auto complete = attacher_.configure_made(plan, attach(plan));
    ASSERT_FALSE(complete.ok());
    EXPECT_NE(complete.error().message().find("has not made the interface `mv0`"),
              std::string::npos);
}

/// KubeVirt's bridge binding does both.
TEST_F(Made, AVirtualDeviceReturnsThoughThePodChangedItsMacAndMadeALookalike) {
    auto plan = attach_plan({"dra0"});
    const auto facts = attach(plan);
    auto& real = kernel_.at(kPod, "net1").link;
    real.name = "k6t-net1";
    real.mac = "02:00:00:00:77:77";
    kernel_.add_virtual(kPod, "net1", "dummy", "02:00:00:00:00:0a");
    const auto detached = attacher_.detach(back(plan, facts));
    ASSERT_OK(detached);
    EXPECT_TRUE(detached->lost.empty());
    EXPECT_EQ(host(), before_);
    EXPECT_TRUE(kernel_.has(kPod, "net1")) << "the pod's own";
}

TEST_F(Made, AnRdmaDeviceStaysWhereItIsInSharedMode) {
    kernel_.rdma_exclusive_mode = false;
    auto plan = attach_plan({"eth1", "mlx5_0"});
    const auto facts = attach(plan);
    EXPECT_TRUE(state_.rdma.empty());
    EXPECT_EQ(kernel_.rdma_name(kFakeHome, rdma_), "mlx5_0");
    ASSERT_OK(attacher_.detach(back(plan, facts)));
    EXPECT_EQ(host(), before_);
}

TEST_F(Made, AnRdmaDeviceReturnsUnderItsOwnName) {
    auto plan = attach_plan({"eth1", "mlx5_0"});
    const auto facts = attach(plan);
    EXPECT_EQ(kernel_.rdma_name(kPod, rdma_), "mlx5_0");
    kernel_.kill_netns(kPod);
    ASSERT_OK(attacher_.detach(back(plan, facts)));
    EXPECT_EQ(kernel_.rdma_name(kFakeHome, rdma_), "mlx5_0");
}

TEST_F(Made, AnRdmaDeviceThatIsNotThereIsNamed) {
    auto plan = attach_plan({"eth1", "mlx5_7"});
    const auto state = attacher_.inspect(plan);
    ASSERT_FALSE(state.ok());
    EXPECT_EQ(state.error().message(), "RDMA device mlx5_7 is gone from the host");
}

TEST_F(Made, EveryDeviceThatDoesNotReturnIsNamed) {
    auto plan = attach_plan({"eth1", "dra0"});
    const auto facts = attach(plan);
    kernel_.fail_from(1, EIO);
    auto way = back(plan, facts);
    way.netns.fd = Fd();
    kernel_.no_faults();
    // Both names on the host are taken by somebody else.
    kernel_.add_virtual(kFakeHome, "eth1", "veth", "02:00:00:00:00:71");
    kernel_.add_virtual(kFakeHome, "dra0", "veth", "02:00:00:00:00:72");
    const auto detached = attacher_.detach(way);
    ASSERT_FALSE(detached.ok());
    EXPECT_NE(detached.error().message().find("`eth1`"), std::string::npos);
    EXPECT_NE(detached.error().message().find("`dra0`"), std::string::npos);
}

// --- what is ours, and what is the pod's --------------------------------------------------------

TEST_F(Made, AVethLeavesThePodsOwnOfTheSameNameAlone) {
    auto plan = veth_plan("eth0");
    kernel_.at(kPod, "eth0").link.parent = 5;
    kernel_.at(kPod, "eth0").link.parent_netns = 0;
    const auto inspected = attacher_.inspect(plan);
    ASSERT_FALSE(inspected.ok());
    EXPECT_NE(inspected.error().message().find("the pod has an interface `eth0` already"),
              std::string::npos);
    const auto own = kernel_.links(kPod);
    HostState state;
    state.netdevs.resize(1);
    EXPECT_FALSE(attacher_.attach(plan, state).ok()) << "the network came after the inspection";
    ASSERT_OK(attacher_.detach(way_back(plan, state)));
    EXPECT_EQ(kernel_.links(kPod), own);
    EXPECT_EQ(host(), before_);
}

TEST_F(Made, TheOtherEndOfAVethIsUpWithItsMtuAndGoesWithIt) {
    auto plan = veth_plan("net1");
    const auto facts = attach(plan);
    const auto& end = kernel_.at(kFakeHome, "ve0-host").link;
    EXPECT_TRUE(end.up());
    EXPECT_EQ(end.mtu, 9000);
    ASSERT_OK(attacher_.detach(back(plan, facts)));
    EXPECT_EQ(host(), before_);
    EXPECT_FALSE(kernel_.has(kPod, "net1"));
}

TEST_F(Made, AVethGoesThoughThePodMovedItsEndAway) {
    auto plan = veth_plan("net1");
    const auto facts = attach(plan);
    kernel_.add_netns("/inner");
    const auto inner = kernel_.open_netns("/inner");
    const auto pod = kernel_.open_netns(kPod);
    ASSERT_OK((*kernel_.view(pod->get()))
                  ->change_link(kernel_.at(kPod, "net1").link.ifindex,
                                {.name = "x", .netns_fd = inner->get()}));
    kernel_.kill_netns(kPod);
    ASSERT_OK(attacher_.detach(back(plan, facts)));
    EXPECT_EQ(host(), before_);
    EXPECT_FALSE(kernel_.has("/inner", "net1"));
}

TEST_F(Made, AVethIsRefusedWhereTheHostHasItsOtherEndsName) {
    auto plan = veth_plan("net1");
    plan.effects.netdevs[0].made->peer = "dra0";
    const auto state = attacher_.inspect(plan);
    ASSERT_FALSE(state.ok());
    EXPECT_NE(state.error().message().find("the host has an interface `dra0` already"),
              std::string::npos);
}

TEST_F(Made, AMacvlanOnAMacvlanSitsOnWhatThatSitsOn) {
    const int lower = kernel_.at(kFakeHome, "uplink").link.ifindex;
    auto plan = attach_plan({"mv0"});
    auto& made = *plan.effects.netdevs[0].made;
    made.parent = "mv-host";
    made.parent_ifindex = kernel_.add_virtual(kFakeHome, "mv-host", "macvlan", "02:00:00:00:00:3a");
    kernel_.at(kFakeHome, "mv-host").link.parent = lower;
    before_ = host();
    const auto facts = attach(plan);
    EXPECT_EQ(kernel_.at(kPod, "net1").link.parent, lower);
    ASSERT_OK(attacher_.detach(back(plan, facts)));
    EXPECT_FALSE(kernel_.has(kPod, "net1"));
    EXPECT_EQ(host(), before_);
}

TEST_F(Made, SharesOfOneDeviceInOnePodAreTwo) {
    auto first = attach_plan({"mv0"});
    auto second = attach_plan({"mv0"});
    first.key.share_id = "a";
    second.key.share_id = "b";
    second.network.interface_name = "net2";
    second.network.rules.clear();
    second.network.routes.clear();
    attach(first);
    const auto facts = attach(second);
    EXPECT_TRUE(kernel_.has(kPod, "net1"));
    EXPECT_TRUE(kernel_.has(kPod, "net2"));
    ASSERT_OK(attacher_.detach(back(second, facts)));
    EXPECT_TRUE(kernel_.has(kPod, "net1"));
    EXPECT_FALSE(kernel_.has(kPod, "net2"));
}

TEST_F(Made, IsRefusedOnAParentThatMovesWithIt) {
    auto plan = attach_plan({"eth1", "mv0"});
    plan.effects.netdevs[1].made->parent = "eth1";
    plan.effects.netdevs[1].made->parent_ifindex = plan.effects.netdevs[0].ifindex;
    const auto state = attacher_.inspect(plan);
    ASSERT_FALSE(state.ok());
    EXPECT_NE(state.error().message().find("on `eth1` and to move `eth1`"), std::string::npos);
}

TEST_F(Made, IsNotTakenForWhatThePodMadeUnderItsIfindex) {
    auto plan = attach_plan({"mv0"});
    auto facts = attach(plan);
    kernel_.remove(kPod, "net1");
    kernel_.add_virtual(kPod, "net1", "macvlan", "02:00:00:00:00:0a");
    auto& own = kernel_.at(kPod, "net1").link;
    own.parent = kernel_.at(kPod, "eth0").link.ifindex + 40;
    own.parent_netns = 1;
    facts[0].ifindex = own.ifindex;
    ASSERT_OK(attacher_.detach(back(plan, facts)));
    EXPECT_TRUE(kernel_.has(kPod, "net1"));
}

TEST_F(Made, IsKnownByWhatItSitsOnThoughThePodTookTheMarkAway) {
    const int lower = kernel_.at(kFakeHome, "uplink").link.ifindex;
    auto plan = attach_plan({"mv0"});
    auto& made = *plan.effects.netdevs[0].made;
    made.parent = "mv-host";
    made.parent_ifindex = kernel_.add_virtual(kFakeHome, "mv-host", "macvlan", "02:00:00:00:00:3a");
    kernel_.at(kFakeHome, "mv-host").link.parent = lower;
    for (const char* parent : {"mv-host", "uplink"}) {
        made.parent = parent;
        made.parent_ifindex = kernel_.at(kFakeHome, parent).link.ifindex;
        const auto facts = attach(plan);
        kernel_.at(kPod, "net1").link.alias = "mine";
        ASSERT_OK(attacher_.detach(back(plan, facts)));
        EXPECT_FALSE(kernel_.has(kPod, "net1")) << parent;
    }
}

TEST_F(Made, AVethIsKnownByItsOtherEndThoughThePodTookTheMarkAway) {
    auto plan = veth_plan("net1");
    const auto facts = attach(plan);
    kernel_.at(kPod, "net1").link.alias = "mine";
    // One that was made before there were marks.
    kernel_.at(kFakeHome, "ve0-host").link.alias.clear();
    ASSERT_OK(attacher_.detach(back(plan, facts)));
    EXPECT_FALSE(kernel_.has(kPod, "net1"));
    EXPECT_EQ(host(), before_);
}

TEST_F(Made, AVethIsRefusedWhoseOtherEndsNameIsNone) {
    for (const char* peer : {"", "a/b", "a-name-that-is-too-long"}) {
        auto plan = veth_plan("net1");
        plan.effects.netdevs[0].made->peer = peer;
        const auto state = attacher_.inspect(plan);
        ASSERT_FALSE(state.ok()) << peer;
        EXPECT_EQ(state.code(), Code::kInvalidArgument) << peer;
        EXPECT_EQ(state.error().message(),
                  "make veth `net1`: `" + std::string(peer) + "` cannot name its end on the host");
    }
}

TEST_F(Made, HasTheModeThatPodsOfOneParentReachEachOtherIn) {
    auto plan = attach_plan({"mv0"});
    auto& made = *plan.effects.netdevs[0].made;
    const auto mode_of = [&](const char* kind, const char* mode) {
        made.kind = kind;
        made.mode = mode;
        EXPECT_OK(attacher_.detach(back(plan, attach(plan))));
        return kernel_.last_made.mode;
    };
    EXPECT_EQ(mode_of("macvlan", ""), MACVLAN_MODE_BRIDGE);
    EXPECT_EQ(mode_of("macvlan", "vepa"), MACVLAN_MODE_VEPA);
    EXPECT_EQ(mode_of("ipvlan", ""), IPVLAN_MODE_L2);
    EXPECT_EQ(mode_of("ipvlan", "l3"), IPVLAN_MODE_L3);
}

/// What a backend makes itself: the name that the claim wants may be the pod's own.
TEST_F(Made, ByItsBackendIsRefusedUnderANameThatThePodHas) {
    auto plan = attach_plan({"mv0"});
    plan.network.interface_name = "eth0";
    plan.effects.netdevs[0].made = MadeLink{.by_backend = true};
    const auto state = attacher_.inspect(plan);
    ASSERT_FALSE(state.ok());
    EXPECT_NE(state.error().message().find("the pod has an interface `eth0` already"),
              std::string::npos);
}

TEST_F(Made, ByItsBackendLeavesThePodsOwnOfTheSameNameAlone) {
    auto plan = attach_plan({"mv0"});
    plan.effects.netdevs[0].made = MadeLink{.by_backend = true};
    const auto facts = attach(plan);
    // The network came after the inspection.
    kernel_.add_virtual(kPod, "net1", "veth", "02:00:00:00:00:51");
    const auto own = kernel_.links(kPod);
    EXPECT_FALSE(attacher_.configure_made(plan, facts).ok()) << "there is no `mv0`";
    EXPECT_EQ(kernel_.links(kPod), own);
    kernel_.add_virtual(kPod, "mv0", "vxlan", "02:00:00:00:00:33");
    const auto complete = attacher_.configure_made(plan, facts);
    ASSERT_FALSE(complete.ok()) << "its name is taken";
    EXPECT_EQ(kernel_.links(kPod).at("net1"), own.at("net1"));
}

TEST_F(Made, ByItsBackendIsConfiguredWhereverACallBeforeDied) {
    auto plan = attach_plan({"mv0"});
    plan.effects.netdevs[0].made = MadeLink{.by_backend = true};
    const auto facts = attach(plan);
    for (int call = 1; call < 100; ++call) {
        kernel_.add_virtual(kPod, "mv0", "vxlan", "02:00:00:00:00:33");
        kernel_.crash_at_call(call);
        bool died = false;
        try {
            ASSERT_OK(attacher_.configure_made(plan, facts));
        } catch (const FakeCrash&) {
            died = true;
        }
        kernel_.no_faults();
        const auto complete = attacher_.configure_made(plan, facts);
        ASSERT_OK(complete);
        EXPECT_EQ(complete->at(0).interface_name, "net1") << "call " << call;
        EXPECT_EQ(kernel_.at(kPod, "net1").addresses.size(), 2u) << "call " << call;
        kernel_.remove(kPod, "net1");
        if (!died) return;
    }
    FAIL();
}

/// A macvlan of the host's, as the kernel shows it in the pod.
class MovedMacvlan : public Made {
  protected:
    void SetUp() override {
        auto& link = kernel_.at(kFakeHome, "dra0").link;
        link.kind = "macvlan";
        link.parent = kernel_.at(kFakeHome, "uplink").link.ifindex;
        Made::SetUp();
    }
    void show_lower(const std::string& name) { kernel_.at(kPod, name).link.parent_netns = 0; }
};

TEST_F(MovedMacvlan, IsNotTakenForOneOfThePodsOwnWithItsMac) {
    const auto plan = attach_plan({"dra0"});
    attach(plan);
    show_lower("net1");
    // One that the pod made on its eth0, with the same MAC, under the old name.
    kernel_.at(kPod, "net1").link.name = "hidden";
    kernel_.add_virtual(kPod, "net1", "macvlan", "02:00:00:00:00:0a");
    kernel_.at(kPod, "net1").link.parent = kernel_.at(kPod, "eth0").link.ifindex;
    ASSERT_OK(attacher_.detach(way_back(plan, state_)));
    kernel_.at(kFakeHome, "dra0").link.parent_netns.reset();
    EXPECT_EQ(host(), before_);
    EXPECT_TRUE(kernel_.has(kPod, "net1"));
}

TEST_F(MovedMacvlan, IsNotTakenForWhatThePodMadeUnderItsIfindex) {
    const auto plan = attach_plan({"dra0"});
    const auto facts = attach(plan);
    auto forged = kernel_.at(kPod, "net1");
    kernel_.remove(kPod, "net1");
    forged.link.parent = kernel_.at(kPod, "eth0").link.ifindex;
    forged.link.mac = "02:00:00:00:66:66";
    kernel_.add_virtual(kPod, "net1", "macvlan", forged.link.mac);
    auto way = back(plan, facts);
    way.attached[0].ifindex = kernel_.at(kPod, "net1").link.ifindex;
    kernel_.at(kPod, "net1").link.parent = forged.link.parent;
    const auto detached = attacher_.detach(way);
    ASSERT_OK(detached);
    EXPECT_THAT(detached->lost, ElementsAre("dra0"));
    EXPECT_TRUE(kernel_.has(kPod, "net1"));
    EXPECT_FALSE(kernel_.has(kFakeHome, "dra0"));
}

TEST_F(MovedMacvlan, ReturnsWhereverAReturnDiesThoughThePodChangedItsMac) {
    const auto plan = attach_plan({"dra0"});
    for (int call = 1; call < 200; ++call) {
        const auto facts = attach(plan);
        show_lower("net1");
        kernel_.at(kPod, "net1").link.mac = "02:00:00:00:77:77";
        kernel_.crash_at_call(call);
        bool died = false;
        try {
            ASSERT_OK(attacher_.detach(back(plan, facts)));
        } catch (const FakeCrash&) {
            died = true;
        }
        kernel_.no_faults();
        const auto detached = attacher_.detach(back(plan, facts));
        ASSERT_OK(detached);
        EXPECT_TRUE(detached->lost.empty()) << "call " << call;
        kernel_.at(kFakeHome, "dra0").link.parent_netns.reset();
        ASSERT_EQ(host(), before_) << "call " << call;
        if (!died) return;
    }
    FAIL();
}

// --- what is there already ----------------------------------------------------------------------

TEST_F(Made, ARouteOfThePodsThatIsInTheWayIsNamed) {
    auto plan = attach_plan({"eth1"});
    plan.network.routes.push_back({.destination = "0.0.0.0/0", .gateway = "10.0.0.254"});
    auto& eth0 = kernel_.at(kPod, "eth0");
    eth0.link.flags |= kUp;
    eth0.routes = {{.destination = "0.0.0.0/0",
                    .nexthops = {{.ifindex = eth0.link.ifindex, .gateway = "10.244.0.1"}}}};
    const auto state = attacher_.inspect(plan);
    ASSERT_OK(state);
    const auto attached = attacher_.attach(plan, *state);
    ASSERT_FALSE(attached.ok());
    EXPECT_EQ(attached.error().message(),
              "route 0.0.0.0/0 via 10.0.0.254: there is 0.0.0.0/0 via 10.244.0.1 on `eth0` "
              "already");
    EXPECT_EQ(host(), before_);
}

TEST_F(Made, ARouteOfTheHostThatIsInTheWayIsAWarning) {
    const auto plan = attach_plan({"eth1"});
    const auto facts = attach(plan);
    auto& dra0 = kernel_.at(kFakeHome, "dra0");
    auto other = state_.netdevs[0].routes[0];
    other.nexthops[0].ifindex = dra0.link.ifindex;
    dra0.routes.push_back(other);
    const auto detached = attacher_.detach(back(plan, facts));
    ASSERT_OK(detached);
    EXPECT_THAT(detached->warnings,
                ElementsAre("route 198.51.100.0/24: there is 198.51.100.0/24 on `dra0` already"));
}

/// The kernel takes one leg of an IPv6 route away with its interface, and leaves the other.
TEST_F(Made, ALegOfARouteThatIsLostIsAWarning) {
    const auto plan = attach_plan({"eth1"});
    auto& eth1 = kernel_.at(kFakeHome, "eth1");
    const int dra0 = kernel_.at(kFakeHome, "dra0").link.ifindex;
    eth1.routes = {{.destination = "2001:db8:9::/48",
                    .nexthops = {{.ifindex = eth1.link.ifindex, .gateway = "2001:db8::fe"},
                                 {.ifindex = dra0, .gateway = "2001:db8::fd"}},
                    .metric = 1024}};
    const auto facts = attach(plan);
    auto rest = state_.netdevs[0].routes.at(0);
    rest.nexthops.erase(rest.nexthops.begin());
    kernel_.at(kFakeHome, "dra0").routes.push_back(rest);
    const auto detached = attacher_.detach(back(plan, facts));
    ASSERT_OK(detached);
    EXPECT_THAT(detached->warnings,
                ElementsAre("route 2001:db8:9::/48 via 2001:db8::fe via 2001:db8::fd: there is "
                            "2001:db8:9::/48 via 2001:db8::fd on `dra0` already"));
}

TEST_F(Made, TheRouteThatIsNamedIsTheOneInTheWay) {
    auto plan = attach_plan({"eth1"});
    plan.network.routes = {{.destination = "10.9.0.0/16", .gateway = "10.0.0.254"}};
    auto& eth0 = kernel_.at(kPod, "eth0");
    eth0.link.flags |= kUp;
    eth0.routes = {{.destination = "10.9.0.0/16",
                    .nexthops = {{.ifindex = eth0.link.ifindex, .gateway = "10.244.0.9"}},
                    .metric = 700},
                   {.destination = "10.9.0.0/16",
                    .nexthops = {{.ifindex = eth0.link.ifindex, .gateway = "10.244.0.1"}}}};
    const auto state = attacher_.inspect(plan);
    ASSERT_OK(state);
    const auto attached = attacher_.attach(plan, *state);
    ASSERT_FALSE(attached.ok());
    EXPECT_NE(attached.error().message().find("there is 10.9.0.0/16 via 10.244.0.1 on `eth0`"),
              std::string::npos)
        << attached.error().message();
}

TEST_F(Made, ARuleThatCannotBeRemovedIsAWarning) {
    const auto plan = attach_plan({"mv0"});
    const auto facts = attach(plan);
    // The rules are the last of what a return does.
    int last = 0;
    for (int call = 1; call < 100 && last == 0; ++call) {
        kernel_.fail_from(call, ENODEV);
        const auto detached = attacher_.detach(back(plan, facts));
        if (detached.ok() && !detached->warnings.empty()) last = call;
    }
    EXPECT_GT(last, 0);
}

// --- RDMA ---------------------------------------------------------------------------------------

TEST_F(Made, AnRdmaDeviceWhoseHardwareIsGoneIsAWarning) {
    for (const bool pod_lives : {true, false}) {
        kernel_.add_hardware(kFakeHome, "ib", "0000:5e:00.0", "02:00:00:00:00:5e");
        kernel_.add_rdma("mlx5_9", "0000:5e:00.0");
        auto plan = attach_plan({"mlx5_9"});
        const auto facts = attach(plan);
        kernel_.unplug("0000:5e:00.0");
        auto way = back(plan, facts);
        if (!pod_lives) way.netns = {.fd = {}, .path = "/gone", .id = "x"};
        const auto detached = attacher_.detach(way);
        ASSERT_OK(detached);
        EXPECT_THAT(detached->warnings,
                    ElementsAre("RDMA device mlx5_9 is gone, with its hardware"));
    }
}

TEST_F(Made, AnRdmaDeviceThatIsNowhereThoughItsHardwareIsThereIsAwaited) {
    auto plan = attach_plan({"mlx5_0"});
    const auto facts = attach(plan);
    auto way = back(plan, facts);
    way.host_state.rdma[0].link.node_guid = "0000:0000:0000:00ff";
    const auto detached = attacher_.detach(way);
    ASSERT_FALSE(detached.ok());
    EXPECT_EQ(detached.code(), Code::kUnavailable);
    EXPECT_NE(detached.error().message().find("neither in the pod nor back"), std::string::npos);
    EXPECT_EQ(kernel_.rdma_name(kPod, rdma_), "mlx5_0") << "another one, with its number";
}

}  // namespace
}  // namespace knd
