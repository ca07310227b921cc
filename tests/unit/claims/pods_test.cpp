// SPDX-License-Identifier: Apache-2.0
//
// What the container runtime says: pods come and go, containers are created.
#include <gtest/gtest.h>

#include "tests/fakes/claims_world.hpp"

namespace knd {
namespace {

using fake::ClaimsWorld;

class PodsTest : public testing::Test {
  protected:
    void SetUp() override {
        world.start();
        ASSERT_TRUE(world.prepare(ref).ok());
    }
    void fail_kernel(std::string_view at, const std::string& device, const Error& error) {
        world.node.kernel.fault = [=](std::string_view step, const std::string& on) {
            return step == at && on == device ? std::optional(error) : std::nullopt;
        };
    }
    void mend() { world.node.kernel.no_faults(); }
    Container container(const std::vector<std::string>& listed_claims = {}) {
        Container c;
        c.id = "c1";
        c.sandbox_id = "s1";
        c.name = "main";
        for (const auto& name : listed_claims) {
            Hook hook;
            hook.path = world.options.gate.path;
            hook.args = {"knd-gate", "--claim", "uid-" + name};
            c.create_runtime_hooks.push_back(hook);
        }
        return c;
    }
    bool has_event(const std::string& start) {
        for (const auto& event : world.process->source.events)
            if (event.starts_with(start)) return true;
        return false;
    }

    ClaimsWorld world;
    ClaimRef ref = world.add(ClaimsWorld::claim("a", {"dra0"}));
};

// --- run -----------------------------------------------------------------------------------------

TEST_F(PodsTest, RunMovesTheDeviceIntoThePod) {
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.run(pod).ok());
    EXPECT_TRUE(world.node.is_in("dra0", pod.netns));
    EXPECT_EQ(world.state("a", "dra0"), "attached");
    EXPECT_EQ(world.marker("s1", "a"), "attached\n");
    EXPECT_EQ(world.hardware.attached.size(), 1u);
}

TEST_F(PodsTest, RunAnswersBeforeTheDeviceMoves) {
    const auto pod = world.sandbox("s1");
    bool answered = false;
    world.claims().run_pod_sandbox(pod, [&](const Result<void>& r) { answered = r.ok(); });
    EXPECT_TRUE(answered);
    EXPECT_TRUE(world.node.is_home("dra0"));
    EXPECT_EQ(world.marker("s1", "a"), "");
}

TEST_F(PodsTest, RunNotesTheHostStateBeforeTheDeviceMoves) {
    world.process->observer.should_die = [&](std::string_view step) {
        if (step != "attach.moved") return false;
        const auto& record = world.disk.records.begin()->second;
        EXPECT_EQ(json_string(record, "state"), "attaching");
        EXPECT_FALSE(json_path(record, {"place", "hostState"}).is_null());
        EXPECT_EQ(json_string(json_at(record, "place"), "netnsID"),
                  world.node.netns_id("/run/netns/s1"));
        return false;
    };
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
}

TEST_F(PodsTest, RunPublishesWhatThePodSees) {
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    const auto& status = world.process->source.statuses.at("default/a").at(0);
    EXPECT_TRUE(status.ready);
    EXPECT_EQ(status.reason, "Attached");
    EXPECT_EQ(status.interface_name, "dra0");
    EXPECT_EQ(status.ips, std::vector<std::string>{"192.0.2.1/24"});
    EXPECT_EQ(status.hardware_address, "02:00:00:00:00:01");
}

TEST_F(PodsTest, RunTwiceHasNoSecondEffect) {
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.run(pod).ok());
    const auto commits = world.disk.commits;
    ASSERT_TRUE(world.run(pod).ok());
    EXPECT_EQ(world.disk.commits, commits);
    EXPECT_EQ(world.process->backend.count("attach dra0"), 1);
}

TEST_F(PodsTest, RunOfAPodWithoutClaimsDoesNothing) {
    EXPECT_TRUE(world.run(world.sandbox("s1", "pod-9")).ok());
    EXPECT_TRUE(world.node.is_home("dra0"));
}

