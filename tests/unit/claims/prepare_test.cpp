// SPDX-License-Identifier: Apache-2.0
//
// What the kubelet asks: prepare and unprepare.
#include <gtest/gtest.h>

#include "tests/fakes/claims_world.hpp"

namespace knd {
namespace {

using fake::ClaimsWorld;

class PrepareTest : public testing::Test {
  protected:
    void SetUp() override { world.start(); }
    ClaimsWorld world;
    ClaimRef ref = world.add(ClaimsWorld::claim("a", {"dra0"}));
};

TEST_F(PrepareTest, AnswersWithTheDeviceAndItsCdiIds) {
    const auto devices = world.prepare(ref);
    ASSERT_TRUE(devices.ok()) << devices.error().message();
    const std::vector<PreparedDevice> expected = {
        {{"nic"}, "node", "dra0", "", {"knd.dev/claim=uid-a", "knd.dev/claim=uid-a_nic"}}};
    EXPECT_EQ(*devices, expected);
}

TEST_F(PrepareTest, FlushesTheJournalOnce) {
    ASSERT_TRUE(world.prepare(world.add(ClaimsWorld::claim("b", {"dra0", "dra1", "dra2"}))).ok());
    EXPECT_EQ(world.disk.flushes, 1u);
    EXPECT_EQ(world.state("b", "dra0"), "prepared");
    EXPECT_EQ(world.state("b", "dra2"), "prepared");
}

TEST_F(PrepareTest, WritesACdiFileWithTheGate) {
    ASSERT_TRUE(world.prepare(ref).ok());
    const auto spec = parse_json(ClaimsWorld::read(world.cdi_path("a")));
    ASSERT_TRUE(spec.ok());
    EXPECT_EQ(json_string(*spec, "kind"), "knd.dev/claim");
    const auto& device = json_at(*spec, "devices").at(0);
    EXPECT_EQ(json_string(device, "name"), "uid-a");
    const auto& hook = json_path(device, {"containerEdits", "hooks"}).at(0);
    EXPECT_EQ(json_string(hook, "hookName"), "createRuntime");
    EXPECT_EQ(json_string(hook, "path"), "/usr/lib/knd/knd-gate");
    EXPECT_EQ(hook.at("env"), Json::array({"KND_GATE=1"}));
    EXPECT_EQ(json_int(hook, "timeout"), 10);
}

TEST_F(PrepareTest, GivesEachRequestItsCdiIdsOnce) {
    auto claim = ClaimsWorld::claim("b", {"dra0", "dra1", "dra2"});
    claim.devices[2].request = "other/fast";
    const auto devices = world.prepare(world.add(claim));
    ASSERT_TRUE(devices.ok());
    const auto ids = [](const std::string& request) {
        return std::vector<std::string>{"knd.dev/claim=uid-b", "knd.dev/claim=uid-b_" + request};
    };
    EXPECT_EQ((*devices)[0].cdi_ids, ids("nic"));
    EXPECT_EQ((*devices)[1].cdi_ids, std::vector<std::string>());
    EXPECT_EQ((*devices)[2].cdi_ids, ids("other"));
    EXPECT_EQ((*devices)[2].requests, std::vector<std::string>{"other"});
}

TEST_F(PrepareTest, ChangesNothingTheSecondTime) {
    const auto first = world.prepare(ref);
    const auto again = world.prepare(ref);
    ASSERT_TRUE(first.ok() && again.ok());
    EXPECT_EQ(*first, *again);
    EXPECT_EQ(world.process->backend.count("prepare dra0"), 1);
    EXPECT_EQ(world.disk.flushes, 1u);
}

TEST_F(PrepareTest, IsAnsweredFromTheJournalAfterARestartWithoutTheApiServer) {
    const auto first = world.prepare(ref);
    world.kill();
    world.start();
    world.process->source.fault = Error(Code::kUnavailable, "API server: connection refused");
    const auto again = world.prepare(ref);
    ASSERT_TRUE(first.ok() && again.ok());
    EXPECT_EQ(*first, *again);
    EXPECT_EQ(world.process->backend.count("prepare dra0"), 0);
}

TEST_F(PrepareTest, LearnsOfMorePodsTheSecondTime) {
    ASSERT_TRUE(world.prepare(ref).ok());
    auto shared = ClaimsWorld::claim("a", {"dra0"});
    shared.reserved_for = {{"pod-1", "one"}, {"pod-2", "two"}};
    world.add(shared);
    ASSERT_TRUE(world.prepare(ref).ok());
    world.kill();
    world.start();
    world.process->source.fault = Error(Code::kUnavailable, "API server: connection refused");
    const auto pod = world.sandbox("s2", "pod-2");
    ASSERT_TRUE(world.run(pod).ok());
    EXPECT_TRUE(world.node.is_in("dra0", pod.netns));
}

TEST_F(PrepareTest, RefusesTheSecondTimeAClaimThatIsGone) {
    ASSERT_TRUE(world.prepare(ref).ok());
    world.process->source.claims.clear();
    EXPECT_EQ(world.prepare(ref).error().message(), "claim default/a: there is no such claim");
    EXPECT_EQ(world.state("a", "dra0"), "prepared") << "the kubelet's unprepare ends it";
}

TEST_F(PrepareTest, FollowsAClaimThatWasAllocatedAnew) {
    ASSERT_TRUE(world.prepare(ref).ok());
    world.add(ClaimsWorld::claim("a", {"dra1"}));
    const auto refused = world.prepare(ref);
    EXPECT_EQ(refused.code(), Code::kAborted);
    EXPECT_EQ(refused.error().message(),
              "claim default/a: it was allocated anew while device dra0 was prepared for it; "
              "prepare it again when that is released");
    const auto devices = world.prepare(ref);
    ASSERT_TRUE(devices.ok()) << devices.error().message();
    ASSERT_EQ(devices->size(), 1u);
    EXPECT_EQ(devices->front().device, "dra1");
    ASSERT_EQ(world.hardware.prepared.size(), 1u);
    EXPECT_EQ(world.hardware.prepared.begin()->first.device, "dra1");
}

TEST_F(PrepareTest, FollowsAClaimThatWasAllocatedAnewAcrossAReboot) {
    ASSERT_TRUE(world.prepare(ref).ok());
    world.kill();
    world.hardware.prepared.clear();
    world.options.boot_id = "boot-2";
    world.add(ClaimsWorld::claim("a", {"dra1"}));
    world.start();
    EXPECT_EQ(world.prepare(ref).code(), Code::kAborted);
    ASSERT_TRUE(world.prepare(ref).ok());
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.run(pod).ok());
    EXPECT_TRUE(world.node.is_in("dra1", pod.netns));
}

TEST_F(PrepareTest, RefusesAClaimThatHasGotOneMoreDevice) {
    ASSERT_TRUE(world.prepare(ref).ok());
    world.add(ClaimsWorld::claim("a", {"dra0", "dra1"}));
    const auto refused = world.prepare(ref);
    EXPECT_EQ(refused.error().message(),
              "claim default/a: it was allocated anew, with device dra1 as well; prepare it again "
              "when the others are released");
    const auto devices = world.prepare(ref);
    ASSERT_TRUE(devices.ok()) << devices.error().message();
    EXPECT_EQ(devices->size(), 2u);
}

TEST_F(PrepareTest, KeepsTheDeviceOfAPodWhoseClaimWasAllocatedAnew) {
    ASSERT_TRUE(world.prepare(ref).ok());
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.run(pod).ok());
    world.add(ClaimsWorld::claim("a", {"dra1"}));
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(world.prepare(ref).code(), Code::kAborted);
    EXPECT_TRUE(world.node.is_in("dra0", pod.netns));
}

