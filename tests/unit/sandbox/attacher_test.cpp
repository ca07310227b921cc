// SPDX-License-Identifier: Apache-2.0
#include "host/sandbox/attacher.hpp"

#include "tests/unit/sandbox/sandbox_scene.hpp"

namespace knd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class Attach : public SandboxScene {
  protected:
    Result<AttachedFacts> attach(const AttachPlan& plan) {
        KND_TRY_ASSIGN(state_, attacher_.inspect(plan));
        KND_TRY_ASSIGN(const auto facts, attacher_.attach(plan, state_));
        return facts.at(0);
    }
    HostState state_;
};

TEST_F(Attach, PutsTheDeviceIntoThePodAsConfigured) {
    auto facts = attach(attach_plan());
    ASSERT_OK(facts);
    EXPECT_EQ(facts->interface_name, "net1");
    EXPECT_EQ(facts->hardware_address, "02:00:00:00:00:0a");
    EXPECT_THAT(facts->addresses, ElementsAre("10.0.0.1/24", "fd00::1/64"));
    EXPECT_FALSE(kernel_.has(kFakeHome, "eth1"));
    const auto& in_pod = kernel_.at(kPod, "net1");
    EXPECT_EQ(in_pod.link.mtu, 9000);
    EXPECT_EQ(in_pod.link.mac, "02:00:00:00:00:0a");
    EXPECT_TRUE(in_pod.link.up());
    EXPECT_THAT(in_pod.addresses, SizeIs(2));
    EXPECT_THAT(in_pod.routes, SizeIs(2));
    EXPECT_THAT(in_pod.neighbors, SizeIs(1));
    EXPECT_THAT(kernel_.rules(kPod), SizeIs(1));
}

TEST_F(Attach, WithoutConfigurationKeepsNameAddressesAndRoutesOfTheHost) {
    auto plan = attach_plan();
    plan.network = {};
    kernel_.at(kFakeHome, "eth1")
        .routes.push_back(
            {.destination = "0.0.0.0/0",
             .nexthops = {{.ifindex = plan.effects.netdevs[0].ifindex, .gateway = "192.0.2.254"}}});
    auto facts = attach(plan);
    ASSERT_OK(facts);
    EXPECT_EQ(facts->interface_name, "eth1");
    EXPECT_THAT(facts->addresses, ElementsAre("192.0.2.1/24", "2001:db8::1/64"));
    const auto& routes = kernel_.at(kPod, "eth1").routes;
    ASSERT_THAT(routes, SizeIs(2)) << "all but the default route, which the pod's network owns";
    EXPECT_EQ(routes[1].destination, "203.0.113.0/24");
    EXPECT_EQ(routes[1].metric, 53u);
}

TEST_F(Attach, WithConfiguredAddressesTakesNoRoutesFromTheHost) {
    auto plan = attach_plan();
    plan.network.routes.clear();
    ASSERT_OK(attach(plan));
    EXPECT_THAT(kernel_.at(kPod, "net1").routes, IsEmpty());
}

TEST_F(Attach, LeavesTheHostsIpv6AddressesOutWhereThePodHasNone) {
    auto plan = attach_plan();
    plan.network = {};
    kernel_.disable_ipv6(kPod);
    kernel_.at(kFakeHome, "eth1")
        .routes.push_back({.destination = "2001:db8:1::/48",
                           .nexthops = {{.ifindex = plan.effects.netdevs[0].ifindex,
                                         .gateway = "2001:db8::fe"}}});
    auto facts = attach(plan);
    ASSERT_OK(facts);
    EXPECT_THAT(facts->addresses, ElementsAre("192.0.2.1/24"));
}

TEST_F(Attach, FailsWhereAConfiguredIpv6AddressCannotBe) {
    kernel_.disable_ipv6(kPod);
    EXPECT_EQ(attach(attach_plan()).code(), Code::kPermissionDenied);
    EXPECT_TRUE(kernel_.has(kFakeHome, "eth1"));
}