TEST_F(PodsTest, RunOfANewSandboxTakesTheDeviceFromTheOldOne) {
    const auto old_one = world.sandbox("s1");
    const auto new_one = world.sandbox("s2");
    ASSERT_TRUE(world.run(old_one).ok());
    ASSERT_TRUE(world.run(new_one).ok());
    EXPECT_TRUE(world.node.is_in("dra0", new_one.netns));
    ASSERT_TRUE(world.stop(old_one).ok());  // late, as runtimes do it
    EXPECT_TRUE(world.node.is_in("dra0", new_one.netns));
    EXPECT_EQ(world.marker("s2", "a"), "attached\n");
}

TEST_F(PodsTest, RunRefusesAPodThatUsesTheHostsNetwork) {
    PodSandbox pod{"s1", "pod-1", "default", "web", ""};
    const auto result = world.run(pod);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(
        result.error().message(),
        "pod default/web: claim default/a: device dra0 cannot be given to a pod that uses the "
        "host's network; set hostNetwork: false or remove the claim");
    EXPECT_TRUE(has_event("Warning AttachRefused pod default/web: "));
    EXPECT_TRUE(world.marker("s1", "a").starts_with("failed: "));
}

TEST_F(PodsTest, RunRefusesAPodWhosePathLeadsToTheHostsNetwork) {
    const PodSandbox as_crio_has_it{"s1", "pod-1", "default", "web", fake::kHostNetns};
    const auto result = world.run(as_crio_has_it);
    ASSERT_FALSE(result.ok());
    EXPECT_NE(result.error().message().find("a pod that uses the host's network"),
              std::string::npos)
        << result.error().message();
    EXPECT_TRUE(world.marker("s1", "a").starts_with("failed: "));
}

TEST_F(PodsTest, RunRefusesTwoDevicesWithOneName) {
    auto claim = ClaimsWorld::claim("b", {"dra1"});
    claim.devices[0].configs = {Json{{"interface", {{"name", "dra0"}}}}};
    ASSERT_TRUE(world.prepare(world.add(claim)).ok());
    const auto result = world.run(world.sandbox("s1"));
    ASSERT_FALSE(result.ok());
    EXPECT_NE(result.error().message().find("would both be interface dra0 in the pod"),
              std::string::npos);
    EXPECT_TRUE(world.node.is_home("dra0"));
    EXPECT_TRUE(world.node.is_home("dra1"));
}

TEST_F(PodsTest, RunRefusesASecondPodOfASharedClaim) {
    auto claim = ClaimsWorld::claim("b", {"dra1"});
    claim.reserved_for = {{"pod-2", "one"}, {"pod-3", "two"}};
    ASSERT_TRUE(world.prepare(world.add(claim)).ok());
    ASSERT_TRUE(world.run(world.sandbox("s2", "pod-2")).ok());
    const auto result = world.run(world.sandbox("s3", "pod-3"));
    ASSERT_FALSE(result.ok());
    EXPECT_NE(result.error().message().find("is in use by pod default/pod-2"), std::string::npos);
}

TEST_F(PodsTest, RunTakesADeviceFromAPodThatDiedWithoutAWord) {
    auto claim = ClaimsWorld::claim("b", {"dra1"});
    claim.reserved_for = {{"pod-2", "one"}, {"pod-3", "two"}};
    ASSERT_TRUE(world.prepare(world.add(claim)).ok());
    const auto first = world.sandbox("s2", "pod-2");
    ASSERT_TRUE(world.run(first).ok());
    world.node.kill_netns(first.netns);
    const auto second = world.sandbox("s3", "pod-3");
    ASSERT_TRUE(world.run(second).ok());
    EXPECT_TRUE(world.node.is_in("dra1", second.netns));
}

