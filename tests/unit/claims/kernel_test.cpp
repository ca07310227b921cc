// SPDX-License-Identifier: Apache-2.0
//
// Claims with the real Attacher on a kernel that fails, or is the last thing the process sees, at
// each single call of a pod's life.
#include <gtest/gtest.h>

#include "tests/fakes/claims_world.hpp"

namespace knd {
namespace {

using fake::ClaimsWorld;

class KernelTest : public testing::Test {
  protected:
    KernelTest() {
        kernel.add_netns(pod.netns);
        ifindex = kernel.add_hardware(kFakeHome, "eth1", "0000:3b:00.0", "02:00:00:00:00:07");
        auto claim = ClaimsWorld::claim("a", {"dra0"});
        claim.devices[0].configs = {
            Json{{"interface", {{"name", "net1"}, {"mtu", 1400}, {"addresses", {"192.0.2.1/24"}}}},
                 {"routes", {{{"destination", "198.51.100.0/24"}, {"gateway", "192.0.2.9"}}}}}};
        ref = world.add(claim);
        before = kernel.links(kFakeHome);
    }
    void start() {
        world.boot();
        Effects effects;
        effects.netdevs = {{ifindex, "eth1", "02:00:00:00:00:07", ""}};
        world.process->backend.effects["dra0"] = effects;
        ASSERT_TRUE(world.claims().load().ok());
        world.claims().recover([] {});
        world.settle();
    }
    void restart() {
        world.kill();
        kernel.no_faults();
        start();
    }
    bool is_in_pod() const {
        return kernel.has(pod.netns, "net1") && !kernel.has(kFakeHome, "eth1");
    }
    bool is_home_as_before() const { return kernel.links(kFakeHome) == before; }

    ClaimsWorld world;
    FakeKernel& kernel = world.node.kernel;
    PodSandbox pod{"s1", "pod-1", "default", "web", "/run/netns/s1"};
    ClaimRef ref;
    int ifindex = 0;
    std::map<std::string, LinkState> before;
};

TEST_F(KernelTest, TheDeviceGoesIntoThePodAndComesBackAsItWas) {
    start();
    ASSERT_TRUE(world.prepare(ref).ok());
    ASSERT_TRUE(world.run(pod).ok());
    EXPECT_TRUE(is_in_pod());
    const auto& status = world.process->source.statuses.at("default/a").at(0);
    EXPECT_EQ(status.interface_name, "net1");
    EXPECT_EQ(status.ips, std::vector<std::string>{"192.0.2.1/24"});
    ASSERT_TRUE(world.stop(pod).ok());
    EXPECT_TRUE(is_home_as_before());
    ASSERT_TRUE(world.unprepare(ref).ok());
}

TEST_F(KernelTest, AFailureOfAnyCallOfAnAttachIsUndoneAndTheNextAttemptSucceeds) {
    start();
    ASSERT_TRUE(world.prepare(ref).ok());
    for (int call = 1;; ++call) {
        kernel.fail_call(call, EBUSY);
        ASSERT_TRUE(world.run(pod).ok());
        const bool reached = kernel.calls() >= call;
        ASSERT_TRUE(world.settle_until([&] { return world.is_at_rest(); })) << "call " << call;
        const auto marker = world.marker("s1", "a");
        if (marker == "attached\n") {
            EXPECT_TRUE(is_in_pod()) << "call " << call;
        } else {
            EXPECT_TRUE(is_home_as_before()) << "call " << call;
            EXPECT_TRUE(marker.starts_with("failed: ")) << "call " << call << ": " << marker;
        }
        kernel.no_faults();
        ASSERT_TRUE(world.run(pod).ok());
        EXPECT_TRUE(is_in_pod()) << "call " << call;
        ASSERT_TRUE(world.remove(pod).ok());
        ASSERT_TRUE(is_home_as_before()) << "call " << call;
        if (!reached) break;
        ASSERT_LT(call, 1000);
    }
}

TEST_F(KernelTest, AFailureOfAnyCallOfADetachIsMadeGood) {
    start();
    ASSERT_TRUE(world.prepare(ref).ok());
    for (int call = 1;; ++call) {
        ASSERT_TRUE(world.run(pod).ok());
        ASSERT_TRUE(is_in_pod()) << "call " << call;
        kernel.fail_call(call, EBUSY);
        ASSERT_TRUE(world.stop(pod).ok());
        const bool reached = kernel.calls() >= call;
        kernel.no_faults();
        world.settle_until([&] { return world.is_at_rest(); });
        EXPECT_EQ(world.state("a", "dra0"), "prepared") << "call " << call;
        if (!reached) break;
        ASSERT_LT(call, 1000);
    }
}

TEST_F(KernelTest, ADeathAtAnyCallOfAnAttachLeavesTheDeviceInThePod) {
    start();
    ASSERT_TRUE(world.prepare(ref).ok());
    for (int call = 1;; ++call) {
        kernel.crash_at_call(call);
        bool died = false;
        try {
            ASSERT_TRUE(world.run(pod).ok());
        } catch (const FakeCrash&) {
            died = true;
        }
        restart();
        ASSERT_TRUE(world.synchronize({pod}).ok());
        EXPECT_TRUE(is_in_pod()) << "call " << call;
        EXPECT_EQ(world.marker("s1", "a"), "attached\n") << "call " << call;
        ASSERT_TRUE(world.remove(pod).ok());
        ASSERT_TRUE(is_home_as_before()) << "call " << call;
        if (!died) break;
        ASSERT_LT(call, 1000);
    }
}

TEST_F(KernelTest, ADeathAtAnyCallOfADetachLeavesTheDeviceAtHome) {
    start();
    ASSERT_TRUE(world.prepare(ref).ok());
    for (int call = 1;; ++call) {
        ASSERT_TRUE(world.run(pod).ok());
        ASSERT_TRUE(is_in_pod()) << "call " << call;
        kernel.crash_at_call(call);
        bool died = false;
        try {
            ASSERT_TRUE(world.stop(pod).ok());
        } catch (const FakeCrash&) {
            died = true;
        }
        restart();
        ASSERT_TRUE(world.synchronize({}).ok());
        ASSERT_TRUE(is_home_as_before()) << "call " << call;
        EXPECT_EQ(world.state("a", "dra0"), "prepared") << "call " << call;
        if (!died) break;
        ASSERT_LT(call, 1000);
    }
}

TEST_F(KernelTest, ANamespaceThatDiesWithoutAWordGivesTheDeviceBackAsItWas) {
    start();
    ASSERT_TRUE(world.prepare(ref).ok());
    ASSERT_TRUE(world.run(pod).ok());
    kernel.kill_netns(pod.netns);
    ASSERT_TRUE(world.unprepare(ref).ok());
    EXPECT_TRUE(is_home_as_before());
}

}  // namespace
}  // namespace knd
