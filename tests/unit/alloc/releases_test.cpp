// SPDX-License-Identifier: Apache-2.0
//
// What releases before 1.36 and the stable implementation decide otherwise, and what is new
// in 1.37.
#include <gtest/gtest.h>

#include "tests/unit/alloc/cluster.hpp"

namespace knd::alloc {
namespace {

/// One claim in a cluster of that release; what is asked of an old one is to be equal.
Cluster of(int minor, std::vector<api::SliceDevice> devices,
           std::vector<api::DeviceRequest> requests) {
    Cluster out;
    out.slices = {slice("s", std::move(devices))};
    out.claims = {claim(std::move(requests))};
    out.options.features.kubernetes_minor = minor;
    out.options.compat = minor < 37;
    return out;
}

api::SliceDevice tainted(std::string name, std::string effect) {
    auto out = device(std::move(name));
    out.taints = {{"key", "", std::move(effect), ""}};
    return out;
}

api::SliceDevice partition(std::string name, std::vector<std::string> groups = {}) {
    auto out = device(std::move(name));
    out.consumes_counters = {{"set", {{"memory", Quantity(1)}}, std::move(groups)}};
    return out;
}

/// All in one slice, as before 1.35, or the counters apart.
Cluster partitioned(int minor, std::int64_t memory, std::vector<api::SliceDevice> devices,
                    std::int64_t count) {
    auto out = of(minor, std::move(devices), {request("r", count)});
    const std::vector<api::CounterSet> sets = {{"set", {{"memory", Quantity(memory)}}}};
    if (minor < 35) {
        out.slices[0].shared_counters = sets;
        return out;
    }
    out.slices.push_back(slice("counters", {}));
    out.slices[1].shared_counters = sets;
    for (auto& one : out.slices)
        one.pool.slice_count = 2;
    return out;
}

TEST(Release134, CountsPerSlice) {
    EXPECT_EQ(partitioned(34, 1, {partition("a"), partition("b")}, 1).outcome(), "r=a");
    EXPECT_EQ(partitioned(34, 1, {partition("a"), partition("b")}, 2).outcome(), "no");
    auto apart = partitioned(36, 0, {partition("a")}, 1);
    apart.options.features.kubernetes_minor = 34;
    EXPECT_EQ(apart.outcome(), "r=a") << "counters of another slice do not count";
}

TEST(Release134, ChecksAllCountersForADeviceThatConsumesUnknownOnes) {
    auto lost = partition("b");
    lost.consumes_counters[0].counter_set = "nowhere";
    auto cluster = partitioned(34, 0, {partition("a"), lost}, 1);
    EXPECT_EQ(cluster.outcome(), "r=b");
    cluster.allocated.devices = {{"driver", "pool", "a"}};
    EXPECT_EQ(cluster.outcome(), "no");
}

TEST(Release134, BlamesARequestForTheCapacityOfItsAlternative) {
    auto sub = alternative("s");
    sub.capacity["c"] = Quantity(1);
    auto cluster = of(34, {device("a")}, {first_of("r", {sub})});
    cluster.options.features.consumable_capacity = false;
    cluster.options.features.device_binding = true;
    EXPECT_EQ(cluster.outcome(),
              "error: claim default/claim, request r: has capacity requests, but the "
              "DRAConsumableCapacity feature is disabled");
}

TEST(Release134, EndsAtAnInvalidPool) {
    auto cluster = of(34, {device("a"), device("a")}, {request("r")});
    cluster.slices.push_back(slice("t", {device("b")}, "zzz"));
    EXPECT_EQ(cluster.outcome(), "error: pool pool is invalid: duplicate device name a");
    cluster.slices[1].pool.name = "aaa";
    EXPECT_EQ(cluster.outcome(), "r=b") << "found before the search comes to the invalid pool";
}

TEST(Release134, DoesNotLookForNewerGenerationsElsewhere) {
    auto cluster = of(34, {device("a")}, {request("r")});
    cluster.slices[0].pool.slice_count = 2;
    cluster.slices.push_back(slice("t", {device("b")}));
    cluster.slices[1].node_name = "node-2";
    cluster.slices[1].pool.generation = 2;
    EXPECT_EQ(cluster.outcome(), "r=a");
    cluster.options.features.kubernetes_minor = 35;
    EXPECT_EQ(cluster.outcome(), "no");
}

TEST(Release134, HeedsTaintsOfEveryEffect) {
    EXPECT_EQ(of(34, {tainted("a", "None")}, {request("r")}).outcome(), "no");
    EXPECT_EQ(of(35, {tainted("a", "None")}, {request("r")}).outcome(), "r=a");
}

TEST(Release134, TakesEqualValuesOfTwoDevicesForDistinct) {
    const auto same = [](std::string name) {
        return device(std::move(name), {{"a", std::int64_t{1}}});
    };
    auto cluster = of(34, {same("a"), same("b")}, {request("x"), request("y")});
    cluster.claims[0].devices.constraints = {distinct("driver/a")};
    EXPECT_EQ(cluster.outcome(), "x=a y=b");
    cluster.options.features.kubernetes_minor = 35;
    EXPECT_EQ(cluster.outcome(), "no");
}

TEST(Release134, DropsTolerations) {
    auto cluster = of(34, {device("a")}, {request("r")});
    cluster.claims[0].devices.requests[0].exactly->tolerations = {{"k", "Exists", "", "", {}}};
    const auto result = cluster.allocate();
    ASSERT_TRUE(result.ok() && *result);
    EXPECT_TRUE((**result)[0].results[0].tolerations.empty());
}

TEST(Release134, NamesRequestsOfClassConfigurationsAsLaterOnesDo) {
    auto cluster = of(34, {device("a"), device("b")}, {request("x"), request("y")});
    cluster.classes["class"].config = {{{}, api::OpaqueConfig{"driver", Json::object()}}};
    const auto result = cluster.allocate();
    ASSERT_TRUE(result.ok() && *result);
    ASSERT_EQ((**result)[0].config.size(), 1u);
    EXPECT_EQ((**result)[0].config[0].config.requests, (std::vector<std::string>{"x", "y"}));
}

TEST(Release135, CountsPoolsOfOneNameTogether) {
    auto cluster = partitioned(35, 1, {partition("a")}, 2);
    for (auto copy : {cluster.slices[0], cluster.slices[1]}) {
        copy.driver = "driver2";
        copy.shared_counters.clear();
        if (copy.devices.empty()) copy.shared_counters = {{"set", {{"memory", Quantity(9)}}}};
        cluster.slices.push_back(copy);
    }
    cluster.add_class("class", "true");
    EXPECT_EQ(cluster.outcome(), "no") << "the 9 of the second driver stand for nothing";
    cluster.options.compat = false;
    EXPECT_EQ(cluster.outcome(), "r=a r=a");
}

TEST(Release135, LosesTheCountersOfATaintedDevice) {
    auto bad = partition("a");
    bad.taints = {{"key", "", "NoSchedule", ""}};
    EXPECT_EQ(partitioned(35, 1, {bad, partition("b")}, 1).outcome(), "no");
    EXPECT_EQ(partitioned(36, 1, {bad, partition("b")}, 1).outcome(), "r=b");
}

TEST(Release135, TakesSlicesInTheOrderInWhichTheyCome) {
    const auto outcome = [](int minor) {
        auto cluster = of(minor, {device("a")}, {request("r")});
        cluster.slices.insert(cluster.slices.begin(), slice("z", {device("b")}));
        for (auto& one : cluster.slices)
            one.pool.slice_count = 2;
        return cluster.outcome();
    };
    EXPECT_EQ(outcome(35), "r=b");
    EXPECT_EQ(outcome(36), "r=a");
}

TEST(Release135, TakesASharedDeviceAgainInOneRequest) {
    auto shared = device("a");
    shared.allow_multiple_allocations = true;
    EXPECT_EQ(of(35, {shared}, {request("r", 2)}).outcome(), "r=a r=a");
    EXPECT_EQ(of(36, {shared}, {request("r", 2)}).outcome(), "no");
}

/// For `r` and `q`: d, which q needs, a, which is shared and has all of the counter, b and c.
Cluster shared_partition(int minor, bool with_capacity) {
    auto shared = partition("a");
    shared.allow_multiple_allocations = true;
    if (with_capacity) shared.capacity["slots"].value = Quantity(8);
    auto out = partitioned(minor, 1, {device("d", {{"wanted", true}}), shared}, 2);
    out.slices[0].devices.insert(out.slices[0].devices.end(), {device("b"), device("c")});
    out.claims[0].devices.requests.push_back(
        request("q", 1, {"'wanted' in device.attributes['driver']"}));
    return out;
}

// Its counters, lost when the share is given back, are paid once and for all.
TEST(Release135, NeverGivesBackAShareOfADeviceWithoutCapacities) {
    EXPECT_EQ(shared_partition(35, false).outcome(), "r=a r=a q=d");
    EXPECT_EQ(shared_partition(35, true).outcome(), "r=b r=c q=d");
    EXPECT_EQ(shared_partition(36, false).outcome(), "r=a r=b q=d");
}

TEST(Release135, GivesASecondAlternativeForAllTheDevicesOfTheFirst) {
    auto first = alternative("s", 1, {"device.driver == 'driver'"});
    auto second = alternative("t", 1, {"false"});
    first.allocation_mode = second.allocation_mode = "All";
    const auto outcome = [&](int minor) {
        auto cluster = of(minor, {tainted("a", "NoSchedule")}, {first_of("r", {first, second})});
        cluster.claims[0].devices.requests[0].first_available[1].tolerations = {
            {"", "Exists", "", "", {}}};
        return cluster.outcome();
    };
    EXPECT_EQ(outcome(35), "r/t=a");
    EXPECT_EQ(outcome(36), "no");
}

TEST(Release135, GoesOnWithTheFirstAlternativeAfterADeviceOfAll) {
    auto every = alternative("t");
    every.allocation_mode = "All";
    const auto requests = std::vector{first_of("r", {alternative("s", 2, {"false"}), every})};
    EXPECT_EQ(of(35, {device("a"), device("b")}, requests).outcome(), "no");
    EXPECT_EQ(of(36, {device("a"), device("b")}, requests).outcome(), "r/t=a r/t=b");
}

// The first alternative, which it goes on with, wants more devices than a claim may have.
TEST(Release135, FailsAfterADeviceOfAllWhereTheFirstAlternativeHasNoPlace) {
    auto every = alternative("t");
    every.allocation_mode = "All";
    auto cluster = of(35, {device("a")}, {first_of("r", {alternative("s", 40), every})});
    EXPECT_EQ(cluster.outcome(), "error: allocation max size exceeded");
    cluster.options.compat = false;
    EXPECT_EQ(cluster.outcome(), "r/t=a");
}

TEST(Stable, TakesSlicesInTheOrderInWhichTheyCome) {
    auto cluster = of(36, {device("a")}, {request("r")});
    cluster.slices.insert(cluster.slices.begin(), slice("z", {device("b")}));
    for (auto& one : cluster.slices)
        one.pool.slice_count = 2;
    cluster.options.variant = Variant::kStable;
    EXPECT_EQ(cluster.outcome(), "r=b");
}

TEST(Stable, DoesNotBindToTheNode) {
    auto binding = device("a");
    binding.binds_to_node = true;
    auto cluster = of(36, {binding}, {request("r")});
    cluster.slices[0].node_name.reset();
    cluster.slices[0].all_nodes = true;
    cluster.options.variant = Variant::kStable;
    const auto result = cluster.allocate();
    ASSERT_TRUE(result.ok() && *result);
    EXPECT_FALSE((**result)[0].node_selector);
}

// --- 1.37 ----------------------------------------------------------------------------------------

TEST(Release137, ClearsAConfigurationThatNamesAllRequests) {
    auto cluster = of(37, {device("a"), device("b")}, {request("x"), request("y")});
    cluster.claims[0].devices.config = {{{"x", "y"}, api::OpaqueConfig{"driver", Json::object()}},
                                        {{"x"}, api::OpaqueConfig{"driver", Json::object()}}};
    const auto result = cluster.allocate();
    ASSERT_TRUE(result.ok() && *result);
    ASSERT_EQ((**result)[0].config.size(), 2u);
    EXPECT_TRUE((**result)[0].config[0].config.requests.empty());
    EXPECT_EQ((**result)[0].config[1].config.requests, std::vector<std::string>{"x"});
}

Cluster capacity(int minor, const char* requested, api::CapacityRange range) {
    auto shared = device("a");
    shared.allow_multiple_allocations = true;
    api::CapacityRequestPolicy policy;
    policy.default_value = range.min;
    policy.valid_range = std::move(range);
    shared.capacity["c"] = {Quantity(10), policy};
    auto out = of(minor, {shared}, {request("r")});
    out.options.compat = false;
    out.claims[0].devices.requests[0].exactly->capacity["c"] = *Quantity::parse(requested);
    return out;
}

std::string consumed(const Cluster& cluster) {
    const auto result = cluster.allocate();
    if (!result.ok()) return result.error().message();
    return *result ? (**result)[0].results[0].consumed_capacity.at("c").text() : "no";
}

TEST(Release137, CallsAnAmountThatCannotBeRoundedAnError) {
    const api::CapacityRange range{Quantity(1), {}, Quantity(1)};
    EXPECT_EQ(consumed(capacity(37, "12345678901234567890", range)),
              "claim default/claim, request r: checking capacity for device driver/pool/a: "
              "capacity \"c\": capacity request cannot be represented in the device's range "
              "arithmetic: request 12345678901234567890 exceeds MaxInt64");
    EXPECT_EQ(consumed(capacity(36, "12345678901234567890", range)), "no");
}

TEST(Release137, AllFailsOnADeviceWithoutRoom) {
    const auto outcome = [](int minor) {
        auto full = device("a");
        full.allow_multiple_allocations = true;
        full.capacity["c"] = {Quantity(4), {}};
        auto cluster = of(minor, {full, device("b")}, {all("r")});
        cluster.allocated.capacity[{"driver", "pool", "a"}]["c"] = Quantity(4);
        return cluster.outcome();
    };
    EXPECT_EQ(outcome(36), "r=b");
    EXPECT_EQ(outcome(37), "no");
}

TEST(FractionalRange, RoundsInMilliUnits) {
    const api::CapacityRange range{Quantity::from_milli(500), {}, Quantity::from_milli(250)};
    auto cluster = capacity(37, "600m", range);
    EXPECT_EQ(consumed(cluster), "1") << "from 500m, which counts as 1, in steps of 1";
    cluster.options.features.fractional_range = true;
    EXPECT_EQ(consumed(cluster), "750m");
}

TEST(CompatibilityGroups, MustBeSharedOnACounterSet) {
    auto cluster = partitioned(37, 9,
                               {partition("a", {"red"}), partition("b", {"blue"}),
                                partition("c", {"blue", "red"}), partition("d", {"blue"})},
                               2);
    cluster.options.features.compatibility_groups = true;
    EXPECT_EQ(cluster.outcome(), "r=a r=c");
    cluster.claims = {claim({request("r", 3)})};
    EXPECT_EQ(cluster.outcome(), "r=b r=c r=d");
}

TEST(CompatibilityGroups, OfNoneGoWithNoneOnly) {
    auto cluster =
        partitioned(37, 9, {partition("a"), partition("b", {"blue"}), partition("c")}, 2);
    cluster.options.features.compatibility_groups = true;
    EXPECT_EQ(cluster.outcome(), "r=a r=c");
}

TEST(CompatibilityGroups, OfAllocatedDevicesCountAsWell) {
    auto cluster = partitioned(
        37, 9, {partition("a", {"red"}), partition("b", {"blue"}), partition("c", {"red"})}, 1);
    cluster.options.features.compatibility_groups = true;
    cluster.allocated.devices.insert({"driver", "pool", "a"});
    EXPECT_EQ(cluster.outcome(), "r=c");
}

TEST(CompatibilityGroups, OfNoneDoNotGoWithAllocatedOnesThatHaveNothingInCommon) {
    auto cluster =
        partitioned(37, 9, {partition("a", {"red"}), partition("b", {"blue"}), partition("c")}, 1);
    cluster.options.features.compatibility_groups = true;
    cluster.allocated.devices = {{"driver", "pool", "a"}, {"driver", "pool", "b"}};
    EXPECT_EQ(cluster.outcome(), "no");
}

TEST(CompatibilityGroups, HideTheirSliceWhenTheFeatureIsOff) {
    EXPECT_EQ(partitioned(37, 9, {partition("a", {"red"}), device("b")}, 1).outcome(), "no");
    EXPECT_EQ(partitioned(36, 9, {partition("a", {"red"}), device("b")}, 1).outcome(), "r=a");
}

TEST(NodeOperations, AreLeftOutWhereTheNodeKnowsHow) {
    auto cluster = of(37, {device("a")}, {request("r")});
    cluster.slices[0].skip_node_operations = {"*"};
    cluster.node.declared_features = {"DRAOptionalNodeOperations"};
    EXPECT_EQ(cluster.outcome(), "no") << "the feature is off";
    cluster.options.features.optional_node_operations = true;
    const auto result = cluster.allocate();
    ASSERT_TRUE(result.ok() && *result);
    EXPECT_EQ((**result)[0].results[0].skip_node_operations, std::vector<std::string>{"*"});
    cluster.node.declared_features.clear();
    EXPECT_EQ(cluster.outcome(), "no");
}

api::DeviceRequest deriving(std::string name, std::string expression) {
    auto out = request(std::move(name));
    out.exactly->derived_attributes = {{"domain/x", std::move(expression)}};
    return out;
}

Cluster deriving(std::vector<api::SliceDevice> devices, const std::string& expression) {
    auto out = of(37, std::move(devices), {deriving("x", expression), deriving("y", expression)});
    out.options.features.derived_attributes = true;
    out.claims[0].devices.constraints = {match("domain/x")};
    return out;
}

api::SliceDevice sized(std::string name, std::int64_t size) {
    return device(std::move(name), {{"size", size}});
}

TEST(DerivedAttributes, AreWhatConstraintsCompare) {
    const auto devices = std::vector{sized("a", 1), sized("b", 2), sized("c", 11)};
    auto cluster = deriving(devices, "device.attributes['driver'].size % 10");
    EXPECT_EQ(cluster.outcome(), "x=a y=c");
    cluster.claims[0].devices.constraints = {distinct("domain/x")};
    EXPECT_EQ(cluster.outcome(), "x=a y=b");
}

TEST(DerivedAttributes, CompareWithAttributesOfDevices) {
    auto cluster = deriving({sized("a", 1), sized("b", 0), sized("c", 11)}, "1");
    auto& requests = cluster.claims[0].devices.requests;
    requests = {deriving("x", "device.attributes['driver'].size + 10"), request("y")};
    requests[0].exactly->derived_attributes[0].name = "driver/size";
    cluster.claims[0].devices.constraints = {match("driver/size")};
    EXPECT_EQ(cluster.outcome(), "x=a y=c");
}

TEST(DerivedAttributes, AreNotSeenBySelectors) {
    auto cluster = deriving({sized("a", 1), sized("b", 1)}, "1");
    EXPECT_EQ(cluster.outcome(), "x=a y=b");
    cluster.claims[0].devices.requests[0].exactly->selectors.emplace_back(
        "device.attributes['domain'].?x.hasValue()");
    EXPECT_EQ(cluster.outcome(), "no");
}

TEST(DerivedAttributes, AreRefusedWhenTheFeatureIsOff) {
    auto cluster = deriving({sized("a", 1)}, "1");
    cluster.options.features.derived_attributes = false;
    EXPECT_EQ(cluster.outcome(),
              "error: claim default/claim, request x: cannot handle request with derived "
              "attributes, the feature is disabled");
}

TEST(DerivedAttributes, ThatFailConcernAllNodes) {
    const auto result = deriving({device("a")}, "device.attributes['driver'].size").allocate();
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.code(), Code::kInvalidArgument) << "not kFailedPrecondition, as of one node";
}

TEST(DerivedAttributes, ThatFailEndTheAllocation) {
    EXPECT_EQ(deriving({device("a")}, "device.attributes['driver'].size").outcome(),
              "error: evaluate derived attribute domain/x on device driver/pool/a failed: no such "
              "key: size");
    EXPECT_TRUE(deriving({device("a")}, "1.5")
                    .outcome()
                    .starts_with("error: compile derived attribute domain/x failed: must evaluate "
                                 "to a primitive scalar"));
}

}  // namespace
}  // namespace knd::alloc