TEST_F(PodsTest, RunAsksTheBackendAgainForADeviceThatIsGone) {
    world.node.remove_link("dra0");
    world.process->backend.fault = [&](std::string_view call, const std::string& device) {
        if (call == "prepare") world.node.add_link(device);
        return std::optional<Error>();
    };
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.run(pod).ok());
    EXPECT_TRUE(world.node.is_in("dra0", pod.netns));
    EXPECT_EQ(world.marker("s1", "a"), "attached\n");
    EXPECT_EQ(world.process->backend.count("unprepare dra0"), 1);
    EXPECT_EQ(world.process->backend.count("prepare dra0"), 2);
}

TEST_F(PodsTest, RunAsksTheBackendOnceOnly) {
    world.node.remove_link("dra0");
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    EXPECT_EQ(world.process->backend.count("prepare dra0"), 2);
    EXPECT_EQ(world.state("a", "dra0"), "failed");
}

TEST_F(PodsTest, RunSaysThatADeviceWasNotMadeAgain) {
    world.node.remove_link("dra0");
    world.process->backend.fault = [](std::string_view call, const std::string&) {
        return call == "prepare" ? std::optional(Error(Code::kNotFound, "no such port"))
                                 : std::nullopt;
    };
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    EXPECT_NE(world.marker("s1", "a").find("it is gone, and was not made again: no such port"),
              std::string::npos)
        << world.marker("s1", "a");
}

TEST_F(PodsTest, RunFailsTheGateWhenTheDeviceIsUnplugged) {
    world.node.remove_link("dra0");
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    EXPECT_EQ(world.state("a", "dra0"), "failed");
    EXPECT_EQ(world.marker("s1", "a"),
              "failed: pod default/pod-1: claim default/a: device dra0: device `dra0` "
              "(ifindex 2) is gone from the host\n");
    EXPECT_TRUE(has_event("Warning AttachFailed pod default/pod-1: "));
    EXPECT_TRUE(has_event("Warning AttachFailed default/a: "));
    EXPECT_FALSE(world.process->source.statuses.at("default/a").at(0).ready);
}

TEST_F(PodsTest, RunFailsTheGateWhenTheNamespaceIsGone) {
    auto pod = world.sandbox("s1");
    world.node.kill_netns(pod.netns);
    ASSERT_TRUE(world.run(pod).ok());
    EXPECT_NE(world.marker("s1", "a").find("open network namespace /run/netns/s1"),
              std::string::npos);
    EXPECT_TRUE(world.node.is_home("dra0"));
}

TEST_F(PodsTest, AFailedAttachBringsEveryDeviceOfThePodHome) {
    const auto second = world.add(ClaimsWorld::claim("b", {"dra1", "dra2"}));
    ASSERT_TRUE(world.prepare(second).ok());
    fail_kernel("address", "dra2", Error(Code::kInternal, "address: EINVAL"));
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    for (const auto* device : {"dra0", "dra1", "dra2"})
        EXPECT_TRUE(world.node.is_home(device)) << device;
    EXPECT_TRUE(world.marker("s1", "a").starts_with("failed: "));
    EXPECT_TRUE(world.marker("s1", "b").starts_with("failed: "));
    EXPECT_EQ(world.state("b", "dra2"), "failed");
}

TEST_F(PodsTest, AnAttachThatTheBackendRefusesIsUndone) {
    world.process->backend.fault = [](std::string_view call, const std::string&) {
        return call == "attach" ? std::optional(Error(Code::kInternal, "no steering entry"))
                                : std::nullopt;
    };
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    EXPECT_TRUE(world.node.is_home("dra0"));
    EXPECT_NE(world.marker("s1", "a").find("no steering entry"), std::string::npos);
}

TEST_F(PodsTest, AFailedAttachOfADeviceThatStaysIsNotTriedAgainByItself) {
    world.process->backend.effects["dra1"] = Effects{};
    ASSERT_TRUE(world.prepare(world.add(ClaimsWorld::claim("b", {"dra1"}, "pod-2"))).ok());
    world.process->backend.fault = [](std::string_view call, const std::string&) {
        return call == "attach" ? std::optional(Error(Code::kInternal, "no")) : std::nullopt;
    };
    ASSERT_TRUE(world.run(world.sandbox("s2", "pod-2")).ok());
    EXPECT_EQ(world.process->backend.count("attach dra1"), 1);
    EXPECT_EQ(world.state("b", "dra1"), "failed");
}

