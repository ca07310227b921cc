// SPDX-License-Identifier: Apache-2.0
//
// What backends want of the host: what is refused, what it is asked with, and what it gets back.
#include <gtest/gtest.h>

#include "tests/fakes/claims_world.hpp"

namespace knd {
namespace {

using fake::ClaimsWorld;

class EffectsTest : public testing::Test {
  protected:
    void SetUp() override { world.start(); }
    void give(const std::string& device, const Effects& effects) {
        world.process->backend.effects[device] = effects;
    }
    static Effects moving(const std::string& interface) {
        Effects effects;
        effects.netdevs = {{7, interface, "", ""}};
        return effects;
    }
    static Effects staying() {
        Effects effects;
        effects.nodes = {{"/dev/null", 0660}};
        return effects;
    }
    ClaimsWorld world;
    ClaimRef ref = world.add(ClaimsWorld::claim("a", {"dra0"}));
};

// --- what is refused
// ------------------------------------------------------------------------------

TEST_F(EffectsTest, MayNotNameAnUplink) {
    give("dra0", moving("eth0"));
    world.process->devices.uplinks["eth0"] = "eth0 carries the default route";
    EXPECT_EQ(world.prepare(ref).error().message(),
              "claim default/a: device dra0: eth0 carries the default route");
    EXPECT_TRUE(world.hardware.prepared.empty());
}

TEST_F(EffectsTest, MayNotNameAnotherBackendsDevice) {
    give("dra0", moving("dra2"));
    EXPECT_EQ(world.prepare(ref).error().message(),
              "claim default/a: device dra0: interface dra2 is device dra2 of backend sriov");
}

TEST_F(EffectsTest, MayNotNameWhatAnotherBindingHas) {
    ASSERT_TRUE(world.prepare(ref).ok());
    auto effects = moving("tap7");
    effects.netdevs[0].ifindex = 9;
    give("dra1", effects);
    ASSERT_TRUE(world.prepare(world.add(ClaimsWorld::claim("b", {"dra1"}))).ok());
    world.process->other.effects["dra2"] = effects;
    EXPECT_EQ(world.refusal(ClaimsWorld::claim("c", {"dra2"})),
              "claim default/c: device dra2: its backend wants to move interface tap7, which claim "
              "default/b: device dra1 has");
}

TEST_F(EffectsTest, MayNotGiveTwoInterfacesOneName) {
    auto effects = moving("dra0");
    effects.netdevs.push_back({8, "dra1x", "", "dra0"});
    give("dra0", effects);
    EXPECT_EQ(
        world.prepare(ref).error().message(),
        "claim default/a: device dra0: two of its interfaces would be called dra0 in the pod");
}

TEST_F(EffectsTest, OfADeviceThatWasMadeAnewAreCheckedToo) {
    ASSERT_TRUE(world.prepare(ref).ok());
    world.node.remove_link("dra0");
    give("dra0", moving("dra2"));
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.run(pod).ok());
    EXPECT_EQ(world.marker("s1", "a"),
              "failed: pod default/pod-1: claim default/a: device dra0: it is gone, and was not "
              "made again: interface dra2 is device dra2 of backend sriov\n");
}

// --- what a backend is asked with
// -----------------------------------------------------------------

TEST_F(EffectsTest, ABackendIsToldAllThatIsKnownOfTheClaim) {
    world.process->backend.known_keys = {"vlan", "trust"};
    auto claim = ClaimsWorld::claim("b", {"dra0"});
    claim.devices[0].request = "nic/fast";
    claim.devices[0].share_id = "s1";
    claim.devices[0].consumed = {{"bandwidth", "2G"}};
    claim.devices[0].class_configs = {Json{{"vlan", 5}, {"trust", true}}};
    claim.devices[0].configs = {Json{{"vlan", 6}}};
    give("dra0", staying());
    ASSERT_TRUE(world.prepare(world.add(claim)).ok());
    const auto& request = *world.process->backend.last_request;
    EXPECT_EQ(request.request, "nic/fast");
    EXPECT_EQ(request.binding.key.share_id, "s1");
    EXPECT_EQ(request.consumed.at("knd.dev/bandwidth"), "2G");
    EXPECT_EQ(request.config, (Json{{"vlan", 6}, {"trust", true}}));
    EXPECT_EQ(request.class_config, (Json{{"vlan", 5}, {"trust", true}}));
    EXPECT_EQ(request.pods, (std::vector<PodRef>{{"pod-1", "pod-1"}}));
}

TEST_F(EffectsTest, ABackendIsNotAskedForWhatTheClassForbids) {
    auto claim = ClaimsWorld::claim("b", {"dra0"});
    claim.devices[0].device_class = "vf";
    claim.devices[0].class_configs = {Json{{"policy", {{"forbid", {"trust"}}}}}};
    claim.devices[0].configs = {Json{{"trust", true}}};
    EXPECT_EQ(world.refusal(claim),
              "claim default/b: device dra0: trust: the claim sets true, and its DeviceClass vf "
              "forbids it");
    EXPECT_EQ(world.process->backend.count("prepare dra0"), 0);
}

TEST_F(EffectsTest, ADeviceThatIsMadeAnewIsAskedForAsBefore) {
    world.process->backend.known_keys = {"vlan"};
    auto claim = ClaimsWorld::claim("b", {"dra0"});
    claim.devices[0].class_configs = {Json{{"vlan", 5}}};
    claim.devices[0].configs = {Json{{"vlan", 6}}};
    ASSERT_TRUE(world.prepare(world.add(claim)).ok());
    world.kill();
    world.start();
    world.process->backend.known_keys = {"vlan"};
    world.node.remove_link("dra0");
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    const auto& request = *world.process->backend.last_request;
    EXPECT_EQ(request.config, (Json{{"vlan", 6}}));
    EXPECT_EQ(request.class_config, (Json{{"vlan", 5}}));
}

TEST_F(EffectsTest, AnUndoneDeviceGetsTheStateThatItsPrepareLeft) {
    give("dra0", moving("dra2"));  // refused after the prepare
    ASSERT_FALSE(world.prepare(ref).ok());
    EXPECT_EQ(world.process->backend.unprepared_with, "state of dra0");
}

TEST_F(EffectsTest, ADeviceWithoutAnInterfaceIsAttachedWithThePodsNamespace) {
    give("dra0", staying());
    ASSERT_TRUE(world.prepare(ref).ok());
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    EXPECT_EQ(world.marker("s1", "a"), "attached\n");
    EXPECT_GE(world.process->backend.attach_netns, 0);
}

// --- shares, wholes and parts
// ---------------------------------------------------------------------

TEST_F(EffectsTest, OneClaimMayHaveSeveralSharesOfADevice) {
    give("dra0", staying());
    auto claim = ClaimsWorld::claim("b", {"dra0", "dra0"});
    claim.devices[0].share_id = "one";
    claim.devices[1].share_id = "two";
    const auto devices = world.prepare(world.add(claim));
    ASSERT_TRUE(devices.ok()) << devices.error().message();
    EXPECT_EQ(devices->size(), 2u);
    EXPECT_EQ(world.hardware.prepared.size(), 2u);
    ASSERT_TRUE(world.unprepare(claim.ref).ok());
    EXPECT_TRUE(world.hardware.prepared.empty());
}

TEST_F(EffectsTest, AWholeAndItsPartExcludeEachOther) {
    auto& devices = world.process->devices.devices;
    devices[{"node", "dra1"}].parent_key = devices[{"node", "dra0"}].hardware_key;
    ASSERT_TRUE(world.prepare(ref).ok());
    EXPECT_EQ(
        world.refusal(ClaimsWorld::claim("b", {"dra1"})),
        "claim default/b: device dra1: device dra0, of which it is a part, is in use by claim "
        "default/a; it is free when that claim has been unprepared");
    ASSERT_TRUE(world.unprepare(ref).ok());
    ASSERT_TRUE(world.prepare(world.add(ClaimsWorld::claim("b", {"dra1"}))).ok());
    EXPECT_EQ(world.prepare(ref).error().message(),
              "claim default/a: device dra0: device dra1, a part of it, is in use by claim "
              "default/b; it is free when that claim has been unprepared");
}

TEST_F(EffectsTest, AWholeAndAPartOfItsPartExcludeEachOther) {
    auto& devices = world.process->devices.devices;
    devices[{"node", "dra1"}].parent_key = devices[{"node", "dra0"}].hardware_key;
    devices[{"node", "dra2"}].parent_key = devices[{"node", "dra1"}].hardware_key;
    ASSERT_TRUE(world.prepare(ref).ok());
    EXPECT_NE(world.refusal(ClaimsWorld::claim("b", {"dra2"}))
                  .find("device dra0, of which it is a part, is in use by claim default/a"),
              std::string::npos);
}

TEST_F(EffectsTest, OneHardwareUnderTwoNamesHasOneHolder) {
    auto& devices = world.process->devices.devices;
    devices[{"node", "dra2"}].hardware_key = devices[{"node", "dra0"}].hardware_key;
    ASSERT_TRUE(world.prepare(ref).ok());
    EXPECT_NE(world.refusal(ClaimsWorld::claim("b", {"dra2"})).find("the same hardware"),
              std::string::npos);
}

/// Kubernetes 1.38: after a force-delete it may come before the old container has stopped.
TEST_F(EffectsTest, AReplacementClaimWaitsUntilTheDeviceHasReturned) {
    ASSERT_TRUE(world.prepare(ref).ok());
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    const auto replacement = world.add(ClaimsWorld::claim("b", {"dra0"}, "pod-2"));
    EXPECT_FALSE(world.prepare(replacement).ok());
    EXPECT_TRUE(world.node.is_in("dra0", "/run/netns/s1"));
    ASSERT_TRUE(world.unprepare(ref).ok());
    EXPECT_TRUE(world.prepare(replacement).ok());
}

// --- what is lost, what is sick
// -------------------------------------------------------------------

TEST_F(EffectsTest, WhatABackendDoesNotFindAfterARestartIsToldAndMadeAnew) {
    ASSERT_TRUE(world.prepare(ref).ok());
    world.kill();
    world.boot();
    world.process->backend.lost = {{{"uid-a", "dra0"}, "VF 3 was removed"}};
    ASSERT_TRUE(world.claims().load().ok());
    world.claims().recover([] {});
    world.settle();
    EXPECT_EQ(
        world.process->source.events,
        std::vector<std::string>{"Warning DeviceLost default/a: device dra0 is lost: VF 3 was "
                                 "removed"});
    const auto& status = world.process->source.statuses.at("default/a").at(0);
    EXPECT_FALSE(status.ready);
    EXPECT_EQ(status.reason, "DeviceLost");
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    EXPECT_EQ(world.process->backend.count("prepare dra0"), 1);
    EXPECT_EQ(world.marker("s1", "a"), "attached\n");
    EXPECT_TRUE(world.process->source.statuses.at("default/a").at(0).ready);
}

TEST_F(EffectsTest, AReconcileThatFailsIsAskedAgain) {
    ASSERT_TRUE(world.prepare(ref).ok());
    world.kill();
    world.boot();
    auto& backend = world.process->backend;
    backend.fault = [](std::string_view call, const std::string&) {
        return call == "reconcile" ? std::optional(Error(Code::kInternal, "busy")) : std::nullopt;
    };
    ASSERT_TRUE(world.claims().load().ok());
    world.claims().recover([] {});
    world.settle();
    EXPECT_EQ(backend.count("reconcile 1"), 1);
    EXPECT_TRUE(world.settle_until([&] { return backend.count("reconcile 1") >= 2; }));
}

TEST_F(EffectsTest, TheStatusOfAClaimFollowsTheHealthOfItsDevice) {
    ASSERT_TRUE(world.prepare(ref).ok());
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    auto& process = *world.process;
    const auto health = [&] { return process.source.statuses.at("default/a").at(0).health; };
    EXPECT_EQ(health(), std::nullopt) << "its backend does not tell";
    process.backend.reports = {{"dra0", {Health::kUnhealthy, "link is down"}}};
    world.claims().health_changed(process.backend);
    EXPECT_EQ(health(), (HealthReport{Health::kUnhealthy, "link is down"}));
    process.source.statuses.clear();
    world.claims().health_changed(process.backend);
    EXPECT_TRUE(process.source.statuses.empty()) << "nothing has changed";
    process.backend.reports->clear();
    world.claims().health_changed(process.backend);
    EXPECT_EQ(health(), HealthReport());
}

TEST_F(EffectsTest, ABackendSpeaksOnlyOfItsOwnClaims) {
    ASSERT_TRUE(world.prepare(ref).ok());
    auto& process = *world.process;
    world.claims().backend_event(process.backend, {"uid-a", true, "FabricSlow", "200 ms"});
    world.claims().backend_event(process.other, {"uid-a", true, "FabricSlow", "200 ms"});
    world.claims().backend_event(process.backend, {"uid-b", true, "FabricSlow", "200 ms"});
    EXPECT_EQ(process.source.events,
              std::vector<std::string>{"Warning FabricSlow default/a: backend netdev: 200 ms"});
}

TEST_F(EffectsTest, ABackendSpeaksOfAClaimWhileItPreparesIt) {
    auto& process = *world.process;
    for (auto* backend : {&process.backend, &process.other})
        backend->fault = [&, backend](std::string_view call, const std::string&) {
            if (call == "prepare")
                world.claims().backend_event(*backend, {"uid-a", false, "MakingVFs", "7 of pf0"});
            return std::optional<Error>();
        };
    ASSERT_TRUE(world.prepare(ref).ok());
    EXPECT_EQ(process.source.events,
              std::vector<std::string>{"Normal MakingVFs default/a: backend netdev: 7 of pf0"});
}

// --- what its backend tells of a device ---------------------------------------------------------

TEST_F(EffectsTest, ADeviceWithoutAnInterfaceHasTheNetworkDataOfItsBackend) {
    auto effects = staying();
    effects.network_data = NetworkData{"ib0", "00:01", {"192.0.2.9/24"}};
    effects.attributes = {{"knd.dev/guid", "0002c903"}};
    give("dra0", effects);
    ASSERT_TRUE(world.prepare(ref).ok());
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    const auto& status = world.process->source.statuses.at("default/a").at(0);
    EXPECT_EQ(status.interface_name, "ib0");
    EXPECT_EQ(status.ips, std::vector<std::string>{"192.0.2.9/24"});
    EXPECT_EQ(json_string(status.data, "knd.dev/guid"), "0002c903");
    const auto metadata = world.device_metadata("a", "dra0");
    EXPECT_EQ(metadata["networkData"]["interfaceName"], "ib0");
    EXPECT_EQ(metadata["attributes"]["knd.dev/guid"]["string"], "0002c903");
}

}  // namespace
}  // namespace knd
