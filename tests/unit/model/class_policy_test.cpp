// SPDX-License-Identifier: Apache-2.0
//
// What an administrator takes back from claims.
#include "host/model/class_policy.hpp"

#include <gtest/gtest.h>

namespace knd {
namespace {

Json json(const std::string& text) {
    auto parsed = parse_json(text);
    EXPECT_TRUE(parsed.ok()) << text;
    return parsed ? *std::move(parsed) : Json();
}

std::string refusal(const std::string& of_class, const std::string& of_claim) {
    const auto merged = merge_configs({json(of_class)}, {json(of_claim)}, "vf");
    return merged ? "" : merged.error().message();
}

TEST(ClassPolicy, LetsTheClaimBeatTheDefaultsOfItsClass) {
    const auto config = merge_configs({json(R"({"vlan": 100, "trust": true, "a": {"b": 1}})")},
                                      {json(R"({"vlan": 200, "a": {"c": 2}})")}, "vf");
    ASSERT_TRUE(config.ok()) << config.error().message();
    EXPECT_EQ(config->merged, json(R"({"vlan": 200, "trust": true, "a": {"b": 1, "c": 2}})"));
    EXPECT_EQ(config->of_class, json(R"({"vlan": 100, "trust": true, "a": {"b": 1}})"));
}

TEST(ClassPolicy, ExplicitFalseAndZeroBeatADefault) {
    const auto config = merge_configs({json(R"({"trust": true, "vlan": 5})")},
                                      {json(R"({"trust": false, "vlan": 0})")}, "");
    ASSERT_TRUE(config.ok());
    EXPECT_EQ(config->merged, json(R"({"trust": false, "vlan": 0})"));
}

TEST(ClassPolicy, KeepsItsKeysFromBackends) {
    const auto config =
        merge_configs({json(R"({"vlan": 1, "policy": {"lock": ["vlan"]}})")}, {}, "vf");
    ASSERT_TRUE(config.ok());
    EXPECT_EQ(config->merged, json(R"({"vlan": 1})"));
    EXPECT_EQ(config->of_class, json(R"({"vlan": 1})"));
}

TEST(ClassPolicy, LocksAValue) {
    const auto* of_class = R"({"vlan": 100, "policy": {"lock": ["vlan"]}})";
    EXPECT_EQ(refusal(of_class, R"({"vlan": 100})"), "");
    EXPECT_EQ(refusal(of_class, R"({"vlan": 200})"),
              "vlan: the claim sets 200, and its DeviceClass vf locks it to 100");
}

TEST(ClassPolicy, LocksWhatTheClassLeavesUnset) {
    EXPECT_EQ(refusal(R"({"policy": {"lock": ["interface"]}})", R"({"interface": {"mtu": 9000}})"),
              R"(interface: the claim sets {"mtu":9000}, and its DeviceClass vf locks it, unset)");
}

TEST(ClassPolicy, LocksEverythingBelowAKey) {
    const auto* of_class = R"({"interface": {"mtu": 1500}, "policy": {"lock": ["interface"]}})";
    EXPECT_EQ(refusal(of_class, R"({"interface": {"mtu": 1500}})"), "");
    EXPECT_NE(refusal(of_class, R"({"interface": {"name": "net1"}})"), "");
}

TEST(ClassPolicy, ForbidsAKeyWhateverItsValue) {
    const auto* of_class = R"({"policy": {"forbid": ["trust", "interface.hardwareAddr"]}})";
    EXPECT_EQ(refusal(of_class, R"({"trust": false, "interface": {"hardwareAddr": "x"}})"),
              "trust: the claim sets false, and its DeviceClass vf forbids it; "
              "interface.hardwareAddr: the claim sets \"x\", and its DeviceClass vf forbids it");
    EXPECT_EQ(refusal(of_class, R"({"interface": {"name": "net1"}})"), "");
}

TEST(ClassPolicy, BoundsNumbersAndQuantities) {
    const auto* of_class =
        R"({"policy": {"maximum": {"rate": 1000, "bandwidth": "10G"}, "minimum": {"rate": 1}}})";
    EXPECT_EQ(refusal(of_class, R"({"rate": 1000, "bandwidth": "10000M"})"), "");
    EXPECT_EQ(refusal(of_class, R"({"rate": 1001})"),
              "rate: the claim sets 1001, and its DeviceClass vf allows at most 1000");
    EXPECT_EQ(refusal(of_class, R"({"rate": 0})"),
              "rate: the claim sets 0, and its DeviceClass vf allows at least 1");
    EXPECT_EQ(refusal(of_class, R"({"bandwidth": "11G"})"),
              "bandwidth: the claim sets \"11G\", and its DeviceClass vf allows at most \"10G\"");
    EXPECT_EQ(
        refusal(of_class, R"({"rate": "fast"})"),
        "rate: the claim sets \"fast\", and its DeviceClass vf bounds it, so that it must be a "
        "number or a quantity");
}

TEST(ClassPolicy, BoundsHugeNumbers) {
    const auto* of_class = R"({"policy": {"maximum": {"rate": 1000}}})";
    EXPECT_NE(refusal(of_class, R"({"rate": 18446744073709551615})"), "");
    EXPECT_NE(refusal(of_class, R"({"rate": 1e30})"), "");
}

TEST(ClassPolicy, HoldsAllPoliciesOfSeveralEntries) {
    const auto config = merge_configs(
        {json(R"({"a": 1, "policy": {"lock": ["a"]}})"), json(R"({"policy": {"forbid": ["b"]}})")},
        {json(R"({"a": 2, "b": 1})")}, "");
    ASSERT_FALSE(config.ok());
    EXPECT_EQ(config.error().message(),
              "a: the claim sets 2, and its DeviceClass locks it to 1; "
              "b: the claim sets 1, and its DeviceClass forbids it");
}

TEST(ClassPolicy, IsForClassesAlone) {
    EXPECT_EQ(refusal("{}", R"({"policy": {"lock": []}})"),
              "policy: only a DeviceClass may have one, remove it from the claim");
}

TEST(ClassPolicy, NamesWhatIsWrongWithIt) {
    EXPECT_EQ(refusal(R"({"policy": {"lokc": ["a"]}})", "{}"),
              "DeviceClass vf: policy.lokc: unknown key; did you mean `lock`?");
    EXPECT_EQ(refusal(R"({"policy": 7})", "{}"), "DeviceClass vf: policy: must be an object");
    EXPECT_EQ(refusal(R"({"policy": {"lock": "a", "maximum": {"b": true}}})", "{}"),
              "DeviceClass vf: policy.lock: must be a list of keys, such as [\"interface.mtu\"]; "
              "DeviceClass vf: policy.maximum.b: must be a number or a quantity, found true");
}

}  // namespace
}  // namespace knd