TEST_F(PodsTest, AnAttachThatTheJournalCannotNoteDoesNotBegin) {
    world.disk.fail_after = 0;
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    EXPECT_TRUE(world.node.is_home("dra0"));
    EXPECT_NE(world.marker("s1", "a").find("the disk is full"), std::string::npos);
    EXPECT_EQ(world.process->observer.steps.back(), "attach.surveyed");
}

TEST_F(PodsTest, AnAttachWhoseEndTheJournalCannotNoteIsUndone) {
    world.disk.fail_after = 1;
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    EXPECT_TRUE(world.node.is_home("dra0"));
    EXPECT_TRUE(world.marker("s1", "a").starts_with("failed: "));
}

// --- containers ----------------------------------------------------------------------------------

TEST_F(PodsTest, AContainerWithoutTheGateGetsIt) {
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.run(pod).ok());
    const auto edits = world.create(pod, container());
    ASSERT_TRUE(edits.ok());
    ASSERT_EQ(edits->create_runtime_hooks.size(), 1u);
    EXPECT_EQ(edits->create_runtime_hooks[0].path, world.options.gate.path);
    EXPECT_EQ(edits->create_runtime_hooks[0].env, std::vector<std::string>{"KND_GATE=1"});
}

TEST_F(PodsTest, AContainerWithTheGateKeepsIt) {
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.run(pod).ok());
    const auto edits = world.create(pod, container({"a"}));
    ASSERT_TRUE(edits.ok());
    EXPECT_TRUE(edits->empty());
}

TEST_F(PodsTest, ContainersOfOtherPodsAreLeftAlone) {
    const auto edits = world.create(world.sandbox("s9", "pod-9"), container());
    ASSERT_TRUE(edits.ok());
    EXPECT_TRUE(edits->empty());
}

TEST_F(PodsTest, OnlyContainersThatListTheClaimGetItsNodes) {
    Effects effects;
    effects.nodes = {{"/dev/null", 0666}, {"/dev/null", 0666}};
    effects.mounts = {{{"/run/x", "/x", true, {}}, -1, -1}};
    effects.env = {{"PORT", "1"}};
    world.process->backend.effects["dra1"] = effects;
    ASSERT_TRUE(world.prepare(world.add(ClaimsWorld::claim("b", {"dra1"}))).ok());
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.run(pod).ok());
    const auto listing = world.create(pod, container({"a", "b"}));
    ASSERT_TRUE(listing.ok()) << listing.error().message();
    ASSERT_EQ(listing->devices.size(), 1u);
    EXPECT_EQ(listing->devices[0].type, 'c');
    EXPECT_EQ(listing->devices[0].major, 1);
    EXPECT_EQ(listing->devices[0].minor, 3);
    EXPECT_EQ(listing->mounts, std::vector<Mount>{effects.mounts[0].mount});
    EXPECT_EQ(listing->env, effects.env);
    const auto other = world.create(pod, container());
    ASSERT_TRUE(other.ok());
    EXPECT_TRUE(other->devices.empty());
    EXPECT_EQ(other->create_runtime_hooks.size(), 2u);
}

TEST_F(PodsTest, AMissingDeviceNodeFailsTheContainer) {
    Effects effects;
    effects.nodes = {{"/dev/no-such-node", 0666}};
    world.process->backend.effects["dra1"] = effects;
    ASSERT_TRUE(world.prepare(world.add(ClaimsWorld::claim("b", {"dra1"}))).ok());
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.run(pod).ok());
    const auto edits = world.create(pod, container({"b"}));
    ASSERT_FALSE(edits.ok());
    EXPECT_EQ(edits.error().message(),
              "pod default/pod-1: claim default/b: device dra1: device node /dev/no-such-node: No "
              "such file or directory");
}