TEST_F(Attach, TakesAMacAddressInAnySpelling) {
    auto plan = attach_plan();
    plan.network.hardware_addr = "02-00-00-00-00-AB";
    auto facts = attach(plan);
    ASSERT_OK(facts);
    EXPECT_EQ(facts->hardware_address, "02:00:00:00:00:ab");
    kernel_.at(kPod, "net1").link.name = "mine";
    ASSERT_OK(attacher_.detach(way_back(plan, state_)));
}

TEST_F(Attach, RecognisesAVirtualFunctionWhosePermanentMacFollowsItsMac) {
    kernel_.add_virtual_function(kFakeHome, "vf0", "0000:3b:10.0", "02:00:00:00:00:0f");
    auto plan = attach_plan({"vf0"});
    plan.network.hardware_addr = "02:00:00:00:00:ab";
    ASSERT_OK(attach(plan));
    auto& in_pod = kernel_.at(kPod, "net1").link;
    EXPECT_EQ(in_pod.permanent_mac, "02:00:00:00:00:ab");
    in_pod.mac = in_pod.permanent_mac = "02:00:00:00:00:cd";  // of the pod's choice
    in_pod.name = "mine";
    ASSERT_OK(attacher_.detach(way_back(plan, state_)));
    EXPECT_EQ(kernel_.at(kFakeHome, "vf0").link.mac, "02:00:00:00:00:0f");
}

TEST_F(Attach, PassesAPodWhoseInterfaceHasTheHostsName) {
    auto& link = kernel_.at(kFakeHome, "eth1").link;
    link.name = "eth0";
    ASSERT_OK(attach(attach_plan({"eth0"})));
    EXPECT_EQ(kernel_.at(kPod, "eth0").link.mac, "02:00:00:00:00:50");
    EXPECT_EQ(kernel_.at(kPod, "net1").link.device, "0000:3b:00.0");
}

TEST_F(Attach, PutsSeveralDevicesOfOneBindingInOrder) {
    auto plan = attach_plan({"eth1", "dra0"});
    auto facts = attach(plan);
    ASSERT_OK(facts);
    EXPECT_EQ(facts->interface_name, "net1");
    EXPECT_EQ(kernel_.at(kPod, "dra0").link.mac, kMac) << "the configuration is the first one's";
}

TEST_F(Attach, MakesTheRouteToAGatewayFirst) {
    auto plan = attach_plan();
    plan.network.routes = {{.destination = "10.9.0.0/16", .gateway = "172.16.0.1"},
                           {.destination = "172.16.0.1/32", .scope = 253}};
    EXPECT_OK(attach(plan));
}

TEST_F(Attach, TellsItsSteps) {
    auto plan = attach_plan();
    std::vector<std::string> steps;
    plan.on_step = [&](std::string_view step) { steps.emplace_back(step); };
    ASSERT_OK(attach(plan));
    EXPECT_THAT(steps,
                ElementsAre("attach.moved", "attach.addressed", "attach.up", "attach.routed"));
}

TEST_F(Attach, RepeatedFindsTheDeviceInThePod) {
    const auto plan = attach_plan();
    ASSERT_OK(attach(plan));
    auto again = attacher_.attach(plan, state_);
    ASSERT_OK(again);
    EXPECT_EQ(again->at(0).interface_name, "net1");
    EXPECT_THAT(kernel_.at(kPod, "net1").addresses, SizeIs(2));
}

class Refusal : public Attach {
  protected:
    /// What inspect says; the host is not touched.
    std::string refusal(const AttachPlan& plan) {
        const auto before = host();
        const auto state = attacher_.inspect(plan);
        EXPECT_FALSE(state.ok());
        EXPECT_EQ(host(), before);
        return state.ok() ? "" : state.error().message();
    }
};

