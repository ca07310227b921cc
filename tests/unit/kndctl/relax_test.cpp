// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/simulate/relax.hpp"

#include <gtest/gtest.h>

#include "tests/unit/kndctl/scene.hpp"

namespace knd::simulate {
namespace {

/// The remedies for the claim "x" as texts, the smallest first.
std::vector<std::string> remedies(const std::string& yaml) {
    const Scene scene(yaml);
    const auto workload =
        only(scene.cluster->objects(), scene.cluster->settings().gates, "ns", "x");
    std::vector<std::string> out;
    for (const auto& remedy : find_remedies(*scene.cluster, *workload).remedies)
        out.push_back(remedy.text() + " (" + remedy.node + ")");
    return out;
}

std::string smallest(const std::string& yaml) {
    const auto all = remedies(yaml);
    return all.empty() ? "" : all.front();
}

const std::string kNode = node("n1") + device_class("c");

TEST(Remedy, ToleratesTheTaint) {
    EXPECT_EQ(smallest(kNode +
                       slice("n1", "[{name: a, taints: [{key: k, value: v, effect: NoExecute}]}]") +
                       claim("x", request(1))),
              "tolerate taint k=v:NoExecute in request r (n1)");
}

TEST(Remedy, LowersTheCountNoFurtherThanNeeded) {
    EXPECT_EQ(
        remedies(kNode + slice("n1", "[{name: a}, {name: b}, {name: d}]") + claim("x", request(5))),
        (std::vector<std::string>{"ask for 3 instead of 5 devices in request r (n1)"}));
}

TEST(Remedy, FreesTheDevicesOfAnotherClaim) {
    EXPECT_EQ(remedies(kNode + slice("n1", "[{name: a}]") +
                       claim("held", request(1), holding("n1", "a")) + claim("x", request(1))),
              (std::vector<std::string>{"free the devices of claim ns/held (n1)"}));
}

TEST(Remedy, DropsTheOneClauseThatIsInTheWay) {
    const auto selector =
        ", selectors: [{cel: {expression: 'device.driver == \"d\" && device.attributes.d.size == "
        "7'}}]";
    EXPECT_EQ(remedies(kNode + slice("n1", "[{name: a, attributes: {size: {int: 1}}}]") +
                       claim("x", request(1, selector))),
              (std::vector<std::string>{
                  "drop `device.attributes.d.size == 7` from the selectors of request r (n1)"}));
}

TEST(Remedy, DropsTheConstraint) {
    const auto spec =
        "{requests: [{name: r, exactly: {deviceClassName: c, count: 2}}], constraints: "
        "[{matchAttribute: d/size}]}";
    EXPECT_EQ(smallest(kNode +
                       slice("n1",
                             "[{name: a, attributes: {size: {int: 1}}}, "
                             "{name: b, attributes: {size: {int: 2}}}]") +
                       claim("x", spec)),
              "drop the constraint matchAttribute d/size (n1)");
}

TEST(Remedy, AsksForLessCapacity) {
    EXPECT_EQ(smallest(kNode +
                       slice("n1",
                             "[{name: a, allowMultipleAllocations: true, "
                             "capacity: {m: {value: 8Gi}}}]") +
                       claim("x", request(1, ", capacity: {requests: {m: 10Gi}}"))),
              "ask for 8Gi instead of 10Gi of m in request r (n1)");
}

TEST(Remedy, DropsAClauseOfTheClass) {
    EXPECT_EQ(smallest(node("n1") + device_class("c", "device.driver == \"other\"") +
                       slice("n1", "[{name: a}]") + claim("x", request(1))),
              "drop `device.driver == \"other\"` from class c (n1)");
}

TEST(Remedy, NamesTheClassThatWasMeant) {
    EXPECT_EQ(smallest(kNode + device_class("fast-nic") + slice("n1", "[{name: a}]") +
                       claim("x", "{requests: [{name: r, exactly: {deviceClassName: fast-nc}}]}")),
              "name class fast-nic instead of fast-nc in request r (n1)");
}

TEST(Remedy, JoinsTwoChangesWhenNoneHelpsAlone) {
    EXPECT_EQ(smallest(kNode + slice("n1", "[{name: a, taints: [{key: k, effect: NoSchedule}]}]") +
                       claim("x", request(2))),
              "tolerate taint k:NoSchedule in request r and ask for 1 instead of 2 devices in "
              "request r (n1)");
}

TEST(Remedy, PrefersTwoSmallChangesToALargeOne) {
    EXPECT_EQ(remedies(kNode +
                       slice("n1",
                             "[{name: a}, {name: b, taints: [{key: k, effect: NoSchedule}, "
                             "{key: l, effect: NoSchedule}]}]") +
                       claim("held", request(1, ""), holding("n1", "a")) + claim("x", request(1))),
              (std::vector<std::string>{
                  "tolerate taint k:NoSchedule in request r and tolerate taint l:NoSchedule in "
                  "request r (n1)",
                  "free the devices of claim ns/held (n1)"}));
}

TEST(Remedy, IsNoneWhenNothingHelps) {
    EXPECT_TRUE(remedies(kNode + claim("x", request(1))).empty());
}

TEST(Remedy, AsksForNoMoreThanThePolicyAllows) {
    const std::string device =
        "[{name: a, allowMultipleAllocations: true, capacity: {m: {value: 100G, requestPolicy: ";
    const auto wants = claim("x", request(1, ", capacity: {requests: {m: 60G}}"));
    EXPECT_EQ(smallest(kNode +
                       slice("n1", device + "{default: 1G, validRange: {min: 1G, step: 4G, max: "
                                            "50G}}}}}]") +
                       wants),
              "ask for 49G instead of 60G of m in request r (n1)");
    EXPECT_EQ(
        smallest(kNode + slice("n1", device + "{default: 1G, validValues: [1G, 10G]}}}}]") + wants),
        "ask for 10G instead of 60G of m in request r (n1)");
}

TEST(Remedy, AsksForNothingThatNoDeviceHas) {
    EXPECT_EQ(smallest(kNode + slice("n1", "[{name: a, capacity: {m: {value: 8Gi}}}]") +
                       claim("x", request(1, ", capacity: {requests: {mm: 1Gi}}"))),
              "do not ask for mm in request r (n1)");
}

std::string pod_with(const std::string& spec) {
    return "---\n{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: ns}, spec: "
           "{resourceClaims: [{name: a, resourceClaimName: x}]" +
           spec + "}}\n";
}

TEST(Remedy, LetsThePodOntoOtherNodes) {
    const auto rest = device_class("c") + slice("n1", "[{name: a}]") + claim("x", request(1));
    EXPECT_EQ(remedies(node("n1") + node("n2") + rest + pod_with(", nodeSelector: {zone: z-n2}")),
              (std::vector<std::string>{"drop zone=z-n2 from the node selector of pod ns/p (n1)"}));
    EXPECT_EQ(
        remedies(node("n1", "{taints: [{key: k, effect: NoSchedule}]}") + rest + pod_with("")),
        (std::vector<std::string>{"tolerate node taint k:NoSchedule in pod ns/p (n1)"}));
}

}  // namespace
}  // namespace knd::simulate
