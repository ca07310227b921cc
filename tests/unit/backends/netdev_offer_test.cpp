// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "backends/netdev/offer.hpp"
#include "host/plugin/params.hpp"

namespace netdev {
namespace {

Offer offer(const char* json) {
    const auto values = knd::parse_json(json);
    const knd::plugin::Params params(*values);
    auto read = Offer::read(knd::Params(params.face()));
    EXPECT_TRUE(read.ok()) << (read.ok() ? "" : read.error().message());
    return *std::move(read);
}

knd::Netdev software(const std::string& name, const std::string& kind) {
    knd::Netdev netdev;
    netdev.link.name = name;
    netdev.link.kind = kind;
    netdev.sysfs.is_virtual = true;
    return netdev;
}

knd::Netdev hardware(const std::string& name, const std::string& kind = "") {
    auto netdev = software(name, kind);
    netdev.link.bus = "pci";
    netdev.link.device = "0000:3b:00.0";
    netdev.sysfs.is_virtual = false;
    return netdev;
}

bool offers(const Offer& offer, const knd::Netdev& netdev) {
    return offer.withheld(netdev).empty();
}

TEST(NetdevOffer, HasHardware) {
    EXPECT_TRUE(offers(offer("{}"), hardware("eth1")));
    EXPECT_TRUE(offers(offer("{}"), hardware("ib0", "ipoib")));
}

TEST(NetdevOffer, HasSoftwareThatPeopleMakeToGiveAway) {
    for (const auto* kind : {"dummy", "vlan", "macvlan", "ipvlan"}) {
        EXPECT_TRUE(offers(offer("{}"), software("dra0", kind))) << kind;
    }
}

TEST(NetdevOffer, HasNoOverlaysAndTunnels) {
    for (const auto* kind :
         {"vxlan",  "geneve", "wireguard", "ipip",   "sit",  "gre",   "gretap",
          "ip6gre", "ip6tnl", "erspan",    "vti",    "xfrm", "veth",  "netkit",
          "ifb",    "nlmon",  "tun",       "macsec", "vcan", "vxcan", "a-kind-of-tomorrow",
          ""}) {
        EXPECT_FALSE(offers(offer("{}"), software("x0", kind))) << kind;
    }
    EXPECT_EQ(offer("{}").withheld(software("flannel.1", "vxlan")),
              "it is of kind vxlan, and `kinds` does not name that");
}

TEST(NetdevOffer, HasNoneOfTheNodesOwnNames) {
    for (const auto* name : {"kube-ipvs0", "nodelocaldns", "kube-dummy-if", "antrea-egress0",
                             "cilium_host", "cali0", "lxc_health"}) {
        EXPECT_FALSE(offers(offer("{}"), software(name, "dummy"))) << name;
    }
    EXPECT_FALSE(offers(offer("{}"), software("vlan.eth.1", "vlan")));
    EXPECT_EQ(offer("{}").withheld(software("kube-ipvs0", "dummy")),
              "the node's own network has interfaces of such a name: to offer it nevertheless, "
              "list `kube-ipvs0` in `interfaces`");
}

TEST(NetdevOffer, KeepsTheNodesNamesFromPatterns) {
    const auto any = offer(R"({"kinds": ["*"], "interfaces": ["*"]})");
    EXPECT_TRUE(offers(any, software("wg7", "wireguard")));
    for (const auto* name : {"flannel.1", "vxlan.calico", "cilium_wg0", "cali1234", "lxc1234",
                             "genev_sys_6081", "docker0"}) {
        EXPECT_FALSE(offers(any, software(name, "vxlan"))) << name;
    }
}

TEST(NetdevOffer, HasWhatIsListedByItsName) {
    const auto listed = offer(R"({"interfaces": ["kube-ipvs0", "pf0vf1"]})");
    EXPECT_TRUE(offers(listed, software("kube-ipvs0", "dummy")));
    EXPECT_FALSE(offers(listed, software("dra0", "dummy")));
}

TEST(NetdevOffer, HasTheKindsThatAreNamedAndNoOthers) {
    const auto named = offer(R"({"kinds": ["veth", "wire*"]})");
    EXPECT_TRUE(offers(named, software("nic0", "veth")));
    EXPECT_TRUE(offers(named, software("wg0", "wireguard")));
    EXPECT_FALSE(offers(named, software("dra0", "dummy")));
    EXPECT_TRUE(offers(named, hardware("eth1")));
}

TEST(NetdevOffer, LeavesOutExcludedKindsAlsoOfHardware) {
    const auto some = offer(R"({"exclude_kinds": ["ipoib", "macvlan"]})");
    EXPECT_FALSE(offers(some, hardware("ib0", "ipoib")));
    EXPECT_FALSE(offers(some, software("m0", "macvlan")));
    EXPECT_TRUE(offers(some, hardware("eth1")));
    EXPECT_TRUE(offers(some, software("dra0", "dummy")));
}

TEST(NetdevOffer, LeavesOutExcludedNames) {
    const auto some = offer(R"({"exclude_interfaces": ["eth*"]})");
    EXPECT_EQ(some.withheld(hardware("eth1")), "`exclude_interfaces` names it");
    EXPECT_TRUE(offers(some, hardware("ens1")));
}

TEST(NetdevOffer, HasNoSoftwareWhenThatIsOff) {
    const auto none = offer(R"({"virtual": false, "kinds": ["dummy"]})");
    EXPECT_FALSE(offers(none, software("dra0", "dummy")));
    EXPECT_TRUE(offers(none, hardware("eth1")));
}

TEST(NetdevOffer, HasNoSwitchEndsUnlessListed) {
    auto end = hardware("eth1_0");
    end.sysfs.representor = true;
    end.sysfs.port = "pf0vf0";
    EXPECT_FALSE(offers(offer("{}"), end));
    EXPECT_FALSE(offers(offer(R"({"interfaces": ["eth1_*"]})"), end));
    EXPECT_TRUE(offers(offer(R"({"interfaces": ["eth1_0"]})"), end));
}

TEST(NetdevOffer, HasNothingThatCannotLeave) {
    auto port = hardware("eth1");
    port.immovable = "it is a port of br0";
    EXPECT_EQ(offer(R"({"interfaces": ["eth1"]})").withheld(port), "it is a port of br0");
}

TEST(NetdevOffer, KnowsTheNodesEndOfAPodsInterface) {
    auto end = software("lxc1234", "veth");
    EXPECT_FALSE(is_end_of_a_pod(end));
    end.link.parent_netns = 3;
    EXPECT_TRUE(is_end_of_a_pod(end));
    end.link.kind = "macvlan";
    EXPECT_FALSE(is_end_of_a_pod(end));
}

knd::LinkInfo link(const std::string& name, int ifindex, const std::string& mac) {
    knd::LinkInfo link;
    link.name = name;
    link.ifindex = ifindex;
    link.mac = mac;
    return link;
}

TEST(SameInterface, IsSoftwareOfTheSameNameThatCameHome) {
    const auto listed = link("dra0", 5, "02:00:00:00:00:01");
    EXPECT_TRUE(is_same(listed, listed));
    EXPECT_TRUE(is_same(listed, link("dra0", 5, "02:00:00:00:00:02")));
    EXPECT_TRUE(is_same(listed, link("dra0", 9, "02:00:00:00:00:01")));
}

TEST(SameInterface, IsNoOtherWithItsIfindexOrItsName) {
    const auto listed = link("dra0", 5, "02:00:00:00:00:01");
    EXPECT_FALSE(is_same(listed, link("eth0", 5, "02:00:00:00:00:01")));
    EXPECT_FALSE(is_same(listed, link("dra0", 9, "02:00:00:00:00:02")));
    auto other_kind = listed;
    other_kind.kind = "vxlan";
    EXPECT_FALSE(is_same(listed, other_kind));
}

TEST(SameInterface, IsHardwareThatWasRenamed) {
    auto listed = link("eth1", 3, "02:00:00:00:00:01");
    listed.bus = "pci";
    listed.device = "0000:3b:00.0";
    auto now = listed;
    now.name = "lan1";
    EXPECT_TRUE(is_same(listed, now));
    now.device = "0000:3b:00.1";
    EXPECT_FALSE(is_same(listed, now));
}

TEST(SameInterface, IsNotTheOtherPortOfItsFunction) {
    auto listed = link("eth1", 3, "02:00:00:00:00:01");
    listed.bus = "pci";
    listed.device = "0000:3b:00.0";
    listed.permanent_mac = "02:00:00:00:00:01";
    auto other = listed;
    other.permanent_mac = "02:00:00:00:00:02";
    EXPECT_FALSE(is_same(listed, other));
}

}  // namespace
}  // namespace netdev