TEST_F(PodsTest, AContainerOfAPodWhoseAttachFailedIsRefusedAndTheAttachTriedAgain) {
    fail_kernel("address", "dra0", Error(Code::kUnavailable, "link is busy"));
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.run(pod).ok());
    const auto refused = world.create(pod, container());
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().message(),
              "pod default/pod-1: claim default/a: device dra0: link is busy");
    mend();
    EXPECT_FALSE(world.create(pod, container()).ok());
    EXPECT_EQ(world.state("a", "dra0"), "attached");
    EXPECT_TRUE(world.create(pod, container()).ok());
    EXPECT_EQ(world.marker("s1", "a"), "attached\n");
}

TEST_F(PodsTest, AGateThatWaitsWhileTheAttachIsTriedAgainIsNotToldOfTheFirst) {
    fail_kernel("address", "dra0", Error(Code::kUnavailable, "link is busy"));
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.run(pod).ok());
    ASSERT_TRUE(world.marker("s1", "a").starts_with("failed: "));
    mend();
    world.claims().create_container(pod, container(), [](const auto&) {});
    EXPECT_EQ(world.marker("s1", "a"), "");
    world.settle();
    EXPECT_EQ(world.marker("s1", "a"), "attached\n");
}

TEST_F(PodsTest, ADeviceThatTheNodeHasComeToNeedIsNotMoved) {
    world.process->devices.uplinks["dra0"] = "dra0 carries the default route";
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.run(pod).ok());
    EXPECT_TRUE(world.node.is_home("dra0"));
    EXPECT_EQ(world.marker("s1", "a"),
              "failed: pod default/pod-1: claim default/a: device dra0: dra0 carries the default "
              "route\n");
    world.process->devices.uplinks.clear();
    EXPECT_FALSE(world.create(pod, container()).ok());
    EXPECT_TRUE(world.node.is_in("dra0", pod.netns));
}

TEST_F(PodsTest, AContainerWhoseRunWasMissedStartsTheAttach) {
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.create(pod, container({"a"})).ok());
    EXPECT_TRUE(world.node.is_in("dra0", pod.netns));
    EXPECT_EQ(world.marker("s1", "a"), "attached\n");
}

TEST_F(PodsTest, AContainerOfAClaimThatIsNotPreparedIsRefused) {
    const auto edits = world.create(world.sandbox("s1"), container({"ghost"}));
    ASSERT_FALSE(edits.ok());
    EXPECT_NE(edits.error().message().find("claim uid-ghost is not prepared on this node"),
              std::string::npos);
}

TEST_F(PodsTest, ASharedClaimWhoseDeviceStaysServesAPodThatCameLater) {
    Effects effects;
    effects.nodes = {{"/dev/null", 0666}};
    world.process->backend.effects["dra1"] = effects;
    ASSERT_TRUE(world.prepare(world.add(ClaimsWorld::claim("b", {"dra1"}, "pod-2"))).ok());
    ASSERT_TRUE(world.run(world.sandbox("s2", "pod-2")).ok());
    const auto later = world.sandbox("s3", "pod-3");
    ASSERT_TRUE(world.run(later).ok());
    const auto edits = world.create(later, container({"b"}));
    ASSERT_TRUE(edits.ok()) << edits.error().message();
    EXPECT_EQ(edits->devices.size(), 1u);
    EXPECT_EQ(world.marker("s3", "b"), "attached\n");
    // The first pod ends; the second keeps the claim.
    ASSERT_TRUE(world.stop({"s2", "pod-2", "default", "pod-2", ""}).ok());
    EXPECT_EQ(world.state("b", "dra1"), "attached");
}

TEST_F(PodsTest, ASharedClaimWhoseDeviceMovesIsRefusedToAPodThatCameLater) {
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    const auto edits = world.create(world.sandbox("s2", "pod-2"), container({"a"}));
    ASSERT_FALSE(edits.ok());
    EXPECT_NE(edits.error().message().find("works in one pod at a time"), std::string::npos);
}

// --- stop ----------------------------------------------------------------------------------------