TEST_F(PrepareTest, WritesALostCdiFileAgain) {
    ASSERT_TRUE(world.prepare(ref).ok());
    std::filesystem::remove(world.cdi_path("a"));
    ASSERT_TRUE(world.prepare(ref).ok());
    EXPECT_TRUE(std::filesystem::exists(world.cdi_path("a")));
}

TEST_F(PrepareTest, SharesTheOutcomeAmongCallsThatComeTogether) {
    int answers = 0;
    for (int i = 0; i < 3; ++i)
        world.claims().prepare(ref, ClaimsWorld::soon(), [&](auto result) {
            EXPECT_TRUE(result.ok());
            ++answers;
        });
    world.settle();
    EXPECT_EQ(answers, 3);
    EXPECT_EQ(world.process->source.gets, 1);
}

TEST_F(PrepareTest, SaysThatTheClaimHasVanished) {
    EXPECT_EQ(world.prepare({"default", "ghost", "uid-ghost"}).error().message(),
              "claim default/ghost: there is no such claim");
    EXPECT_TRUE(world.process->source.events.empty());
}

TEST_F(PrepareTest, SaysThatTheClaimWasReplaced) {
    const auto result = world.prepare({"default", "a", "uid-old"});
    EXPECT_EQ(result.code(), Code::kFailedPrecondition);
    EXPECT_EQ(result.error().message(), "claim default/a: it was replaced");
}

