// SPDX-License-Identifier: Apache-2.0
#include "host/alloc/taint_rules.hpp"

#include <gtest/gtest.h>

#include "tests/unit/alloc/cluster.hpp"

namespace knd::alloc {
namespace {

api::DeviceTaintRule rule(std::optional<api::DeviceTaintSelector> selector) {
    api::DeviceTaintRule out;
    out.selector = std::move(selector);
    out.taint = {"broken", "", "NoSchedule", ""};
    return out;
}

/// The devices that get the rule's taint, of "driver/pool": a b, "driver/other": a, "foreign/pool".
std::string tainted(const api::DeviceTaintRule& rule, bool compat = false) {
    std::vector<api::ResourceSlice> slices = {slice("s1", {device("a"), device("b")}),
                                              slice("s2", {device("c")}, "other"),
                                              slice("s3", {device("d")}, "pool", "foreign")};
    apply_taint_rules(slices, std::span(&rule, 1), compat);
    std::string out;
    for (const auto& each : slices)
        for (const auto& one : each.devices)
            if (!one.taints.empty()) out += one.name;
    return out;
}

TEST(TaintRules, WithAnEmptySelectorTaintEveryDevice) {
    EXPECT_EQ(tainted(rule(api::DeviceTaintSelector())), "abcd");
}

TEST(TaintRules, WithoutASelectorTaintNoDevice) {
    EXPECT_EQ(tainted(rule(std::nullopt)), "");
}

TEST(TaintRules, WithoutASelectorTaintEveryDeviceUnderCompat) {
    EXPECT_EQ(tainted(rule(std::nullopt), true), "abcd");
}

TEST(TaintRules, SelectByDriver) {
    EXPECT_EQ(tainted(rule(api::DeviceTaintSelector{.driver = "driver"})), "abc");
}

TEST(TaintRules, SelectByPoolOfAnyDriver) {
    EXPECT_EQ(tainted(rule(api::DeviceTaintSelector{.pool = "pool"})), "abd");
}

TEST(TaintRules, SelectByDeviceName) {
    EXPECT_EQ(tainted(rule(api::DeviceTaintSelector{.device = "b"})), "b");
}

TEST(TaintRules, NeedAllThatTheySay) {
    EXPECT_EQ(tainted(rule(api::DeviceTaintSelector{"driver", "other", "c"})), "c");
    EXPECT_EQ(tainted(rule(api::DeviceTaintSelector{"driver", "other", "a"})), "");
}

TEST(TaintRules, AddToTheTaintsOfTheDevice) {
    auto one = slice("s", {device("a")});
    one.devices[0].taints = {{"old", "", "NoExecute", ""}};
    const auto added = rule(api::DeviceTaintSelector());
    apply_taint_rules(std::span(&one, 1), std::span(&added, 1));
    ASSERT_EQ(one.devices[0].taints.size(), 2u);
    EXPECT_EQ(one.devices[0].taints[0].key, "old");
    EXPECT_EQ(one.devices[0].taints[1].key, "broken");
}

TEST(TaintRules, KeepDevicesFromClaims) {
    Cluster cluster;
    cluster.slices = {slice("s", {device("a"), device("b")})};
    cluster.claims = {claim({request("r")})};
    const auto added = rule(api::DeviceTaintSelector{.device = "a"});
    apply_taint_rules(cluster.slices, std::span(&added, 1));
    EXPECT_EQ(cluster.outcome(), "r=b");
}

TEST(TaintRules, WithEffectNoneKeepNothingAway) {
    Cluster cluster;
    cluster.slices = {slice("s", {device("a")})};
    cluster.claims = {claim({request("r")})};
    auto added = rule(api::DeviceTaintSelector());
    added.taint.effect = "None";
    apply_taint_rules(cluster.slices, std::span(&added, 1));
    EXPECT_EQ(cluster.outcome(), "r=a");
}

}  // namespace
}  // namespace knd::alloc
