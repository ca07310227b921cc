// SPDX-License-Identifier: Apache-2.0
//
// What the API server keeps of a slice, and what is published where it does not.
#include <algorithm>

#include "host/model/log.hpp"
#include "host/validation/shape.hpp"
#include "host/validation/validation.hpp"
#include "tests/unit/dra/publisher_fixture.hpp"

namespace knd::dra {
namespace {

/// What feature gates that are off do to a slice.
struct GatesOff {
    bool counters = false, consumable = false, taints = false, lists = false;
    void operator()(const std::string& collection, Json& slice) const {
        if (collection != kSlices) return;
        if (counters) slice["spec"].erase("sharedCounters");
        for (auto& device : slice["spec"]["devices"]) {
            if (counters) device.erase("consumesCounters");
            if (taints) device.erase("taints");
            if (consumable) {
                device.erase("allowMultipleAllocations");
                for (auto& capacity : device["capacity"])
                    capacity.erase("requestPolicy");
            }
            if (lists)
                for (auto& attribute : device["attributes"])
                    attribute.erase("strings");
        }
    }
};

class FeaturesTest : public PublisherTest {
  protected:
    FeaturesTest() {
        card.devices = devices(2);
        card.devices[0].consumes = {{"pf", {{"vfs", "1"}}}};
        card.devices[0].taints = {{"knd.dev/health", "Unhealthy", "NoSchedule"}};
        card.devices[1].shareable = true;
        card.devices[1].capacity["knd.dev/bandwidth"] = "10G";
        card.devices[1].policies["knd.dev/bandwidth"] = {.default_value = "1G", .min = "1G"};
        card.devices[1].attributes["knd.dev/roots"] = std::vector<std::string>{"a", "b"};
        card.counters = {{"pf", {{"vfs", "2"}}}};
    }
    std::size_t dry_runs() {
        const auto all = server.requests();
        return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [](const auto& r) {
            return r.query.find("dryRun=All") != std::string::npos;
        }));
    }
    Json device(const std::string& name) {
        for (const auto& slice : server.objects(kSlices))
            for (const auto& one : json_path(slice, {"spec", "devices"}))
                if (json_string(one, "name") == name) return one;
        return {};
    }

    DeviceListing card;
};

TEST_F(FeaturesTest, AsksNothingWhileNoDeviceNeedsIt) {
    start();
    ASSERT_TRUE(publish({{"n1", devices(2)}}));
    EXPECT_EQ(dry_runs(), 0u);
    EXPECT_EQ(server.count("GET", "/version"), 0u);
    EXPECT_EQ(publisher->state().features, SliceFeatures());
}

TEST_F(FeaturesTest, PublishesAllThatTheServerKeeps) {
    start();
    ASSERT_TRUE(publish_listings({{"n1", card}}));
    EXPECT_EQ(dry_runs(), 2u);
    EXPECT_EQ(publisher->state().features, SliceFeatures());
    EXPECT_EQ(publisher->state().dropped, "");
    const auto slices = server.objects(kSlices);
    ASSERT_EQ(slices.size(), 2u) << "counters have a slice of their own";
    EXPECT_EQ(json_path(slices[1], {"spec", "sharedCounters"}),
              *parse_json(R"([{"name":"pf","counters":{"vfs":{"value":"2"}}}])"));
    EXPECT_FALSE(slices[1]["spec"].contains("devices"));
    EXPECT_EQ(json_path(slices[1], {"spec", "pool", "resourceSliceCount"}), 2);
    EXPECT_EQ(json_at(device("d0"), "consumesCounters"),
              *parse_json(R"([{"counterSet":"pf","counters":{"vfs":{"value":"1"}}}])"));
    EXPECT_EQ(json_at(device("d0"), "taints")[0]["effect"], "NoSchedule");
    EXPECT_EQ(json_at(device("d1"), "allowMultipleAllocations"), true);
    EXPECT_EQ(json_path(device("d1"), {"capacity", "knd.dev/bandwidth", "requestPolicy"}),
              *parse_json(R"({"default":"1G","validRange":{"min":"1G"}})"));
    EXPECT_EQ(json_path(device("d1"), {"attributes", "knd.dev/roots", "strings"}),
              Json::array({"a", "b"}));
    server.forget_requests();
    ASSERT_TRUE(publish_listings({{"n1", card}}));
    settle();
    EXPECT_EQ(writes(), 0u);
}