TEST_F(PodsTest, StopBringsTheDeviceHome) {
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.run(pod).ok());
    ASSERT_TRUE(world.stop(pod).ok());
    EXPECT_TRUE(world.node.is_home("dra0"));
    EXPECT_EQ(world.state("a", "dra0"), "prepared");
    EXPECT_TRUE(world.hardware.attached.empty());
    EXPECT_EQ(world.process->backend.count("detach dra0"), 1);
}

TEST_F(PodsTest, StopAnswersBeforeTheDeviceMoves) {
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.run(pod).ok());
    bool answered = false;
    world.claims().stop_pod_sandbox(pod, [&](const Result<void>& r) { answered = r.ok(); });
    EXPECT_TRUE(answered);
    EXPECT_TRUE(world.node.is_in("dra0", pod.netns));
}

TEST_F(PodsTest, StopTwiceBeforeRunAndOfUnknownPodsSucceeds) {
    const auto pod = world.sandbox("s1");
    EXPECT_TRUE(world.stop(pod).ok());
    EXPECT_TRUE(world.stop({"ghost", "ghost", "default", "ghost", ""}).ok());
    ASSERT_TRUE(world.run(pod).ok());
    EXPECT_TRUE(world.stop(pod).ok());
    EXPECT_TRUE(world.stop(pod).ok());
    EXPECT_TRUE(world.remove(pod).ok());
    EXPECT_TRUE(world.remove(pod).ok());
    EXPECT_TRUE(world.node.is_home("dra0"));
}

TEST_F(PodsTest, StopWorksWhenTheNamespaceIsGone) {
    auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.run(pod).ok());
    world.node.kill_netns(pod.netns);
    EXPECT_FALSE(world.node.is_home("dra0")) << "the kernel gives it back unconfigured";
    pod.netns.clear();
    ASSERT_TRUE(world.stop(pod).ok());
    EXPECT_TRUE(world.node.is_home("dra0"));
}

TEST_F(PodsTest, StopDuringTheAttachBringsTheDeviceHome) {
    const auto pod = world.sandbox("s1");
    world.claims().run_pod_sandbox(pod, [](const Result<void>&) {});
    world.process->home.restart();
    for (int i = 0; i < 3; ++i)
        world.process->home.poll_one();
    ASSERT_TRUE(world.stop(pod).ok());
    EXPECT_TRUE(world.node.is_home("dra0"));
    EXPECT_EQ(world.state("a", "dra0"), "prepared");
}

TEST_F(PodsTest, StopReleasesAGateThatWaits) {
    const auto pod = world.sandbox("s1");
    world.claims().run_pod_sandbox(pod, [](const Result<void>&) {});
    world.claims().stop_pod_sandbox(pod, [](const Result<void>&) {});
    EXPECT_EQ(world.marker("s1", "a"), "failed: the pod is being stopped\n");
}

TEST_F(PodsTest, RemoveTakesTheMarkersAway) {
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.run(pod).ok());
    ASSERT_TRUE(world.remove(pod).ok());
    EXPECT_EQ(world.marker("s1", "a"), "");
    EXPECT_FALSE(std::filesystem::exists(world.options.run_dir + "/gate/s1"));
}

TEST_F(PodsTest, AWayHomeThatIsBlockedIsTriedAgain) {
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.run(pod).ok());
    fail_kernel("move", "dra0", Error(Code::kUnavailable, "rtnetlink is busy"));
    ASSERT_TRUE(world.stop(pod).ok());
    EXPECT_EQ(world.state("a", "dra0"), "detaching");
    EXPECT_EQ(world.claims().snapshot()[0].reason,
              "return device dra0 to the host: return `dra0` from the pod to the host: "
              "rtnetlink is busy");
    mend();
    world.settle_until([&] { return world.is_at_rest(); });
    EXPECT_EQ(world.state("a", "dra0"), "prepared");
    EXPECT_TRUE(world.node.is_home("dra0"));
}

