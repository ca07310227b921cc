// SPDX-License-Identifier: Apache-2.0
//
// Whom claims are for: pods that share one that was prepared before they came.
#include <gtest/gtest.h>

#include "tests/fakes/claims_world.hpp"

namespace knd {
namespace {

using fake::ClaimsWorld;

class ConsumersTest : public testing::Test {
  protected:
    void SetUp() override {
        world.start();
        ASSERT_TRUE(world.prepare(ref).ok());
    }
    /// The scheduler lets a second pod share the claim; the kubelet does not prepare it again.
    void share() {
        auto claim = ClaimsWorld::claim("a", {"dra0"});
        claim.reserved_for = {{"pod-1", "one"}, {"pod-2", "two"}};
        world.add(claim);
    }
    void lose_api_server() {
        world.process->source.fault = Error(Code::kUnavailable, "connection refused");
    }
    /// As of a pod that names its claim at pod level alone: no gate tells of it.
    static Container container() {
        Container c;
        c.id = "c1";
        c.sandbox_id = "s2";
        c.name = "main";
        return c;
    }

    ClaimsWorld world;
    ClaimRef ref = world.add(ClaimsWorld::claim("a", {"dra0"}));
    PodSandbox second = world.sandbox("s2", "pod-2");
};

TEST_F(ConsumersTest, APodThatCameLaterGetsTheDeviceOfItsClaim) {
    share();
    ASSERT_TRUE(world.run(second).ok());
    EXPECT_TRUE(world.node.is_in("dra0", second.netns));
    const auto edits = world.create(second, container());
    ASSERT_TRUE(edits.ok()) << edits.error().message();
    EXPECT_EQ(edits->create_runtime_hooks.size(), 1u) << "the gate";
}

TEST_F(ConsumersTest, ItsOwnDeviceMovesBeforeTheAnswer) {
    ASSERT_TRUE(world.prepare(world.add(ClaimsWorld::claim("b", {"dra1"}, "pod-2"))).ok());
    lose_api_server();
    ASSERT_TRUE(world.run(second).ok());
    EXPECT_TRUE(world.node.is_in("dra1", second.netns));
    EXPECT_EQ(world.create(second, container()).code(), Code::kUnavailable);
}

TEST_F(ConsumersTest, APodThatCameLaterIsRefusedWhatAnotherStillUses) {
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    share();
    ASSERT_TRUE(world.run(second).ok()) << "the answer comes after the hook's";
    const auto edits = world.create(second, container());
    ASSERT_FALSE(edits.ok());
    EXPECT_NE(edits.error().message().find("is in use by pod default/pod-1"), std::string::npos)
        << edits.error().message();
}

TEST_F(ConsumersTest, APodThatCameLaterIsKnownAfterARestart) {
    share();
    ASSERT_TRUE(world.run(second).ok());
    ASSERT_TRUE(world.stop(second).ok());
    world.kill();
    world.start();
    lose_api_server();
    ASSERT_TRUE(world.run(second).ok());
    EXPECT_TRUE(world.node.is_in("dra0", second.netns));
}

TEST_F(ConsumersTest, APodThatCameWhileNobodyListenedGetsTheDevice) {
    share();
    world.kill();
    world.start();
    ASSERT_TRUE(world.synchronize({second}).ok());
    EXPECT_TRUE(world.node.is_in("dra0", second.netns));
}

TEST_F(ConsumersTest, NoContainerStartsWhileNobodySaysWhetherItsPodUsesAClaim) {
    lose_api_server();
    ASSERT_TRUE(world.run(second).ok());
    const auto edits = world.create(second, container());
    EXPECT_EQ(edits.code(), Code::kUnavailable);
    EXPECT_EQ(edits.error().message(),
              "pod default/pod-2: cannot tell whether it uses claim default/a, which is prepared "
              "on this node: connection refused");
}

TEST_F(ConsumersTest, APodThatUsesNoneMayComeAgainWithoutTheApiServer) {
    EXPECT_TRUE(world.create(second, container()).ok());
    lose_api_server();
    EXPECT_TRUE(world.run(second).ok());
    const auto edits = world.create(second, container());
    ASSERT_TRUE(edits.ok()) << edits.error().message();
    EXPECT_TRUE(edits->empty());
    EXPECT_TRUE(world.node.is_home("dra0"));
}

/// A claim of a PodGroup is reserved for the group, and nobody says which pods are in it.
TEST_F(ConsumersTest, APodOfAGroupIsKnownByTheGateOfItsContainer) {
    auto claim = ClaimsWorld::claim("b", {"dra1"});
    claim.reserved_for.clear();
    ASSERT_TRUE(world.prepare(world.add(claim)).ok());
    ASSERT_TRUE(world.run(second).ok());
    EXPECT_TRUE(world.node.is_home("dra1"));
    auto gated = container();
    gated.create_runtime_hooks.push_back(
        {world.options.gate.path, {"knd-gate", "--claim", "uid-b"}, {}, 0});
    ASSERT_TRUE(world.create(second, gated).ok());
    EXPECT_TRUE(world.node.is_in("dra1", second.netns));
}

TEST_F(ConsumersTest, NobodyIsAskedAboutPodsOfOtherNamespaces) {
    const auto gets = world.process->source.gets;
    second.ns = "kube-system";
    ASSERT_TRUE(world.run(second).ok());
    EXPECT_TRUE(world.create(second, container()).ok());
    EXPECT_EQ(world.process->source.gets, gets);
}

TEST_F(ConsumersTest, TheApiServersOwnPodDoesNotWaitForIt) {
    lose_api_server();
    second.is_static = true;
    ASSERT_TRUE(world.run(second).ok());
    EXPECT_TRUE(world.create(second, container()).ok());
}

TEST_F(ConsumersTest, APodThatIsStoppedWhileTheApiServerIsAskedGetsNothing) {
    share();
    world.claims().run_pod_sandbox(second, [](const Result<void>&) {});
    world.claims().stop_pod_sandbox(second, [](const Result<void>&) {});
    world.settle();
    EXPECT_TRUE(world.node.is_home("dra0"));
    EXPECT_EQ(world.state("a", "dra0"), "prepared");
}

TEST_F(ConsumersTest, AContainerWhoseSandboxIsStoppedMeanwhileGetsNothing) {
    share();
    std::optional<Code> code;
    world.claims().create_container(second, container(), [&](const auto& r) { code = r.code(); });
    world.claims().stop_pod_sandbox(second, [](const Result<void>&) {});
    world.settle();
    EXPECT_EQ(code, Code::kCancelled);
    EXPECT_TRUE(world.node.is_home("dra0"));
    EXPECT_EQ(world.state("a", "dra0"), "prepared");
}

TEST_F(ConsumersTest, APodThatCameUnseenIsAskedAboutUntilThereIsAnAnswer) {
    share();
    world.kill();
    world.start();
    lose_api_server();
    ASSERT_TRUE(world.synchronize({second}).ok());
    EXPECT_TRUE(world.node.is_home("dra0"));
    world.process->source.fault.reset();
    EXPECT_TRUE(world.settle_until([&] { return world.node.is_in("dra0", second.netns); }) ||
                world.settle_until([&] { return world.node.is_in("dra0", second.netns); }));
}

TEST_F(ConsumersTest, AnAttachedDeviceIsNotRefusedForAnotherThatCannotBeHad) {
    // Its own device is in the pod; the shared one, which it learns of later, is in use elsewhere.
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    share();
    ASSERT_TRUE(world.prepare(world.add(ClaimsWorld::claim("b", {"dra1"}, "pod-2"))).ok());
    ASSERT_TRUE(world.run(second).ok());
    EXPECT_TRUE(world.marker("s2", "b").starts_with("failed: "));
    ASSERT_TRUE(world.stop({"s1", "pod-1", "default", "pod-1", ""}).ok());
    ASSERT_TRUE(world.create(second, container()).ok());
    EXPECT_EQ(world.marker("s2", "a"), "attached\n");
    EXPECT_EQ(world.marker("s2", "b"), "attached\n");
}

TEST_F(ConsumersTest, AnOlderAnswerDoesNotForgetPodsOfANewerList) {
    share();
    world.kill();
    world.start();
    world.claims().synchronize({world.sandbox("s9", "pod-9")}, {}, [](const Result<void>&) {});
    world.claims().synchronize({second}, {}, [](const Result<void>&) {});
    world.settle();
    EXPECT_TRUE(world.node.is_in("dra0", second.netns));
}

TEST_F(ConsumersTest, ALateClaimThatFailsTakesNothingFromRunningContainers) {
    ASSERT_TRUE(world.prepare(world.add(ClaimsWorld::claim("b", {"dra1"}, "pod-2"))).ok());
    ASSERT_TRUE(world.run(second).ok());
    ASSERT_TRUE(world.create(second, container()).ok());
    // Another call of the hook finds the shared claim, in use elsewhere, then free but broken.
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    auto late = ClaimsWorld::claim("a", {"dra0"});
    late.reserved_for = {{"pod-1", "one"}, {"pod-2", "two"}};
    world.add(late);
    ASSERT_TRUE(world.prepare(late.ref).ok());
    EXPECT_FALSE(world.run(second).ok());
    ASSERT_TRUE(world.stop({"s1", "pod-1", "default", "pod-1", ""}).ok());
    world.node.kernel.fault = [](std::string_view step, const std::string& on) {
        return step == "address" && on == "dra0" ? std::optional(Error(Code::kInternal, "EINVAL"))
                                                 : std::nullopt;
    };
    ASSERT_TRUE(world.run(second).ok());
    EXPECT_TRUE(world.node.is_home("dra0"));
    EXPECT_TRUE(world.node.is_in("dra1", second.netns));
}

TEST_F(ConsumersTest, PodsThatComeTogetherShareTheQuestions) {
    share();
    auto& source = world.process->source;
    const auto gets = source.gets;
    source.silent = true;
    for (const auto* id : {"s2", "s3", "s4", "s5"})
        world.claims().run_pod_sandbox(world.sandbox(id, "pod-" + std::string(id + 1)),
                                       [](const Result<void>&) {});
    EXPECT_EQ(source.gets, gets + 1);
    source.speak();
    world.settle();
    // The answer to the first may be older than the others' pods: one more for all of them.
    EXPECT_EQ(source.gets, gets + 2);
    EXPECT_TRUE(world.node.is_in("dra0", second.netns));
}

TEST_F(ConsumersTest, OneNamespaceDoesNotFailForAnothersClaim) {
    auto other = ClaimsWorld::claim("b", {"dra1"}, "pod-8");
    other.ref.ns = "elsewhere";
    ASSERT_TRUE(world.prepare(world.add(other)).ok());
    auto& source = world.process->source;
    source.silent = true;
    auto stranger = world.sandbox("s7", "pod-7");
    stranger.ns = "elsewhere";
    std::vector<bool> outcomes;
    const auto note = [&](const Result<ContainerEdits>& edits) { outcomes.push_back(edits.ok()); };
    world.claims().synchronize({second, stranger}, {}, [](const Result<void>&) {});
    world.claims().create_container(second, container(), note);
    world.claims().create_container(stranger, container(), note);
    source.faults.emplace("elsewhere/b", Error(Code::kUnavailable, "connection refused"));
    source.speak();
    world.settle();
    EXPECT_EQ(outcomes, (std::vector{true, false}));
}

TEST_F(ConsumersTest, AnAnswerThatDoesNotComeHoldsUpNoOtherPod) {
    share();
    world.process->source.silent = true;
    std::optional<Result<ContainerEdits>> edits;
    const auto began = std::chrono::steady_clock::now();
    world.claims().create_container(second, container(), [&](auto result) { edits = result; });
    ASSERT_TRUE(world.settle_until([&] { return edits.has_value(); }));
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(1400));
    EXPECT_EQ(edits->error().message(),
              "pod default/pod-2: the API server has not said in time which claims it uses; the "
              "kubelet tries again");
    // Late, and not lost.
    world.process->source.speak();
    world.settle();
    lose_api_server();
    EXPECT_TRUE(world.create(second, container()).ok());
    EXPECT_TRUE(world.node.is_in("dra0", second.netns));
}

class SyncConsumersTest : public ConsumersTest {
  protected:
    void SetUp() override {
        world.options.attach.mode = AttachMode::kSync;
        ConsumersTest::SetUp();
    }
};

TEST_F(SyncConsumersTest, RunWaitsForTheAnswerAndTheDevice) {
    share();
    bool answered = false;
    world.claims().run_pod_sandbox(second, [&](const Result<void>& result) {
        answered = true;
        EXPECT_TRUE(result.ok());
        EXPECT_TRUE(world.node.is_in("dra0", second.netns));
    });
    EXPECT_FALSE(answered);
    world.settle();
    EXPECT_TRUE(answered);
}

TEST_F(SyncConsumersTest, RunFailsWhileNobodySaysWhetherThePodUsesAClaim) {
    lose_api_server();
    EXPECT_EQ(world.run(second).code(), Code::kUnavailable);
}

TEST_F(SyncConsumersTest, RunOfAPodThatIsStoppedMeanwhileIsAnswered) {
    std::optional<Code> code;
    world.claims().run_pod_sandbox(second, [&](const Result<void>& r) { code = r.code(); });
    world.claims().stop_pod_sandbox(second, [](const Result<void>&) {});
    world.settle();
    EXPECT_EQ(code, Code::kCancelled);
}

}  // namespace
}  // namespace knd