TEST_F(PrepareTest, SaysThatNoDeviceOfOursIsAllocated) {
    EXPECT_EQ(world.refusal(ClaimsWorld::claim("b", {})),
              "claim default/b: no device of driver knd.dev is allocated to it");
}

TEST_F(PrepareTest, SaysThatTheDeviceIsUnknown) {
    EXPECT_EQ(world.refusal(ClaimsWorld::claim("b", {"dra9"})),
              "claim default/b: device dra9: pool node has no such device on this node");
    EXPECT_EQ(world.process->source.events.size(), 1u);
}

TEST_F(PrepareTest, PassesOnThatTheApiServerIsAway) {
    world.process->source.fault = Error(Code::kUnavailable, "API server: connection refused");
    const auto result = world.prepare(ref);
    EXPECT_EQ(result.code(), Code::kUnavailable);
    EXPECT_EQ(result.error().message(), "claim default/a: API server: connection refused");
}

TEST_F(PrepareTest, NamesAFieldOfTheWrongType) {
    auto claim = ClaimsWorld::claim("b", {"dra0"});
    claim.devices[0].configs = {Json{{"interface", {{"mtu", "big"}}}}};
    EXPECT_EQ(world.refusal(claim),
              "claim default/b: device dra0: interface.mtu: must be a whole number from 68 to "
              "2147483647, found \"big\"");
    EXPECT_EQ(world.process->backend.count("prepare dra0"), 0);
}

TEST_F(PrepareTest, HandsTheRestOfTheConfigurationToTheBackend) {
    world.process->backend.known_keys = {"vlan"};
    auto claim = ClaimsWorld::claim("b", {"dra0"});
    claim.devices[0].configs = {Json{{"vlan", 5}, {"interface", {{"name", "net1"}}}}};
    EXPECT_TRUE(world.prepare(world.add(claim)).ok());
    claim = ClaimsWorld::claim("c", {"dra1"});
    claim.devices[0].configs = {Json{{"vlam", 5}}};
    EXPECT_EQ(world.refusal(claim), "claim default/c: device dra1: unknown key `vlam`");
}

TEST_F(PrepareTest, RefusesNetworkConfigurationForADeviceWithoutAnInterface) {
    Effects effects;
    effects.nodes = {{"/dev/null", 0660}};
    world.process->backend.effects["dra0"] = effects;
    auto claim = ClaimsWorld::claim("b", {"dra0"});
    claim.devices[0].configs = {Json{{"interface", {{"mtu", 9000}}}}};
    EXPECT_NE(world.refusal(claim).find("this device has none"), std::string::npos);
    EXPECT_TRUE(world.hardware.prepared.empty());
}

TEST_F(PrepareTest, RefusesADeviceThatAnotherClaimHas) {
    ASSERT_TRUE(world.prepare(ref).ok());
    EXPECT_EQ(world.refusal(ClaimsWorld::claim("b", {"dra0"})),
              "claim default/b: device dra0: it is in use by claim default/a; it is free when that "
              "claim has been unprepared");
}

