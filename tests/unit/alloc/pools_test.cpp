// SPDX-License-Identifier: Apache-2.0
//
// Which slices count on a node: generations, completeness, contradictions, node selection, order.
#include <gtest/gtest.h>

#include "tests/unit/alloc/cluster.hpp"

namespace knd::alloc {
namespace {

Cluster one_request(std::vector<api::ResourceSlice> slices) {
    Cluster out;
    out.slices = std::move(slices);
    out.claims = {claim({request("r")})};
    return out;
}

TEST(Pools, DropOlderGenerations) {
    auto old_slice = slice("a", {device("old")});
    auto new_slice = slice("b", {device("new")});
    new_slice.pool.generation = 2;
    EXPECT_EQ(one_request({old_slice, new_slice}).outcome(), "r=new");
    EXPECT_EQ(one_request({new_slice, old_slice}).outcome(), "r=new");
}

TEST(Pools, AreSkippedWhileTheyAreIncomplete) {
    auto half = slice("a", {device("x")}, "pool-1");
    half.pool.slice_count = 2;
    EXPECT_EQ(one_request({half}).outcome(), "no");
    EXPECT_EQ(one_request({half, slice("b", {device("y")}, "pool-2")}).outcome(), "r=y");
}

TEST(Pools, ThatAreIncompleteForbidAll) {
    auto half = slice("a", {device("x")}, "pool-1", "other");
    half.pool.slice_count = 2;
    auto cluster = one_request({half, slice("b", {device("y")}, "pool-2")});
    cluster.claims = {claim({all("r")})};
    EXPECT_EQ(cluster.outcome(),
              "error: claim default/claim, request r: asks for all devices, but "
              "resource pool other/pool-1 is currently being updated");
}

TEST(Pools, AreIgnoredWhenANewerGenerationIsSeenElsewhere) {
    auto mine = slice("a", {device("x")});
    mine.pool.slice_count = 2;
    auto newer = slice("b", {device("y")});
    newer.node_name = "node-2";
    newer.pool.generation = 2;
    auto cluster = one_request({mine, newer});
    cluster.claims = {claim({all("r")})};
    EXPECT_EQ(cluster.outcome(), "no") << "no error: the pool does not exist for this node";
}

TEST(Pools, AreCompleteWithSlicesOfOtherNodes) {
    auto mine = slice("a", {device("x")});
    mine.pool.slice_count = 2;
    auto theirs = slice("b", {device("y")});
    theirs.node_name = "node-2";
    theirs.pool.slice_count = 2;
    EXPECT_EQ(one_request({mine, theirs}).outcome(), "r=x");
}

TEST(Pools, WithDuplicateNamesAreInvalid) {
    auto cluster = one_request({slice("a", {device("x"), device("x")})});
    EXPECT_EQ(cluster.outcome(), "error: invalid resource pools were encountered");
    cluster.slices.push_back(slice("b", {device("y")}, "pool-2"));
    EXPECT_EQ(cluster.outcome(), "r=y");
    cluster.claims = {claim({all("r")})};
    EXPECT_EQ(cluster.outcome(),
              "error: claim default/claim, request r: asks for all devices, but "
              "resource pool driver/pool is currently invalid");
}

TEST(Pools, ThatAreInvalidConcernOneNodeOnly) {
    const auto result = one_request({slice("a", {device("x"), device("x")})}).allocate();
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.code(), Code::kFailedPrecondition);
}

TEST(Pools, AreTriedInOrderOfDriverAndNameAndSlicesByName) {
    EXPECT_EQ(
        one_request({slice("s", {device("b")}, "pool-b"), slice("s", {device("a")}, "pool-a")})
            .outcome(),
        "r=a");
    auto second = slice("2", {device("second")});
    auto first = slice("1", {device("first")});
    first.pool.slice_count = second.pool.slice_count = 2;
    EXPECT_EQ(one_request({second, first}).outcome(), "r=first");
}

TEST(Pools, WithBindingConditionsAreTriedLast) {
    auto binding = device("a");
    binding.binding_conditions = {"ready"};
    binding.binding_failure_conditions = {"failed"};
    auto cluster =
        one_request({slice("s", {binding}, "pool-a"), slice("s", {device("b")}, "pool-b")});
    EXPECT_EQ(cluster.outcome(), "r=b");
    cluster.allocated.devices.insert({"driver", "pool-b", "b"});
    EXPECT_EQ(cluster.outcome(), "r=a");
    const auto result = cluster.allocate();
    EXPECT_EQ((**result)[0].results[0].binding_conditions, std::vector<std::string>{"ready"});
    cluster.options.features.device_binding = false;
    EXPECT_EQ(cluster.outcome(), "no");
}

TEST(Pools, OfOtherNodesAreOutOfReach) {
    auto other = slice("a", {device("x")});
    other.node_name = "node-2";
    EXPECT_EQ(one_request({other}).outcome(), "no");
}

TEST(Pools, AreFoundByNodeSelector) {
    auto shared = slice("a", {device("x")});
    shared.node_name.reset();
    shared.node_selector = api::NodeSelector{{{{{"planet", "In", {"earth"}}}, {}}}};
    EXPECT_EQ(one_request({shared}).outcome(), "r=x");
    shared.node_selector->terms[0].match_expressions[0].values = {"mars"};
    EXPECT_EQ(one_request({shared}).outcome(), "no");
}

TEST(Pools, WithoutAnyNodeSelectionAreIgnored) {
    auto unknown = slice("a", {device("x")});
    unknown.node_name.reset();
    EXPECT_EQ(one_request({unknown}).outcome(), "no");
}

TEST(Pools, SelectNodesPerDevice) {
    auto here = device("here");
    here.node_name = "node-1";
    auto there = device("there");
    there.node_name = "node-2";
    auto everywhere = device("everywhere");
    everywhere.all_nodes = true;
    auto mixed = slice("a", {there, here, everywhere});
    mixed.node_name.reset();
    mixed.per_device_node_selection = true;
    auto cluster = one_request({mixed});
    cluster.claims = {claim({request("r", 2)})};
    EXPECT_EQ(cluster.outcome(), "r=here r=everywhere");
    cluster.options.features.partitionable_devices = false;
    EXPECT_EQ(cluster.outcome(), "no");
}

}  // namespace
}  // namespace knd::alloc
