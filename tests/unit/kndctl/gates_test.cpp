// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/simulate/gates.hpp"

#include <gtest/gtest.h>

namespace knd::simulate {
namespace {

std::string failure(std::string_view version, std::string_view changes) {
    const auto gates = Gates::make(version, changes);
    return gates.ok() ? "" : gates.error().message();
}

TEST(Gates, DefaultsAreThoseOf136) {
    const auto features = features_of(*Gates::make());
    const alloc::Features defaults;
    EXPECT_EQ(features.kubernetes_minor, 36);
    EXPECT_EQ(features.admin_access, defaults.admin_access);
    EXPECT_EQ(features.partitionable_devices, defaults.partitionable_devices);
    EXPECT_EQ(features.device_taints, defaults.device_taints);
    EXPECT_EQ(features.consumable_capacity, defaults.consumable_capacity);
    EXPECT_EQ(features.device_binding, defaults.device_binding);
    EXPECT_EQ(features.list_attributes, defaults.list_attributes);
}

TEST(Gates, DefaultsFollowTheVersion) {
    const auto old = features_of(*Gates::make("1.34"));
    EXPECT_TRUE(old.admin_access);
    EXPECT_TRUE(old.prioritized_list);
    EXPECT_FALSE(old.partitionable_devices);
    EXPECT_FALSE(old.device_taints);
    EXPECT_FALSE(old.consumable_capacity);
    EXPECT_FALSE(features_of(*Gates::make("1.32")).admin_access);
}

TEST(Gates, AreSwitchedByPlusAndMinus) {
    const auto features =
        features_of(*Gates::make("1.36", "+DRAListTypeAttributes,-DRADeviceTaints"));
    EXPECT_TRUE(features.list_attributes);
    EXPECT_FALSE(features.device_taints);
}

TEST(Gates, AreSwitchedAsKubernetesWritesIt) {
    const auto features =
        features_of(*Gates::make("1.36", "DRAListTypeAttributes=true,DRADeviceTaints=false"));
    EXPECT_TRUE(features.list_attributes);
    EXPECT_FALSE(features.device_taints);
}

TEST(Gates, BindingConditionsNeedTheDeviceStatus) {
    EXPECT_FALSE(features_of(*Gates::make("1.36", "-DRAResourceClaimDeviceStatus")).device_binding);
}

TEST(Gates, NameTheNearestForAnUnknownOne) {
    EXPECT_EQ(failure("1.36", "+DRADeviceTaint"),
              "unknown feature gate \"DRADeviceTaint\"; did you mean `DRADeviceTaints`?");
}

TEST(Gates, ListAllWhenNoneIsNear) {
    const auto message = failure("1.36", "-Taints");
    EXPECT_NE(message.find("unknown feature gate \"Taints\"; known are "), std::string::npos);
    EXPECT_NE(message.find("DRADeviceTaints"), std::string::npos);
}

TEST(Gates, SayFromWhichVersionOnTheyExist) {
    EXPECT_EQ(
        failure("1.34", "+DRAListTypeAttributes"),
        "feature gate DRAListTypeAttributes does not exist in Kubernetes 1.34, only from 1.36 "
        "on");
}

TEST(Gates, TakeVersionsWithVAndPatchLevel) {
    EXPECT_EQ(Gates::make("v1.35.2")->kubernetes_minor(), 35);
}

TEST(Gates, RefuseVersionsOutOfRange) {
    for (const auto* version : {"1.31", "1.38", "2.0", "1.", "1.3x", "", "36"})
        EXPECT_NE(failure(version, "").find("is not one of 1.32 to 1.37"), std::string::npos)
            << version;
}

TEST(Gates, RefuseToSimulateWithoutClaims) {
    EXPECT_FALSE(Gates::make("1.36", "-DynamicResourceAllocation").ok());
}

}  // namespace
}  // namespace knd::simulate