TEST_F(PrepareTest, RefusesADeviceThatAnotherClaimIsJustGetting) {
    const auto rival = world.add(ClaimsWorld::claim("b", {"dra0"}));
    int succeeded = 0;
    for (const auto& claim : {ref, rival})
        world.claims().prepare(claim, ClaimsWorld::soon(),
                               [&](const auto& result) { succeeded += result.ok() ? 1 : 0; });
    world.settle();
    EXPECT_EQ(succeeded, 1);
}

TEST_F(PrepareTest, RefusesAdminAccess) {
    auto claim = ClaimsWorld::claim("b", {"dra0"});
    claim.devices[0].admin_access = true;
    EXPECT_NE(world.refusal(claim).find("adminAccess is refused"), std::string::npos);
}

TEST_F(PrepareTest, RefusesAShareOfADeviceThatMoves) {
    auto claim = ClaimsWorld::claim("b", {"dra0"});
    claim.devices[0].share_id = "s1";
    EXPECT_NE(world.refusal(claim).find("allocated as a share"), std::string::npos);
    EXPECT_TRUE(world.hardware.prepared.empty());
}

TEST_F(PrepareTest, AllowsSharesOfADeviceThatStays) {
    Effects effects;
    effects.nodes = {{"/dev/null", 0660}};
    world.process->backend.effects["dra0"] = effects;
    for (const auto* name : {"b", "c"}) {
        auto claim = ClaimsWorld::claim(name, {"dra0"});
        claim.devices[0].share_id = std::string("share-") + name;
        const auto devices = world.prepare(world.add(claim));
        ASSERT_TRUE(devices.ok()) << devices.error().message();
        EXPECT_EQ(devices->front().share_id, claim.devices[0].share_id);
    }
}

TEST_F(PrepareTest, AllowsSharesThatArePreparedAtTheSameTime) {
    Effects effects;
    effects.nodes = {{"/dev/null", 0660}};
    world.process->backend.effects["dra0"] = effects;
    int succeeded = 0;
    for (const auto* name : {"b", "c"}) {
        auto claim = ClaimsWorld::claim(name, {"dra0"});
        claim.devices[0].share_id = std::string("share-") + name;
        world.claims().prepare(world.add(claim), ClaimsWorld::soon(),
                               [&](const auto& result) { succeeded += result.ok() ? 1 : 0; });
    }
    world.settle();
    EXPECT_EQ(succeeded, 2);
}

TEST_F(PrepareTest, RefusesTheSameDeviceTwiceInOneClaim) {
    EXPECT_NE(world.refusal(ClaimsWorld::claim("b", {"dra0", "dra0"})).find("to this claim twice"),
              std::string::npos);
}

TEST_F(PrepareTest, RefusesAUidThatIsAPath) {
    const auto result = world.prepare({"default", "a", "../../etc/passwd"});
    EXPECT_EQ(result.code(), Code::kInvalidArgument);
}

TEST_F(PrepareTest, UndoesAllWhenOneDeviceFails) {
    world.process->other.fault = [](std::string_view call, const std::string&) {
        return call == "prepare" ? std::optional(Error(Code::kUnavailable, "no VF is free"))
                                 : std::nullopt;
    };
    EXPECT_EQ(world.refusal(ClaimsWorld::claim("b", {"dra0", "dra1", "dra2"})),
              "claim default/b: device dra2: no VF is free");
    EXPECT_TRUE(world.hardware.prepared.empty());
    EXPECT_TRUE(world.disk.records.empty());
    EXPECT_FALSE(std::filesystem::exists(world.cdi_path("b")));
    const std::vector<std::string> calls = {"reconcile 0", "prepare dra0", "prepare dra1",
                                            "unprepare dra1", "unprepare dra0"};
    EXPECT_EQ(world.process->backend.calls, calls);
    EXPECT_EQ(world.process->source.events,
              std::vector<std::string>{"Warning PrepareFailed default/b: claim default/b: device "
                                       "dra2: no VF is free"});
}

