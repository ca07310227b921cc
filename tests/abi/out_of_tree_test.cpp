// SPDX-License-Identifier: Apache-2.0
//
// The examples, built elsewhere, in today's plugin host. KND_BACKENDS says where it is; run by
// out_of_tree.cmake.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/unit/plugin/plugin_fixture.hpp"

namespace knd::plugin {
namespace {

class Example : public ::testing::Test {
  protected:
    Example() {
        const char* directory = std::getenv("KND_BACKENDS");
        host_.options.directory = directory != nullptr ? directory : "";
    }
    PluginFixture host_;
};

TEST_F(Example, ListsAsManyDevicesAsConfigured) {
    auto& backend = host_.run("knd-hello.so", {{"count", 3}, {"greeting", "good morning"}});
    const auto devices = host_.list(backend);
    ASSERT_TRUE(devices.ok()) << message_of(devices);
    ASSERT_EQ(devices->size(), 3u);
    const Device& last = devices->back();
    EXPECT_EQ(last.name, "hello-2");
    EXPECT_EQ(last.attributes, (std::map<std::string, AttributeValue>{
                                   {"knd.dev/index", std::int64_t{2}},
                                   {"knd.dev/greeting", std::string("good morning")},
                                   {"knd.dev/protocol", Version{"1.0.0"}}}));
    EXPECT_EQ(last.capacity, (std::map<std::string, std::string>{{"knd.dev/words", "2"}}));
}

TEST_F(Example, PreparesADevice) {
    auto& backend = host_.run("knd-hello.so");
    const auto effects =
        host_.prepare_request(backend, PluginFixture::request(Json::object(), "hello-1"));
    ASSERT_TRUE(effects.ok()) << message_of(effects);
    EXPECT_EQ(effects->env, (std::map<std::string, std::string>{{"HELLO_DEVICE", "hello-1"}}));
}

TEST_F(Example, RefusesACountOutOfRange) {
    auto& backend = host_.load("knd-hello.so", {{"count", 65}});
    EXPECT_EQ(message_of(host_.start(backend)), "backend bad: `count` must be 0 to 64");
}

class CppExample : public Example {
  protected:
    CppExample() {
        char name[] = "/tmp/knd-shelf-XXXXXX";
        directory_ = ::mkdtemp(name);
    }
    ~CppExample() override { std::filesystem::remove_all(directory_); }
    void put(const std::string& name) const { std::ofstream(directory_ + "/" + name) << "text"; }
    std::string directory_;
};

TEST_F(CppExample, ListsItsFiles) {
    put("book-1");
    put("Not A Label");
    auto& backend = host_.run("knd-shelf.so", {{"directory", directory_}});
    const auto devices = host_.list(backend);
    ASSERT_TRUE(devices.ok()) << message_of(devices);
    ASSERT_EQ(devices->size(), 1u);
    EXPECT_EQ(devices->front().name, "book-1");
    EXPECT_EQ(devices->front().capacity.at("knd.dev/bytes"), "4");
}

TEST_F(CppExample, SaysWhenAFileAppears) {
    auto& backend = host_.run("knd-shelf.so", {{"directory", directory_}});
    int changes = 0;
    backend.on_devices_changed = [&] { ++changes; };
    put("book-2");
    host_.run_for(std::chrono::milliseconds(500));
    EXPECT_GE(changes, 1);
    const auto devices = host_.list(backend);
    ASSERT_TRUE(devices.ok()) << message_of(devices);
    EXPECT_EQ(devices->size(), 1u);
}

TEST_F(CppExample, NamesAMissingDirectory) {
    auto& backend = host_.load("knd-shelf.so", {{"directory", "/nonexistent"}});
    EXPECT_EQ(message_of(host_.start(backend)),
              "backend bad: /nonexistent: No such file or directory");
}

class Tapnic : public CppExample {
  protected:
    Backend& start(const std::string& extra_key = "", const Json& value = {}) {
        Json config = {{"parent", "lo"}, {"directory", directory_}, {"health", directory_ + "/h"}};
        if (!extra_key.empty()) config[extra_key] = value;
        auto& backend = host_.load_all({{"tap-a", "knd-tapnic.so", "", config}});
        const auto started = host_.start(backend);
        EXPECT_TRUE(started.ok()) << message_of(started);
        return backend;
    }
    static Backend::PrepareRequest share(std::string uid, std::string amount = "2G") {
        auto request = PluginFixture::request(Json::object(), "tap-a-shared");
        request.binding.key.claim_uid = std::move(uid);
        request.binding.key.share_id = "share";
        request.consumed = {{"knd.dev/bandwidth", std::move(amount)}};
        return request;
    }
    std::size_t slots() const {
        using Iterator = std::filesystem::directory_iterator;
        return static_cast<std::size_t>(std::distance(Iterator(directory_ + "/tap-a"), Iterator()));
    }
};

TEST_F(Tapnic, ListsSharesAndParts) {
    auto& backend = start("parts", 3);
    const auto listing = host_.listing(backend);
    ASSERT_TRUE(listing.ok()) << message_of(listing);
    EXPECT_EQ(listing->counters, (Counters{{"tap-a", {{"parts", "3"}}}}));
    ASSERT_EQ(listing->devices.size(), 5u);
    const auto& shared = listing->devices[0];
    EXPECT_EQ(shared.name, "tap-a-shared");
    EXPECT_TRUE(shared.shareable);
    EXPECT_EQ(shared.policies.at("knd.dev/bandwidth").step, "1G");
    EXPECT_EQ(listing->devices[1].consumes, (Counters{{"tap-a", {{"parts", "3"}}}}));
    EXPECT_EQ(listing->devices[4].parent_key, listing->devices[1].hardware_key);
}

TEST_F(Tapnic, GivesOneDeviceToTwoClaims) {
    auto& backend = start();
    std::vector<BackendEvent> events;
    backend.on_event = [&](const BackendEvent& event) { events.push_back(event); };
    const auto first = host_.prepare_request(backend, share("uid-1"));
    const auto second = host_.prepare_request(backend, share("uid-2"));
    ASSERT_TRUE(first.ok()) << message_of(first);
    ASSERT_TRUE(second.ok()) << message_of(second);
    EXPECT_EQ(first->attributes.at("knd.dev/bandwidth"), "2000000000");
    EXPECT_NE(first->netdevs.at(0).name_in_pod, second->netdevs.at(0).name_in_pod);
    EXPECT_EQ(first->netdevs[0].made->kind, "macvlan");
    EXPECT_EQ(slots(), 2u);
    host_.run_for(std::chrono::milliseconds(50));
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(events[1].claim_uid, "uid-2");
    const auto metrics = host_.registry->counters()[0].counters.metrics;
    ASSERT_FALSE(metrics.empty());
    EXPECT_EQ(metrics.back().name, "prepared_total");
    EXPECT_EQ(metrics.back().value, 2);
}

TEST_F(Tapnic, LetsTheClassAloneTrust) {
    auto& backend = start();
    auto request = share("uid-1");
    request.config = {{"trusted", true}};
    EXPECT_EQ(message_of(host_.prepare_request(backend, request)),
              "backend tap-a: `trusted` is for the DeviceClass to say");
    EXPECT_EQ(slots(), 0u) << "validate comes first";
    request.class_config = {{"trusted", true}};
    const auto prepared = host_.prepare_request(backend, request);
    ASSERT_TRUE(prepared.ok()) << message_of(prepared);
    EXPECT_EQ(prepared->attributes.at("knd.dev/trusted"), "true");
}

TEST_F(Tapnic, FreesWhatNoClaimHasAndSaysWhatIsLost) {
    auto& backend = start();
    const auto kept = host_.prepare_request(backend, share("uid-1"));
    ASSERT_TRUE(kept.ok()) << message_of(kept);
    ASSERT_TRUE(host_.prepare_request(backend, share("uid-2")).ok());
    auto live = share("uid-1").binding;
    live.state = kept->state;
    const auto gone = share("uid-3").binding;
    const auto lost = host_.reconcile(backend, {live, gone});
    ASSERT_TRUE(lost.ok()) << message_of(lost);
    EXPECT_EQ(slots(), 1u);
    ASSERT_EQ(lost->size(), 1u);
    EXPECT_EQ(lost->front().key, gone.key);
}

TEST_F(Tapnic, TellsHealthWhenItsFileChanges) {
    auto& backend = start();
    ASSERT_TRUE(host_.listing(backend).ok());
    int changes = 0;
    backend.on_health_changed = [&] { ++changes; };
    std::ofstream(directory_ + "/h") << "tap-a-part-0 unhealthy because the port is dark\n"
                                     << "stranger unhealthy because it is\n";
    host_.run_for(std::chrono::milliseconds(600));
    EXPECT_EQ(changes, 1);
    using Reports = std::map<std::string, HealthReport>;
    EXPECT_EQ(backend.health(),
              (Reports{{"tap-a-part-0", {Health::kUnhealthy, "the port is dark"}}}));
    std::filesystem::remove(directory_ + "/h");
    host_.run_for(std::chrono::milliseconds(600));
    EXPECT_EQ(changes, 2);
    EXPECT_EQ(backend.health(), Reports());
}

}  // namespace
}  // namespace knd::plugin
