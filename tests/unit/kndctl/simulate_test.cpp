// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/simulate/simulate.hpp"

#include <gtest/gtest.h>

#include "tests/unit/kndctl/scene.hpp"

namespace knd::simulate {
namespace {

const std::string kTwoNodes = node("n1") + node("n2") + slice("n1", "[{name: a}, {name: b}]") +
                              slice("n2", "[{name: a}]") + device_class("c");

/// "n1: a=dev,dev; n2: no", errors in place of "no".
std::string outcome(const Scene& scene) {
    std::string out;
    for (const auto& result : simulate(*scene.cluster, scene.workload)) {
        if (!out.empty()) out += "; ";
        out += result.node + ":";
        if (!result.fits) out += " " + (result.error.empty() ? "no" : result.error);
        for (const auto& claim : result.claims) {
            out += " " + claim.name;
            for (const auto& device : claim.allocation.results)
                out += (&device == &claim.allocation.results.front() ? "=" : ",") + device.device;
        }
    }
    return out;
}

std::string failure(const std::string& yaml) {
    auto objects = read(yaml);
    if (!objects.ok()) return objects.error().message();
    auto work = waiting(*objects, *Gates::make());
    return work.ok() ? "" : work.error().message();
}

std::string pod(const std::string& name, const std::string& claims, const std::string& more = "") {
    return "---\n{apiVersion: v1, kind: Pod, metadata: {name: " + name +
           ", namespace: ns}, spec: {resourceClaims: " + claims + more + "}}\n";
}

const std::string kTemplate =
    "---\n{apiVersion: resource.k8s.io/v1, kind: ResourceClaimTemplate, metadata: {name: t, "
    "namespace: ns}, spec: {spec: {devices: " +
    request(1) + "}}}\n";

TEST(Simulate, AllocatesOnEachNodeAsIfItWereTheOnlyOne) {
    const Scene scene(kTwoNodes + claim("x", request(1)));
    EXPECT_EQ(outcome(scene), "n1: x=a; n2: x=a");
}

TEST(Simulate, AllocatesClaimsTogetherInTheOrderGiven) {
    const Scene scene(kTwoNodes + claim("z", request(1)) + claim("x", request(1)));
    EXPECT_EQ(outcome(scene), "n1: z=a x=b; n2: no");
}

TEST(Simulate, LeavesAllocatedClaimsTheirDevices) {
    const Scene scene(kTwoNodes + claim("held", request(1), holding("n1", "a")) +
                      claim("x", request(1)));
    EXPECT_EQ(outcome(scene), "n1: x=b; n2: x=a");
}

TEST(Simulate, TakesNodesFromSlicesWhenThereAreNoNodeObjects) {
    const Scene scene(slice("n7", "[{name: a}]") + device_class("c") + claim("x", request(1)));
    EXPECT_EQ(outcome(scene), "n7: x=a");
}

TEST(Simulate, LooksAtTheNodesAskedFor) {
    Settings settings;
    settings.gates = *Gates::make();
    settings.nodes = {"n2"};
    const Scene scene(kTwoNodes + claim("x", request(1)), settings);
    EXPECT_EQ(outcome(scene), "n2: x=a");
}

TEST(Simulate, RemarksOnANodeThatNothingSpeaksOf) {
    Settings settings;
    settings.gates = *Gates::make();
    settings.nodes = {"n22"};
    const Scene scene(kTwoNodes + claim("x", request(1)), settings);
    ASSERT_EQ(scene.cluster->remarks().size(), 1u);
    EXPECT_NE(scene.cluster->remarks()[0].find("did you mean `n2`"), std::string::npos);
}

TEST(Simulate, SaysTheAllocatorsErrorPerNode) {
    const Scene scene(kTwoNodes +
                      claim("x", "{requests: [{name: r, exactly: {deviceClassName: q}}]}"));
    const auto text = outcome(scene);
    EXPECT_NE(text.find("n1: claim ns/x, request r: could not retrieve device class q"),
              std::string::npos);
    EXPECT_NE(text.find("n2: claim ns/x"), std::string::npos);
}

TEST(Simulate, MakesClaimsFromThePodsTemplates) {
    const Scene scene(kTwoNodes + kTemplate +
                      pod("p", "[{name: net, resourceClaimTemplateName: t}]"));
    EXPECT_EQ(outcome(scene), "n1: p-net=a; n2: p-net=a");
}

TEST(Simulate, PlacesAPodsClaimWhereThePodStandsInTheInput) {
    const Scene scene(kTwoNodes + kTemplate + claim("first", request(1)) +
                      pod("p", "[{name: net, resourceClaimTemplateName: t}]"));
    EXPECT_EQ(outcome(scene), "n1: first=a p-net=b; n2: no");
}

TEST(Simulate, UsesTheClaimThatThePodHasAlready) {
    const auto with_status =
        "---\n{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: ns}, spec: "
        "{resourceClaims: [{name: net, resourceClaimTemplateName: t}]}, status: "
        "{resourceClaimStatuses: [{name: net, resourceClaimName: p-net-x1}]}}\n";
    const Scene scene(kTwoNodes + kTemplate + claim("p-net-x1", request(1)) + with_status);
    EXPECT_EQ(outcome(scene), "n1: p-net-x1=a; n2: p-net-x1=a");
}

TEST(Simulate, HonoursThePodsNodeSelector) {
    const Scene scene(
        kTwoNodes + claim("x", request(1)) +
        pod("p", "[{name: net, resourceClaimName: x}]", ", nodeSelector: {zone: z-n2}"));
    EXPECT_EQ(outcome(scene),
              "n1: pod ns/p: node(s) didn't match Pod's node affinity/selector; n2: x=a");
}

TEST(Simulate, KeepsAPodWithItsAllocatedClaims) {
    const auto local = R"(, status: {allocation: {devices: {results: [{request: r, driver: d,
        pool: n1, device: b}]}, nodeSelector: {nodeSelectorTerms: [{matchFields: [
        {key: metadata.name, operator: In, values: [n1]}]}]}}})";
    const Scene scene(
        kTwoNodes + claim("x", request(1)) + claim("had", request(1), local) +
        pod("p", "[{name: a, resourceClaimName: x}, {name: b, resourceClaimName: had}]"));
    EXPECT_EQ(outcome(scene), "n1: x=a; n2: claim ns/had: resourceclaim not available on the node");
}

