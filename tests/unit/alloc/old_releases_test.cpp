// SPDX-License-Identifier: Apache-2.0
//
// What the one implementation of 1.32 and 1.33 decides otherwise than those of later releases.
#include <gtest/gtest.h>

#include "tests/unit/alloc/cluster.hpp"

namespace knd::alloc {
namespace {

/// One claim in a cluster of that release with its gates, to be decided as kube-scheduler does.
Cluster of(int minor, std::vector<api::SliceDevice> devices,
           std::vector<api::DeviceRequest> requests) {
    Cluster out;
    out.slices = {slice("s", std::move(devices))};
    out.claims = {claim(std::move(requests))};
    auto& features = out.options.features;
    features.kubernetes_minor = minor;
    features.consumable_capacity = features.device_binding = false;
    if (minor < 33)
        features.prioritized_list = features.partitionable_devices = features.device_taints = false;
    out.options.compat = true;
    return out;
}

/// As the cluster decides, and as it would without its flaws.
std::string right(Cluster cluster) {
    cluster.options.compat = false;
    return cluster.outcome();
}

api::SliceDevice marked(std::string name, std::int64_t mark) {
    return device(std::move(name), {{"mark", mark}});
}

const std::string kMarked = "device.attributes['driver'].mark == 1";

api::DeviceRequest by_admin(api::DeviceRequest request) {
    request.exactly->admin_access = true;
    return request;
}

Cluster with_lost_device() {
    auto everything = alternative("all", 1, {kMarked});
    everything.allocation_mode = "All";
    auto out = of(33, {marked("a", 1), marked("b", 1), marked("c", 0)},
                  {first_of("r", {everything, alternative("one")})});
    out.allocated.devices = {{"driver", "pool", "b"}};
    return out;
}

TEST(Release133, DoesNotGiveBackWhatAllHasTaken) {
    EXPECT_EQ(with_lost_device().outcome(), "r/all=a r/one=c") << "more than was asked for";
    EXPECT_EQ(right(with_lost_device()), "r/one=a");
}

TEST(Release133, DoesNotCountAnAdministratorsDevices) {
    auto twice = of(33, {device("a")}, {by_admin(request("r", 2))});
    EXPECT_EQ(twice.outcome(), "r=a r=a");
    EXPECT_EQ(right(twice), "no");
    auto others = of(32, {device("a")}, {by_admin(request("x")), request("y")});
    EXPECT_EQ(others.outcome(), "x=a y=a");
    EXPECT_EQ(right(others), "no");
}

api::SliceDevice partition(std::string name, const std::string& counter) {
    auto out = device(std::move(name));
    out.consumes_counters = {{"set", {{counter, Quantity(2)}}, {}}};
    return out;
}

Cluster counted(std::vector<api::SliceDevice> devices, std::vector<api::DeviceRequest> requests) {
    auto out = of(33, std::move(devices), std::move(requests));
    out.slices[0].shared_counters = {{"set", {{"cores", Quantity(2)}, {"memory", Quantity(2)}}}};
    return out;
}

TEST(Release133, JudgesADeviceByItsOwnCounters) {
    EXPECT_EQ(
        counted({partition("a", "cores"), partition("b", "cores")}, {request("r", 2)}).outcome(),
        "no");
    EXPECT_EQ(
        counted({partition("a", "unknown"), partition("b", "cores")}, {request("r")}).outcome(),
        "r=b");
    // What others hold of the memory is more than there is, which is nothing to a device of cores.
    auto overdrawn =
        counted({partition("a", "memory"), partition("b", "memory"), partition("c", "cores")},
                {request("r")});
    overdrawn.allocated.devices = {{"driver", "pool", "a"}, {"driver", "pool", "b"}};
    EXPECT_EQ(overdrawn.outcome(), "r=c");
    EXPECT_EQ(right(overdrawn), "no");
}

// In Kubernetes the total, a big decimal, shrinks each time that something is taken from it.
TEST(Release133, TakesFromATotalAgainAndAgain) {
    const auto cluster_of = [](const char* total) {
        auto out =
            counted({partition("a", "cores"), partition("b", "cores"), partition("c", "cores")},
                    {request("r", 3)});
        for (auto& one : out.slices[0].devices)
            one.consumes_counters[0].counters["cores"] = Quantity(512);
        out.slices[0].shared_counters[0].counters["cores"] = *Quantity::parse(total);
        return out;
    };
    EXPECT_EQ(cluster_of("1536").outcome(), "r=a r=b r=c");
    EXPECT_EQ(cluster_of("1.5Ki").outcome(), "no");
}

TEST(Release133, TakesNoCountersForAnAdministrator) {
    auto cluster = counted({partition("a", "cores"), partition("b", "cores")},
                           {by_admin(request("x")), request("y")});
    EXPECT_EQ(cluster.outcome(), "x=a y=a");
}

TEST(Release133, LooksAtNoGateForADeviceWhoseSliceHasNoCounters) {
    auto cluster = of(33, {partition("a", "cores")}, {request("r")});
    EXPECT_EQ(cluster.outcome(), "no") << "there is no such counter";
    cluster.options.features.partitionable_devices = false;
    EXPECT_EQ(cluster.outcome(), "r=a");
    EXPECT_EQ(right(cluster), "no");
}

TEST(Release133, CountsAClaimWhenItsRequestsAreUnderstood) {
    auto cluster = of(33, {device("a")}, {request("r", 33), request("q")});
    EXPECT_EQ(cluster.outcome(),
              "error: claim default/claim: number of requested devices 34 exceeds the claim limit "
              "of 32");
    cluster.claims[0].devices.requests[1].exactly->device_class = "missing";
    EXPECT_EQ(cluster.outcome(),
              "error: claim default/claim, request q: could not retrieve device class missing: "
              "deviceclass.resource.k8s.io \"missing\" not found");
}

/// An alternative for all devices goes on with the first one, which wants too many.
TEST(Release133, FindsNothingWhereEachAlternativeIsTooMuch) {
    auto everything = alternative("all");
    everything.allocation_mode = "All";
    auto cluster =
        of(33, {device("a"), device("b")}, {first_of("r", {alternative("many", 40), everything})});
    EXPECT_EQ(cluster.outcome(), "no");
    cluster.options.features.kubernetes_minor = 35;
    EXPECT_EQ(cluster.outcome(), "error: allocation max size exceeded");
}

TEST(Release132, AllFitsWhereThereIsNothing) {
    auto cluster = of(32, {device("a")}, {all("r", {"false"}), request("q")});
    EXPECT_EQ(cluster.outcome(), "q=a");
    EXPECT_EQ(right(cluster), "no");
    cluster.options.features.kubernetes_minor = 33;
    EXPECT_EQ(cluster.outcome(), "no");
}

TEST(Release132, EndsAtADeviceThatAllCannotHave) {
    auto cluster = of(32, {marked("a", 1), marked("b", 0)}, {request("x"), all("y", {kMarked})});
    EXPECT_EQ(cluster.outcome(), "no");
    EXPECT_EQ(right(cluster), "x=b y=a");
    cluster.options.features.kubernetes_minor = 33;
    EXPECT_EQ(cluster.outcome(), "x=b y=a");
}

TEST(Release132, EndsAtADeviceOfAnInvalidPool) {
    auto cluster = of(32, {device("a"), device("a")}, {request("r", 1, {kMarked})});
    cluster.slices[0].devices[0].attributes =
        cluster.slices[0].devices[1].attributes = {{"mark", std::int64_t{0}}};
    cluster.slices.push_back(slice("t", {marked("b", 1)}, "valid"));
    EXPECT_EQ(cluster.outcome(), "r=b");
    const std::string invalid = "error: pool pool is invalid: duplicate device name a";
    auto later = cluster;
    later.options.features.kubernetes_minor = 33;
    EXPECT_EQ(later.outcome(), invalid);
    cluster.claims[0].devices.requests[0].exactly->selectors.clear();
    EXPECT_EQ(cluster.outcome(), invalid);
    EXPECT_EQ(right(cluster), "r=b");
}

TEST(Release132, AsksTheFirstOfTwoDevicesOfOneName) {
    auto cluster = of(32, {marked("a", 0), device("a")}, {request("r", 1, {kMarked})});
    EXPECT_EQ(cluster.outcome(), "no") << "the second one has no mark to look at";
    std::swap(cluster.slices[0].devices[0], cluster.slices[0].devices[1]);
    EXPECT_EQ(cluster.outcome(),
              "error: claim default/claim: selector #0: CEL runtime error: no such key: mark");
}

/// The second claim needs the very device that the first one takes first.
Cluster with_rival_claims() {
    std::vector<api::SliceDevice> devices = {marked("first", 2), marked("second", 3),
                                             marked("third", 0)};
    for (int i = 0; i < 20; ++i)
        devices.push_back(marked("m" + std::to_string(i), 1));
    auto out = of(32, devices, {request("x", 1, {"device.attributes['driver'].mark >= 2"})});
    const std::string rest = "device.attributes['driver'].mark in [0, 2]";
    out.claims.push_back(claim({by_admin(all("y", {kMarked})), request("z", 2, {rest})}));
    return out;
}

TEST(Release132, ForgetsTheLimitOf32Devices) {
    const auto results = [](const Cluster& cluster) -> std::size_t {
        const auto result = cluster.allocate();
        return result.ok() && *result ? (**result)[1].results.size() : 0;
    };
    auto cluster = with_rival_claims();
    EXPECT_EQ(results(cluster), 42u) << "those of the first try are there as well";
    cluster.options.features.kubernetes_minor = 33;
    EXPECT_EQ(results(cluster), 0u);
    cluster.options.compat = false;
    EXPECT_EQ(results(cluster), 22u);
}

TEST(Release132, RepeatsNoConfigurationOfTheClaim) {
    auto cluster = of(32, {device("a"), device("b")}, {request("x"), request("y")});
    cluster.claims[0].devices.config = {{{"x", "y"}, api::OpaqueConfig{"driver", Json::object()}}};
    const auto times = [&](int minor) {
        cluster.options.features.kubernetes_minor = minor;
        return (**cluster.allocate())[0].config.size();
    };
    EXPECT_EQ(times(32), 1u);
    EXPECT_EQ(times(33), 2u);
}

}  // namespace
}  // namespace knd::alloc
