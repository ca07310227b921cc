// SPDX-License-Identifier: Apache-2.0
#include "tools/local/scheduler/node_filter.hpp"

#include <gtest/gtest.h>

namespace knd::local {
namespace {

const Json kReady = {{"conditions", {{{"type", "Ready"}, {"status", "True"}}}}};
const Json kTainted = {
    {"spec", {{"taints", {{{"key", "k"}, {"value", "v"}, {"effect", "NoSchedule"}}}}}},
    {"status", kReady}};

std::string rejection(const Json& pod, const Json& node) {
    const auto reason = reject_node(pod, node);
    return reason.ok() ? *reason : "error: " + reason.error().message();
}

const Json kCordoned = {{"spec", {{"unschedulable", true}}}, {"status", kReady}};

Json pod_with(Json toleration) {
    return {{"spec", {{"tolerations", Json::array({std::move(toleration)})}}}};
}

TEST(NodeFilter, TakesAPodWithoutWishes) {
    EXPECT_EQ(rejection({{"spec", Json::object()}}, {{"status", kReady}}), "");
}

TEST(NodeFilter, RejectsAnUntoleratedTaint) {
    EXPECT_EQ(rejection({{"spec", Json::object()}}, kTainted),
              "node(s) had untolerated taint {k: v}");
}

TEST(NodeFilter, RejectsANodeThatIsNotReady) {
    EXPECT_EQ(rejection({{"spec", Json::object()}}, {{"spec", Json::object()}}),
              "node(s) had untolerated taint {node.kubernetes.io/not-ready: }");
}

TEST(NodeFilter, TakesAPodThatToleratesANodeThatIsNotReady) {
    EXPECT_EQ(rejection(pod_with({{"key", "node.kubernetes.io/not-ready"}, {"operator", "Exists"}}),
                        {{"spec", Json::object()}}),
              "");
}

TEST(NodeFilter, RejectsACordonedNode) {
    EXPECT_EQ(rejection({{"spec", Json::object()}}, kCordoned), "node(s) were unschedulable");
}

TEST(NodeFilter, TakesAPodThatToleratesACordonedNode) {
    EXPECT_EQ(
        rejection(pod_with({{"key", "node.kubernetes.io/unschedulable"}, {"operator", "Exists"}}),
                  kCordoned),
        "");
}

TEST(NodeFilter, KeepsToRequiredAffinity) {
    const Json term = {
        {"matchExpressions", {{{"key", "zone"}, {"operator", "In"}, {"values", {"a"}}}}}};
    const Json affinity = {{"nodeAffinity",
                            {{"requiredDuringSchedulingIgnoredDuringExecution",
                              {{"nodeSelectorTerms", Json::array({term})}}}}}};
    EXPECT_EQ(rejection({{"spec", {{"affinity", affinity}}}}, {{"status", kReady}}),
              "node(s) didn't match Pod's node affinity/selector");
}

TEST(NodeFilter, SaysWhichPartOfAPodCannotBeRead) {
    EXPECT_EQ(rejection({{"spec", {{"nodeSelector", "a"}}}}, {{"status", kReady}}).substr(0, 24),
              "error: spec.nodeSelector");
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
