// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/unit/kndctl/scene.hpp"
#include "tools/kndctl/simulate/simulate.hpp"

namespace knd::simulate {
namespace {

const std::string kNodes = node("n1") + node("n2") + slice("n1", "[{name: a}, {name: b}]") +
                           slice("n2", "[{name: a}]") + device_class("c");

TEST(Pack, FillsOneNodeAfterTheOther) {
    const Scene scene(kNodes + claim("x", request(1)));
    const auto packing = pack(*scene.cluster, scene.workload, 5);
    EXPECT_EQ(packing.fit, 3u);
    EXPECT_EQ(packing.copies, (std::vector<std::size_t>{2, 1}));
}

TEST(Pack, EndsWhenAllCopiesFit) {
    const Scene scene(kNodes + claim("x", request(1)));
    const auto packing = pack(*scene.cluster, scene.workload, 2);
    EXPECT_EQ(packing.fit, 2u);
    EXPECT_EQ(packing.nodes.size(), 1u);
    EXPECT_EQ(packing.stopped, "");
}

TEST(Pack, SaysWhatStopsTheNextCopy) {
    const Scene scene(kNodes + claim("x", request(1)));
    EXPECT_EQ(pack(*scene.cluster, scene.workload, 5).stopped,
              "1 node: request r gets 0 of 1 device (in use: 1); "
              "1 node: request r gets 0 of 1 device (in use: 2)");
}

TEST(Pack, NumbersTheCopies) {
    const Scene scene(kNodes + claim("x", request(1)));
    const auto packing = pack(*scene.cluster, scene.workload, 3);
    EXPECT_EQ(packing.nodes[0].claims[1].name, "x-2");
    EXPECT_EQ(packing.nodes[1].claims[0].name, "x-3");
}

TEST(Pack, KeepsTheClaimsOfACopyTogether) {
    const Scene scene(kNodes + claim("x", request(1)) + claim("z", request(1)));
    EXPECT_EQ(pack(*scene.cluster, scene.workload, 5).fit, 1u);
}

TEST(Pack, SharesAClaimThatPodsNameAmongTheCopies) {
    const Scene scene(kNodes + claim("x", request(1)) +
                      "---\n{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: ns}, spec: "
                      "{resourceClaims: [{name: net, resourceClaimName: x}]}}\n");
    const auto packing = pack(*scene.cluster, scene.workload, 5);
    EXPECT_EQ(packing.fit, 5u);
    EXPECT_EQ(packing.copies, (std::vector<std::size_t>{5}));
    EXPECT_EQ(packing.nodes[0].claims.size(), 1u);
}

}  // namespace
}  // namespace knd::simulate
