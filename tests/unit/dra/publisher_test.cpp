// SPDX-License-Identifier: Apache-2.0
#include "host/dra/publisher.hpp"

#include "tests/unit/dra/publisher_fixture.hpp"

namespace knd::dra {
namespace {

TEST_F(PublisherTest, PublishesDevicesOfANode) {
    start();
    ASSERT_TRUE(publish({{"n1", devices(2)}}));
    const auto slices = server.objects(kSlices);
    ASSERT_EQ(slices.size(), 1u);
    const auto& spec = slices[0].at("spec");
    EXPECT_EQ(json_string(spec, "driver"), "knd.dev");
    EXPECT_EQ(json_string(spec, "nodeName"), "n1");
    EXPECT_EQ(json_path(spec, {"pool", "name"}), "n1");
    EXPECT_EQ(json_path(spec, {"pool", "generation"}), 1);
    EXPECT_EQ(json_path(spec, {"pool", "resourceSliceCount"}), 1);
    EXPECT_EQ(device_names(), (std::set<std::string>{"d0", "d1"}));
    EXPECT_TRUE(json_string(slices[0]["metadata"], "name").starts_with("00000-knd.dev-n1-"));
}

TEST_F(PublisherTest, WritesNothingBeforeItIsToldWhat) {
    start();
    settle();
    EXPECT_EQ(writes(), 0u);
    EXPECT_FALSE(publisher->state().published);
}

TEST_F(PublisherTest, PublishesAnEmptyPoolAsAnEmptySlice) {
    start();
    ASSERT_TRUE(publish({{"n1", {}}}));
    EXPECT_EQ(server.objects(kSlices).size(), 1u);
}

TEST_F(PublisherTest, WritesNothingAfterAnUnchangedRestart) {
    start();
    ASSERT_TRUE(publish({{"n1", devices(200)}}));
    server.forget_requests();
    start();
    ASSERT_TRUE(publish({{"n1", devices(200)}}));
    settle();
    EXPECT_EQ(writes(), 0u);
}

TEST_F(PublisherTest, LeavesSlicesWhenItStops) {
    start();
    ASSERT_TRUE(publish({{"n1", devices(1)}}));
    publisher.reset();
    settle();
    EXPECT_EQ(server.objects(kSlices).size(), 1u);
}

TEST_F(PublisherTest, UpdatesAChangedDeviceInPlace) {
    start();
    ASSERT_TRUE(publish({{"n1", devices(2)}}));
    ASSERT_TRUE(publish({{"n1", devices(2, 9000)}}));
    EXPECT_EQ(server.count("PUT", kSlices), 1u);
    EXPECT_EQ(json_path(server.objects(kSlices)[0], {"spec", "pool", "generation"}), 1);
}

TEST_F(PublisherTest, KeepsAPoolOfSeveralSlicesConsistent) {
    start();
    ASSERT_TRUE(publish({{"n1", devices(128)}}));
    ASSERT_TRUE(publish({{"n1", devices(300)}}));
    for (const auto& slice : server.objects(kSlices)) {
        EXPECT_EQ(json_path(slice, {"spec", "pool", "generation"}), 2);
        EXPECT_EQ(json_path(slice, {"spec", "pool", "resourceSliceCount"}), 3);
    }
    EXPECT_EQ(device_names().size(), 300u);
}

TEST_F(PublisherTest, KeepsPoolsApart) {
    start();
    ASSERT_TRUE(publish({{"n1/a", devices(1)}, {"n1/b", devices(2)}}));
    EXPECT_EQ(server.objects(kSlices).size(), 2u);
    ASSERT_TRUE(publish({{"n1/a", devices(1)}, {"n1/b", devices(3)}}));
    EXPECT_EQ(server.count("PUT", kSlices), 1u);
}

TEST_F(PublisherTest, RemovesAPoolThatIsNoLongerWanted) {
    start();
    ASSERT_TRUE(publish({{"n1/a", devices(1)}, {"n1/b", devices(2)}}));
    ASSERT_TRUE(publish({{"n1/a", devices(1)}}));
    ASSERT_TRUE(until([&] { return server.objects(kSlices).size() == 1; }));
    EXPECT_EQ(publisher->state().pools.size(), 1u);
}

TEST_F(PublisherTest, RemovesPoolsThatAPredecessorLeft) {
    start();
    ASSERT_TRUE(publish({{"old", devices(1)}}));
    start();
    ASSERT_TRUE(publish({{"new", devices(1)}}));
    ASSERT_TRUE(until([&] { return server.objects(kSlices).size() == 1; }));
    EXPECT_EQ(json_path(server.objects(kSlices)[0], {"spec", "pool", "name"}), "new");
}

TEST_F(PublisherTest, LeavesSlicesOfOthersAlone) {
    Json other = {{"metadata", {{"name", "gpu"}}},
                  {"spec", {{"driver", "gpu.example"}, {"nodeName", "n1"}}}};
    server.put(kSlices, other);
    other["metadata"]["name"] = "elsewhere";
    other["spec"] = {{"driver", "knd.dev"}, {"nodeName", "n2"}};
    server.put(kSlices, other);
    start();
    ASSERT_TRUE(publish({{"n1", devices(1)}}));
    EXPECT_EQ(server.objects(kSlices).size(), 3u);
    EXPECT_EQ(server.count("DELETE"), 0u);
}

TEST_F(PublisherTest, RepairsSlicesThatTheKubeletWiped) {
    start();
    ASSERT_TRUE(publish({{"n1", devices(200)}}));
    server.erase_all(kSlices);
    EXPECT_TRUE(until([&] { return device_names().size() == 200; }));
    settle();
    EXPECT_EQ(server.objects(kSlices).size(), 2u) << "no slice is made twice";
}

TEST_F(PublisherTest, RepairsSlicesThatSomebodyEdited) {
    start();
    ASSERT_TRUE(publish({{"n1", devices(2)}}));
    server.replace(slice_path(), [](Json& slice) { slice["spec"]["devices"] = Json::array(); });
    EXPECT_TRUE(until([&] { return device_names().size() == 2; }));
}

TEST_F(PublisherTest, AnswersAQuarrelMoreAndMoreSlowly) {
    options.repair_delay = Ms(50);
    start();
    ASSERT_TRUE(publish({{"n1", devices(1)}}));
    const auto time_repair = [&] {
        server.erase_all(kSlices);
        const auto begin = std::chrono::steady_clock::now();
        EXPECT_TRUE(until([&] { return server.objects(kSlices).size() == 1; }));
        settle();
        return std::chrono::steady_clock::now() - begin;
    };
    time_repair();
    time_repair();
    EXPECT_GE(time_repair(), Ms(200));
}

TEST_F(PublisherTest, DoesNotCreateTwiceWhileTheWatchIsBehind) {
    start();
    ASSERT_TRUE(publish({{"n1", devices(1)}}));
    server.stall_watches(true);
    ASSERT_TRUE(publish({{"n1", devices(1)}, {"second", devices(1)}}));
    ASSERT_TRUE(publish({{"n1", devices(1)}, {"second", devices(2)}}));
    EXPECT_EQ(server.objects(kSlices).size(), 2u);
}

TEST_F(PublisherTest, ReadsAgainAfterAConflict) {
    start();
    ASSERT_TRUE(publish({{"n1", devices(1)}}));
    server.stall_watches(true);
    server.replace(slice_path(), [](Json& slice) { slice["metadata"]["labels"] = {{"a", "b"}}; });
    EXPECT_TRUE(publish({{"n1", devices(2)}}));
    EXPECT_EQ(device_names().size(), 2u);
}

TEST_F(PublisherTest, FollowsAServerThatWasRestoredFromACopy) {
    start();
    ASSERT_TRUE(publish({{"n1", devices(1)}}));
    const auto copy = server.copy();
    for (const std::size_t count : {2, 3, 4})
        ASSERT_TRUE(publish({{"n1", devices(count)}}));
    settle();
    server.restore(copy);
    EXPECT_TRUE(publish({{"n1", devices(5)}})) << "its versions are older than those we know";
    EXPECT_EQ(device_names().size(), 5u);
    server.replace(slice_path(), [](Json& slice) { slice["spec"]["devices"] = Json::array(); });
    EXPECT_TRUE(until([&] { return device_names().size() == 5; })) << "the watch sees again";
}

TEST_F(PublisherTest, ReplacesSlicesThatACopyDoesNotHave) {
    start();
    ASSERT_TRUE(publish({{"n1", devices(1)}}));
    auto copy = server.copy();
    std::erase_if(copy.objects, [](const auto& entry) { return entry.first.starts_with(kSlices); });
    ASSERT_TRUE(publish({{"n1", devices(2)}}));
    settle();
    server.restore(copy);
    EXPECT_TRUE(publish({{"n1", devices(3)}}));
    EXPECT_EQ(device_names().size(), 3u);
}

TEST_F(PublisherTest, ListsAgainSomeTimeAfterAWatchHasFailed) {
    options.relist_delay = Ms(50);
    start();
    ASSERT_TRUE(publish({{"n1", devices(1)}}));
    const auto copy = server.copy();
    ASSERT_TRUE(publish({{"n1", devices(2)}}));
    settle();
    server.go_away();
    server.restore(copy);
    server.resume();
    EXPECT_TRUE(until([&] { return device_names().size() == 2; }))
        << "although nothing of ours has changed";
    settle();
    EXPECT_TRUE(publisher->state().published);
}

TEST_F(PublisherTest, AcceptsThatTheServerDropsFields) {
    server.set_admission([](const std::string& collection, Json& slice) {
        if (collection != kSlices) return;
        for (auto& device : slice["spec"]["devices"])
            device["attributes"].erase("knd.dev/mtu");
    });
    start();
    ASSERT_TRUE(publish({{"n1", devices(2)}}));
    settle();
    EXPECT_EQ(writes(), 1u);
    EXPECT_EQ(publisher->state().pools.at("n1").dropped, "d0: knd.dev/mtu; d1: knd.dev/mtu");
}

TEST_F(PublisherTest, SaysWhatTheServerFindsInvalid) {
    server.inject({.method = "POST",
                   .status = 422,
                   .reason = "Invalid",
                   .message = "bad name",
                   .times = 100});
    start();
    publisher->publish({{"n1", {devices(1), {}}}});
    ASSERT_TRUE(until([&] { return publisher->state().failures > 0; }));
    EXPECT_FALSE(publisher->state().published);
    EXPECT_EQ(publisher->state().pools.at("n1").error, "POST " + kSlices + ": bad name");
}

TEST_F(PublisherTest, TriesAgainAfterAFailure) {
    server.inject({.method = "POST", .status = 500, .times = 2});
    start();
    EXPECT_TRUE(publish({{"n1", devices(1)}}));
    EXPECT_EQ(publisher->state().failures, 2u);
}

TEST_F(PublisherTest, FindsItsSliceWhenTheAnswerWasLost) {
    server.inject({.method = "POST", .hang_up = true, .after_effect = true});
    start();
    EXPECT_TRUE(publish({{"n1", devices(1)}}));
    settle();
    EXPECT_EQ(server.objects(kSlices).size(), 1u);
}

TEST_F(PublisherTest, RefusesAPoolWithTwoDevicesOfOneName) {
    start();
    ASSERT_TRUE(publish({{"n1", devices(1)}}));
    auto twins = devices(2);
    twins[1].name = twins[0].name;
    publisher->publish({{"n1", {twins, {}}}});
    settle();
    EXPECT_FALSE(publisher->state().published);
    EXPECT_EQ(device_names(), std::set<std::string>{"d0"});
    EXPECT_TRUE(publish({{"n1", devices(2)}}));
}

TEST_F(PublisherTest, RemovesAPoolThatItHadToRefuse) {
    start();
    ASSERT_TRUE(publish({{"n1", devices(1)}}));
    auto twins = devices(2);
    twins[1].name = twins[0].name;
    publisher->publish({{"n1", {twins, {}}}});
    settle();
    EXPECT_TRUE(publish({}));
    EXPECT_TRUE(until([&] { return server.objects(kSlices).empty(); }));
}

TEST_F(PublisherTest, WaitsForItsNode) {
    server.erase("/api/v1/nodes/n1");
    start();
    publisher->publish({{"n1", {devices(1), {}}}});
    settle();
    EXPECT_EQ(publisher->state().error, "read our Node: GET /api/v1/nodes/n1: \"n1\" not found");
    server.put("/api/v1/nodes", {{"metadata", {{"name", "n1"}}}});
    EXPECT_TRUE(until([&] { return publisher->state().published; }));
}

TEST_F(PublisherTest, SaysOneThingWhileItMayReadNothing) {
    const auto forbid = [&](const std::string& path, Ms delay) {
        server.inject({.path_prefix = path,
                       .status = 403,
                       .reason = "Forbidden",
                       .message = path,
                       .delay = delay,
                       .times = 100});
    };
    forbid("/apis", Ms(0));
    forbid("/api/v1/nodes", Ms(20));
    start();
    std::set<std::string> errors;
    publisher->set_observer([&](const auto& state) { errors.insert(state.error); });
    fakes::run_for(io, Ms(500));
    EXPECT_EQ(errors.size(), 1u) << "although version and node are asked for";
}

TEST_F(PublisherTest, FollowsANodeThatWasMadeAnew) {
    start();
    ASSERT_TRUE(publish({{"n1", devices(1)}}));
    server.erase("/api/v1/nodes/n1");
    server.put("/api/v1/nodes", {{"metadata", {{"name", "n1"}, {"uid", "second-uid"}}}});
    server.erase_all(kSlices);
    ASSERT_TRUE(until([&] { return server.objects(kSlices).size() == 1; }));
    ASSERT_TRUE(until([&] {
        const auto slices = server.objects(kSlices);
        return !slices.empty() &&
               json_path(slices[0], {"metadata", "ownerReferences"})[0]["uid"] == "second-uid";
    }));
}

TEST_F(PublisherTest, CoalescesAFlappingDevice) {
    options.write_interval = Ms(300);
    start();
    const auto begin = std::chrono::steady_clock::now();
    ASSERT_TRUE(publish({{"n1", devices(2)}}));
    for (int i = 0; i < 50; ++i) {
        publisher->publish({{"n1", {devices(i % 2 == 0 ? 1 : 2), {}}}});
        fakes::run_for(io, Ms(10));
    }
    ASSERT_TRUE(publish({{"n1", devices(7)}}));
    const auto intervals = (std::chrono::steady_clock::now() - begin) / Ms(300);
    EXPECT_LE(writes(), static_cast<std::size_t>(intervals) + 4);
    EXPECT_EQ(device_names().size(), 7u);
}

TEST_F(PublisherTest, PublishesToOlderApiVersions) {
    server.serve_versions({"v1beta1"});
    start();
    ASSERT_TRUE(publish({{"n1", devices(1)}}));
    const auto slices = server.objects("/apis/resource.k8s.io/v1beta1/resourceslices");
    ASSERT_EQ(slices.size(), 1u);
    EXPECT_TRUE(json_path(slices[0], {"spec", "devices"})[0].contains("basic"));
    settle();
    EXPECT_TRUE(publisher->state().published);
}

TEST_F(PublisherTest, FollowsAServerThatStopsServingTheVersion) {
    server.serve_versions({"v1beta1"});
    start();
    ASSERT_TRUE(publish({{"n1", devices(1)}}));
    server.serve_versions({"v1"});
    server.end_watches();
    EXPECT_TRUE(until([&] { return device_names().size() == 1; }));
}

TEST_F(PublisherTest, CatchesUpAfterTheServerWasAway) {
    start();
    ASSERT_TRUE(publish({{"n1", devices(1)}}));
    server.go_away();
    publisher->publish({{"n1", {devices(5), {}}}});
    settle();
    server.resume();
    EXPECT_TRUE(until([&] { return device_names().size() == 5; }));
}

}  // namespace
}  // namespace knd::dra