TEST_F(Refusal, OfANameThatThePodHas) {
    auto plan = attach_plan();
    plan.network.interface_name = "eth0";
    EXPECT_THAT(refusal(plan),
                HasSubstr("the pod has an interface `eth0` already (eth0 (ifindex 2, "
                          "02:00:00:00:00:50)): give the claim's interface another"));
}

TEST_F(Refusal, OfAnAltnameThatThePodHas) {
    kernel_.at(kPod, "eth0").link.altnames = {"enp59s0-eth1"};
    EXPECT_THAT(refusal(attach_plan()), HasSubstr("has an interface `enp59s0-eth1` already"));
}

TEST_F(Refusal, OfADeviceThatCarriesAnother) {
    const auto plan = attach_plan();
    kernel_.add_virtual(kFakeHome, "eth1.100", "vlan", kMac);
    kernel_.at(kFakeHome, "eth1.100").link.parent = plan.effects.netdevs[0].ifindex;
    EXPECT_EQ(
        refusal(plan),
        "device `eth1` carries `eth1.100` on the host, which would be lost: remove that first");
}

TEST_F(Refusal, OfABridgeWithPorts) {
    const auto plan = attach_plan({"dra0"});
    kernel_.at(kFakeHome, "uplink").link.master = plan.effects.netdevs[0].ifindex;
    EXPECT_THAT(refusal(plan), HasSubstr("device `dra0` carries `uplink`"));
}

TEST_F(Refusal, NotOfADeviceWhoseOtherEndIsHere) {
    const auto plan = attach_plan();
    kernel_.at(kFakeHome, "uplink").link.parent = plan.effects.netdevs[0].ifindex;
    EXPECT_OK(attacher_.inspect(plan));
}

TEST_F(Refusal, OfAMacAddressThatIsNone) {
    auto plan = attach_plan();
    plan.network.hardware_addr = "02:00";
    plan.network.hardware_addr += ":zz";
    EXPECT_THAT(refusal(plan), HasSubstr("`02:00:zz` is no MAC address"));
}

TEST_F(Refusal, OfADeviceThatIsGone) {
    const auto plan = attach_plan();
    kernel_.unplug("0000:3b:00.0");
    EXPECT_EQ(refusal(plan), "device `eth1` (ifindex 3) is gone from the host");
}

TEST_F(Refusal, OfADeviceThatWasRenamed) {
    const auto plan = attach_plan();
    kernel_.at(kFakeHome, "eth1").link.name = "wan";
    EXPECT_EQ(refusal(plan), "device `eth1` is called `wan` now: rename it back");
}

TEST_F(Refusal, OfAnotherDeviceUnderTheSameName) {
    const auto plan = attach_plan();
    auto& link = kernel_.at(kFakeHome, "eth1").link;
    link.mac = link.permanent_mac = "02:00:00:00:00:77";
    EXPECT_THAT(refusal(plan),
                HasSubstr("has MAC address 02:00:00:00:00:77 now, it had " + std::string(kMac)));
}

TEST_F(Refusal, NotOfAnotherMacOverTheSamePermanentOne) {
    const auto plan = attach_plan();
    kernel_.at(kFakeHome, "eth1").link.mac = "02:00:00:00:00:77";
    EXPECT_OK(attacher_.inspect(plan));
}

TEST_F(Refusal, OfTheHostsOwnNamespace) {
    auto plan = attach_plan();
    plan.netns.path = kFakeHome;
    EXPECT_THAT(refusal(plan), HasSubstr("shares the host's network namespace"));
    EXPECT_EQ(attacher_.pin(kFakeHome).code(), Code::kFailedPrecondition);
    EXPECT_EQ(attacher_.pin("").code(), Code::kFailedPrecondition);
}

TEST_F(Refusal, OfANamespaceThatIsGone) {
    auto plan = attach_plan();
    plan.netns.path = "/run/netns/none";
    EXPECT_THAT(refusal(plan), HasSubstr("No such file or directory"));
}