TEST_F(PrepareTest, UndoesAllWhenTheJournalsDiskIsFull) {
    world.disk.fail_after = 0;
    const auto result = world.prepare(ref);
    EXPECT_EQ(result.code(), Code::kResourceExhausted);
    EXPECT_EQ(result.error().message(), "claim default/a: journal: the disk is full");
    EXPECT_TRUE(world.hardware.prepared.empty());
    EXPECT_FALSE(std::filesystem::exists(world.cdi_path("a")));
    world.disk.fail_after = -1;
    EXPECT_TRUE(world.prepare(ref).ok());
}

TEST_F(PrepareTest, UndoesAllWhenTheCdiFileCannotBeWritten) {
    std::ofstream(world.options.cdi_dir).put('x');  // a file where the directory should be
    const auto result = world.prepare(ref);
    ASSERT_FALSE(result.ok());
    EXPECT_NE(result.error().message().find("CDI directory"), std::string::npos);
    world.settle();
    EXPECT_TRUE(world.hardware.prepared.empty());
    EXPECT_TRUE(world.disk.records.empty());
}

TEST_F(PrepareTest, IsDoneAfreshAfterAReboot) {
    ASSERT_TRUE(world.prepare(ref).ok());
    world.kill();
    world.hardware.prepared.clear();
    world.options.boot_id = "boot-2";
    world.start();
    ASSERT_TRUE(world.prepare(ref).ok());
    EXPECT_EQ(world.process->backend.count("prepare dra0"), 1);
    EXPECT_EQ(world.hardware.prepared.size(), 1u);
}

TEST_F(PrepareTest, KeepsDevicesPublishedAsTheyWere) {
    int changes = 0;
    world.claims().on_held_changed = [&] { ++changes; };
    ASSERT_TRUE(world.prepare(ref).ok());
    ASSERT_EQ(world.claims().held_devices().size(), 1u);
    EXPECT_EQ(world.claims().held_devices()[0].name, "dra0");
    ASSERT_TRUE(world.unprepare(ref).ok());
    EXPECT_TRUE(world.claims().held_devices().empty());
    EXPECT_EQ(changes, 2);
}

// --- unprepare -----------------------------------------------------------------------------------

TEST_F(PrepareTest, UnprepareLeavesNothingBehind) {
    ASSERT_TRUE(world.prepare(ref).ok());
    const auto gets = world.process->source.gets;
    ASSERT_TRUE(world.unprepare(ref).ok());
    EXPECT_TRUE(world.hardware.prepared.empty());
    EXPECT_TRUE(world.disk.records.empty());
    EXPECT_FALSE(std::filesystem::exists(world.cdi_path("a")));
    EXPECT_EQ(world.process->source.gets, gets) << "the claim may be gone from the API server";
}

TEST_F(PrepareTest, UnprepareOfAnUnknownClaimSucceeds) {
    EXPECT_TRUE(world.unprepare({"default", "ghost", "uid-ghost"}).ok());
    EXPECT_TRUE(world.unprepare({"default", "ghost", "../etc"}).ok());
}

TEST_F(PrepareTest, UnprepareTwiceSucceeds) {
    ASSERT_TRUE(world.prepare(ref).ok());
    int answers = 0;
    for (int i = 0; i < 2; ++i)
        world.claims().unprepare(ref, ClaimsWorld::soon(), [&](const Result<void>& result) {
            answers += result.ok() ? 1 : 0;
        });
    world.settle();
    EXPECT_EQ(answers, 2);
    EXPECT_TRUE(world.unprepare(ref).ok());
}

TEST_F(PrepareTest, UnprepareDuringPrepareUndoesIt) {
    bool prepared = false;
    bool released = false;
    world.claims().prepare(ref, ClaimsWorld::soon(), [&](const auto&) { prepared = true; });
    world.claims().unprepare(ref, ClaimsWorld::soon(),
                             [&](const Result<void>& result) { released = result.ok(); });
    world.settle();
    EXPECT_TRUE(prepared);
    EXPECT_TRUE(released);
    EXPECT_TRUE(world.hardware.prepared.empty());
    EXPECT_TRUE(world.disk.records.empty());
}

