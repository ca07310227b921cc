// SPDX-License-Identifier: Apache-2.0
//
// Rules of the search and its results that have no better place: one test each.
#include <gtest/gtest.h>

#include "tests/unit/alloc/cluster.hpp"

namespace knd::alloc {
namespace {

Cluster with(std::vector<api::SliceDevice> devices, std::vector<api::DeviceRequest> requests,
             std::vector<api::DeviceConstraint> constraints = {}) {
    Cluster out;
    out.slices = {slice("s", std::move(devices))};
    out.claims = {claim(std::move(requests), std::move(constraints))};
    return out;
}

api::SliceDevice valued(std::string name, AttributeValue value) {
    return device(std::move(name), {{"a", std::move(value)}});
}

api::DeviceRequest administrated(std::string name) {
    auto out = request(std::move(name));
    out.exactly->admin_access = true;
    return out;
}

api::AllocationResult first_result(const Cluster& cluster) {
    const auto result = cluster.allocate();
    return result.ok() && *result ? (**result)[0] : api::AllocationResult();
}

// --- order ---------------------------------------------------------------------------------------

TEST(Order, OfPoolsIsThatOfDriversThenNames) {
    Cluster cluster;
    cluster.add_class("class", "true");
    cluster.slices = {slice("1", {device("x")}, "p", "b"), slice("2", {device("y")}, "q", "a"),
                      slice("3", {device("z")}, "p", "a")};
    cluster.claims = {claim({request("r", 3)})};
    EXPECT_EQ(cluster.outcome(), "r=z r=y r=x");
}

TEST(Order, OfPoolsIsThatOfBytes) {
    Cluster cluster;
    cluster.slices = {slice("1", {device("x")}, "a"), slice("2", {device("y")}, "B"),
                      slice("3", {device("z")}, "a-1")};
    cluster.claims = {claim({request("r", 3)})};
    EXPECT_EQ(cluster.outcome(), "r=y r=x r=z");
}

TEST(Order, OfSlicesIsThatOfTheirNames) {
    Cluster cluster;
    cluster.slices = {slice("b", {device("x")}), slice("a", {device("y")}),
                      slice("a0", {device("z")})};
    for (auto& one : cluster.slices)
        one.pool.slice_count = 3;
    cluster.claims = {claim({request("r", 3)})};
    EXPECT_EQ(cluster.outcome(), "r=y r=z r=x");
}

TEST(Order, OfDevicesIsThatOfTheSlice) {
    EXPECT_EQ(with({device("z"), device("a")}, {request("r", 2)}).outcome(), "r=z r=a");
}

TEST(Order, BeginsAnewForEachRequest) {
    const auto two = std::vector{valued("a", std::int64_t{1}), valued("b", std::int64_t{2})};
    EXPECT_EQ(with(two, {request("x", 1, {"device.attributes['driver'].a == 2"}), request("y")})
                  .outcome(),
              "x=b y=a");
}

TEST(Order, TriesCombinationsOnly) {
    std::vector<api::SliceDevice> devices;
    for (int i = 0; i < 12; ++i)
        devices.push_back(valued("d" + std::to_string(i), std::int64_t{i}));
    auto cluster = with(devices, {request("r", 6), request("q", 1, {"false"})});
    // A constraint of nothing, with which nothing is left out that Kubernetes would try.
    cluster.claims[0].devices.constraints = {{{"none"}, std::nullopt, "driver/a"}};
    cluster.options.compat = true;
    cluster.options.step_limit = 100'000;  // there are 924 of them, and 665,280 orders
    EXPECT_EQ(cluster.outcome(), "no");
}

TEST(Order, OfChecksHasUseBeforeSelectors) {
    auto cluster = with({device("a"), valued("b", std::int64_t{1})},
                        {request("r", 1, {"device.attributes['driver'].a == 1"})});
    cluster.allocated.devices.insert({"driver", "pool", "a"});
    EXPECT_EQ(cluster.outcome(), "r=b") << "the selector fails on a";
}

TEST(Order, OfChecksHasTaintsBeforeConstraints) {
    auto tainted = valued("b", std::int64_t{2});
    tainted.taints = {{"k", "", "NoSchedule", ""}};
    auto cluster = with({valued("a", std::int64_t{1}), tainted}, {all("r")}, {match("driver/a")});
    EXPECT_EQ(cluster.outcome(), "no") << "a constraint that fails is an error";
    cluster.options.features.device_taints = false;
    EXPECT_TRUE(cluster.outcome().starts_with("error: "));
}

TEST(Order, OfSelectorsHasThoseOfTheClassFirst) {
    auto cluster = with({valued("a", std::int64_t{1})},
                        {request("r", 1, {"device.attributes['driver'].a == 1"})});
    cluster.slices.push_back(slice("other", {device("x")}, "pool", "another"));
    EXPECT_EQ(cluster.outcome(), "r=a") << "the request's fails on x";
}

// --- errors --------------------------------------------------------------------------------------

TEST(Refusals, NameTheSubrequestWhoseCapacityIsOff) {
    auto sub = alternative("s");
    sub.capacity["c"] = Quantity(1);
    auto cluster = with({device("a")}, {first_of("r", {sub})});
    cluster.options.features.consumable_capacity = false;
    EXPECT_EQ(cluster.outcome(),
              "error: claim default/claim, subrequest s: has capacity requests, but the "
              "DRAConsumableCapacity feature is disabled");
}

TEST(Refusals, NameAClaimWithoutANamespaceAlone) {
    auto cluster = with({device("a")}, {request("r")});
    cluster.claims[0].meta.ns.clear();
    cluster.claims[0].devices.requests[0].exactly->device_class = "";
    EXPECT_TRUE(cluster.outcome().starts_with("error: claim claim, request r: missing"));
}

TEST(Refusals, OfARequestWithoutAnyBodySayThatItsClassIsMissing) {
    auto cluster = with({device("a")}, {request("r")});
    cluster.claims[0].devices.requests[0].exactly.reset();
    EXPECT_EQ(cluster.outcome(),
              "error: claim default/claim, request r: missing device class name (unsupported "
              "request type?)");
}

TEST(Refusals, OfClassSelectorsNameTheClass) {
    auto cluster = with({device("a")}, {request("r")});
    cluster.add_class("class", "device.attributes['driver'].none");
    EXPECT_TRUE(
        cluster.outcome().starts_with("error: class class: selector #0 on device driver/pool/a: "));
}

TEST(Refusals, CountTheSmallestAlternativeAgainstTheLimit) {
    EXPECT_TRUE(with({}, {first_of("r", {alternative("s", 40), alternative("t", 33)})})
                    .outcome()
                    .ends_with("adding 33 devices exceeds the claim limit of 32, with 0 already "
                               "accounted for"));
}

TEST(Refusals, OfACancelledSearchSaySo) {
    // It asks now and then, and the more of them are in use the longer it takes.
    std::vector<api::SliceDevice> devices;
    for (int i = 0; i < 5000; ++i)
        devices.push_back(device("d" + std::to_string(i)));
    auto cluster = with(devices, {request("r")});
    for (const auto& each : devices)
        cluster.allocated.devices.insert({"driver", "pool", each.name});
    cluster.options.cancelled = [] { return true; };
    EXPECT_EQ(cluster.outcome(), "error: filter operation aborted: cancelled");
}

// --- all -----------------------------------------------------------------------------------------

TEST(All, IncludesDevicesInUseForAdministrators) {
    auto request = all("r");
    request.exactly->admin_access = true;
    auto cluster = with({device("a"), device("b")}, {request});
    cluster.allocated.devices.insert({"driver", "pool", "a"});
    EXPECT_EQ(cluster.outcome(), "r=a r=b");
}

TEST(All, FailsOnATaintWithoutAnError) {
    auto tainted = device("a");
    tainted.taints = {{"key", "", "NoSchedule", ""}};
    EXPECT_EQ(with({tainted}, {all("r")}).outcome(), "no");
}

TEST(All, LooksAtEveryDeviceBeforeTheSearch) {
    auto cluster =
        with({valued("a", std::int64_t{1}), device("b")},
             {request("q", 1, {"false"}), all("r", {"device.attributes['driver'].a == 1"})});
    EXPECT_TRUE(
        cluster.outcome().starts_with("error: claim default/claim: selector #0 on device "
                                      "driver/pool/b: CEL runtime error: "));
}

TEST(All, OfAnAlternativeGivesWayToTheNextOne) {
    auto every = alternative("s");
    every.allocation_mode = "All";
    auto cluster = with({device("a"), device("b")}, {first_of("r", {every, alternative("t")})});
    cluster.allocated.devices.insert({"driver", "pool", "a"});
    EXPECT_EQ(cluster.outcome(), "r/t=b");
}

// --- admin access --------------------------------------------------------------------------------

TEST(AdminAccess, KeepsLaterRequestsFromTheDevice) {
    EXPECT_EQ(with({device("a"), device("b")}, {administrated("x"), request("y")}).outcome(),
              "x=a y=b");
}

TEST(AdminAccess, SharesADeviceBetweenClaims) {
    auto cluster = with({device("a")}, {administrated("x")});
    cluster.claims.push_back(claim({administrated("y")}));
    EXPECT_EQ(cluster.outcome(), "x=a; y=a");
}

TEST(AdminAccess, DoesNotPassByTaints) {
    auto tainted = device("a");
    tainted.taints = {{"key", "", "NoExecute", ""}};
    EXPECT_EQ(with({tainted}, {administrated("x")}).outcome(), "no");
}

TEST(AdminAccess, IsRecordedInTheResult) {
    EXPECT_TRUE(first_result(with({device("a")}, {administrated("x")})).results.at(0).admin_access);
}

// --- binding conditions --------------------------------------------------------------------------

TEST(BindingConditions, KeepDevicesAwayWhenTheFeatureIsOff) {
    auto bound = device("a");
    bound.binding_conditions = {"ready"};
    auto cluster = with({bound, device("b")}, {request("r")});
    EXPECT_EQ(cluster.outcome(), "r=a");
    cluster.options.features.device_binding = false;
    EXPECT_EQ(cluster.outcome(), "r=b");
}

TEST(BindingConditions, AreCopiedIntoTheResult) {
    auto bound = device("a");
    bound.binding_conditions = {"ready"};
    bound.binding_failure_conditions = {"broken"};
    const auto result = first_result(with({bound}, {request("r")})).results.at(0);
    EXPECT_EQ(result.binding_conditions, std::vector<std::string>{"ready"});
    EXPECT_EQ(result.binding_failure_conditions, std::vector<std::string>{"broken"});
}

// --- the limit of 32 -----------------------------------------------------------------------------

TEST(Limit, IsThatOfEachClaim) {
    std::vector<api::SliceDevice> devices;
    for (int i = 0; i < 40; ++i)
        devices.push_back(device("d" + std::to_string(i)));
    auto cluster = with(devices, {request("r", 20)});
    cluster.claims.push_back(cluster.claims[0]);
    EXPECT_TRUE(cluster.outcome().ends_with("r=d39"));
}

// --- constraints ---------------------------------------------------------------------------------

TEST(Constraints, TakeTheQualifiedNameFirst) {
    const auto both = [](std::string name, std::int64_t plain, std::int64_t qualified) {
        return device(std::move(name), {{"a", plain}, {"driver/a", qualified}});
    };
    EXPECT_EQ(with({both("x", 1, 1), both("y", 1, 2), both("z", 2, 1)}, {request("r", 2)},
                   {match("driver/a")})
                  .outcome(),
              "r=x r=z");
}

TEST(Constraints, DoNotTakeUnqualifiedNamesOfOtherDomains) {
    EXPECT_EQ(with({valued("x", std::int64_t{1})}, {request("r")}, {match("other/a")}).outcome(),
              "no");
}

TEST(Constraints, NeedAQualifiedName) {
    EXPECT_EQ(with({valued("x", std::int64_t{1})}, {request("r")}, {match("a")}).outcome(), "no");
}

TEST(Constraints, CompareTypesAsWell) {
    const auto devices =
        std::vector{valued("x", std::int64_t{1}), valued("y", std::string("1")), valued("z", true)};
    EXPECT_EQ(with(devices, {request("r", 2)}, {match("driver/a")}).outcome(), "no");
    EXPECT_EQ(with(devices, {request("r", 3)}, {distinct("driver/a")}).outcome(), "r=x r=y r=z");
}

TEST(Constraints, OfARequestConcernItsAlternatives) {
    const auto devices = std::vector{valued("x", std::int64_t{1}), valued("y", std::int64_t{2}),
                                     valued("z", std::int64_t{1})};
    const auto requests = std::vector{first_of("r", {alternative("s")}), request("q")};
    EXPECT_EQ(with(devices, requests, {match("driver/a", {"r", "q"})}).outcome(), "r/s=x q=z");
    EXPECT_EQ(with(devices, requests, {match("driver/a", {"r/s", "q"})}).outcome(), "r/s=x q=z");
    EXPECT_EQ(with(devices, requests, {match("driver/a", {"r/t", "q"})}).outcome(), "r/s=x q=y");
}

TEST(Constraints, OfListsWantAValueInCommon) {
    using Ints = std::vector<std::int64_t>;
    auto cluster = with({valued("x", Ints{1, 2}), valued("y", Ints{3}), valued("z", Ints{2, 3})},
                        {request("r", 2)}, {match("driver/a")});
    cluster.options.features.list_attributes = true;
    EXPECT_EQ(cluster.outcome(), "r=x r=z");
    cluster.claims[0].devices.constraints = {distinct("driver/a")};
    EXPECT_EQ(cluster.outcome(), "r=x r=y");
}

TEST(Selectors, HaveNoValueForAListThatIsNotKnown) {
    using Ints = std::vector<std::int64_t>;
    auto cluster = with({valued("x", Ints{1})}, {request("r")});
    EXPECT_EQ(
        cluster.outcome(),
        "error: class class: selector #0 on device driver/pool/x: CEL runtime error: attribute "
        "a: unsupported attribute value");
    cluster.options.features.list_attributes = true;
    EXPECT_EQ(cluster.outcome(), "r=x");
}

TEST(Selectors, HaveNoValueForAnAttributeOfATypeThatIsNotKnown) {
    auto one = valued("x", std::int64_t{1});
    one.unknown_attributes = {"new"};
    auto cluster = with({one, valued("y", std::int64_t{1})}, {request("r")});
    EXPECT_EQ(
        cluster.outcome(),
        "error: class class: selector #0 on device driver/pool/x: CEL runtime error: attribute "
        "new: unsupported attribute value");
    cluster.classes["class"].selectors.clear();
    EXPECT_EQ(cluster.outcome(), "r=x");
    cluster.claims[0].devices.constraints = {match("driver/new")};
    EXPECT_EQ(cluster.outcome(), "no");
    cluster.claims[0].devices.constraints = {match("driver/a")};
    EXPECT_EQ(cluster.outcome(), "r=x");
}

TEST(Constraints, CompareBesideAListThatIsNotKnown) {
    auto one = valued("x", std::int64_t{1});
    one.attributes["Z"] = std::vector<std::int64_t>{2};
    auto cluster =
        with({one, valued("y", std::int64_t{1})}, {request("r", 2)}, {match("driver/a")});
    cluster.classes["class"].selectors.clear();
    EXPECT_EQ(cluster.outcome(), "r=x r=y");
    cluster.claims[0].devices.constraints = {match("driver/Z")};
    EXPECT_EQ(cluster.outcome(), "no");
}

TEST(Constraints, TakeAScalarForAListOfOne) {
    auto cluster =
        with({valued("x", std::int64_t{2}), valued("y", std::vector<std::int64_t>{2, 3})},
             {request("r", 2)}, {match("driver/a")});
    cluster.options.features.list_attributes = true;
    EXPECT_EQ(cluster.outcome(), "r=x r=y");
}

// --- results -------------------------------------------------------------------------------------

TEST(Results, CopyTolerations) {
    auto cluster = with({device("a")}, {request("r")});
    cluster.claims[0].devices.requests[0].exactly->tolerations = {{"k", "Exists", "", "", {}}};
    EXPECT_EQ(first_result(cluster).results.at(0).tolerations.size(), 1u);
}

TEST(Results, BindToTheNodeForADeviceThatAsksForIt) {
    auto binding = device("a");
    binding.binds_to_node = true;
    auto cluster = with({binding}, {request("r")});
    cluster.slices[0].node_name.reset();
    cluster.slices[0].all_nodes = true;
    const auto selector = first_result(cluster).node_selector;
    ASSERT_TRUE(selector);
    EXPECT_EQ(selector->terms.at(0).match_fields.at(0).values, std::vector<std::string>{"node-1"});
}

TEST(Results, RefuseNodeSelectorsOfSeveralTerms) {
    auto cluster = with({device("a")}, {request("r")});
    cluster.slices[0].node_name.reset();
    const api::NodeSelectorTerm here{{{"region", "In", {"region-1"}}}, {}};
    cluster.slices[0].node_selector = api::NodeSelector{{here, here}};
    EXPECT_EQ(cluster.outcome(),
              "error: create NodeSelector for claim claim: unsupported ResourceSlice.NodeSelector "
              "with 2 terms");
}

TEST(Results, NameRequirementsOfSeveralSlicesOnce) {
    Cluster cluster;
    cluster.slices = {slice("1", {device("a")}, "p"), slice("2", {device("b")}, "q")};
    const api::NodeSelectorRequirement region{"region", "In", {"region-1"}};
    const api::NodeSelectorRequirement planet{"planet", "Exists", {}};
    for (auto& one : cluster.slices)
        one.node_name.reset();
    cluster.slices[0].node_selector = api::NodeSelector{{{{region}, {}}}};
    cluster.slices[1].node_selector = api::NodeSelector{{{{region, planet}, {}}}};
    cluster.claims = {claim({request("r", 2)})};
    const auto selector = first_result(cluster).node_selector;
    ASSERT_TRUE(selector);
    EXPECT_EQ(selector->terms.at(0).match_expressions, (std::vector{region, planet}));
}

// --- pools ---------------------------------------------------------------------------------------

api::SliceDevice counted(std::string name, std::string set = "set") {
    auto out = device(std::move(name));
    out.consumes_counters = {{std::move(set), {{"memory", Quantity(1)}}, {}}};
    return out;
}

Cluster counted_pool(std::vector<api::SliceDevice> devices) {
    Cluster out;
    auto counters = slice("counters", {});
    counters.shared_counters = {{"set", {{"memory", Quantity(2)}}}};
    out.slices = {counters, slice("devices", std::move(devices))};
    for (auto& one : out.slices)
        one.pool.slice_count = 2;
    out.claims = {claim({request("r")})};
    return out;
}

TEST(PoolRules, MoreSlicesThanThePoolHasAreAnIncompletePool) {
    Cluster cluster;
    cluster.slices = {slice("1", {device("a")}), slice("2", {device("b")})};
    cluster.claims = {claim({request("r")})};
    EXPECT_EQ(cluster.outcome(), "no");
}

TEST(PoolRules, ACounterSetOfTwoSlicesMakesThePoolInvalid) {
    auto cluster = counted_pool({device("a")});
    cluster.slices.push_back(cluster.slices[0]);
    cluster.slices[2].meta.name = "again";
    for (auto& one : cluster.slices)
        one.pool.slice_count = 3;
    EXPECT_EQ(cluster.outcome(), "error: invalid resource pools were encountered");
}

TEST(PoolRules, AnUnknownCounterMakesThePoolInvalidAlsoOnOtherNodes) {
    auto cluster = counted_pool({device("a")});
    cluster.slices.push_back(slice("other", {counted("b", "none")}));
    cluster.slices[2].node_name = "node-2";
    for (auto& one : cluster.slices)
        one.pool.slice_count = 3;
    EXPECT_EQ(cluster.outcome(), "error: invalid resource pools were encountered");
}

TEST(PoolRules, ACounterThatItsSetLacksMakesThePoolInvalid) {
    auto odd = counted("a");
    odd.consumes_counters[0].counters = {{"cpu", Quantity(1)}};
    EXPECT_EQ(counted_pool({odd}).outcome(), "error: invalid resource pools were encountered");
}

TEST(PoolRules, SlicesForPartitionsAreSkippedWhenTheFeatureIsOff) {
    auto cluster = counted_pool({device("a")});
    cluster.options.features.partitionable_devices = false;
    EXPECT_EQ(cluster.outcome(), "r=a") << "all slices of the cluster make the pool complete";
    auto per_device = device("a");
    per_device.all_nodes = true;
    cluster.slices = {slice("s", {per_device})};
    cluster.slices[0].node_name.reset();
    cluster.slices[0].per_device_node_selection = true;
    EXPECT_EQ(cluster.outcome(), "no");
}

TEST(PoolRules, DevicesWithCountersAreOutOfReachWhenTheFeatureIsOff) {
    auto cluster = counted_pool({counted("a"), device("b")});
    cluster.options.features.partitionable_devices = false;
    EXPECT_EQ(cluster.outcome(), "r=b");
}

TEST(PoolRules, FieldsOfTheNodeAreMatchedAsWell) {
    auto cluster = with({device("a")}, {request("r")});
    cluster.slices[0].node_name.reset();
    const auto only = [](std::string name) {
        return api::NodeSelector{{{{}, {{"metadata.name", "In", {std::move(name)}}}}}};
    };
    cluster.slices[0].node_selector = only("node-1");
    EXPECT_EQ(cluster.outcome(), "r=a");
    cluster.slices[0].node_selector = only("node-2");
    EXPECT_EQ(cluster.outcome(), "no");
}

TEST(CounterRules, WhatHasVanishedHoldsNothing) {
    auto cluster = counted_pool({counted("a")});
    cluster.allocated.devices = {{"driver", "pool", "x"}, {"driver", "pool", "y"}};
    EXPECT_EQ(cluster.outcome(), "r=a");
}

TEST(CounterRules, OneThatIsOverdrawnStopsDevicesThatDoNotUseIt) {
    auto cluster = counted_pool({counted("a"), counted("b"), counted("c"), counted("d")});
    cluster.slices[0].shared_counters[0].counters["cores"] = Quantity(1);
    for (auto& one : cluster.slices[1].devices)
        if (one.name != "d") one.consumes_counters[0].counters = {{"cores", Quantity(1)}};
    cluster.allocated.devices = {{"driver", "pool", "a"}, {"driver", "pool", "b"}};
    EXPECT_EQ(cluster.outcome(), "no");
}

TEST(CounterRules, SharesOfOneDevicePayOnce) {
    auto shared = counted("a");
    shared.allow_multiple_allocations = true;
    auto cluster = counted_pool({shared});
    cluster.claims = {claim({request("x"), request("y"), request("z")})};
    EXPECT_EQ(cluster.outcome(), "x=a y=a z=a");
}

}  // namespace
}  // namespace knd::alloc