TEST_F(FeaturesTest, LeavesOutWhatTheServerDropsBeforeItIsWritten) {
    log::set_level("off");
    server.set_admission(GatesOff{true, true, true, true});
    start();
    SliceFeatures told;
    publisher->set_features_observer([&](const SliceFeatures& features) { told = features; });
    ASSERT_TRUE(publish_listings({{"n1", card}}));
    const SliceFeatures none{false, false, false, false};
    EXPECT_EQ(publisher->state().features, none);
    EXPECT_EQ(told, none);
    EXPECT_EQ(publisher->state().dropped,
              "the API server does not keep counters (DRAPartitionableDevices), consumable "
              "capacity (DRAConsumableCapacity), taints (DRADeviceTaints), list attributes "
              "(DRAListTypeAttributes); devices are published without, or withheld");
    EXPECT_EQ(publisher->state().pools.at("n1").dropped, "") << "nothing of it was sent";
    EXPECT_EQ(server.objects(kSlices).size(), 1u);
    EXPECT_EQ(json_path(device("d1"), {"attributes", "knd.dev/roots"}),
              *parse_json(R"({"string":"a"})"));
    EXPECT_EQ(json_path(device("d1"), {"capacity", "knd.dev/bandwidth", "value"}), "10G");
}

TEST_F(FeaturesTest, WritesWhatWhoHearsOfFeaturesPublishesInstead) {
    log::set_level("off");
    server.set_admission(GatesOff{.counters = true});
    start();
    publisher->set_features_observer([&](const SliceFeatures& features) {
        if (features.counters) return;
        auto less = card;
        less.devices.pop_back();
        publisher->publish({{"n1", less}});
    });
    ASSERT_TRUE(publish_listings({{"n1", card}}));
    settle();
    EXPECT_EQ(device_names(), (std::set<std::string>{"d0"}));
    EXPECT_EQ(server.objects(kSlices).size(), 1u);
    EXPECT_EQ(json_path(server.objects(kSlices)[0], {"spec", "pool", "generation"}), 1)
        << "the other device was never there";
}

TEST_F(FeaturesTest, KeepsNothingWhereDryRunsAreRefused) {
    log::set_level("off");
    server.inject({.method = "POST",
                   .path_prefix = kSlices,
                   .status = 403,
                   .reason = "Forbidden",
                   .message = "no dry runs here"});
    start();
    ASSERT_TRUE(publish_listings({{"n1", card}}));
    EXPECT_EQ(publisher->state().features, (SliceFeatures{false, false, false, false}));
    EXPECT_NE(publisher->state().dropped.find("no dry runs here"), std::string::npos);
    EXPECT_FALSE(device("d0").contains("taints"));
}

TEST_F(FeaturesTest, DoesNotWaitForEverForADryRun) {
    log::set_level("off");
    server.inject({.method = "POST", .path_prefix = kSlices, .status = 500, .times = 4});
    start();
    ASSERT_TRUE(publish_listings({{"n1", card}}));
    EXPECT_FALSE(publisher->state().features.counters);
}

TEST_F(FeaturesTest, AsksAgainWhenTheServerDropsSomething) {
    log::set_level("off");
    start();
    publisher->set_features_observer([&](const SliceFeatures&) {
        publisher->publish({{"n1", card}});
    });
    ASSERT_TRUE(publish_listings({{"n1", card}}));
    server.set_admission(GatesOff{.taints = true});
    card.devices[0].attributes["knd.dev/mtu"] = std::int64_t{9000};
    publisher->publish({{"n1", card}});
    EXPECT_TRUE(until([&] { return !publisher->state().features.taints; }));
    server.forget_requests();
    settle();
    EXPECT_LE(writes(), 2u) << "it comes to rest";
    EXPECT_TRUE(publisher->state().published);
}

TEST_F(FeaturesTest, AsksAgainAfterAnUpgrade) {
    log::set_level("off");
    server.set_admission(GatesOff{.lists = true});
    start();
    publisher->set_features_observer([&](const SliceFeatures&) {
        publisher->publish({{"n1", card}});
    });
    ASSERT_TRUE(publish_listings({{"n1", card}}));
    EXPECT_FALSE(publisher->state().features.lists);
    server.set_admission(nullptr);
    server.set_release("37", "0");
    server.expire_history();
    EXPECT_TRUE(until([&] { return publisher->state().features.lists; }));
    EXPECT_TRUE(until([&] {
        return json_path(device("d1"), {"attributes", "knd.dev/roots", "strings"}).is_array();
    }));
}

TEST_F(FeaturesTest, PutsCountersWhereOldReleasesLookForThem) {
    server.set_release("34", "2");
    start();
    ASSERT_TRUE(publish_listings({{"n1", card}}));
    const auto slices = server.objects(kSlices);
    ASSERT_EQ(slices.size(), 1u);
    EXPECT_TRUE(slices[0]["spec"].contains("sharedCounters"));
    EXPECT_EQ(json_path(slices[0], {"spec", "devices"}).size(), 2u);
    for (const auto& request : server.requests())
        if (request.query.find("dryRun") != std::string::npos &&
            json_path(request.body, {"spec", "devices"})[0].contains("consumesCounters")) {
            EXPECT_TRUE(json_at(request.body, "spec").contains("sharedCounters"));
        }
}

