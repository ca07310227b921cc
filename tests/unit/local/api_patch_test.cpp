// SPDX-License-Identifier: Apache-2.0
#include "tools/local/api/patch.hpp"

#include <gtest/gtest.h>

namespace knd::api {
namespace {

const Type& type(const char* name) {
    return *served_schema().find(name);
}

Json parse(const char* text) {
    return *parse_json(text);
}

Json strategic(const char* target, const char* patch) {
    auto result = strategic_merge_patch(type("Pod"), parse(target), parse(patch));
    EXPECT_TRUE(result.ok());
    return *result;
}

TEST(MergePatch, ReplacesListsAndRemovesNulls) {
    EXPECT_EQ(merge_patch(parse(R"({"a":[1,2],"b":1,"c":{"d":1}})"),
                          parse(R"({"a":[3],"b":null,"c":{"e":2}})")),
              parse(R"({"a":[3],"c":{"d":1,"e":2}})"));
}

TEST(JsonPatch, RefusesAPathThatIsNotThere) {
    const auto refused = json_patch(parse("{}"), parse(R"([{"op":"remove","path":"/a"}])"));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, 422);
}

TEST(StrategicMergePatch, MergesListsByTheirKey) {
    EXPECT_EQ(
        strategic(R"({"spec":{"containers":[{"name":"a","image":"1"},{"name":"b"}]}})",
                  R"({"spec":{"containers":[{"name":"a","image":"2"},{"name":"c"}]}})"),
        parse(R"({"spec":{"containers":[{"name":"a","image":"2"},{"name":"b"},{"name":"c"}]}})"));
}

TEST(StrategicMergePatch, DeletesAnItemOfAKeyedList) {
    EXPECT_EQ(strategic(R"({"spec":{"containers":[{"name":"a"},{"name":"b"}]}})",
                        R"({"spec":{"containers":[{"$patch":"delete","name":"a"}]}})"),
              parse(R"({"spec":{"containers":[{"name":"b"}]}})"));
}

TEST(StrategicMergePatch, FollowsTheGivenOrder) {
    EXPECT_EQ(strategic(R"({"spec":{"containers":[{"name":"a"},{"name":"b"}]}})",
                        R"({"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}],
                            "containers":[{"name":"b","image":"x"}]}})"),
              parse(R"({"spec":{"containers":[{"name":"b","image":"x"},{"name":"a"}]}})"));
}

TEST(StrategicMergePatch, AddsToAndRemovesFromASet) {
    EXPECT_EQ(strategic(R"({"metadata":{"finalizers":["x/a","x/b"]}})",
                        R"({"metadata":{"$deleteFromPrimitiveList/finalizers":["x/a"],
                            "finalizers":["x/c"]}})"),
              parse(R"({"metadata":{"finalizers":["x/b","x/c"]}})"));
}

TEST(StrategicMergePatch, ReplacesAListWithoutKey) {
    EXPECT_EQ(strategic(R"({"spec":{"tolerations":[{"key":"a"}]}})",
                        R"({"spec":{"tolerations":[{"key":"b"}]}})"),
              parse(R"({"spec":{"tolerations":[{"key":"b"}]}})"));
}

TEST(StrategicMergePatch, ReplacesAWholeObjectOnDemand) {
    EXPECT_EQ(strategic(R"({"metadata":{"labels":{"a":"1","b":"2"}}})",
                        R"({"metadata":{"labels":{"$patch":"replace","c":"3"}}})"),
              parse(R"({"metadata":{"labels":{"c":"3"}}})"));
}

/// Applies to `live` for `manager` and returns what is stored.
Answer<Json> apply(const Json& live, const char* intent, const char* manager, bool force = false) {
    return apply_patch(type("ResourceClaim"), live, parse(intent), manager, "", force);
}

TEST(Apply, RecordsTheFieldsOfItsManager) {
    const auto applied =
        apply({}, R"({"metadata":{"name":"c","labels":{"a":"1"}},"spec":{}})", "me");
    ASSERT_TRUE(applied.ok());
    const auto& entry = (*applied)["metadata"]["managedFields"][0];
    EXPECT_EQ(entry["manager"], "me");
    EXPECT_EQ(entry["operation"], "Apply");
    EXPECT_EQ(entry["fieldsV1"], parse(R"({"f:metadata":{"f:labels":{"f:a":{}}},"f:spec":{}})"));
}

TEST(Apply, TakesAwayWhatItDoesNotSayAnyMore) {
    const auto first = apply({}, R"({"metadata":{"labels":{"a":"1","b":"2"}}})", "me");
    ASSERT_TRUE(first.ok());
    const auto second = apply(*first, R"({"metadata":{"labels":{"b":"2"}}})", "me");
    ASSERT_TRUE(second.ok());
    EXPECT_EQ((*second)["metadata"]["labels"], parse(R"({"b":"2"})"));
}

TEST(Apply, LeavesWhatAnotherManagerAppliedAsWell) {
    const auto first = apply({}, R"({"metadata":{"labels":{"a":"1"}}})", "one");
    const auto second = apply(*first, R"({"metadata":{"labels":{"a":"1"}}})", "two");
    const auto third = apply(*second, R"({"metadata":{"labels":{}}})", "one");
    ASSERT_TRUE(third.ok());
    EXPECT_EQ((*third)["metadata"]["labels"], parse(R"({"a":"1"})"));
}

TEST(Apply, NamesTheManagerItConflictsWith) {
    const auto first = apply({}, R"({"metadata":{"labels":{"a":"1"}}})", "one");
    const auto refused = apply(*first, R"({"metadata":{"labels":{"a":"2"}}})", "two");
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, 409);
    EXPECT_EQ(refused.error().message,
              "Apply failed with 1 conflict: conflict with \"one\": .metadata.labels.a");
}

TEST(Apply, TakesAFieldOverByForce) {
    const auto first = apply({}, R"({"metadata":{"labels":{"a":"1"}}})", "one");
    const auto second = apply(*first, R"({"metadata":{"labels":{"a":"2"}}})", "two", true);
    ASSERT_TRUE(second.ok());
    EXPECT_EQ((*second)["metadata"]["labels"]["a"], "2");
    ASSERT_EQ((*second)["metadata"]["managedFields"].size(), 1U);
    EXPECT_EQ((*second)["metadata"]["managedFields"][0]["manager"], "two");
}

TEST(Apply, LosesAFieldToAPlainWrite) {
    const auto before = apply({}, R"({"metadata":{"labels":{"a":"1","b":"2"}}})", "one");
    ASSERT_TRUE(before.ok());
    auto after = *before;
    after["metadata"]["labels"]["a"] = "changed";
    release_changed_fields(type("ResourceClaim"), *before, after);
    EXPECT_EQ(after["metadata"]["managedFields"][0]["fieldsV1"],
              parse(R"({"f:metadata":{"f:labels":{"f:b":{}}}})"));
}

}  // namespace
}  // namespace knd::api
