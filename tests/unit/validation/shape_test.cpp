// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/validation/objects.hpp"

namespace knd::validation {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Json slice_of(const char* version, const Json& device) {
    auto slice = slice_with(device);
    slice["apiVersion"] = std::string("resource.k8s.io/") + version;
    return slice;
}

std::string refusal(const Json& device) {
    const auto shaped = shape_object(slice_of("v1", device));
    return shaped.ok() ? "" : shaped.error().message();
}

TEST(Shape, RefusesWrongTypes) {
    EXPECT_EQ(refusal({{"name", 5}}),
              "ResourceSlice in version \"v1\" cannot be handled as a ResourceSlice: json: cannot "
              "unmarshal number into spec.devices[0].name of type string");
    EXPECT_NE(refusal({{"attributes", {{"a", {{"int", 1.5}}}}}}), "");
    EXPECT_NE(refusal({{"attributes", {{"a", {{"int", 9223372036854775808u}}}}}}), "");
    EXPECT_NE(refusal({{"capacity", {{"a", {{"value", "many"}}}}}}), "");
    EXPECT_NE(refusal({{"taints", {{{"timeAdded", "2026-02-30T00:00:00Z"}}}}}), "");
    EXPECT_NE(refusal({{"taints", Json::object()}}), "");
    EXPECT_EQ(refusal({{"taints", nullptr}, {"name", nullptr}}), "");
}

TEST(Shape, NamesAndDropsUnknownFields) {
    const auto shaped = shape_object(
        slice_of("v1", {{"name", "d"}, {"colour", 1}, {"attributes", {{"a", {{"float", 1}}}}}}));
    ASSERT_TRUE(shaped.ok());
    EXPECT_THAT(shaped->unknown, ElementsAre("unknown field \"spec.devices[0].attributes.a.float\"",
                                             "unknown field \"spec.devices[0].colour\""));
    EXPECT_EQ(shaped->object["spec"]["devices"][0],
              Json({{"name", "d"}, {"attributes", {{"a", Json::object()}}}}));
}

TEST(Shape, KnowsTheFieldsOfEachRelease) {
    const auto unknown = [](const char* version, const Json& device) {
        return shape_object(slice_with(device), *Gates::make(version))->unknown;
    };
    const Json lists = {{"attributes", {{"a", {{"ints", {1}}}}}}};
    EXPECT_THAT(unknown("1.36", lists), IsEmpty());
    EXPECT_THAT(unknown("1.35", lists),
                ElementsAre("unknown field \"spec.devices[0].attributes.a.ints\""));
    const Json mappings = {{"nodeAllocatableResourceMappings", Json::object()}};
    EXPECT_THAT(unknown("1.36", mappings), IsEmpty());
    EXPECT_THAT(unknown("1.37", mappings),
                ElementsAre("unknown field \"spec.devices[0].nodeAllocatableResourceMappings\""));
    const Json groups = {
        {"consumesCounters", {{{"counterSet", "s"}, {"compatibilityGroups", {"a"}}}}}};
    EXPECT_THAT(
        unknown("1.36", groups),
        ElementsAre("unknown field \"spec.devices[0].consumesCounters[0].compatibilityGroups\""));
    EXPECT_THAT(unknown("1.37", groups), IsEmpty());
}

TEST(Shape, MakesV1OfV1Beta1) {
    const auto shaped =
        shape_object(slice_of("v1beta1", {{"name", "d"}, {"basic", {{"allNodes", true}}}}));
    ASSERT_TRUE(shaped.ok());
    EXPECT_EQ(shaped->object["spec"]["devices"][0], Json({{"name", "d"}, {"allNodes", true}}));
    EXPECT_EQ(shaped->object["apiVersion"], "resource.k8s.io/v1");
}

TEST(Shape, FillsInDefaults) {
    const auto shaped = shape_object(claim_with({{"tolerations", {{{"key", "k"}}}}}));
    ASSERT_TRUE(shaped.ok());
    const auto& exactly = shaped->object["spec"]["devices"]["requests"][0]["exactly"];
    EXPECT_EQ(exactly["allocationMode"], "ExactCount");
    EXPECT_EQ(exactly["count"], 1);
    EXPECT_EQ(exactly["tolerations"][0]["operator"], "Equal");
}

Json dropped(const Json& before, Json after, const char* changes) {
    drop_unwritable(before.is_null() ? Operation::kCreate : Operation::kUpdate, before, after,
                    *Gates::make("1.36", changes));
    return after["spec"]["devices"][0];
}

TEST(DropUnwritable, DropsFieldsOfGatesThatAreOff) {
    const Json device = {{"name", "d"}, {"bindsToNode", true}, {"allowMultipleAllocations", true}};
    EXPECT_EQ(dropped({}, slice_with(device), ""), device);
    EXPECT_EQ(dropped({}, slice_with(device), "-DRADeviceBindingConditions"),
              Json({{"name", "d"}, {"allowMultipleAllocations", true}}));
    EXPECT_EQ(dropped({}, slice_with(device), "-DRAResourceClaimDeviceStatus"),
              Json({{"name", "d"}, {"allowMultipleAllocations", true}}));
}

TEST(DropUnwritable, KeepsWhatTheStoredObjectUses) {
    const Json device = {{"name", "d"}, {"allowMultipleAllocations", true}};
    const auto slice = slice_with(device);
    EXPECT_EQ(dropped(slice, slice, "-DRAConsumableCapacity"), device);
    EXPECT_EQ(dropped(slice_with({{"name", "d"}}), slice, "-DRAConsumableCapacity"),
              Json({{"name", "d"}}));
}

TEST(DropUnwritable, DropsTheStateOfDevicesThatAreGivenBack) {
    const Json device = {{"driver", "a"}, {"pool", "p"}, {"device", "d"}};
    auto before = claim_with(Json::object());
    before["status"] = {{"allocation", {{"devices", {{"results", {device}}}}}},
                        {"devices", {device}}};
    auto after = before;
    after["status"].erase("allocation");
    drop_unwritable(Operation::kStatus, before, after);
    EXPECT_EQ(after["status"], Json::object());
}

}  // namespace
}  // namespace knd::validation
