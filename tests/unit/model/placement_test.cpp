// SPDX-License-Identifier: Apache-2.0
#include "host/model/placement.hpp"

#include <gtest/gtest.h>

namespace knd::api {
namespace {

Node labelled() {
    return {"n", {{"zone", "east"}}, false, {}};
}

TEST(Placement, TakesAPodThatAsksForNothing) {
    EXPECT_EQ(reject(Pod{}, labelled()), "");
}

TEST(Placement, KeepsToTheNodeSelector) {
    Pod pod;
    pod.node_selector = {{"zone", "east"}};
    EXPECT_EQ(reject(pod, labelled()), "");
    pod.node_selector = {{"zone", "west"}};
    EXPECT_EQ(reject(pod, labelled()), "node(s) didn't match Pod's node affinity/selector");
    pod.node_selector = {{"disk", "ssd"}};
    EXPECT_NE(reject(pod, labelled()), "");
}

TEST(Placement, KeepsToRequiredAffinity) {
    Pod pod;
    pod.node_affinity = NodeSelector{{{{{"zone", "NotIn", {"east"}}}, {}}}};
    EXPECT_EQ(reject(pod, labelled()), "node(s) didn't match Pod's node affinity/selector");
    pod.node_affinity = NodeSelector{{{{{"zone", "In", {"east", "west"}}}, {}}}};
    EXPECT_EQ(reject(pod, labelled()), "");
}

TEST(Placement, KeepsAwayFromTaintsThatAreNotTolerated) {
    auto tainted = labelled();
    tainted.taints = {{"team", "a", "NoSchedule", ""}};
    Pod pod;
    EXPECT_EQ(reject(pod, tainted), "node(s) had untolerated taint {team: a}");
    pod.tolerations = {{"team", "Equal", "a", "", std::nullopt}};
    EXPECT_EQ(reject(pod, tainted), "");
}

TEST(Placement, DoesNotMindTaintsThatOnlyAdvise) {
    auto tainted = labelled();
    tainted.taints = {{"team", "a", "PreferNoSchedule", ""}};
    EXPECT_EQ(reject(Pod{}, tainted), "");
}

TEST(Placement, KeepsAwayFromCordonedNodes) {
    auto cordoned = labelled();
    cordoned.unschedulable = true;
    Pod pod;
    EXPECT_EQ(reject(pod, cordoned), "node(s) were unschedulable");
    pod.tolerations = {{"node.kubernetes.io/unschedulable", "Exists", "", "", std::nullopt}};
    EXPECT_EQ(reject(pod, cordoned), "");
}

TEST(Placement, KeepsToTheNodeThatThePodNames) {
    Pod pod;
    pod.node_name = "other";
    EXPECT_EQ(reject(pod, labelled()), "node(s) didn't match the requested node name");
}

TEST(Placement, TakesAClaimWithoutDevices) {
    EXPECT_EQ(reject(ResourceClaim{}, labelled()), "");
}

TEST(Placement, KeepsToTheNodesOfAllocatedDevices) {
    ResourceClaim claim;
    claim.allocation.emplace();
    EXPECT_EQ(reject(claim, labelled()), "");
    claim.allocation->node_selector = NodeSelector{{{{{"zone", "In", {"east"}}}, {}}}};
    EXPECT_EQ(reject(claim, labelled()), "");
    claim.allocation->node_selector = NodeSelector{{{{{"zone", "In", {"west"}}}, {}}}};
    EXPECT_EQ(reject(claim, labelled()), "resourceclaim not available on the node");
}

}  // namespace
}  // namespace knd::api