TEST(Simulate, PassesOverPodsThatAreOver) {
    const auto finished =
        "---\n{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: ns}, spec: "
        "{resourceClaims: [{name: net, resourceClaimTemplateName: t}]}, status: {phase: "
        "Succeeded}}\n";
    const Scene scene(kTwoNodes + kTemplate + finished);
    EXPECT_TRUE(scene.workload.open.empty());
}

TEST(Simulate, PassesOverKindsThatDoNotMatter) {
    EXPECT_EQ(
        failure(kTwoNodes + "---\n{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}}"
                            "\n---\n{apiVersion: x.example/v1, kind: Node, spec: 3}\n"),
        "");
}

TEST(Simulate, AppliesDeviceTaintRulesThatAreThere) {
    const auto rule =
        "---\n{apiVersion: resource.k8s.io/v1beta2, kind: DeviceTaintRule, metadata: {name: t}, "
        "spec: {deviceSelector: {pool: n1}, taint: {key: k, effect: NoSchedule}}}\n";
    EXPECT_EQ(outcome(Scene(kTwoNodes + rule + claim("x", request(1)))), "n1: no; n2: x=a");
    Settings off;
    off.gates = *Gates::make("1.36", "-DRADeviceTaintRules");
    const Scene without(kTwoNodes + rule + claim("x", request(1)), off);
    EXPECT_EQ(outcome(without), "n1: x=a; n2: x=a");
    EXPECT_EQ(without.cluster->remarks().size(), 1u);
}

TEST(Simulate, RefusesAPodWhoseClaimIsMissing) {
    EXPECT_EQ(
        failure(kTwoNodes + pod("p", "[{name: net, resourceClaimName: x}]")),
        "test.yaml:18: pod ns/p, claim net: there is no ResourceClaim x in the input; add it, "
        "or a ResourceClaimTemplate in its place");
}

TEST(Simulate, RefusesAPodClaimWithoutASource) {
    const auto message = failure(kTwoNodes + pod("p", "[{name: net}]"));
    EXPECT_TRUE(message.ends_with("pod ns/p, claim net: names no ResourceClaim and no template"))
        << message;
}

TEST(Simulate, RefusesAnObjectGivenTwice) {
    EXPECT_EQ(failure(node("n1") + node("n1")),
              "test.yaml:4: Node n1 is given twice, first at test.yaml:2");
}

TEST(Simulate, RefusesObjectsThatCannotBeRead) {
    const auto message = failure(slice("n1", "[{name: 3}]"));
    EXPECT_TRUE(message.starts_with("test.yaml:2: ResourceSlice s-n1: ")) << message;
}

TEST(Simulate, NamesTheClaimThatStopsTheOthers) {
    const Scene scene(kTwoNodes + claim("z", request(1)) + claim("x", request(1)));
    const auto outcomes = simulate(*scene.cluster, scene.workload, true);
    EXPECT_EQ(outcomes[0].reason, "");
    EXPECT_TRUE(outcomes[1].reason.starts_with("claim ns/x, request r gets 0 of 1 device"))
        << outcomes[1].reason;
}

