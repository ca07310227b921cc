// SPDX-License-Identifier: Apache-2.0
#include "host/kube/node_addresses.hpp"

#include "tests/fakes/kube_fixture.hpp"

namespace knd::kube {
namespace {

using Ips = std::vector<std::string>;
using Ms = std::chrono::milliseconds;
const std::string kNodes = "/api/v1/nodes";

class NodeAddressesTest : public fakes::KubeFixture {
  protected:
    static Json node(const Ips& ips) {
        Json addresses = Json::array({{{"type", "Hostname"}, {"address", "n1"}}});
        for (const auto& ip : ips)
            addresses.push_back({{"type", "InternalIP"}, {"address", ip}});
        return {{"metadata", {{"name", "n1"}}}, {"status", {{"addresses", addresses}}}};
    }
    bool told(const std::vector<Ips>& expected) {
        return until([&] { return known == expected; });
    }

    std::vector<Ips> known;
    int hidden = 0;
    std::unique_ptr<NodeAddresses> addresses = std::make_unique<NodeAddresses>(
        *client, "n1",
        NodeAddresses::Handlers{.known = [this](Ips ips) { known.push_back(std::move(ips)); },
                                .hidden = [this] { ++hidden; }},
        NodeAddresses::Pauses{Ms(20), Ms(20)});
};

TEST_F(NodeAddressesTest, AreThoseOfTheNode) {
    server.put(kNodes, node({"192.0.2.7", "2001:db8::7"}));
    addresses->read();
    EXPECT_FALSE(addresses->answered());
    EXPECT_TRUE(told({{"192.0.2.7", "2001:db8::7"}}));
    EXPECT_TRUE(addresses->answered());
}

TEST_F(NodeAddressesTest, AreAskedForUntilThereAreSome) {
    server.put(kNodes, node({}));
    addresses->read();
    ASSERT_TRUE(told({{}}));
    fakes::run_for(io, Ms(100));
    EXPECT_EQ(known.size(), 1u) << "nothing is said twice";
    server.put(kNodes, node({"192.0.2.7"}));
    EXPECT_TRUE(told({{}, {"192.0.2.7"}}));
}

TEST_F(NodeAddressesTest, StayKnownWhenTheNodeLosesThem) {
    server.put(kNodes, node({"192.0.2.7"}));
    addresses->read();
    ASSERT_TRUE(told({{"192.0.2.7"}}));
    server.put(kNodes, node({}));
    addresses->read();
    fakes::run_for(io, Ms(100));
    EXPECT_EQ(known.size(), 1u);
}

TEST_F(NodeAddressesTest, AreAskedForUntilTheNodeIsThere) {
    addresses->read();
    fakes::run_for(io, Ms(50));
    EXPECT_FALSE(addresses->answered());
    server.put(kNodes, node({"192.0.2.7"}));
    EXPECT_TRUE(told({{"192.0.2.7"}}));
}

TEST_F(NodeAddressesTest, AreHiddenFromWhoMayNotReadNodes) {
    server.inject({.path_prefix = kNodes, .status = 403, .reason = "Forbidden", .times = 2});
    addresses->read();
    ASSERT_TRUE(until([&] { return hidden == 1; }));
    EXPECT_TRUE(addresses->answered());
    fakes::run_for(io, Ms(100));
    EXPECT_EQ(server.count("GET", kNodes), 1u) << "it is not asked again by itself";
    addresses->read();
    fakes::run_for(io, Ms(50));
    EXPECT_EQ(hidden, 1) << "and said once";
    server.put(kNodes, node({}));
    addresses->read();
    EXPECT_TRUE(told({{}})) << "once it may read them, it waits for addresses";
}

TEST_F(NodeAddressesTest, AreNotToldOfAfterAStop) {
    server.put(kNodes, node({"192.0.2.7"}));
    addresses->read();
    addresses->stop();
    fakes::run_for(io, Ms(50));
    EXPECT_TRUE(known.empty());
}

}  // namespace
}  // namespace knd::kube
