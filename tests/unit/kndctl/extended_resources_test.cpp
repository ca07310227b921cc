// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/simulate/extended_resources.hpp"

#include <gtest/gtest.h>

#include "tests/unit/kndctl/scene.hpp"
#include "tools/kndctl/simulate/diagnosis.hpp"
#include "tools/kndctl/simulate/simulate.hpp"

namespace knd::simulate {
namespace {

const std::string kBacked =
    "---\n{apiVersion: resource.k8s.io/v1, kind: DeviceClass, metadata: {name: c}, spec: "
    "{extendedResourceName: example.com/nic}}\n";
const std::string kDevices = node("n1") + slice("n1", "[{name: a}, {name: b}, {name: c}]");

/// `spec` is what a pod has beside its resourceClaims.
std::string pod(const std::string& spec, const std::string& status = "{}") {
    return "---\n{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: ns}, spec: " + spec +
           ", status: " + status + "}\n";
}

std::string container(const std::string& requests, const std::string& more = "") {
    return "{name: x, resources: {requests: " + requests + "}" + more + "}";
}

std::string asking(const std::string& requests) {
    return pod("{containers: [" + container(requests) + "]}");
}

/// "NAME=COUNT of CLASS, ..." of the first open claim.
std::string requests_of(const Scene& scene) {
    std::string out;
    if (scene.workload.open.empty()) return "no claim";
    for (const auto& request : scene.workload.open.front()->devices.requests)
        out += (out.empty() ? "" : ", ") + request.name + "=" +
               std::to_string(request.exactly->count) + " of " + request.exactly->device_class;
    return out;
}

std::size_t devices_on(const Scene& scene, std::size_t node) {
    std::size_t count = 0;
    const auto nodes = simulate(*scene.cluster, scene.workload);
    for (const auto& claim : nodes[node].claims)
        count += claim.allocation.results.size();
    return count;
}

TEST(ExtendedResources, BecomeAClaimOfTheClassBehindThem) {
    const Scene scene(kDevices + kBacked + asking("{example.com/nic: 2}"));
    EXPECT_EQ(requests_of(scene), "container-0-request-0=2 of c");
    EXPECT_EQ(scene.workload.open.front()->meta.text(), "ns/p-extended-resources");
    EXPECT_EQ(devices_on(scene, 0), 2U);
}

TEST(ExtendedResources, AreAlsoCalledByTheNameThatEveryClassHas) {
    const Scene scene(kDevices + device_class("c") +
                      asking("{deviceclass.resource.kubernetes.io/c: 1}"));
    EXPECT_EQ(requests_of(scene), "container-0-request-0=1 of c");
}

TEST(ExtendedResources, AreNumberedAmongAllThatTheContainerAsksFor) {
    const Scene scene(kDevices + kBacked + asking("{cpu: 1, example.com/nic: 1, memory: 1Gi}"));
    EXPECT_EQ(requests_of(scene), "container-0-request-1=1 of c");
}

TEST(ExtendedResources, OfLimitsCountAsRequests) {
    const Scene scene(kDevices + kBacked +
                      pod("{containers: [{name: x, resources: {limits: {example.com/nic: 1}}}]}"));
    EXPECT_EQ(requests_of(scene), "container-0-request-0=1 of c");
}

TEST(ExtendedResources, ThatNoClassBacksAreNoClaim) {
    const Scene scene(kDevices + kBacked + asking("{example.com/gpu: 1, cpu: 2}"));
    EXPECT_EQ(requests_of(scene), "no claim");
}

TEST(ExtendedResources, OfNoneAreNoClaim) {
    const Scene scene(kDevices + kBacked + asking("{example.com/nic: 0}"));
    EXPECT_EQ(requests_of(scene), "no claim");
}

TEST(ExtendedResources, NeedTheirFeature) {
    Settings settings;
    settings.gates = *Gates::make("1.36", "-DRAExtendedResource");
    const Scene scene(kDevices + kBacked + asking("{example.com/nic: 1}"), settings);
    EXPECT_EQ(requests_of(scene), "no claim");
}

TEST(ExtendedResources, OfAnInitContainerAreThoseOfTheContainersAfterIt) {
    const Scene scene(kDevices + kBacked +
                      pod("{initContainers: [" + container("{example.com/nic: 2}") +
                          "], containers: [" + container("{example.com/nic: 2}") + "]}"));
    EXPECT_EQ(requests_of(scene), "container-1-request-0=2 of c");
}

TEST(ExtendedResources, OfInitContainersAreAskedForOnceAsFarAsTheyGoBeyond) {
    const Scene scene(kDevices + kBacked +
                      pod("{initContainers: [" + container("{example.com/nic: 2}") + ", " +
                          container("{example.com/nic: 3}") + "], containers: [" +
                          container("{example.com/nic: 1}") + "]}"));
    EXPECT_EQ(requests_of(scene), "container-1-request-0=2 of c, container-2-request-0=1 of c");
}

TEST(ExtendedResources, OfASidecarLast) {
    const Scene scene(kDevices + kBacked +
                      pod("{initContainers: [" +
                          container("{example.com/nic: 1}", ", restartPolicy: Always") +
                          "], containers: [" + container("{example.com/nic: 1}") + "]}"));
    EXPECT_EQ(requests_of(scene), "container-0-request-0=1 of c, container-1-request-0=1 of c");
}

TEST(ExtendedResources, OfASidecarDoNotServeTheInitContainersAfterIt) {
    const Scene scene(kDevices + kBacked +
                      pod("{initContainers: [" +
                          container("{example.com/nic: 1}", ", restartPolicy: Always") + ", " +
                          container("{example.com/nic: 1}") + "], containers: []}"));
    EXPECT_EQ(requests_of(scene), "container-0-request-0=1 of c, container-1-request-0=1 of c");
}

TEST(ExtendedResources, AreNotClaimedWhereADevicePluginHasThem) {
    const Scene scene(
        kDevices +
        "---\n{apiVersion: v1, kind: Node, metadata: {name: n2}, status: {allocatable: "
        "{example.com/nic: 4}}}\n" +
        kBacked + asking("{example.com/nic: 1}"));
    const auto nodes = simulate(*scene.cluster, scene.workload);
    ASSERT_EQ(nodes.size(), 2U);
    EXPECT_EQ(devices_on(scene, 0), 1U);
    EXPECT_TRUE(nodes[1].fits);
    EXPECT_EQ(devices_on(scene, 1), 0U);
}

TEST(ExtendedResources, AreClaimedWithoutThoseThatADevicePluginHas) {
    const Scene scene(
        "---\n{apiVersion: v1, kind: Node, metadata: {name: n1}, status: {allocatable: "
        "{example.com/nic: 4}}}\n" +
        slice("n1", "[{name: a}, {name: b}]") + kBacked + device_class("other") +
        asking("{example.com/nic: 2, deviceclass.resource.kubernetes.io/other: 1}"));
    EXPECT_EQ(devices_on(scene, 0), 1U);
}

TEST(ExtendedResources, OfTwoClassesTakeTheNewer) {
    const auto named = [](const std::string& name, const std::string& created) {
        return "---\n{apiVersion: resource.k8s.io/v1, kind: DeviceClass, metadata: {name: " + name +
               ", creationTimestamp: \"" + created +
               "\"}, spec: {extendedResourceName: example.com/nic}}\n";
    };
    const auto ask = asking("{example.com/nic: 1}");
    const std::string early = "2026-01-01T00:00:00Z";
    EXPECT_EQ(requests_of(Scene(named("a", early) + named("b", "2026-02-01T00:00:00Z") + ask)),
              "container-0-request-0=1 of b");
    EXPECT_EQ(requests_of(Scene(named("a", early) + named("b", early) + ask)),
              "container-0-request-0=1 of a");
}

TEST(ExtendedResources, OfAPodThatHasItsClaimOrItsNodeAreNotClaimedAgain) {
    const auto spec = "{containers: [" + container("{example.com/nic: 1}") + "]";
    EXPECT_EQ(requests_of(Scene(
                  kDevices + kBacked +
                  pod(spec + "}", "{extendedResourceClaimStatus: {resourceClaimName: made}}"))),
              "no claim");
    EXPECT_EQ(requests_of(Scene(kDevices + kBacked + pod(spec + ", nodeName: n1}"))), "no claim");
}

TEST(ExtendedResources, OfEachCopyAreItsOwn) {
    const Scene scene(kDevices + kBacked + asking("{example.com/nic: 1}"));
    EXPECT_EQ(pack(*scene.cluster, scene.workload, 5).fit, 3U);
}

TEST(ExtendedResources, AreExplainedByTheNameOfTheirClaim) {
    const Scene scene(kDevices + kBacked + asking("{example.com/nic: 4}"));
    const auto workload = only(scene.cluster->objects(), scene.cluster->settings().gates, "ns",
                               "p-extended-resources");
    ASSERT_TRUE(workload.ok()) << workload.error().message();
    const auto diagnosis = diagnose(*scene.cluster, *workload);
    ASSERT_FALSE(diagnosis.remedies.empty());
    EXPECT_EQ(diagnosis.remedies.front().text(),
              "ask for 3 instead of 4 devices in request container-0-request-0");
}

TEST(ExtendedResources, CannotTolerateTaints) {
    const Scene scene(slice("n1", "[{name: a, taints: [{key: k, effect: NoSchedule}]}]") + kBacked +
                      node("n1") + asking("{example.com/nic: 1}"));
    const auto workload = only(scene.cluster->objects(), scene.cluster->settings().gates, "ns",
                               "p-extended-resources");
    ASSERT_TRUE(workload.ok()) << workload.error().message();
    EXPECT_TRUE(diagnose(*scene.cluster, *workload).remedies.empty());
}

}  // namespace
}  // namespace knd::simulate