TEST(Simulate, AnswersInTheShapeOfTheApi) {
    const Scene scene(node("n1") + slice("n1", "[{name: a}]") + device_class("c") +
                      claim("x", request(1)));
    const auto expected = parse_json(R"({"nodes": [{"node": "n1", "fits": true, "error": null,
        "claims": [{"namespace": "ns", "name": "x", "allocation": {
            "devices": {"results": [{"request": "r", "driver": "d", "pool": "n1", "device": "a"}]},
            "nodeSelector": {"nodeSelectorTerms": [{"matchFields": [
                {"key": "metadata.name", "operator": "In", "values": ["n1"]}]}]}}}]}]})");
    EXPECT_EQ(to_json(simulate(*scene.cluster, scene.workload)), *expected);
}

TEST(Simulate, GivesTheSameAnswerTwice) {
    const auto shared =
        slice("n1", "[{name: a, allowMultipleAllocations: true, capacity: {m: {value: 4}}}]");
    const auto text = node("n1") + shared + device_class("c") +
                      claim("x", request(1, ", capacity: {requests: {m: 1}}")) +
                      claim("z", request(1, ", capacity: {requests: {m: 1}}"));
    const Scene first(text), second(text);
    const auto result = simulate(*first.cluster, first.workload);
    EXPECT_EQ(to_json(result), to_json(simulate(*second.cluster, second.workload)));
    ASSERT_EQ(result[0].claims.size(), 2u);
    EXPECT_NE(result[0].claims[0].allocation.results[0].share_id,
              result[0].claims[1].allocation.results[0].share_id);
}

TEST(Simulate, LooksOnceAtANodeThatIsNamedTwice) {
    const Scene scene(kTwoNodes + claim("x", request(1)), {{}, false, {"n1", "n1"}});
    EXPECT_EQ(outcome(scene), "n1: x=a");
}

TEST(Simulate, TellsWhichPoolIsInvalid) {
    const Scene scene(node("n1") + device_class("c") + slice("n1", "[{name: a}, {name: a}]") +
                      claim("x", request(1)));
    EXPECT_EQ(simulate(*scene.cluster, scene.workload, true)[0].reason,
              "invalid resource pools were encountered; pool d/n1 is invalid: duplicate device "
              "name a");
}

TEST(Simulate, DecidesAtOnceWhenARequestForAllFindsNothing) {
    std::string devices;
    for (int i = 0; i < 40; ++i)
        devices += (i == 0 ? "[" : ", ") + ("{name: d" + std::to_string(i)) +
                   ", attributes: {n: {int: " + std::to_string(i) + "}}}";
    const auto spec =
        "{requests: [{name: r, exactly: {deviceClassName: c, count: 20}}, {name: s, exactly: "
        "{deviceClassName: none, allocationMode: All}}]}";
    const Scene scene(node("n1") + device_class("c") + device_class("none", "false") +
                      slice("n1", devices + "]") + claim("x", spec));
    EXPECT_EQ(simulate(*scene.cluster, scene.workload, true)[0].reason,
              "request s asks for all devices, and none will do (class selector: 40)");
}

TEST(Simulate, RemarksOnWhatAFeatureThatIsOffHides) {
    const auto yaml =
        node("n1") +
        "---\n{apiVersion: resource.k8s.io/v1, kind: ResourceSlice, metadata: {name: s}, spec: "
        "{driver: d, perDeviceNodeSelection: true, pool: {name: p, generation: 1, "
        "resourceSliceCount: 1}, devices: [{name: a, nodeName: n1}]}}\n";
    const Scene scene(yaml, {*Gates::make("1.34"), false, {}});
    ASSERT_EQ(scene.cluster->remarks().size(), 1U);
    EXPECT_EQ(
        scene.cluster->remarks()[0],
        "slices with perDeviceNodeSelection are left out, as DRAPartitionableDevices is off: 1");
}

TEST(Simulate, LeavesOutPodsOfAClusterThatWaitForAClaim) {
    const auto objects = read(
        kTwoNodes + claim("x", request(1)) +
        "---\n{apiVersion: resource.k8s.io/v1, kind: ResourceClaimTemplate, metadata: {name: "
        "t, namespace: ns}, spec: {spec: {devices: " +
        request(1) + "}}}\n" +
        pod("p", "[{name: a, resourceClaimTemplateName: t}, {name: b, resourceClaimName: w}]"));
    ASSERT_TRUE(objects.ok()) << objects.error().message();
    const auto work = gather(*objects, *Gates::make());
    ASSERT_TRUE(work.ok()) << work.error().message();
    ASSERT_EQ(work->open.size(), 1U);
    EXPECT_EQ(work->open[0]->meta.name, "x");
    EXPECT_EQ(work->stuck.size(), 1U);
    // It is nothing to other claims.
    EXPECT_TRUE(only(*objects, *Gates::make(), "ns", "x").ok());
}

}  // namespace
}  // namespace knd::simulate