TEST_F(PodsTest, ADeviceComesHomeEvenWhenTheJournalCannotBeWritten) {
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.run(pod).ok());
    world.disk.fail_after = 0;
    ASSERT_TRUE(world.stop(pod).ok());
    EXPECT_TRUE(world.node.is_home("dra0"));
    // The journal still says that it is away; a restart finds it at home.
    world.kill();
    world.disk.fail_after = -1;
    world.start();
    ASSERT_TRUE(world.synchronize({}).ok());
    EXPECT_TRUE(world.node.is_home("dra0"));
    EXPECT_EQ(world.state("a", "dra0"), "prepared");
}

TEST_F(PodsTest, UnprepareFinishesWhatNoStopDid) {
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.run(pod).ok());
    ASSERT_TRUE(world.unprepare(ref).ok());
    EXPECT_TRUE(world.node.is_home("dra0"));
    EXPECT_TRUE(world.disk.records.empty());
    EXPECT_TRUE(world.hardware.prepared.empty());
    EXPECT_EQ(world.marker("s1", "a"), "");
}

TEST_F(PodsTest, UnprepareSaysWhyADeviceDoesNotComeHome) {
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    fail_kernel("move", "dra0", Error(Code::kUnavailable, "rtnetlink is busy"));
    const auto result = world.unprepare(ref);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(
        result.error().message(),
        "claim default/a: device dra0: return device dra0 to the host: return `dra0` from the "
        "pod to the host: rtnetlink is busy");
}

TEST_F(PodsTest, UnprepareOfAnUnpluggedDeviceSucceeds) {
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    world.node.remove_link("dra0");
    EXPECT_TRUE(world.unprepare(ref).ok());
    EXPECT_TRUE(world.disk.records.empty());
}

// --- attach mode `sync` --------------------------------------------------------------------------

class SyncTest : public PodsTest {
  protected:
    void SetUp() override {
        world.options.attach.mode = AttachMode::kSync;
        world.options.hook_budget = budget;
        PodsTest::SetUp();
    }
    std::chrono::milliseconds budget{10'000};
};

class ShortSyncTest : public SyncTest {
  protected:
    ShortSyncTest() { budget = std::chrono::milliseconds(20); }
};

TEST_F(SyncTest, RunAnswersWhenTheDeviceIsInThePod) {
    const auto pod = world.sandbox("s1");
    bool answered = false;
    world.claims().run_pod_sandbox(pod, [&](const Result<void>& result) {
        answered = true;
        EXPECT_TRUE(result.ok());
        EXPECT_TRUE(world.node.is_in("dra0", pod.netns));
    });
    EXPECT_FALSE(answered);
    world.settle();
    EXPECT_TRUE(answered);
    EXPECT_TRUE(world.run(pod).ok()) << "a second call is answered as well";
}

TEST_F(SyncTest, RunFailsWithTheReason) {
    fail_kernel("address", "dra0", Error(Code::kInternal, "address: EINVAL"));
    const auto result = world.run(world.sandbox("s1"));
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().message(),
              "pod default/pod-1: claim default/a: device dra0: address: EINVAL");
    EXPECT_TRUE(world.node.is_home("dra0"));
}

TEST_F(ShortSyncTest, RunGivesUpWithinItsBudgetAndTakesTheDeviceBack) {
    std::optional<Result<void>> answer;
    const auto pod = world.sandbox("s1");
    world.claims().run_pod_sandbox(pod, [&](Result<void> result) { answer = result; });
    // The move takes longer than the budget: let the clock run before the worker does.
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    world.process->home.restart();
    while (!answer && world.process->home.run_one_for(std::chrono::seconds(1)) > 0) {
    }
    ASSERT_TRUE(answer.has_value());
    world.settle_until([&] { return world.is_at_rest(); });
    if (answer->ok()) GTEST_SKIP() << "the worker was faster than the clock";
    EXPECT_EQ(answer->code(), Code::kDeadlineExceeded);
    EXPECT_TRUE(world.node.is_home("dra0"));
}

}  // namespace
}  // namespace knd