TEST_F(FeaturesTest, KeepsTheTimeOfATaint) {
    server.set_admission([](const std::string& collection, Json& slice) {
        if (collection != kSlices) return;
        for (auto& one : slice["spec"]["devices"])
            if (one.contains("taints"))
                for (auto& taint : one["taints"])
                    if (!taint.contains("timeAdded"))
                        taint["timeAdded"] = "2026-01-01T00:00:0" +
                                             json_string(slice["metadata"], "uid").substr(6, 1) +
                                             "Z";
    });
    start();
    ASSERT_TRUE(publish_listings({{"n1", card}}));
    settle();
    server.forget_requests();
    const auto added = json_at(device("d0"), "taints")[0]["timeAdded"];
    card.devices[0].attributes["knd.dev/mtu"] = std::int64_t{9000};
    ASSERT_TRUE(publish_listings({{"n1", card}}));
    settle();
    EXPECT_EQ(writes(), 1u) << "the time alone is nothing to write for";
    EXPECT_EQ(json_at(device("d0"), "taints")[0]["timeAdded"], added);
    EXPECT_EQ(
        json_path(server.requests().back().body, {"spec", "devices"})[0]["taints"][0]["timeAdded"],
        added);
}

/// An API server of a release, as far as slices are concerned.
fakes::FakeApiServer::Judge release(const std::string& version, const std::string& changes) {
    const auto made = Gates::make(version, changes);
    EXPECT_TRUE(made.ok()) << made.error().message();
    return [gates = *made](const std::string& collection, const Json& before,
                           Json& object) -> std::string {
        if (collection != kSlices) return "";
        auto shaped = validation::shape_object(object, gates);
        if (!shaped) return shaped.error().message();
        validation::Write write;
        write.operation =
            before.is_null() ? validation::Operation::kCreate : validation::Operation::kUpdate;
        write.before = before;
        write.after = shaped->object;
        const auto errors = validation::admit(write, gates);
        object = write.after;
        return errors.empty() ? "" : errors.front().text();
    };
}

TEST_F(FeaturesTest, FindsOutWhatEachReleaseKeeps) {
    log::set_level("off");
    const std::string on = "+DRAPartitionableDevices,+DRAConsumableCapacity,+DRADeviceTaints";
    const std::string off = "-DRAPartitionableDevices,-DRAConsumableCapacity,-DRADeviceTaints";
    struct Case {
        const char* minor;
        std::string gates;
        SliceFeatures kept;
    };
    for (const auto& [minor, gates, kept] :
         {Case{"34", "", {false, false, false, false}}, Case{"34", on, {true, true, true, false}},
          Case{"35", "", {false, false, false, false}}, Case{"35", on, {true, true, true, false}},
          Case{"36", "", {true, true, true, false}}, Case{"36", off, {false, false, false, false}},
          Case{"36", "+DRAListTypeAttributes", {true, true, true, true}},
          Case{"36", "-DRADeviceTaints", {true, true, false, false}},
          Case{"37", "", {true, true, true, false}},
          Case{"37", "+DRAListTypeAttributes", {true, true, true, true}}}) {
        SCOPED_TRACE(std::string(minor) + " " + gates);
        server.erase_all(kSlices);
        server.set_release(minor, "0");
        server.set_judge(release("1." + std::string(minor), gates));
        start();
        ASSERT_TRUE(publish_listings({{"n1", card}}))
            << publisher->state().error << publisher->state().dropped;
        EXPECT_EQ(publisher->state().features.counters, kept.counters);
        EXPECT_EQ(publisher->state().features.consumable, kept.consumable);
        EXPECT_EQ(publisher->state().features.taints, kept.taints);
        EXPECT_EQ(publisher->state().features.lists, kept.lists);
        EXPECT_EQ(publisher->state().pools.at("n1").dropped, "");
        settle();
        server.forget_requests();
        // A second write carries times of taints; a third would be one too many.
        card.devices[1].attributes["knd.dev/mtu"] = std::int64_t{9000};
        ASSERT_TRUE(publish_listings({{"n1", card}}));
        settle();
        EXPECT_EQ(writes(), 1u);
        card.devices[1].attributes["knd.dev/mtu"] = std::int64_t{1500};
    }
}

TEST_F(FeaturesTest, GoesByWhatTheServerTakesNotByTheReleaseThatItSays) {
    server.set_release("20", "15");
    server.set_judge(release("1.36", ""));
    start();
    ASSERT_TRUE(publish_listings({{"n1", card}}));
    EXPECT_TRUE(publisher->state().features.counters);
    EXPECT_EQ(server.objects(kSlices).size(), 2u);
    server.erase_all(kSlices);
    server.set_release("36", "0");
    server.set_judge(release("1.34", "+DRAPartitionableDevices"));
    start();
    ASSERT_TRUE(publish_listings({{"n1", card}}));
    EXPECT_TRUE(publisher->state().features.counters);
    EXPECT_EQ(server.objects(kSlices).size(), 1u);
}

}  // namespace
}  // namespace knd::dra
