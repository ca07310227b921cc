// SPDX-License-Identifier: Apache-2.0
#include "host/inventory/uplink.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace knd {
namespace {

std::vector<std::string> names(const Topology& topology) {
    std::vector<std::string> found;
    for (const auto& [name, reason] : find_uplinks(topology))
        found.push_back(name);
    return found;
}

using Names = std::vector<std::string>;

TEST(Uplink, IsTheInterfaceOfTheDefaultRoute) {
    Topology t;
    t.links = {{1, "eth0", 0, 0}, {2, "eth1", 0, 0}};
    t.default_routes = {{AF_INET, 0, {1}}};
    EXPECT_EQ(
        find_uplinks(t),
        (std::map<std::string, std::string>{{"eth0", "eth0 carries the node's default route"}}));
}

TEST(Uplink, CountsEveryHopOfAMultipathRoute) {
    Topology t;
    t.links = {{1, "eth0", 0, 0}, {2, "eth1", 0, 0}, {3, "eth2", 0, 0}};
    t.default_routes = {{AF_INET, 0, {1, 3}}};
    EXPECT_EQ(names(t), (Names{"eth0", "eth2"}));
}

TEST(Uplink, IgnoresDefaultRoutesWithAWorseMetric) {
    Topology t;
    t.links = {{1, "eth0", 0, 0}, {2, "rdma0", 0, 0}};
    t.default_routes = {{AF_INET6, 100, {1}}, {AF_INET6, 1024, {2}}};
    EXPECT_EQ(names(t), (Names{"eth0"}));
}

TEST(Uplink, JudgesTheFamiliesSeparately) {
    Topology t;
    t.links = {{1, "eth0", 0, 0}, {2, "eth1", 0, 0}};
    t.default_routes = {{AF_INET, 100, {1}}, {AF_INET6, 1024, {2}}};
    EXPECT_EQ(names(t), (Names{"eth0", "eth1"}));
}

TEST(Uplink, IncludesThePortsOfABond) {
    Topology t;
    t.links = {{1, "bond0", 0, 0}, {2, "eth0", 1, 0}, {3, "eth1", 1, 0}, {4, "eth2", 0, 0}};
    t.default_routes = {{AF_INET, 0, {1}}};
    EXPECT_EQ(names(t), (Names{"bond0", "eth0", "eth1"}));
}

TEST(Uplink, FollowsAVlanOnABondToThePorts) {
    Topology t;
    t.links = {{1, "bond0", 0, 0}, {2, "eth0", 1, 0}, {3, "bond0.7", 0, 1}};
    t.default_routes = {{AF_INET, 0, {3}}};
    const auto uplinks = find_uplinks(t);
    EXPECT_EQ(uplinks.count("eth0"), 1u);
    EXPECT_EQ(uplinks.at("bond0"),
              "bond0 is what bond0.7 is built on: bond0.7 carries the node's default route");
}

TEST(Uplink, IncludesTheParentOfAMacvlan) {
    Topology t;
    t.links = {{1, "eth0", 0, 0}, {2, "mac0", 0, 1}};
    t.default_routes = {{AF_INET, 0, {2}}};
    EXPECT_EQ(names(t), (Names{"eth0", "mac0"}));
}

TEST(Uplink, IncludesThePhysicalFunctionOfAVirtualOne) {
    Topology t;
    t.links = {{1, "pf0", 0, 0, 0}, {2, "vf0", 0, 0, 1}, {3, "vf1", 0, 0, 1}};
    t.default_routes = {{AF_INET, 0, {2}}};
    EXPECT_EQ(names(t), (Names{"pf0", "vf0"}));
}

TEST(Uplink, LeavesTheVirtualFunctionsOfAnUplinkAlone) {
    Topology t;
    t.links = {{1, "pf0", 0, 0, 0}, {2, "vf0", 0, 0, 1}};
    t.default_routes = {{AF_INET, 0, {1}}};
    EXPECT_EQ(names(t), (Names{"pf0"}));
}

TEST(Uplink, LeavesTheOtherPortsOfAVrfAlone) {
    Topology t;
    t.links = {{1, "vrf0", 0, 0}, {2, "eth0", 1, 0}, {3, "eth1", 1, 0}};
    t.default_routes = {{AF_INET, 0, {2}}};
    EXPECT_EQ(names(t), (Names{"eth0", "vrf0"}));
}

TEST(Uplink, IsWhereTheNodesAddressIs) {
    Topology t;
    t.links = {{1, "eth0", 0, 0}, {2, "eth1", 0, 0}};
    t.addresses = {{1, "10.0.0.1"}, {2, "192.0.2.7"}};
    t.node_ips = {"192.0.2.7"};
    EXPECT_EQ(find_uplinks(t).at("eth1"), "eth1 has the node's address 192.0.2.7");
}

TEST(Uplink, IsWhatMayBecomeTheNodesAddress) {
    Topology t;
    t.links = {{1, "eth0", 0, 0}, {2, "eth1", 0, 0}, {3, "eth2", 0, 0}, {4, "lo", 0, 0}};
    t.addresses = {{1, "192.0.2.7"},   {2, "2001:db8::7"}, {3, "fe80::7"},
                   {3, "169.254.0.7"}, {4, "127.0.0.1"},   {4, "::1"}};
    EXPECT_EQ(names(t), Names()) << "when all of the node's addresses are known";
    t.node_ips_awaited = true;
    EXPECT_EQ(names(t), (Names{"eth0", "eth1"}));
    EXPECT_EQ(find_uplinks(t).at("eth0"),
              "eth0 has the address 192.0.2.7, and its Node has none yet: it may be the node's");
}

TEST(Uplink, IncludesThePortsBelowWhatMayBecomeTheNodesAddress) {
    Topology t;
    t.links = {{1, "bond0", 0, 0}, {2, "eth0", 1, 0}, {3, "eth1", 0, 0}};
    t.addresses = {{1, "10.0.0.7"}};
    t.node_ips_awaited = true;
    EXPECT_EQ(names(t), (Names{"bond0", "eth0"}));
}

TEST(Uplink, IsTheWayToTheApiServer) {
    Topology t;
    t.links = {{1, "eth0", 0, 0}, {2, "eth1", 0, 0}};
    t.api_server = "10.96.0.1";
    t.api_server_ifindex = 2;
    EXPECT_EQ(find_uplinks(t).at("eth1"), "eth1 leads to the API server 10.96.0.1");
}

TEST(Uplink, EndsOnALoopOfParents) {
    Topology t;
    t.links = {{1, "a", 0, 2}, {2, "b", 0, 1}};
    t.default_routes = {{AF_INET, 0, {1}}};
    EXPECT_EQ(names(t), (Names{"a", "b"}));
}

TEST(Uplink, IsNothingOnANodeWithoutRoutes) {
    EXPECT_TRUE(find_uplinks({}).empty());
}

}  // namespace
}  // namespace knd
