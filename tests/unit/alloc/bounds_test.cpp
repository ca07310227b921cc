// SPDX-License-Identifier: Apache-2.0
//
// What cannot be met is refused soon, and looking for such proofs changes no answer.
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/alloc/cluster.hpp"

namespace knd::alloc {
namespace {

Quantity quantity(std::int64_t value) {
    return Quantity(value);
}

std::string number(int i) {
    return std::to_string(i);
}

// --- what is impossible ends soon ----------------------------------------------------------------

/// Trying would take millions of steps and more.
constexpr std::uint64_t kSoon = 100'000;

void expect_no_soon(const Cluster& cluster) {
    EXPECT_EQ(cluster.outcome(), "no");
    EXPECT_LT(cluster.steps, kSoon);
}

/// No two devices have the same capacity, so that none stands for another.
api::SliceDevice unlike(int i) {
    auto out = device("d" + number(100 + i));
    out.capacity["serial"] = {quantity(1000 + i), std::nullopt};
    return out;
}

Cluster cluster_of(std::vector<api::SliceDevice> devices) {
    Cluster out;
    out.slices = {slice("slice", std::move(devices))};
    return out;
}

void add_counter(Cluster& cluster, std::int64_t total) {
    auto counters = slice("counters", {});
    counters.shared_counters = {{"set", {{"memory", quantity(total)}}}};
    cluster.slices.push_back(std::move(counters));
    for (auto& slice : cluster.slices)
        slice.pool.slice_count = 2;
}

std::vector<api::DeviceRequest> requests(int count, std::int64_t devices = 1) {
    std::vector<api::DeviceRequest> out;
    for (int i = 0; i < count; ++i)
        out.push_back(request("r" + number(i), devices));
    return out;
}

TEST(Bounds, CountWhatACounterAllowsFor) {
    std::vector<api::SliceDevice> devices;
    for (int i = 0; i < 40; ++i) {
        devices.push_back(device("d" + number(100 + i)));
        devices.back().consumes_counters = {{"set", {{"memory", quantity(100 + i)}}, {}}};
    }
    auto cluster = cluster_of(devices);
    add_counter(cluster, 1000);
    cluster.claims = {claim({request("r", 10)})};
    expect_no_soon(cluster);
    cluster.claims = {claim({request("x", 5), request("y", 5)})};
    expect_no_soon(cluster);
    cluster.claims = {claim({request("r", 9)})};
    EXPECT_NE(cluster.outcome(), "no");
}

TEST(Bounds, CountDifferentValues) {
    std::vector<api::SliceDevice> devices;
    for (int i = 0; i < 64; ++i) {
        devices.push_back(unlike(i));
        devices.back().attributes["name"] = number(i % 8);
    }
    auto cluster = cluster_of(devices);
    cluster.claims = {claim({request("r", 9)}, {distinct("driver/name")})};
    expect_no_soon(cluster);
    cluster.claims = {claim({request("x", 5), request("y", 4)}, {distinct("driver/name")})};
    expect_no_soon(cluster);
    cluster.claims = {claim({request("r", 8)}, {distinct("driver/name")})};
    EXPECT_NE(cluster.outcome(), "no");
}

TEST(Bounds, CountDifferentValuesWithinTheSameOne) {
    std::vector<api::SliceDevice> devices;
    for (int i = 0; i < 64; ++i) {
        devices.push_back(unlike(i));
        devices.back().attributes["root"] = number(i / 16);
        devices.back().attributes["name"] = number(i % 8 + i / 16 * 8);
    }
    auto cluster = cluster_of(devices);
    cluster.claims = {claim({request("r", 9)}, {match("driver/root"), distinct("driver/name")})};
    expect_no_soon(cluster);
}

TEST(Bounds, CountAlikeDevicesOverSeveralRequests) {
    std::vector<api::SliceDevice> devices;
    for (int i = 0; i < 64; ++i) {
        devices.push_back(unlike(i));
        devices.back().attributes["root"] = number(i / 8);
    }
    auto cluster = cluster_of(devices);
    cluster.claims = {claim(requests(3, 3), {match("driver/root")})};
    expect_no_soon(cluster);
}

TEST(Bounds, CountDevicesOverSeveralRequests) {
    std::vector<api::SliceDevice> devices;
    for (int i = 0; i < 11; ++i)
        devices.push_back(unlike(i));
    auto cluster = cluster_of(devices);
    cluster.claims = {claim(requests(12))};
    expect_no_soon(cluster);
    cluster.claims.assign(12, claim({request("r")}));
    expect_no_soon(cluster);
    cluster.claims = {claim(requests(11))};
    EXPECT_NE(cluster.outcome(), "no");
}

TEST(Bounds, CountShares) {
    std::vector<api::SliceDevice> devices;
    for (int i = 0; i < 9; ++i) {
        devices.push_back(device("d" + number(i)));
        devices.back().allow_multiple_allocations = true;
        devices.back().capacity["bandwidth"] = {quantity(100 + i), std::nullopt};
    }
    auto cluster = cluster_of(devices);
    auto wanted = requests(19);
    for (auto& one : wanted)
        one.exactly->capacity["bandwidth"] = quantity(50);
    cluster.claims = {claim(wanted)};
    expect_no_soon(cluster);
    wanted.pop_back();
    cluster.claims = {claim(wanted)};
    EXPECT_NE(cluster.outcome(), "no");
}

TEST(Bounds, DoNotTryTwinsTwice) {
    // No count shows it: there are devices enough for each request, and for all together.
    std::vector<api::SliceDevice> devices;
    for (int i = 0; i < 24; ++i)
        devices.push_back(device("d" + number(100 + i), {{"kind", std::int64_t{i % 2}}}));
    const auto of_kind = [](const char* name, std::int64_t count, int kind) {
        return request(name, count, {"device.attributes['driver'].kind == " + number(kind)});
    };
    auto cluster = cluster_of(devices);
    cluster.claims = {claim({of_kind("x", 4, 1), of_kind("y", 8, 0), of_kind("z", 9, 1)})};
    expect_no_soon(cluster);
}

// --- the answers are those of trying everything --------------------------------------------------

struct Item {
    int root, name, kind, memory, room;
    bool shared;
};
struct Wish {
    int kind;  ///< -1: any
    int count, amount;
};
/// Every choice in order, without any cleverness.
class Exhaustive {
  public:
    Exhaustive(std::vector<Item> items, std::vector<Wish> wishes, int memory, bool match,
               bool distinct)
        : items_(std::move(items)),
          wishes_(std::move(wishes)),
          memory_(memory),
          match_(match),
          distinct_(distinct),
          used_(items_.size(), 0) {}

