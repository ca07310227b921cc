// SPDX-License-Identifier: Apache-2.0
//
// Requests, constraints, search order and results.
#include <gtest/gtest.h>

#include "tests/unit/alloc/cluster.hpp"

namespace knd::alloc {
namespace {

Cluster with(std::vector<api::SliceDevice> devices, std::vector<api::DeviceRequest> requests,
             std::vector<api::DeviceConstraint> constraints = {}) {
    Cluster out;
    out.slices = {slice("slice", std::move(devices))};
    out.claims = {claim(std::move(requests), std::move(constraints))};
    return out;
}

std::map<std::string, AttributeValue> root(const char* value) {
    return {{"driver/root", std::string(value)}};
}

TEST(Allocator, TakesTheFirstDeviceThatFits) {
    EXPECT_EQ(with({device("a"), device("b")}, {request("r")}).outcome(), "r=a");
}

TEST(Allocator, FindsNothingWithoutDevices) {
    EXPECT_EQ(with({}, {request("r")}).outcome(), "no");
}

TEST(Allocator, AllocatesNothingForNoClaims) {
    Cluster cluster;
    EXPECT_EQ(cluster.outcome(), "");
}

TEST(Allocator, KeepsAwayFromDevicesInUse) {
    auto cluster = with({device("a"), device("b")}, {request("r")});
    cluster.allocated.devices.insert({"driver", "pool", "a"});
    EXPECT_EQ(cluster.outcome(), "r=b");
}

TEST(Allocator, AppliesClassAndRequestSelectors) {
    auto cluster =
        with({device("a", {{"n", std::int64_t{1}}}), device("b", {{"n", std::int64_t{2}}})},
             {request("r", 1, {"device.attributes[\"driver\"].n == 2"})});
    EXPECT_EQ(cluster.outcome(), "r=b");
    cluster.add_class("class", "device.driver == \"other\"");
    EXPECT_EQ(cluster.outcome(), "no");
}

TEST(Allocator, GivesDifferentRequestsDifferentDevices) {
    EXPECT_EQ(
        with({device("a"), device("b"), device("c")}, {request("x", 2), request("y")}).outcome(),
        "x=a x=b y=c");
    EXPECT_EQ(with({device("a"), device("b")}, {request("x", 2), request("y")}).outcome(), "no");
}

TEST(Allocator, BacktracksIntoEarlierRequests) {
    const std::map<std::string, AttributeValue> fast = {{"fast", true}};
    auto cluster =
        with({device("a", fast), device("b", {{"fast", false}})},
             {request("any"), request("fast", 1, {"device.attributes[\"driver\"].fast"})});
    EXPECT_EQ(cluster.outcome(), "any=b fast=a");
}

TEST(Allocator, AllocatesSeveralClaimsTogether) {
    auto cluster = with({device("a"), device("b")}, {request("r")});
    cluster.claims.push_back(cluster.claims[0]);
    EXPECT_EQ(cluster.outcome(), "r=a; r=b");
    cluster.claims.push_back(cluster.claims[0]);
    EXPECT_EQ(cluster.outcome(), "no");
}

TEST(Allocator, AllTakesEveryMatchingDevice) {
    EXPECT_EQ(with({device("a"), device("b")}, {all("r")}).outcome(), "r=a r=b");
}

TEST(Allocator, AllFailsWhenADeviceIsInUse) {
    auto cluster = with({device("a"), device("b")}, {all("r")});
    cluster.allocated.devices.insert({"driver", "pool", "b"});
    EXPECT_EQ(cluster.outcome(), "no");
}

TEST(Allocator, AllNeedsAtLeastOneDevice) {
    EXPECT_EQ(with({device("a")}, {all("r", {"false"})}).outcome(), "no");
}

TEST(Allocator, AllTreatsAConstraintThatFailsAsAnError) {
    EXPECT_EQ(
        with({device("a", root("0")), device("b", root("1"))}, {all("r")}, {match("driver/root")})
            .outcome(),
        "error: claim default/claim, request r: cannot add device driver/pool/b because a "
        "claim constraint would not be satisfied");
}

TEST(Allocator, MatchAttributeWantsOneValue) {
    EXPECT_EQ(with({device("a", root("0")), device("b", root("1")), device("c", root("1"))},
                   {request("r", 2)}, {match("driver/root")})
                  .outcome(),
              "r=b r=c");
}

TEST(Allocator, MatchAttributeFindsUnqualifiedNamesOfTheDriver) {
    EXPECT_EQ(with({device("a", {{"root", std::int64_t{1}}}), device("b", root("1")),
                    device("c", {{"root", std::int64_t{1}}})},
                   {request("r", 2)}, {match("driver/root")})
                  .outcome(),
              "r=a r=c");
}

TEST(Allocator, MatchAttributeRejectsDevicesWithoutIt) {
    EXPECT_EQ(with({device("a"), device("b")}, {request("r")}, {match("driver/root")}).outcome(),
              "no");
}

TEST(Allocator, MatchAttributeIsLimitedToItsRequests) {
    EXPECT_EQ(with({device("a", root("0")), device("b", root("1")), device("c", root("0"))},
                   {request("x"), request("y"), request("z")}, {match("driver/root", {"x", "z"})})
                  .outcome(),
              "x=a y=b z=c");
}

TEST(Allocator, MatchAttributeComparesVersionsByText) {
    EXPECT_EQ(
        with({device("a", {{"v", Version{"1.0.0+a"}}}), device("b", {{"v", Version{"1.0.0+b"}}})},
             {request("r", 2)}, {match("driver/v")})
            .outcome(),
        "no");
}

TEST(Allocator, DistinctAttributeWantsAllDifferent) {
    const auto devices = {device("a", root("0")), device("b", root("0")), device("c", root("1")),
                          device("d", root("0"))};
    EXPECT_EQ(with(devices, {request("r", 2)}, {distinct("driver/root")}).outcome(), "r=a r=c");
    EXPECT_EQ(with(devices, {request("r", 3)}, {distinct("driver/root")}).outcome(), "no");
    EXPECT_EQ(with(devices, {request("x"), request("y"), request("z")}, {distinct("driver/root")})
                  .outcome(),
              "no");
}

TEST(Allocator, FirstAvailablePrefersEarlierAlternatives) {
    auto cluster = with(
        {device("a"), device("b")},
        {first_of("r", {alternative("three", 3), alternative("two", 2), alternative("one", 1)})});
    EXPECT_EQ(cluster.outcome(), "r/two=a r/two=b");
}

TEST(Allocator, FirstAvailableFallsBackWhenALaterRequestNeedsTheDevice) {
    auto cluster =
        with({device("a"), device("b")},
             {first_of("r", {alternative("two", 2), alternative("one", 1)}), request("other")});
    EXPECT_EQ(cluster.outcome(), "r/one=a other=b");
}

TEST(Allocator, AdminAccessSeesDevicesInUse) {
    auto cluster = with({device("a")}, {request("r")});
    cluster.claims[0].devices.requests[0].exactly->admin_access = true;
    cluster.allocated.devices.insert({"driver", "pool", "a"});
    EXPECT_EQ(cluster.outcome(), "r=a");
    EXPECT_TRUE((**cluster.allocate())[0].results[0].admin_access);
}

TEST(Allocator, AdminAccessTakesADeviceOncePerClaim) {
    auto cluster = with({device("a")}, {request("x"), request("y")});
    for (auto& item : cluster.claims[0].devices.requests)
        item.exactly->admin_access = true;
    EXPECT_EQ(cluster.outcome(), "no");
}

TEST(Allocator, TaintsKeepDevicesFromRequestsThatDoNotTolerateThem) {
    auto tainted = device("a");
    tainted.taints = {{"key", "value", "NoSchedule", ""}};
    auto noted = device("b");
    noted.taints = {{"key", "value", "None", ""}};
    auto cluster = with({tainted, noted}, {request("r")});
    EXPECT_EQ(cluster.outcome(), "r=b");
    cluster.claims[0].devices.requests[0].exactly->tolerations = {{"key", "Exists", "", "", {}}};
    EXPECT_EQ(cluster.outcome(), "r=a");
    cluster.claims[0].devices.requests[0].exactly->tolerations.clear();
    cluster.options.features.device_taints = false;
    EXPECT_EQ(cluster.outcome(), "r=a");
}

TEST(Allocator, RefusesMoreThan32DevicesPerClaim) {
    EXPECT_EQ(
        with({}, {request("r", 33)}).outcome(),
        "error: claim default/claim, request r: adding 33 devices exceeds the claim limit of 32, "
        "with 0 already accounted for");
}

TEST(Allocator, UsesASmallerAlternativeWhen32DevicesWouldBeExceeded) {
    std::vector<api::SliceDevice> devices;
    for (int i = 0; i < 40; ++i)
        devices.push_back(device("d" + std::to_string(100 + i)));
    auto cluster =
        with(std::move(devices),
             {request("r", 31), first_of("f", {alternative("two", 2), alternative("one", 1)})});
    const auto result = cluster.allocate();
    ASSERT_TRUE(result.ok() && *result);
    EXPECT_EQ((**result)[0].results.size(), 32u);
    EXPECT_EQ((**result)[0].results[31].request, "f/one");
}

TEST(Allocator, SaysWhatItDoesNotUnderstand) {
    auto cluster = with({device("a")}, {request("r")});
    auto& exactly = *cluster.claims[0].devices.requests[0].exactly;
    exactly.selectors = {api::Selector()};
    EXPECT_EQ(cluster.outcome(),
              "error: claim default/claim, request r, selector #0: CEL expression "
              "empty (unsupported selector type?)");
    exactly.selectors.clear();
    exactly.device_class = "";
    EXPECT_EQ(cluster.outcome(),
              "error: claim default/claim, request r: missing device class name (unsupported "
              "request type?)");
    exactly.device_class = "none";
    EXPECT_EQ(cluster.outcome(),
              "error: claim default/claim, request r: could not retrieve device class "
              "none: deviceclass.resource.k8s.io \"none\" not found");
    exactly.device_class = "class";
    exactly.allocation_mode = "Some";
    EXPECT_EQ(cluster.outcome(),
              "error: claim default/claim, request r: unsupported count mode Some");
    exactly.allocation_mode = "ExactCount";
    cluster.claims[0].devices.constraints = {{}};
    EXPECT_EQ(cluster.outcome(),
              "error: claim default/claim, constraint #0: empty constraint "
              "(unsupported constraint type?)");
}

TEST(Allocator, RefusesFeaturesThatAreOff) {
    auto cluster = with({device("a")}, {first_of("r", {alternative("s")})});
    cluster.options.features.prioritized_list = false;
    EXPECT_EQ(cluster.outcome(),
              "error: claim default/claim, request r: has subrequests, but the "
              "DRAPrioritizedList feature is disabled");
    cluster = with({device("a")}, {request("r")});
    cluster.claims[0].devices.requests[0].exactly->admin_access = true;
    cluster.options.features.admin_access = false;
    EXPECT_EQ(cluster.outcome(),
              "error: claim default/claim, request r: admin access is requested, "
              "but the feature is disabled");
    cluster = with({device("a")}, {request("r")});
    cluster.claims[0].devices.requests[0].exactly->capacity["c"] = Quantity(1);
    cluster.options.features.consumable_capacity = false;
    EXPECT_EQ(cluster.outcome(),
              "error: claim default/claim, request r: has capacity requests, but the "
              "DRAConsumableCapacity feature is disabled");
}

TEST(Allocator, StopsAtTheFirstSelectorThatFailsOnADevice) {
    auto cluster = with({device("a"), device("b")},
                        {request("r", 1, {"device.attributes[\"driver\"].none == 1"})});
    EXPECT_EQ(cluster.outcome(),
              "error: claim default/claim: selector #0 on device driver/pool/a: CEL "
              "runtime error: no such key: none (use has(), or .? with orValue(), "
              "for what a device may lack)");
    cluster = with({device("a")}, {request("r", 1, {"nonsense"})});
    EXPECT_TRUE(cluster.outcome().starts_with(
        "error: claim default/claim: selector #0: CEL compile error: compilation failed: ERROR: "
        "<input>:1:1: undeclared reference to 'nonsense'"));
}

TEST(Allocator, DoesNotLookAtDevicesBehindTheSolution) {
    auto cluster = with({device("a", {{"n", std::int64_t{1}}}), device("b")},
                        {request("r", 1, {"device.attributes[\"driver\"].n == 1"})});
    EXPECT_EQ(cluster.outcome(), "r=a");
}

TEST(Allocator, GivesUpAtTheStepLimit) {
    // Each of four roots has 16 devices with 8 names: no 9 of a root have different ones.
    std::vector<api::SliceDevice> devices;
    for (int i = 0; i < 64; ++i) {
        auto attributes = root(std::to_string(i / 16).c_str());
        attributes["name"] = std::to_string(i % 8 + i / 16 * 8);
        devices.push_back(device("d" + std::to_string(100 + i), std::move(attributes)));
    }
    auto cluster = with(std::move(devices), {request("x", 9)},
                        {match("driver/root"), distinct("driver/name")});
    cluster.options.step_limit = 1000;
    const auto result = cluster.allocate();
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.code(), Code::kDeadlineExceeded);
}

TEST(Allocator, CommitTakesDevicesOutOfReach) {
    auto cluster = with({device("a"), device("b")}, {request("r")});
    auto inventory = Inventory::make(cluster.slices);
    ASSERT_TRUE(inventory.ok());
    Allocator allocator(
        *inventory, [&](std::string_view name) { return &cluster.classes.at(std::string(name)); },
        {});
    const auto* wanted = &cluster.claims[0];
    const auto first = allocator.allocate(cluster.node, std::span(&wanted, 1));
    ASSERT_TRUE(first.ok() && *first);
    allocator.commit(**first);
    const auto second = allocator.allocate(cluster.node, std::span(&wanted, 1));
    ASSERT_TRUE(second.ok() && *second);
    EXPECT_EQ((**second)[0].results[0].device, "b");
}

TEST(AllocationResult, IsTheApiObject) {
    auto cluster = with({device("dra0")}, {request("req-cloud-net-1")});
    const auto result = cluster.allocate();
    ASSERT_TRUE(result.ok() && *result);
    EXPECT_EQ(
        to_text(api::to_json((**result)[0])),
        R"({"devices":{"results":[{"device":"dra0","driver":"driver","pool":"pool",)"
        R"("request":"req-cloud-net-1"}]},"nodeSelector":{"nodeSelectorTerms":[{"matchFields":)"
        R"([{"key":"metadata.name","operator":"In","values":["node-1"]}]}]}})");
}

TEST(AllocationResult, MergesNodeSelectorsOfSharedDevices) {
    auto cluster = with({device("a"), device("b")}, {request("r", 2)});
    cluster.slices[0].node_name.reset();
    cluster.slices[0].node_selector = api::NodeSelector{{{{{"region", "In", {"region-1"}}}, {}}}};
    const auto result = cluster.allocate();
    ASSERT_TRUE(result.ok() && *result);
    EXPECT_EQ((**result)[0].node_selector, cluster.slices[0].node_selector);
    cluster.slices[0].node_selector.reset();
    cluster.slices[0].all_nodes = true;
    const auto everywhere = cluster.allocate();
    ASSERT_TRUE(everywhere.ok() && *everywhere);
    EXPECT_FALSE((**everywhere)[0].node_selector);
}

TEST(AllocationResult, CollectsConfigurationOfClassesThenOfTheClaim) {
    auto cluster = with({device("a"), device("b"), device("c")},
                        {request("x"), request("y"), first_of("z", {alternative("s")})});
    cluster.classes["class"].config = {{{}, api::OpaqueConfig{"driver", {{"from", "class"}}}}};
    cluster.claims[0].devices.config = {{{"y"}, api::OpaqueConfig{"driver", {{"from", "y"}}}},
                                        {{"z/s"}, api::OpaqueConfig{"driver", {{"from", "z"}}}},
                                        {{"z/t"}, api::OpaqueConfig{"driver", {{"from", "t"}}}},
                                        {{}, api::OpaqueConfig{"driver", {{"from", "all"}}}}};
    const auto result = cluster.allocate();
    ASSERT_TRUE(result.ok() && *result);
    const auto config = api::to_json((**result)[0])["devices"]["config"];
    ASSERT_EQ(config.size(), 4u);
    EXPECT_EQ(config[0], Json::parse(R"({"source":"FromClass","requests":["x","y","z/s"],
        "opaque":{"driver":"driver","parameters":{"from":"class"}}})"));
    EXPECT_EQ(config[1]["requests"], Json::array({"y"}));
    EXPECT_EQ(config[2]["requests"], Json::array({"z/s"}));
    EXPECT_FALSE(config[3].contains("requests"));
    EXPECT_EQ(config[3]["source"], "FromClaim");
}

}  // namespace
}  // namespace knd::alloc
