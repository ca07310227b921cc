// SPDX-License-Identifier: Apache-2.0
//
// Shared counters and consumable capacity.
#include <gtest/gtest.h>

#include "tests/unit/alloc/cluster.hpp"

namespace knd::alloc {
namespace {

Quantity quantity(const char* text) {
    return *Quantity::parse(text);
}

api::SliceDevice partition(std::string name, const char* memory) {
    auto out = device(std::move(name));
    out.consumes_counters = {{"set", {{"memory", quantity(memory)}}, {}}};
    return out;
}

Cluster partitioned(std::vector<api::SliceDevice> devices, std::int64_t count) {
    Cluster out;
    auto counters = slice("counters", {});
    counters.shared_counters = {{"set", {{"memory", quantity("10Gi")}}}};
    counters.pool.slice_count = 2;
    auto parts = slice("devices", std::move(devices));
    parts.pool.slice_count = 2;
    out.slices = {counters, parts};
    out.claims = {claim({request("r", count)})};
    return out;
}

TEST(Counters, LimitWhatPartitionsTakeTogether) {
    EXPECT_EQ(partitioned({partition("a", "6Gi"), partition("b", "6Gi"), partition("c", "4Gi")}, 2)
                  .outcome(),
              "r=a r=c");
    EXPECT_EQ(partitioned({partition("a", "6Gi"), partition("b", "6Gi")}, 2).outcome(), "no");
}

TEST(Counters, AreHeldByAllocatedDevices) {
    auto cluster =
        partitioned({partition("a", "6Gi"), partition("b", "6Gi"), partition("c", "4Gi")}, 1);
    cluster.allocated.devices.insert({"driver", "pool", "a"});
    EXPECT_EQ(cluster.outcome(), "r=c");
}

// Kubernetes takes what was too much from the device that has lent its number to the sum.
TEST(Counters, OfADeviceThatWasTooLargeAreFreeUntil136WhereTheyAreBigDecimals) {
    const auto cluster_of = [](const char* large) {
        auto out = partitioned({partition("a", large), partition("b", "4Gi")}, 1);
        out.claims = {claim({request("r"), request("q")})};
        out.options.compat = true;
        return out;
    };
    EXPECT_EQ(cluster_of("11776Mi").outcome(), "no");
    auto cluster = cluster_of("11.5Gi");
    EXPECT_EQ(cluster.outcome(), "r=b q=a");
    cluster.options.features.kubernetes_minor = 37;
    EXPECT_EQ(cluster.outcome(), "no");
    cluster.options.features.kubernetes_minor = 36;
    cluster.options.compat = false;
    EXPECT_EQ(cluster.outcome(), "no");
}

TEST(Counters, AreHeldByDevicesOfOtherNodes) {
    auto cluster = partitioned({partition("a", "6Gi"), partition("b", "4Gi")}, 1);
    auto elsewhere = slice("elsewhere", {partition("c", "6Gi")});
    elsewhere.node_name = "node-2";
    cluster.slices.push_back(elsewhere);
    for (auto& one : cluster.slices)
        one.pool.slice_count = 3;
    cluster.allocated.devices.insert({"driver", "pool", "c"});
    EXPECT_EQ(cluster.outcome(), "r=b");
}

TEST(Counters, AreGivenBackWhenAConstraintRejectsTheDevice) {
    auto a = partition("a", "6Gi");
    a.attributes["root"] = std::string("0");
    auto b = partition("b", "4Gi");
    b.attributes["root"] = std::string("1");
    auto c = partition("c", "4Gi");
    c.attributes["root"] = std::string("0");
    auto cluster = partitioned({a, b, c}, 2);
    cluster.claims[0].devices.constraints = {match("driver/root")};
    EXPECT_EQ(cluster.outcome(), "r=a r=c");
}

TEST(Counters, OfUnknownSetsMakeThePoolInvalid) {
    auto cluster = partitioned({partition("a", "6Gi")}, 1);
    cluster.slices[1].devices[0].consumes_counters[0].counter_set = "other";
    EXPECT_EQ(cluster.outcome(), "error: invalid resource pools were encountered");
}

TEST(Counters, OfPoolsWithOneNameInTwoDriversAreSeparate) {
    auto cluster = partitioned({partition("a", "6Gi")}, 1);
    for (auto copy : {cluster.slices[0], cluster.slices[1]}) {
        copy.driver = "driver2";
        cluster.slices.push_back(copy);
    }
    cluster.add_class("class", "true");
    cluster.claims = {claim({request("r", 2)})};
    EXPECT_EQ(cluster.outcome(), "r=a r=a");
}

api::SliceDevice shared_device(std::string name) {
    auto out = device(std::move(name));
    out.allow_multiple_allocations = true;
    out.capacity["bandwidth"] = {quantity("10G"), std::nullopt};
    return out;
}

Cluster sharing(const char* wanted, std::int64_t count = 1) {
    Cluster out;
    out.slices = {slice("slice", {shared_device("a")})};
    out.claims = {claim({request("r", count)})};
    if (wanted != nullptr)
        out.claims[0].devices.requests[0].exactly->capacity["bandwidth"] = quantity(wanted);
    return out;
}

TEST(ConsumableCapacity, IsRecordedInTheResult) {
    const auto result = sharing("4G").allocate();
    ASSERT_TRUE(result.ok() && *result);
    const auto& device = (**result)[0].results[0];
    EXPECT_EQ(device.share_id, "share");
    EXPECT_EQ(device.consumed_capacity.at("bandwidth").text(), "4G");
}

TEST(ConsumableCapacity, WithoutARequestIsAllOfIt) {
    const auto result = sharing(nullptr).allocate();
    ASSERT_TRUE(result.ok() && *result);
    EXPECT_EQ((**result)[0].results[0].consumed_capacity.at("bandwidth").text(), "10G");
}

TEST(ConsumableCapacity, SharesADeviceUntilItIsUsedUp) {
    auto cluster = sharing("4G");
    cluster.claims.push_back(cluster.claims[0]);
    EXPECT_EQ(cluster.outcome(), "r=a; r=a");
    cluster.claims.push_back(cluster.claims[0]);
    EXPECT_EQ(cluster.outcome(), "no");
}

TEST(ConsumableCapacity, CountsWhatTheClusterHolds) {
    auto cluster = sharing("4G");
    api::AllocationResult held;
    held.results = {
        {"r", "driver", "pool", "a", false, {}, {}, {}, "id", {{"bandwidth", quantity("7G")}}, {}}};
    cluster.allocated.add(held);
    EXPECT_EQ(cluster.outcome(), "no");
}

TEST(ConsumableCapacity, SkipsDevicesThatLackIt) {
    auto cluster = sharing("4G");
    cluster.slices[0].devices.insert(cluster.slices[0].devices.begin(), device("plain"));
    EXPECT_EQ(cluster.outcome(), "r=a");
}

TEST(ConsumableCapacity, LimitsDedicatedDevicesToo) {
    auto cluster = sharing("11G");
    cluster.slices[0].devices[0].allow_multiple_allocations = false;
    EXPECT_EQ(cluster.outcome(), "no");
}

TEST(ConsumableCapacity, RoundsUpToTheNextStep) {
    auto cluster = sharing("2500M");
    cluster.slices[0].devices[0].capacity["bandwidth"].request_policy = {
        quantity("1G"), {}, api::CapacityRange{quantity("1G"), quantity("8G"), quantity("1G")}};
    auto result = cluster.allocate();
    ASSERT_TRUE(result.ok() && *result);
    EXPECT_EQ((**result)[0].results[0].consumed_capacity.at("bandwidth"), quantity("3G"));
    cluster.claims[0].devices.requests[0].exactly->capacity["bandwidth"] = quantity("9G");
    EXPECT_EQ(cluster.outcome(), "no") << "more than max";
    cluster.claims[0].devices.requests[0].exactly->capacity["bandwidth"] = quantity("1M");
    result = cluster.allocate();
    ASSERT_TRUE(result.ok() && *result);
    EXPECT_EQ((**result)[0].results[0].consumed_capacity.at("bandwidth"), quantity("1G"));
}

TEST(ConsumableCapacity, TakesTheSmallestValidValue) {
    auto cluster = sharing("3G");
    cluster.slices[0].devices[0].capacity["bandwidth"].request_policy = {
        quantity("1G"), {quantity("1G"), quantity("5G")}, std::nullopt};
    const auto result = cluster.allocate();
    ASSERT_TRUE(result.ok() && *result);
    EXPECT_EQ((**result)[0].results[0].consumed_capacity.at("bandwidth"), quantity("5G"));
    cluster.claims[0].devices.requests[0].exactly->capacity["bandwidth"] = quantity("6G");
    EXPECT_EQ(cluster.outcome(), "no");
}

TEST(ConsumableCapacity, UsesThePolicysDefault) {
    auto cluster = sharing(nullptr);
    cluster.slices[0].devices[0].capacity["bandwidth"].request_policy = {
        quantity("1G"), {quantity("1G"), quantity("5G")}, std::nullopt};
    const auto result = cluster.allocate();
    ASSERT_TRUE(result.ok() && *result);
    EXPECT_EQ((**result)[0].results[0].consumed_capacity.at("bandwidth"), quantity("1G"));
}

/// The amount that the first result consumes, or why there is none.
std::string consumed(const Cluster& cluster) {
    const auto result = cluster.allocate();
    if (!result.ok()) return "error: " + result.error().message();
    if (!*result) return "no";
    return (**result)[0].results[0].consumed_capacity.at("bandwidth").text();
}

TEST(ConsumableCapacity, MayBeUsedUpToTheLastUnit) {
    EXPECT_EQ(consumed(sharing("10G")), "10G");
    EXPECT_EQ(consumed(sharing("10000000001")), "no");
}

TEST(ConsumableCapacity, GoesToTheNextDeviceWhenOneIsUsedUp) {
    auto cluster = sharing("6G");
    cluster.slices[0].devices.push_back(shared_device("b"));
    cluster.claims.push_back(cluster.claims[0]);
    EXPECT_EQ(cluster.outcome(), "r=a; r=b");
}

TEST(ConsumableCapacity, OfADedicatedDeviceIsNotRecorded) {
    auto cluster = sharing("4G");
    cluster.slices[0].devices[0].allow_multiple_allocations = false;
    const auto result = cluster.allocate();
    ASSERT_TRUE(result.ok() && *result);
    const auto& device = (**result)[0].results[0];
    EXPECT_TRUE(device.consumed_capacity.empty());
    EXPECT_EQ(device.share_id, "");
}

TEST(ConsumableCapacity, OfADedicatedDeviceGoesToOneClaimAlone) {
    auto cluster = sharing("4G");
    cluster.slices[0].devices[0].allow_multiple_allocations = false;
    cluster.claims.push_back(cluster.claims[0]);
    EXPECT_EQ(cluster.outcome(), "no");
}

TEST(ConsumableCapacity, RecordsEveryCapacityOfTheDevice) {
    auto cluster = sharing("4G");
    cluster.slices[0].devices[0].capacity["queues"] = {quantity("8"), std::nullopt};
    const auto result = cluster.allocate();
    ASSERT_TRUE(result.ok() && *result);
    const auto& amounts = (**result)[0].results[0].consumed_capacity;
    ASSERT_EQ(amounts.size(), 2u);
    EXPECT_EQ(amounts.at("queues"), quantity("8")) << "all of what was not asked for";
}

TEST(ConsumableCapacity, IsRefusedWhenOneOfSeveralIsUsedUp) {
    auto cluster = sharing("4G");
    cluster.slices[0].devices[0].capacity["queues"] = {quantity("8"), std::nullopt};
    cluster.claims.push_back(cluster.claims[0]);
    EXPECT_EQ(cluster.outcome(), "no") << "the first claim holds every queue";
}

TEST(ConsumableCapacity, OfAShareWithADefaultOfZeroIsRecordedAsZero) {
    auto cluster = sharing(nullptr);
    cluster.slices[0].devices[0].capacity["bandwidth"].request_policy = {
        quantity("0"), {quantity("0"), quantity("5G")}, std::nullopt};
    EXPECT_EQ(consumed(cluster), "0");
}

TEST(ConsumableCapacity, InARangeWithoutAStepIsTakenAsRequested) {
    auto cluster = sharing("2500M");
    auto& policy = cluster.slices[0].devices[0].capacity["bandwidth"].request_policy;
    policy = {quantity("1G"), {}, api::CapacityRange{quantity("1G"), quantity("8G"), {}}};
    EXPECT_EQ(consumed(cluster), "2500M");
}

TEST(ConsumableCapacity, StepsAreCountedFromTheSmallestAmount) {
    auto cluster = sharing("4G");
    auto& policy = cluster.slices[0].devices[0].capacity["bandwidth"].request_policy;
    policy = {quantity("1G"), {}, api::CapacityRange{quantity("1G"), {}, quantity("2G")}};
    // Kubernetes writes what it has rounded as a binary quantity.
    EXPECT_EQ(consumed(cluster), "5000000000");
}

TEST(ConsumableCapacity, IsMadeWholeBeforeItIsPutOnAStep) {
    auto cluster = sharing("2500m");
    auto& policy = cluster.slices[0].devices[0].capacity["bandwidth"].request_policy;
    policy = {quantity("1"), {}, api::CapacityRange{quantity("1"), {}, quantity("1")}};
    EXPECT_EQ(consumed(cluster), "3");
}

TEST(ConsumableCapacity, ThatIsRoundedBeyondTheLargestAmountIsRefused) {
    auto cluster = sharing("7500M");
    auto& policy = cluster.slices[0].devices[0].capacity["bandwidth"].request_policy;
    policy = {
        quantity("1G"), {}, api::CapacityRange{quantity("1G"), quantity("7G"), quantity("2G")}};
    EXPECT_EQ(consumed(cluster), "no");
}

TEST(ConsumableCapacity, CountsTheRoundedAmountAgainstTheDevice) {
    auto cluster = sharing("3G");
    cluster.slices[0].devices[0].capacity["bandwidth"].request_policy = {
        quantity("1G"), {quantity("1G"), quantity("6G")}, std::nullopt};
    cluster.claims.push_back(cluster.claims[0]);
    EXPECT_EQ(cluster.outcome(), "no") << "two of 6G, not of 3G";
}

TEST(ConsumableCapacity, OfADeviceThatIsAllocatedWholeIsNotShared) {
    auto cluster = sharing("1G");
    cluster.allocated.devices.insert({"driver", "pool", "a"});
    EXPECT_EQ(cluster.outcome(), "no");
}

}  // namespace
}  // namespace knd::alloc
