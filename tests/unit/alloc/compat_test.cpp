// SPDX-License-Identifier: Apache-2.0
//
// Where Kubernetes is known to be wrong: right by default, equal to it under Options::compat.
#include <gtest/gtest.h>

#include "tests/unit/alloc/cluster.hpp"

namespace knd::alloc {
namespace {

api::SliceDevice in(std::string name, std::int64_t value) {
    return device(std::move(name), {{"group", value}});
}

/// Devices of groups 1, 2, 1 and one claim.
Cluster groups(api::ResourceClaim one) {
    Cluster out;
    out.slices = {slice("s", {in("a", 1), in("b", 2), in("c", 1)})};
    out.claims = {std::move(one)};
    return out;
}

TEST(Compat, ComparesDistinctDevicesOfOneRequestWithTheLastOneOnly) {
    auto cluster = groups(claim({request("r", 3)}, {distinct("driver/group")}));
    EXPECT_EQ(cluster.outcome(), "no");
    cluster.options.compat = true;
    EXPECT_EQ(cluster.outcome(), "r=a r=b r=c");
}

TEST(Compat, ForgetsTheValuesThatListsHadInCommonBeforeAStepBack) {
    const auto list = [](std::string name, std::vector<std::int64_t> values) {
        return device(std::move(name), {{"nodes", std::move(values)}});
    };
    // a, b leave {2}; no third device has it. Then a, c leave {1}, and d completes it.
    Cluster cluster;
    cluster.slices = {
        slice("s", {list("a", {1, 2}), list("b", {2}), list("c", {1}), list("d", {1})})};
    cluster.claims = {claim({request("r", 3)}, {match("driver/nodes")})};
    cluster.options.features.list_attributes = true;
    EXPECT_EQ(cluster.outcome(), "r=a r=c r=d");
    cluster.options.compat = true;
    EXPECT_EQ(cluster.outcome(), "no");
}

std::size_t claim_configs(bool compat) {
    Cluster cluster;
    cluster.slices = {slice("s", {device("a"), device("b")})};
    auto one = claim({request("r"), request("q")});
    one.devices.config = {{{"r", "q"}, api::OpaqueConfig{"driver", Json::object()}}};
    cluster.claims = {one};
    cluster.options.compat = compat;
    const auto result = cluster.allocate();
    return result.ok() && *result ? (**result)[0].config.size() : 0;
}

TEST(Compat, RepeatsAClaimsConfigurationForEachRequestThatItNames) {
    EXPECT_EQ(claim_configs(false), 1u);
    EXPECT_EQ(claim_configs(true), 2u);
}

/// "8 3G", say: what the claim's shares consume.
std::string consumed(const Cluster& cluster) {
    const auto result = cluster.allocate();
    if (!result.ok() || !*result) return "nothing";
    std::string out;
    for (const auto& item : (**result)[0].results)
        out += (out.empty() ? "" : " ") + item.consumed_capacity.at("memory").text();
    return out;
}

/// A device of 4 GiB, shared under a policy that has nothing against any amount; two requests.
Cluster shared_memory(const char* first, const char* second) {
    auto one = device("a");
    one.allow_multiple_allocations = true;
    auto& memory = one.capacity["memory"];
    memory.value = *Quantity::parse("4Gi");
    memory.request_policy.emplace().default_value = Quantity(8);
    Cluster out;
    out.slices = {slice("s", {one})};
    out.claims = {claim({request("r"), all("q")})};
    auto& requests = out.claims[0].devices.requests;
    if (*first != 0) requests[0].exactly->capacity["memory"] = *Quantity::parse(first);
    requests[1].exactly->capacity["memory"] = *Quantity::parse(second);
    return out;
}

// Right is what the request says. Kubernetes' sum shares the digits of a big decimal with it.
TEST(Compat, AddsWhatADeviceHasGivenToTheBigDecimalThatIsAskedOfIt) {
    auto cluster = shared_memory("", "1.5Gi");
    EXPECT_EQ(consumed(cluster), "8 1536Mi");
    cluster.options.compat = true;
    EXPECT_EQ(consumed(cluster), "8 1610612744");
    cluster.options.features.kubernetes_minor = 37;
    EXPECT_EQ(consumed(cluster), "8 1536Mi");
}

TEST(Compat, AddsNothingToAnAmountThatIsNoBigDecimal) {
    auto cluster = shared_memory("", "1536Mi");
    cluster.options.compat = true;
    EXPECT_EQ(consumed(cluster), "8 1536Mi");
}

TEST(Compat, ComparesARequestOfANumberOfDevicesTwiceBeforeItGetsOne) {
    auto cluster = shared_memory("", "1.5Gi");
    cluster.claims[0].devices.requests[1].exactly->allocation_mode = "ExactCount";
    cluster.options.compat = true;
    EXPECT_EQ(consumed(cluster), "8 1610612752");
}

TEST(Compat, HasNoRoomForWhatHasGrownTooLarge) {
    auto cluster = shared_memory("1.5Gi", "1.5Gi");
    cluster.claims[0].devices.requests[1].exactly->allocation_mode = "ExactCount";
    EXPECT_EQ(consumed(cluster), "1536Mi 1536Mi");
    cluster.options.compat = true;
    EXPECT_EQ(consumed(cluster), "nothing");
}

TEST(Compat, SaysErrorsOfSelectorsInKubernetesWords) {
    Cluster cluster;
    cluster.slices = {slice("s", {device("a")})};
    cluster.claims = {claim({request("r", 1, {"device.attributes['driver'].x == 1"})})};
    cluster.options.compat = true;
    EXPECT_EQ(cluster.outcome(),
              "error: claim default/claim: selector #0: CEL runtime error: no such key: x");
}

TEST(Compat, Of134TakesDevicesFromPoolsThatAreBeingUpdated) {
    Cluster cluster;
    cluster.slices = {slice("s", {device("a")})};
    cluster.slices[0].pool.slice_count = 2;
    cluster.claims = {claim({request("r")})};
    cluster.options.compat = true;
    EXPECT_EQ(cluster.outcome(), "no");
    cluster.options.features.kubernetes_minor = 34;
    EXPECT_EQ(cluster.outcome(), "r=a");
}

TEST(Compat, OfTheStableVariantKnowsNoDistinctAttribute) {
    auto cluster = groups(claim({request("r", 2)}, {distinct("driver/group")}));
    cluster.options.compat = true;
    cluster.options.variant = Variant::kStable;
    EXPECT_EQ(cluster.outcome(),
              "error: claim default/claim, constraint #0: empty constraint (unsupported constraint "
              "type?)");
}

Features features(int minor, void (*change)(Features&) = nullptr) {
    Features out;
    out.kubernetes_minor = minor;
    if (change != nullptr) change(out);
    return out;
}

constexpr auto kOnlyTaints = [](Features& it) {
    it = {it.kubernetes_minor, false, false, false, true, false, false, false};
};
constexpr auto kNothing = [](Features& it) {
    it = {it.kubernetes_minor, false, false, false, false, false, false, false};
};
constexpr auto kLists = [](Features& it) { it.list_attributes = true; };
constexpr auto kFractions = [](Features& it) {
    kNothing(it);
    it.fractional_range = true;
};
constexpr auto kGroups = [](Features& it) { it.compatibility_groups = true; };
constexpr auto kDerived = [](Features& it) { it.derived_attributes = true; };
constexpr auto kOperations = [](Features& it) { it.optional_node_operations = true; };

TEST(Variant, IsTheMostStableOneThatKnowsTheFeatures) {
    EXPECT_EQ(variant_for(features(33)), Variant::kStable);
    EXPECT_EQ(variant_for(features(34, kNothing)), Variant::kStable);
    EXPECT_EQ(variant_for(features(34, kOnlyTaints)), Variant::kIncubating);
    EXPECT_EQ(variant_for(features(35)), Variant::kExperimental);
    EXPECT_EQ(variant_for(features(36, kOnlyTaints)), Variant::kStable);
    EXPECT_EQ(variant_for(features(36)), Variant::kIncubating);
    EXPECT_EQ(variant_for(features(36, kLists)), Variant::kExperimental);
    EXPECT_EQ(variant_for(features(37, kFractions)), Variant::kIncubating);
    for (const auto newest : {+kGroups, +kDerived, +kOperations})
        EXPECT_EQ(variant_for(features(37, newest)), Variant::kExperimental);
}

}  // namespace
}  // namespace knd::alloc
