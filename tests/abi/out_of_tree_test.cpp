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

}  // namespace
}  // namespace knd::plugin