TEST_F(Refusal, OfAnotherNamespaceAtTheSamePath) {
    auto plan = attach_plan();
    plan.netns.id = "0:1";
    EXPECT_THAT(refusal(plan), HasSubstr("there is another one now"));
}

TEST_F(Refusal, OfANameThatIsNone) {
    auto plan = attach_plan();
    plan.network.interface_name = "a/b";
    EXPECT_EQ(refusal(plan), "`a/b` cannot name an interface");
}

TEST_F(Refusal, OfTwoDevicesWithOneName) {
    auto plan = attach_plan({"eth1", "dra0"});
    plan.network.interface_name = "dra0";
    EXPECT_EQ(refusal(plan), "two devices are to be called `dra0`");
}

TEST_F(Refusal, OfTheLoopback) {
    auto plan = attach_plan();
    plan.effects.netdevs = {{1, "lo", "", ""}};
    EXPECT_EQ(refusal(plan), "`lo` is a loopback interface");
}

class Undo : public Attach {};

/// The kernel moves first and looks at the MTU afterwards, so a bad one leaves the device in the
/// pod.
TEST_F(Undo, OfAnMtuThatTheDeviceDoesNotHave) {
    const auto before = host();
    auto plan = attach_plan();
    plan.network.mtu = 64000;
    auto facts = attach(plan);
    EXPECT_EQ(facts.code(), Code::kInvalidArgument);
    EXPECT_EQ(host(), before);
    EXPECT_EQ(kernel_.links(kPod).size(), 1u);
}

TEST_F(Undo, OfARouteThatCannotBe) {
    const auto before = host();
    auto plan = attach_plan({"dra0"});
    plan.network.routes = {{.destination = "10.9.0.0/16", .gateway = "172.16.0.1"}};
    EXPECT_FALSE(attach(plan).ok());
    EXPECT_EQ(host(), before);
    EXPECT_THAT(kernel_.rules(kPod), IsEmpty());
}

TEST_F(Undo, OfTheFirstDeviceWhenTheSecondFails) {
    const auto before = host();
    auto plan = attach_plan({"eth1", "dra0"});
    plan.effects.netdevs[1].name_in_pod = "net2";
    state_ = *attacher_.inspect(plan);
    kernel_.at(kPod, "eth0").link.altnames = {"net2"};
    auto facts = attacher_.attach(plan, state_);
    EXPECT_THAT(facts.error().message(), HasSubstr("the pod has an interface `net2` already"));
    EXPECT_EQ(host(), before);
}

TEST_F(Undo, ThatFailsIsInTheError) {
    const auto plan = attach_plan();
    state_ = *attacher_.inspect(plan);
    kernel_.no_faults();
    ASSERT_OK(attacher_.attach(plan, state_));
    const int calls = kernel_.calls();
    ASSERT_OK(attacher_.detach(way_back(plan, state_)));
    kernel_.fail_from(calls - 2, EIO);
    auto facts = attacher_.attach(plan, state_);
    EXPECT_THAT(facts.error().message(), HasSubstr("; and undoing failed: "));
    kernel_.no_faults();
    EXPECT_OK(attacher_.detach(way_back(plan, state_)));
    EXPECT_TRUE(kernel_.has(kFakeHome, "eth1"));
}

class Detach : public Attach {
  protected:
    void attach_all(const std::vector<std::string>& names) {
        before_ = host();
        plan_ = attach_plan(names);
        ASSERT_OK(attach(plan_));
    }
    Result<Detached> detach() { return attacher_.detach(way_back(plan_, state_)); }
    std::map<std::string, LinkState> before_;
    AttachPlan plan_;
};

TEST_F(Detach, BringsEverythingBackAsItWas) {
    attach_all({"eth1", "dra0"});
    auto detached = detach();
    ASSERT_OK(detached);
    EXPECT_THAT(detached->lost, IsEmpty());
    EXPECT_THAT(detached->warnings, IsEmpty());
    EXPECT_EQ(host(), before_);
}

