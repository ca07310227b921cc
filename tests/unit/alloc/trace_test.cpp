// SPDX-License-Identifier: Apache-2.0
#include "host/alloc/trace.hpp"

#include <gtest/gtest.h>

#include "tests/unit/alloc/cluster.hpp"

namespace knd::alloc {
namespace {

Trace trace_of(const Cluster& cluster) {
    Trace out;
    const auto inventory = Inventory::make(cluster.slices, cluster.options.features);
    const auto lookup = [&](std::string_view name) -> const api::DeviceClass* {
        const auto found = cluster.classes.find(std::string(name));
        return found == cluster.classes.end() ? nullptr : &found->second;
    };
    Allocator allocator(*inventory, lookup, cluster.allocated, cluster.options);
    std::vector<const api::ResourceClaim*> claims;
    for (const auto& one : cluster.claims)
        claims.push_back(&one);
    static_cast<void>(allocator.allocate(cluster.node, claims, &out));
    return out;
}

Cluster with(std::vector<api::SliceDevice> devices, std::vector<api::DeviceRequest> requests,
             std::vector<api::DeviceConstraint> constraints = {}) {
    Cluster out;
    out.slices = {slice("s", std::move(devices))};
    out.claims = {claim(std::move(requests), std::move(constraints))};
    return out;
}

api::SliceDevice numbered(std::string name, std::int64_t n) {
    return device(std::move(name), {{"n", n}});
}

/// "a:reason b:reason" of the first request.
std::string refusals(const Trace& trace) {
    std::string out;
    for (const auto& one : trace.requests.at(0).devices)
        out +=
            (out.empty() ? "" : " ") + one.id.device + ":" + std::string(refusal_text(one.refusal));
    return out;
}

TEST(Trace, SaysWhichSelectorDroppedADevice) {
    const auto trace =
        trace_of(with({numbered("a", 1), numbered("b", 2)},
                      {request("r", 1, {"true", "device.attributes['driver'].n == 3"})}));
    EXPECT_EQ(refusals(trace), "a:request selector b:request selector");
    EXPECT_EQ(trace.requests[0].devices[0].selector, 1u);
    EXPECT_EQ(trace.end, Trace::End::kNoSolution);
}

TEST(Trace, TellsClassSelectorsFromThoseOfTheRequest) {
    auto cluster = with({numbered("a", 1)}, {request("r")});
    cluster.add_class("class", "device.driver == 'other'");
    EXPECT_EQ(refusals(trace_of(cluster)), "a:class selector");
}

TEST(Trace, SaysWhatIsInUse) {
    auto cluster = with({numbered("a", 1), numbered("b", 2)}, {request("r", 2)});
    cluster.allocated.devices = {{"driver", "pool", "a"}};
    EXPECT_EQ(refusals(trace_of(cluster)), "a:in use b:not refused");
}

TEST(Trace, SaysWhatAnotherRequestHasPicked) {
    const auto trace = trace_of(with({numbered("a", 1)}, {request("x"), request("y")}));
    ASSERT_EQ(trace.requests.size(), 2u);
    EXPECT_EQ(trace.requests[1].devices[0].refusal, Refusal::kPicked);
    EXPECT_TRUE(trace.requests[0].devices[0].picked);
}

TEST(Trace, NamesTheTaint) {
    auto tainted = device("a");
    tainted.taints = {{"maintenance", "", "NoSchedule", ""}};
    const auto trace = trace_of(with({tainted}, {request("r")}));
    EXPECT_EQ(refusals(trace), "a:taint");
    EXPECT_EQ(trace.requests[0].devices[0].taint->key, "maintenance");
}

TEST(Trace, NamesThePairThatAConstraintRefuses) {
    const auto trace = trace_of(
        with({numbered("a", 1), numbered("b", 2)}, {request("r", 2)}, {match("driver/n")}));
    EXPECT_EQ(trace.requests[0].most_picked, 1u);
    const auto& refused = trace.requests[0].devices[1];
    ASSERT_TRUE(refused.conflict);
    EXPECT_EQ(refused.conflict->attribute, "driver/n");
    EXPECT_EQ(refused.conflict->value, "2");
    EXPECT_EQ(refused.conflict->other->device, "a");
    EXPECT_EQ(refused.conflict->other_value, "1");
}

TEST(Trace, SaysThatADeviceLacksTheAttributeOfAConstraint) {
    const auto trace = trace_of(with({device("a")}, {request("r")}, {match("driver/n")}));
    ASSERT_TRUE(trace.requests[0].devices[0].conflict);
    EXPECT_EQ(trace.requests[0].devices[0].conflict->value, "");
    EXPECT_FALSE(trace.requests[0].devices[0].conflict->other);
}

TEST(Trace, NamesTheCounterThatRanOut) {
    Cluster cluster;
    auto counters = slice("counters", {});
    counters.shared_counters = {{"set", {{"memory", Quantity(4)}}}};
    auto part = device("a");
    part.consumes_counters = {{"set", {{"memory", Quantity(5)}}, {}}};
    cluster.slices = {slice("s", {part}), counters};
    for (auto& one : cluster.slices)
        one.pool.slice_count = 2;
    cluster.claims = {claim({request("r")})};
    const auto trace = trace_of(cluster);
    ASSERT_EQ(refusals(trace), "a:counter used up");
    const auto& shortage = trace.requests[0].devices[0].shortage;
    ASSERT_TRUE(shortage);
    EXPECT_EQ(shortage->counter_set + "/" + shortage->name, "set/memory");
    EXPECT_EQ(shortage->available, Quantity(4));
    EXPECT_EQ(shortage->wanted, Quantity(5));
}

api::SliceDevice sharing(std::int64_t capacity) {
    auto out = device("a");
    out.allow_multiple_allocations = true;
    out.capacity["memory"] = {Quantity(capacity), std::nullopt};
    return out;
}

api::DeviceRequest wanting(const std::string& name, std::int64_t amount) {
    auto out = request("r");
    out.exactly->capacity[name] = Quantity(amount);
    return out;
}

TEST(Trace, NamesTheCapacityThatRanOut) {
    auto cluster = with({sharing(4)}, {wanting("memory", 3)});
    const DeviceId id{"driver", "pool", "a"};
    cluster.allocated.shares = {{id, "share"}};
    cluster.allocated.capacity[id]["memory"] = Quantity(2);
    const auto trace = trace_of(cluster);
    ASSERT_EQ(refusals(trace), "a:capacity used up");
    const auto& shortage = *trace.requests[0].devices[0].shortage;
    EXPECT_EQ(shortage.name, "memory");
    EXPECT_EQ(shortage.available, Quantity(2));
    EXPECT_EQ(shortage.wanted, Quantity(3));
}

TEST(Trace, NamesTheCapacityThatADeviceLacks) {
    const auto trace = trace_of(with({sharing(4)}, {wanting("cores", 1)}));
    ASSERT_EQ(refusals(trace), "a:capacity missing");
    EXPECT_EQ(trace.requests[0].devices[0].shortage->name, "cores");
}

TEST(Trace, SaysThatADeviceIsForOtherNodes) {
    auto elsewhere = device("a");
    elsewhere.node_name = "node-2";
    auto here = device("b");
    here.node_name = "node-1";
    Cluster cluster = with({elsewhere, here}, {request("r", 2)});
    cluster.slices[0].node_name.reset();
    cluster.slices[0].per_device_node_selection = true;
    EXPECT_EQ(refusals(trace_of(cluster)), "a:other node b:not refused");
}

TEST(Trace, KeepsTheBestAttemptAndWhatStoppedIt) {
    const auto trace = trace_of(
        with({numbered("a", 1), numbered("b", 2)}, {request("x"), request("y", 1, {"false"})}));
    ASSERT_EQ(trace.best.size(), 1u);
    EXPECT_EQ(trace.best[0].device.device, "a");
    ASSERT_TRUE(trace.stopped_at);
    EXPECT_EQ(trace.requests[*trace.stopped_at].name, "y");
}

TEST(Trace, OfASolutionHasNothingThatStoppedIt) {
    const auto trace = trace_of(with({numbered("a", 1)}, {request("r")}));
    EXPECT_EQ(trace.end, Trace::End::kAllocated);
    EXPECT_FALSE(trace.stopped_at);
    EXPECT_EQ(trace.best.size(), 1u);
}

TEST(Trace, SaysThatALaterRequestWasNotReached) {
    const auto trace = trace_of(with({}, {request("x"), request("y")}));
    ASSERT_EQ(trace.requests.size(), 2u);
    EXPECT_TRUE(trace.requests[0].reached);
    EXPECT_FALSE(trace.requests[1].reached);
}

TEST(Trace, SaysWhichPoolsAreInDoubt) {
    auto cluster = with({device("a"), device("a")}, {request("r")});
    cluster.slices.push_back(slice("t", {device("b")}, "partial"));
    cluster.slices[1].pool.slice_count = 2;
    const auto trace = trace_of(cluster);
    ASSERT_EQ(trace.pools.size(), 2u);
    EXPECT_EQ(trace.pools[0].state, PoolTrace::State::kIncomplete);
    EXPECT_EQ(trace.pools[1].state, PoolTrace::State::kInvalid);
    EXPECT_EQ(trace.pools[1].reason, "duplicate device name a");
    EXPECT_EQ(trace.end, Trace::End::kError);
}

TEST(Trace, NamesTheSelectorThatFails) {
    const auto trace =
        trace_of(with({device("a")}, {request("r", 1, {"device.attributes['driver'].n == 1"})}));
    EXPECT_EQ(refusals(trace), "a:selector error");
    EXPECT_EQ(trace.end, Trace::End::kError);
}

TEST(Trace, SaysThatThe32DeviceLimitWasReached) {
    std::vector<api::SliceDevice> devices;
    for (int i = 0; i < 40; ++i)
        devices.push_back(device("d" + std::to_string(i)));
    const auto trace = trace_of(
        with(std::move(devices),
             {first_of("x", {alternative("big", 20), alternative("small", 1)}), request("y", 20)}));
    EXPECT_TRUE(trace.requests[2].limit_reached);
    EXPECT_EQ(trace.end, Trace::End::kAllocated);
}

TEST(Trace, DoesNotChangeTheAnswer) {
    auto cluster = with({numbered("a", 1), numbered("b", 2), numbered("c", 2)}, {request("r", 2)},
                        {match("driver/n")});
    EXPECT_EQ(cluster.outcome(), "r=b r=c");
    const auto trace = trace_of(cluster);
    ASSERT_EQ(trace.best.size(), 2u);
    EXPECT_EQ(trace.best[1].device.device, "c");
}

}  // namespace
}  // namespace knd::alloc
