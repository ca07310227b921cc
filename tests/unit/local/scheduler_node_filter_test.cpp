// SPDX-License-Identifier: Apache-2.0
#include "tools/local/scheduler/node_filter.hpp"

#include <gtest/gtest.h>

namespace knd::local {
namespace {

const Json kReady = {{"conditions", {{{"type", "Ready"}, {"status", "True"}}}}};
const Json kTainted = {
    {"spec", {{"taints", {{{"key", "k"}, {"value", "v"}, {"effect", "NoSchedule"}}}}}},
    {"status", kReady}};

Json pod_with(Json toleration) {
    return {{"spec", {{"tolerations", Json::array({std::move(toleration)})}}}};
}

TEST(NodeFilter, TakesAPodWithoutWishes) {
    EXPECT_EQ(reject_node({{"spec", Json::object()}}, {{"status", kReady}}), "");
}

TEST(NodeFilter, RejectsAnUntoleratedTaint) {
    EXPECT_EQ(reject_node({{"spec", Json::object()}}, kTainted),
              "node(s) had untolerated taint {k: v}");
}

TEST(NodeFilter, AcceptsATaintThatIsToleratedByValue) {
    EXPECT_EQ(reject_node(pod_with({{"key", "k"}, {"value", "v"}}), kTainted), "");
}

TEST(NodeFilter, RejectsATolerationOfAnotherEffect) {
    EXPECT_NE(reject_node(pod_with({{"operator", "Exists"}, {"effect", "NoExecute"}}), kTainted),
              "");
}

TEST(NodeFilter, AcceptsEveryTaintWithExistsWithoutKey) {
    EXPECT_EQ(reject_node(pod_with({{"operator", "Exists"}}), kTainted), "");
}

TEST(NodeFilter, RejectsANodeThatIsNotReady) {
    EXPECT_EQ(reject_node({{"spec", Json::object()}}, {{"spec", Json::object()}}),
              "node(s) had untolerated taint {node.kubernetes.io/not-ready: }");
}

TEST(NodeFilter, RejectsANodeWithoutTheLabel) {
    EXPECT_EQ(reject_node({{"spec", {{"nodeSelector", {{"zone", "a"}}}}}}, {{"status", kReady}}),
              "node(s) didn't match Pod's node affinity/selector");
}

TEST(NodeFilter, RejectsACordonedNode) {
    EXPECT_EQ(reject_node({{"spec", Json::object()}},
                          {{"spec", {{"unschedulable", true}}}, {"status", kReady}}),
              "node(s) were unschedulable");
}

TEST(NodeFilter, SumsReasonsUpAsKubeSchedulerDoes) {
    EXPECT_EQ(
        fit_error(3,
                  {{"node(s) had untolerated taint {k: }", 1}, {"cannot allocate all claims", 2}}),
        "0/3 nodes are available: 1 node(s) had untolerated taint {k: }, 2 cannot allocate all "
        "claims.");
}

}  // namespace
}  // namespace knd::local