TEST_F(Detach, LeavesADeviceThatWasDownDown) {
    auto& state = kernel_.at(kFakeHome, "eth1");
    state.link.flags = 0;
    state.routes.clear();
    attach_all({"eth1"});
    ASSERT_OK(detach());
    EXPECT_EQ(host(), before_);
}

TEST_F(Detach, FindsADeviceThatThePodRenamed) {
    attach_all({"eth1"});
    kernel_.at(kPod, "net1").link.name = "mine";
    ASSERT_OK(detach());
    EXPECT_EQ(host(), before_);
}

TEST_F(Detach, UndoesWhatThePodDidToTheDevice) {
    attach_all({"eth1"});
    auto& link = kernel_.at(kPod, "net1").link;
    link.altnames = {"podname"};
    link.alias = "owned";
    link.mac = "02:00:00:00:de:ad";
    link.txqlen = 1;
    link.flags |= 0x100;  // promiscuous
    ASSERT_OK(detach());
    EXPECT_EQ(host(), before_);
}

TEST_F(Detach, GetsPastANameThatIsTakenAtHome) {
    attach_all({"eth1"});
    kernel_.add_virtual(kFakeHome, "net1", "veth", "02:00:00:00:00:33");
    ASSERT_OK(detach());
    EXPECT_TRUE(kernel_.has(kFakeHome, "net1"));
    EXPECT_EQ(kernel_.at(kFakeHome, "eth1").link.device, "0000:3b:00.0");
}

TEST_F(Detach, TakesItsNameFromTheAltnameOfAnother) {
    attach_all({"eth1"});
    kernel_.at(kFakeHome, "uplink").link.altnames = {"eth1"};
    ASSERT_OK(detach());
    EXPECT_EQ(kernel_.at(kFakeHome, "eth1").link.device, "0000:3b:00.0");
}

/// Seen in the field as "device came home as dev69 and was lost".
TEST_F(Detach, DropsAnAltnameThatSomebodyTook) {
    attach_all({"eth1"});
    kernel_.at(kFakeHome, "uplink").link.altnames = {"enp59s0-eth1"};
    auto detached = detach();
    ASSERT_OK(detached);
    EXPECT_TRUE(kernel_.has(kFakeHome, "eth1"));
    EXPECT_THAT(detached->warnings, ElementsAre(HasSubstr("altname enp59s0-eth1 was taken by")));
}

TEST_F(Detach, GetsBackIntoItsBridge) {
    kernel_.at(kFakeHome, "eth1").link.master = 2;
    attach_all({"eth1"});
    ASSERT_OK(detach());
    EXPECT_EQ(host(), before_);
}

TEST_F(Detach, WaitsUnderItsTransitNameWhileTheNameIsTaken) {
    attach_all({"eth1"});
    kernel_.add_virtual(kFakeHome, "eth1", "veth", "02:00:00:00:00:33");
    auto blocked = detach();
    const auto transit = transit_name(plan_.key, 0);
    EXPECT_THAT(blocked.error().message(), HasSubstr("the name `eth1` on the host was taken by"));
    EXPECT_TRUE(kernel_.has(kFakeHome, transit));
    kernel_.at(kFakeHome, "eth1").link.name = "other";
    ASSERT_OK(detach());
    EXPECT_EQ(kernel_.at(kFakeHome, "eth1").link.device, "0000:3b:00.0");
}

TEST_F(Detach, RestoresWhatADeadNamespaceGaveBack) {
    attach_all({"eth1"});
    kernel_.kill_netns(kPod);
    ASSERT_TRUE(kernel_.has(kFakeHome, "net1"));
    ASSERT_OK(detach());
    EXPECT_EQ(host(), before_);
}

TEST_F(Detach, WaitsForADeviceWhoseNamespaceIsDying) {
    attach_all({"eth1"});
    kernel_.kill_netns(kPod, 20);
    ASSERT_OK(detach());
    EXPECT_EQ(host(), before_);
}

