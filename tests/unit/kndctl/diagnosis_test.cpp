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

/// "device reason" of each device of a request on the first node; "picked" for those of the
/// solution.
std::vector<std::string> fates(const Diagnosis& found, std::size_t request) {
    std::vector<std::string> out;
    for (const auto& device : found.nodes.at(0).requests.at(request).devices)
        out.push_back(device.id.device + " " + (device.picked ? "picked" : device.reason));
    return out;
}

TEST(Diagnosis, CallsOnlyTheDevicesOfTheSolutionPicked) {
    const auto spec =
        "{requests: [{name: r, exactly: {deviceClassName: c}}, {name: s, exactly: "
        "{deviceClassName: c, selectors: [{cel: {expression: 'device.attributes.d.size == 2'}}]}}],"
        " constraints: [{matchAttribute: d/root}]}";
    const auto found = diagnosis(kNode +
                                 slice("n1",
                                       "[{name: a, attributes: {root: {int: 1}, size: {int: 1}}}, "
                                       "{name: b, attributes: {root: {int: 2}, size: {int: 1}}}, "
                                       "{name: e, attributes: {root: {int: 2}, size: {int: 2}}}]") +
                                 claim("x", spec));
    EXPECT_EQ(fates(found, 0), (std::vector<std::string>{"a ", "b picked", "e "}));
    EXPECT_THAT(to_text(found), HasSubstr("    a: tried, but"));
    EXPECT_THAT(to_text(found), HasSubstr("    b: picked\n"));
}

TEST(Diagnosis, SaysWhatAPolicyAllows) {
    const std::string device =
        "[{name: a, allowMultipleAllocations: true, capacity: {m: {value: 100G, requestPolicy: ";
    const auto wants = claim("x", request(1, ", capacity: {requests: {m: 60G}}"));
    EXPECT_EQ(first_reason(kNode +
                           slice("n1", device + "{default: 1G, validRange: {min: 1G, step: 1G, "
                                                "max: 50G}}}}}]") +
                           wants),
              "capacity policy: m: 60G wanted, the device allows at least 1G, at most 50G, in "
              "steps of 1G");
    EXPECT_EQ(
        first_reason(kNode + slice("n1", device + "{default: 1G, validValues: [1G, 10G]}}}}]") +
                     wants),
        "capacity policy: m: 60G wanted, the device allows 1G, 10G");
}

TEST(Diagnosis, WritesAnAmountAsItWasAskedFor) {
    EXPECT_EQ(
        first_reason(kNode +
                     slice("n1",
                           "[{name: a, allowMultipleAllocations: true, capacity: {m: {value: 10G, "
                           "requestPolicy: {default: 1G, validRange: {min: 1G, step: 1G}}}}}]") +
                     claim("x", request(1, ", capacity: {requests: {m: 30G}}"))),
        "capacity used up: m: 10G left, 30G wanted");
}

TEST(Diagnosis, DoesNotCallDevicesUsableThatAnErrorHid) {
    const auto found = diagnosis(kNode + slice("n1", "[{name: a}, {name: b}]") +
                                 claim("x", request(1,
                                                    ", selectors: [{cel: {expression: "
                                                    "'device.attributes.d.size == 7'}}]")));
    EXPECT_EQ(fates(found, 0), (std::vector<std::string>{"a selector error", "b not looked at"}));
    EXPECT_EQ(found.nodes.at(0).requests.at(0).picked, 0U);
}

TEST(Diagnosis, NamesThePoolThatIsBeingUpdated) {
    auto yaml = slice("n1", "[{name: a}]");
    yaml.replace(yaml.find("resourceSliceCount: 1"), 21, "resourceSliceCount: 2");
    EXPECT_EQ(diagnosis(kNode + yaml + claim("x", request(1))).conclusion,
              "claim ns/x fits on none of 1 node; closest is n1: request r sees no device; pool "
              "d/n1 is incomplete: 1 of 2 slices are there.");
}

TEST(Diagnosis, SaysThatAllOfNothingIsNotEnough) {
    const auto found = diagnosis(
        node("n1") + device_class("c", "device.driver == \"other\"") + slice("n1", "[{name: a}]") +
        claim("x",
              "{requests: [{name: r, exactly: {deviceClassName: c, allocationMode: "
              "All}}]}"));
    EXPECT_THAT(found.conclusion,
                HasSubstr("request r asks for all devices, and none will do (class selector: 1)"));
}

const std::string kPod =
    "---\n{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: ns}, spec: {resourceClaims: "
    "[{name: a, resourceClaimName: x}, {name: b, resourceClaimName: w}]}}\n";

TEST(Diagnosis, AllocatesTheClaimsOfAPodTogether) {
    const auto found = diagnosis(kNode + slice("n1", "[{name: a}, {name: b}, {name: e}]") +
                                 claim("w", request(2)) + claim("x", request(2)) + kPod);
    EXPECT_EQ(found.conclusion,
              "claim ns/x fits on none of 1 node together with claim ns/w; closest is n1: claim "
              "ns/x, request r gets 1 of 2 devices (picked by another request: 2).");
    ASSERT_FALSE(found.remedies.empty());
    EXPECT_EQ(found.remedies[0].text(), "ask for 1 instead of 2 devices in request r");
}

TEST(Diagnosis, KeepsAClaimWithTheOthersThatItsPodHas) {
    const auto held =
        claim("w", request(1),
              ", status: {allocation: {devices: {results: [{request: r, driver: d, "
              "pool: n1, device: a}]}, nodeSelector: {nodeSelectorTerms: "
              "[{matchFields: [{key: metadata.name, operator: In, values: [n1]}]}]}}}");
    const auto found = diagnosis(kNode + node("n2") + slice("n1", "[{name: a}]") +
                                 slice("n2", "[{name: a}]") + held + claim("x", request(1)) + kPod);
    EXPECT_FALSE(found.nodes.at(1).fits());
    EXPECT_EQ(found.nodes.at(1).error, "claim ns/w: resourceclaim not available on the node");
    EXPECT_TRUE(found.remedies.empty());  // to free ns/w would not help its pod
}

}  // namespace
}  // namespace knd::simulate
