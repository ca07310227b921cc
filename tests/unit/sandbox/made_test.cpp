// SPDX-License-Identifier: Apache-2.0
//
// Links that the host makes in the pod, RDMA devices, and what a pod does to either.
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

}  // namespace
}  // namespace knd