TEST_F(PrepareTest, PrepareDuringUnprepareIsAskedToComeBack) {
    ASSERT_TRUE(world.prepare(ref).ok());
    world.claims().unprepare(ref, ClaimsWorld::soon(), [](const Result<void>&) {});
    Code code = Code::kOk;
    world.claims().prepare(ref, ClaimsWorld::soon(), [&](const auto& r) { code = r.code(); });
    EXPECT_EQ(code, Code::kAborted);
    world.settle();
    EXPECT_TRUE(world.prepare(ref).ok());
}

TEST_F(PrepareTest, UnprepareSaysWhatIsInTheWayAndGoesOnTrying) {
    ASSERT_TRUE(world.prepare(ref).ok());
    bool broken = true;
    world.process->backend.fault = [&](std::string_view call, const std::string&) {
        return call == "unprepare" && broken
                   ? std::optional(Error(Code::kUnavailable, "firmware is busy"))
                   : std::nullopt;
    };
    const auto result = world.unprepare(ref);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().message(), "claim default/a: device dra0: firmware is busy");
    EXPECT_EQ(world.claims().snapshot()[0].reason, "firmware is busy");
    broken = false;
    world.settle_until([&] { return world.is_at_rest(); });
    EXPECT_TRUE(world.disk.records.empty());
    EXPECT_TRUE(world.unprepare(ref).ok());
}

TEST_F(PrepareTest, UnprepareSucceedsWhenTheBackendIsNotConfiguredAnyMore) {
    ASSERT_TRUE(world.prepare(ref).ok());
    world.process->devices.instances.erase("netdev");
    EXPECT_TRUE(world.unprepare(ref).ok());
    EXPECT_TRUE(world.disk.records.empty());
}

TEST_F(PrepareTest, ClaimsThatAreGoneAreCollected) {
    ASSERT_TRUE(world.prepare(ref).ok());
    world.process->source.claims.clear();
    world.claims().collect_garbage();
    world.settle();
    EXPECT_TRUE(world.disk.records.empty());
    EXPECT_TRUE(world.hardware.prepared.empty());
}

TEST_F(PrepareTest, ClaimsThatArePreparedAnewAreNotCollected) {
    ASSERT_TRUE(world.prepare(ref).ok());
    world.kill();
    world.hardware.prepared.clear();
    world.options.boot_id = "boot-2";
    world.start();
    bool prepared = false;
    world.process->backend.fault = [&](std::string_view call, const std::string&) {
        if (call == "prepare") {
            world.process->source.claims.clear();
            world.claims().collect_garbage();
        }
        return std::optional<Error>();
    };
    world.claims().prepare(ref, ClaimsWorld::soon(), [&](const auto& r) { prepared = r.ok(); });
    world.settle();
    EXPECT_TRUE(prepared);
    EXPECT_EQ(world.state("a", "dra0"), "prepared");
}

TEST_F(PrepareTest, ALateBackendIsToldWhatIsBeingPrepared) {
    world.process->backend.fault = [&](std::string_view call, const std::string&) {
        if (call == "prepare") world.claims().reconcile(world.process->backend, [] {});
        return std::optional<Error>();
    };
    ASSERT_TRUE(world.prepare(ref).ok());
    EXPECT_EQ(world.hardware.prepared.size(), 1u);
    EXPECT_EQ(world.process->backend.count("reconcile 1"), 1);
}

TEST_F(PrepareTest, ClaimsAreNotCollectedWhileTheApiServerIsAway) {
    ASSERT_TRUE(world.prepare(ref).ok());
    world.process->source.fault = Error(Code::kUnavailable, "connection refused");
    world.claims().collect_garbage();
    world.settle();
    EXPECT_EQ(world.state("a", "dra0"), "prepared");
}

}  // namespace
}  // namespace knd