TEST_F(Detach, GetsPastAnAltnameOfItsOwn) {
    attach_all({"eth1"});
    kernel_.at(kPod, "net1").link.altnames = {"eth1"};
    ASSERT_OK(detach());
    EXPECT_EQ(host(), before_);
}

TEST_F(Detach, RestoresWhatADeadNamespaceGaveBackUnderAnotherName) {
    attach_all({"eth1"});
    kernel_.at(kPod, "net1").link.name = "uplink";
    kernel_.kill_netns(kPod);
    ASSERT_TRUE(kernel_.has(kFakeHome, "dev3"));
    ASSERT_OK(detach());
    EXPECT_EQ(host(), before_);
}

TEST_F(Detach, TellsWhichVirtualDevicesDiedWithThePod) {
    attach_all({"eth1", "dra0"});
    kernel_.kill_netns(kPod);
    auto detached = detach();
    ASSERT_OK(detached);
    EXPECT_THAT(detached->lost, ElementsAre("dra0"));
    EXPECT_TRUE(kernel_.has(kFakeHome, "eth1"));
}

TEST_F(Detach, DoesNotTakeALookalikeFromThePod) {
    attach_all({"dra0"});
    kernel_.remove(kPod, "net1");
    kernel_.add_virtual(kPod, "net1", "dummy", "02:00:00:00:00:44");
    kernel_.add_virtual(kPod, "macvlan0", "macvlan", kMac);
    const auto own = kernel_.links(kPod);
    auto detached = detach();
    ASSERT_OK(detached);
    EXPECT_THAT(detached->lost, ElementsAre("dra0"));
    EXPECT_EQ(kernel_.links(kPod), own);
}

TEST_F(Detach, DoesNotTakeALookalikeOnTheHost) {
    attach_all({"dra0"});
    kernel_.add_virtual(kFakeHome, "dummy7", "dummy", kMac);
    kernel_.kill_netns(kPod);
    const auto own = kernel_.links(kFakeHome);
    auto detached = detach();
    ASSERT_OK(detached);
    EXPECT_THAT(detached->lost, ElementsAre("dra0"));
    EXPECT_EQ(kernel_.links(kFakeHome), own);
}

TEST_F(Detach, TellsThatADeviceWasUnplugged) {
    attach_all({"eth1"});
    kernel_.unplug("0000:3b:00.0");
    auto detached = detach();
    ASSERT_OK(detached);
    EXPECT_THAT(detached->lost, ElementsAre("eth1"));
}

TEST_F(Detach, IsAnErrorWhileHardwareIsNowhere) {
    attach_all({"eth1"});
    kernel_.at(kPod, "net1").link.device = "0000:ff:00.0";
    EXPECT_EQ(detach().code(), Code::kUnavailable);
}

TEST_F(Detach, TouchesNoInterfaceOfThePodItself) {
    attach_all({"dra0"});
    const auto own = kernel_.links(kPod).at("eth0");
    ASSERT_OK(detach());
    ASSERT_OK(detach());
    EXPECT_EQ(kernel_.links(kPod).at("eth0"), own);
}

TEST_F(Detach, OfWhatWasNeverInspectedDoesNothing) {
    const auto plan = attach_plan();
    EXPECT_OK(attacher_.detach(way_back(plan, {})));
}

TEST_F(Detach, RefusesAStateOfAnotherBinding) {
    attach_all({"eth1"});
    state_.netdevs.push_back(state_.netdevs.front());
    EXPECT_EQ(detach().code(), Code::kDataLoss);
}

TEST_F(Detach, UsesThePinnedNamespaceAfterItsPathIsGone) {
    attach_all({"dra0"});
    auto back = way_back(plan_, state_);
    back.netns = *attacher_.pin(kPod);
    back.netns.path = "/run/netns/removed";
    ASSERT_OK(attacher_.detach(back));
    EXPECT_EQ(host(), before_);
}

}  // namespace
}  // namespace knd