    std::string run() { return next(0, 0, 0) ? text() : "no"; }

  private:
    bool next(std::size_t wish, int picked, std::size_t start) {
        if (wish == wishes_.size()) return true;
        if (picked == wishes_[wish].count) return next(wish + 1, 0, 0);
        for (auto i = start; i < items_.size(); ++i) {
            if (!may_take(wish, i)) continue;
            picks_.emplace_back(wish, i);
            used_[i] += amount(wish, i);
            if (next(wish, picked + 1, i + 1)) return true;
            used_[i] -= amount(wish, i);
            picks_.pop_back();
        }
        return false;
    }

    int amount(std::size_t wish, std::size_t item) const {
        return items_[item].shared ? wishes_[wish].amount : items_[item].room;
    }

    bool may_take(std::size_t wish, std::size_t item) const {
        const auto& one = items_[item];
        if (wishes_[wish].kind >= 0 && wishes_[wish].kind != one.kind) return false;
        if (wishes_[wish].amount > one.room) return false;
        if (!one.shared && used_[item] > 0) return false;
        if (one.shared && used_[item] + wishes_[wish].amount > one.room) return false;
        int memory = one.memory;
        for (const auto& [other_wish, other] : picks_) {
            if (match_ && items_[other].root != one.root) return false;
            if (distinct_ && items_[other].name == one.name) return false;
            if (other != item) memory += items_[other].memory;
        }
        return one.memory == 0 || memory <= memory_;
    }

    std::string text() const {
        std::string out;
        for (const auto& [wish, item] : picks_)
            out += (out.empty() ? "r" : " r") + std::to_string(wish) + "=d" + std::to_string(item);
        return out;
    }

    std::vector<Item> items_;
    std::vector<Wish> wishes_;
    int memory_;
    bool match_, distinct_;
    std::vector<int> used_;
    std::vector<std::pair<std::size_t, std::size_t>> picks_;
};

api::SliceDevice device_of(const Item& item, std::size_t i) {
    auto out = device("d" + std::to_string(i), {{"root", std::int64_t{item.root}},
                                                {"name", std::int64_t{item.name}},
                                                {"kind", std::int64_t{item.kind}}});
    out.capacity["room"] = {quantity(item.room), std::nullopt};
    out.allow_multiple_allocations = item.shared;
    if (item.memory > 0) out.consumes_counters = {{"set", {{"memory", quantity(item.memory)}}, {}}};
    return out;
}

api::DeviceRequest request_of(const Wish& wish, std::size_t i) {
    auto out = request("r" + std::to_string(i), wish.count);
    if (wish.kind >= 0)
        out.exactly->selectors = {"device.attributes['driver'].kind == " + number(wish.kind)};
    out.exactly->capacity["room"] = quantity(wish.amount);
    return out;
}

class SameAnswer : public testing::TestWithParam<unsigned> {};

TEST_P(SameAnswer, AsFromTryingEverything) {
    std::mt19937 random(GetParam());
    const auto below = [&](int limit) { return static_cast<int>(random() % limit); };
    for (int round = 0; round < 150; ++round) {
        const bool counted = below(2) == 0;
        const bool sharing = !counted && below(2) == 0;
        const int memory = 2 + below(8);
        std::vector<Item> items(static_cast<std::size_t>(1 + below(7)));
        for (auto& item : items)
            item = {below(2),
                    below(4),
                    below(2),
                    counted ? below(4) : 0,
                    sharing ? 2 + below(3) : 4,
                    sharing && below(2) == 0};
        std::vector<Wish> wishes(static_cast<std::size_t>(1 + below(4)));
        for (auto& wish : wishes)
            wish = {below(3) - 1, 1 + below(3), 1 + below(2)};
        const bool match_roots = below(3) == 0;
        const bool distinct_names = below(3) == 0;

        Cluster cluster;
        std::vector<api::SliceDevice> devices;
        for (std::size_t i = 0; i < items.size(); ++i)
            devices.push_back(device_of(items[i], i));
        cluster.slices = {slice("slice", std::move(devices))};
        if (counted) add_counter(cluster, memory);
        std::vector<api::DeviceRequest> wanted;
        for (std::size_t i = 0; i < wishes.size(); ++i)
            wanted.push_back(request_of(wishes[i], i));
        cluster.claims = {claim(std::move(wanted))};
        auto& constraints = cluster.claims[0].devices.constraints;
        if (match_roots) constraints.push_back(match("driver/root"));
        if (distinct_names) constraints.push_back(distinct("driver/name"));
        EXPECT_EQ(cluster.outcome(),
                  Exhaustive(items, wishes, memory, match_roots, distinct_names).run())
            << "round " << round;
    }
}
INSTANTIATE_TEST_SUITE_P(Bounds, SameAnswer, testing::Range(0U, 12U));

}  // namespace
}  // namespace knd::alloc
