// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/simulate/diagnosis.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/kndctl/scene.hpp"

namespace knd::simulate {
namespace {

using ::testing::HasSubstr;

Diagnosis diagnosis(const std::string& yaml) {
    const Scene scene(yaml);
    const auto workload =
        only(scene.cluster->objects(), scene.cluster->settings().gates, "ns", "x");
    return diagnose(*scene.cluster, *workload);
}

/// "reason: details" of the first device of the first request on the first node.
std::string first_reason(const std::string& yaml) {
    const auto found = diagnosis(yaml);
    const auto& device = found.nodes.at(0).requests.at(0).devices.at(0);
    return device.reason + ": " + device.details;
}

const std::string kNode = node("n1") + device_class("c");

TEST(Diagnosis, NamesTheClaimThatHoldsADevice) {
    EXPECT_EQ(first_reason(kNode + slice("n1", "[{name: a}]") +
                           claim("held", request(1), holding("n1", "a")) + claim("x", request(1))),
              "in use: by claim ns/held");
}

TEST(Diagnosis, NamesTheTaint) {
    EXPECT_EQ(
        first_reason(kNode +
                     slice("n1", "[{name: a, taints: [{key: k, value: v, effect: NoSchedule}]}]") +
                     claim("x", request(1))),
        "taint: k=v:NoSchedule");
}

TEST(Diagnosis, NamesTheSubExpressionThatDecidedAndItsValue) {
    const auto selector =
        ", selectors: [{cel: {expression: 'device.driver == \"d\" && device.attributes.d.size == "
        "7'}}]";
    const auto reason =
        first_reason(kNode + slice("n1", "[{name: a, attributes: {size: {int: 1}}}]") +
                     claim("x", request(1, selector)));
    EXPECT_THAT(reason, HasSubstr("request selector: `device.attributes.d.size == 7` is false"));
    EXPECT_THAT(reason, HasSubstr("is 1"));
}

TEST(Diagnosis, NamesTheSelectorOfTheClass) {
    EXPECT_THAT(first_reason(node("n1") + device_class("c", "device.driver == \"other\"") +
                             slice("n1", "[{name: a}]") + claim("x", request(1))),
                HasSubstr("class selector: `device.driver == \"other\"` is false"));
}

TEST(Diagnosis, NamesThePairThatAConstraintRefuses) {
    const auto spec =
        "{requests: [{name: r, exactly: {deviceClassName: c, count: 2}}], constraints: "
        "[{matchAttribute: d/size}]}";
    const auto found = diagnosis(kNode +
                                 slice("n1",
                                       "[{name: a, attributes: {size: {int: 1}}}, "
                                       "{name: b, attributes: {size: {int: 2}}}]") +
                                 claim("x", spec));
    EXPECT_THAT(to_text(found), HasSubstr("constraint: d/size is "));
    EXPECT_THAT(to_text(found), HasSubstr("drop the constraint matchAttribute d/size (on n1)"));
    EXPECT_FALSE(found.nodes.at(0).fits());
}

TEST(Diagnosis, SaysHowMuchCapacityIsLeft) {
    EXPECT_EQ(first_reason(kNode +
                           slice("n1",
                                 "[{name: a, allowMultipleAllocations: true, "
                                 "capacity: {m: {value: 8Gi}}}]") +
                           claim("x", request(1, ", capacity: {requests: {m: 10Gi}}"))),
              "capacity used up: m: 8Gi left, 10Gi wanted");
}

TEST(Diagnosis, CountsWhatARequestGetsAtBest) {
    const auto found =
        diagnosis(kNode + slice("n1", "[{name: a}, {name: b}]") + claim("x", request(3)));
    EXPECT_EQ(found.nodes.at(0).requests.at(0).picked, 2u);
    EXPECT_EQ(found.conclusion,
              "claim ns/x fits on none of 1 node; closest is n1: request r gets 2 of 3 devices.");
    ASSERT_FALSE(found.remedies.empty());
    EXPECT_EQ(found.remedies[0].text(), "ask for 2 instead of 3 devices in request r");
}

TEST(Diagnosis, SaysWhereAClaimFitsAndWithWhat) {
    const auto found = diagnosis(kNode + slice("n1", "[{name: a}]") + claim("x", request(1)));
    EXPECT_EQ(found.conclusion, "claim ns/x fits on 1 of 1 node; on n1 it gets a.");
    EXPECT_TRUE(found.remedies.empty());
    const auto document = to_json(found);
    EXPECT_EQ(document["fits"], true);
    EXPECT_EQ(document["change"], nullptr);
    EXPECT_EQ(document["nodes"][0]["requests"][0]["devices"][0]["picked"], true);
}

TEST(Diagnosis, PrefersTheNodeThatCameClosest) {
    const auto found =
        diagnosis(node("n1") + node("n2") + device_class("c") + slice("n1", "[{name: a}]") +
                  slice("n2", "[{name: a}, {name: b}]") + claim("x", request(3)));
    EXPECT_THAT(found.conclusion, HasSubstr("closest is n2: request r gets 2 of 3 devices"));
}

}  // namespace
}  // namespace knd::simulate
