// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <random>

#include "tests/fakes/nri_fake_plugin.hpp"
#include "tests/fakes/nri_loop.hpp"
#include "tests/unit/nri/wire_text.hpp"
#include "tools/local/nri_runtime/nri_runtime.hpp"

namespace knd::local {
namespace {

using fakes::NriFakePlugin;
using fakes::run_for;
using fakes::run_until;
using std::chrono::milliseconds;
using Manners = NriFakePlugin::Manners;

PodSandbox some_pod() {
    return {.id = "s", .uid = "u", .ns = "default", .name = "a", .netns = "/run/netns/a"};
}

struct NriRuntimeTest : ::testing::Test {
    fakes::TempDir dir;
    boost::asio::io_context io;
    NriRuntimeOptions options{.socket_path = dir.file("nri.sock"),
                              .registration_timeout = milliseconds(150),
                              .request_timeout = milliseconds(150)};
    NriRuntime::Inventory inventory;
    std::unique_ptr<NriRuntime> runtime;
    std::vector<std::unique_ptr<NriFakePlugin>> plugins;

    void open() {
        auto opened = NriRuntime::open(io, options, [this] { return inventory; });
        ASSERT_TRUE(opened.ok()) << opened.error().message();
        runtime = *std::move(opened);
    }
    NriFakePlugin& connect(Manners manners) {
        if (!runtime) open();
        plugins.push_back(
            std::make_unique<NriFakePlugin>(io, options.socket_path, std::move(manners)));
        return *plugins.back();
    }
    NriFakePlugin& add(Manners manners) {
        const auto before = runtime ? runtime->plugins().size() : 0;
        auto& plugin = connect(std::move(manners));
        EXPECT_TRUE(run_until(io, [&] { return runtime->plugins().size() == before + 1; }));
        return plugin;
    }
    Result<> run() {
        std::optional<Result<>> outcome;
        runtime->run_pod_sandbox(some_pod(), [&](auto r) { outcome = std::move(r); });
        EXPECT_TRUE(run_until(io, [&] { return outcome.has_value(); }));
        return *outcome;
    }
    Result<ContainerEdits> create() {
        std::optional<Result<ContainerEdits>> outcome;
        runtime->create_container(some_pod(), {.id = "c", .sandbox_id = "s", .name = "main"},
                                  [&](auto r) { outcome = std::move(r); });
        EXPECT_TRUE(run_until(io, [&] { return outcome.has_value(); }));
        return *outcome;
    }
    static auto sets_env(const std::string& key, const std::string& value) {
        return [=](NriFakePlugin::CreateResponse& reply) {
            auto* env = reply.mutable_adjust()->add_env();
            env->set_key(key);
            env->set_value(value);
        };
    }
};

TEST_F(NriRuntimeTest, ConfiguresAndSynchronizesBeforeAnythingElse) {
    inventory.pods.push_back(some_pod());
    auto& plugin = add({});
    EXPECT_TRUE(run().ok());
    EXPECT_EQ(plugin.calls,
              (std::vector<std::string>{"Configure", "Synchronize", "RunPodSandbox"}));
    EXPECT_EQ(plugin.pods, 1u);
    EXPECT_EQ(plugin.nri_version, "0.12.0");
}

TEST_F(NriRuntimeTest, UsesStateChangeBefore0_12) {
    options.nri_version = NriVersion::k0_11;
    auto& plugin = add({});
    EXPECT_TRUE(run().ok());
    EXPECT_EQ(plugin.calls.back(), "StateChange 1");
    EXPECT_EQ(plugin.nri_version, "");
}

TEST_F(NriRuntimeTest, FallsBackToStateChangeForAPluginWithoutPodRpcs) {
    auto& plugin = add({.pod_rpcs = false});
    EXPECT_TRUE(run().ok());
    EXPECT_TRUE(run().ok());
    EXPECT_EQ(plugin.calls, (std::vector<std::string>{"Configure", "Synchronize", "StateChange 1",
                                                      "StateChange 1"}));
}

TEST_F(NriRuntimeTest, CallsOnlySubscribers) {
    auto& plugin = add({.events = 1 << 3});
    EXPECT_TRUE(run().ok());
    EXPECT_TRUE(create().ok());
    EXPECT_EQ(plugin.calls,
              (std::vector<std::string>{"Configure", "Synchronize", "CreateContainer"}));
}

TEST_F(NriRuntimeTest, TakesAnEmptyMaskForEverything) {
    auto& plugin = add({.events = 0});
    EXPECT_TRUE(run().ok());
    EXPECT_EQ(plugin.calls.back(), "RunPodSandbox");
}

TEST_F(NriRuntimeTest, DropsAPluginWithEventsThatAnOldRuntimeDoesNotKnow) {
    options.nri_version = NriVersion::k0_8;
    auto& plugin = connect({.events = 1 << 11});
    EXPECT_TRUE(run_until(io, [&] { return plugin.closed; }));
    EXPECT_TRUE(runtime->plugins().empty());
}

TEST_F(NriRuntimeTest, AcceptsTheSameEventsIn0_11) {
    options.nri_version = NriVersion::k0_11;
    add({.events = 1 << 11});
}

TEST_F(NriRuntimeTest, DropsAPluginThatDoesNotRegisterAndTakesTheNext) {
    auto& silent = connect({.registers = false});
    auto& good = connect({});
    EXPECT_TRUE(run_until(io, [&] { return runtime->plugins().size() == 1; }));
    EXPECT_TRUE(silent.closed);
    EXPECT_FALSE(good.closed);
}

TEST_F(NriRuntimeTest, RefusesABadIndex) {
    auto& plugin = connect({.index = "1"});
    EXPECT_TRUE(run_until(io, [&] { return plugin.closed; }));
    ASSERT_TRUE(plugin.refused);
    EXPECT_NE(plugin.refused->message().find("index"), std::string::npos);
}

TEST_F(NriRuntimeTest, DropsAPluginThatCannotSplitSynchronize) {
    for (int i = 0; i < 100; ++i)
        inventory.pods.push_back(some_pod());
    options.max_message = 1024;
    auto& plugin = connect({.split_sync = false});
    EXPECT_TRUE(run_until(io, [&] { return plugin.closed; }));
}

TEST_F(NriRuntimeTest, CallsPluginsByIndex) {
    auto& late = add({.index = "90", .name = "late", .adjust = sets_env("A", "late")});
    auto& early = add({.index = "05", .name = "early"});
    EXPECT_EQ(runtime->plugins(), (std::vector<std::string>{"05-early", "90-late"}));
    EXPECT_TRUE(run().ok());
    EXPECT_EQ(late.calls.size(), 3u);
    EXPECT_EQ(early.calls.size(), 3u);
}

TEST_F(NriRuntimeTest, StopsAtTheFirstPluginThatFails) {
    add({.index = "05", .fail = Error(Code::kUnknown, "no network")});
    auto& later = add({.index = "90"});
    const auto result = run();
    ASSERT_FALSE(result.ok());
    EXPECT_NE(result.error().message().find("05-fake: RunPodSandbox: no network"),
              std::string::npos);
    EXPECT_EQ(later.calls.size(), 2u);
    EXPECT_EQ(runtime->plugins().size(), 2u);
}

TEST_F(NriRuntimeTest, GoesOnWithoutAPluginThatDoesNotAnswer) {
    auto& mute = add({.index = "05", .mute = true});
    auto& other = add({.index = "90"});
    EXPECT_TRUE(run().ok());  // fails open, as the real ones do
    EXPECT_EQ(runtime->plugins(), std::vector<std::string>{"90-fake"});
    EXPECT_EQ(other.calls.back(), "RunPodSandbox");
    EXPECT_TRUE(run_until(io, [&] { return mute.closed; }));
}

TEST_F(NriRuntimeTest, GoesOnWithoutAPluginThatVanishes) {
    options.request_timeout = milliseconds(5000);
    auto& mute = add({.mute = true});
    std::optional<Result<>> outcome;
    runtime->run_pod_sandbox(some_pod(), [&](auto r) { outcome = std::move(r); });
    ASSERT_TRUE(run_until(io, [&] { return mute.calls.size() == 3; }));
    mute.disconnect();
    ASSERT_TRUE(run_until(
        io, [&] { return outcome.has_value(); }, milliseconds(2000)));
    EXPECT_TRUE(outcome->ok());
    EXPECT_TRUE(runtime->plugins().empty());
}

TEST_F(NriRuntimeTest, FailsWhatAPluginWithThatPolicyDoesNotAnswer) {
    auto& mute = add({.index = "05", .mute = true, .fail_request = true});
    auto& other = add({.index = "90"});
    const auto result = run();
    ASSERT_FALSE(result.ok());
    EXPECT_NE(result.error().message().find("05-fake: RunPodSandbox: no answer within"),
              std::string::npos);
    EXPECT_EQ(other.calls.size(), 2u);  // Configure and Synchronize
    EXPECT_EQ(runtime->plugins(), std::vector<std::string>{"90-fake"});
    EXPECT_TRUE(run_until(io, [&] { return mute.closed; }));
    EXPECT_TRUE(run().ok());
}

TEST_F(NriRuntimeTest, FailsStopAndRemoveByThePolicyAsWell) {
    add({.mute = true, .fail_request = true, .keep_connected = true});
    int failed = 0;
    const auto count = [&](const Result<>& result) { failed += result.ok() ? 0 : 1; };
    runtime->stop_pod_sandbox(some_pod(), count);
    runtime->remove_pod_sandbox(some_pod(), count);
    EXPECT_TRUE(run_until(io, [&] { return failed == 2; }));
}

TEST_F(NriRuntimeTest, KeepsALatePluginWithThatPolicy) {
    auto& mute = add({.index = "05", .mute = true, .keep_connected = true});
    auto& other = add({.index = "90"});
    EXPECT_TRUE(run().ok());
    EXPECT_EQ(other.calls.back(), "RunPodSandbox");
    EXPECT_EQ(runtime->plugins().size(), 2u);
    EXPECT_TRUE(run().ok());
    EXPECT_EQ(mute.calls.size(), 4u);
    EXPECT_FALSE(mute.closed);
}

TEST_F(NriRuntimeTest, KeepsNoPluginThatVanishesOrBreaksTheProtocol) {
    options.request_timeout = milliseconds(5000);
    auto& lost = add({.mute = true, .fail_request = true, .keep_connected = true});
    std::optional<Result<>> outcome;
    runtime->run_pod_sandbox(some_pod(), [&](auto r) { outcome = std::move(r); });
    ASSERT_TRUE(run_until(io, [&] { return lost.calls.size() == 3; }));
    lost.disconnect();
    ASSERT_TRUE(run_until(io, [&] { return outcome.has_value(); }));
    EXPECT_FALSE(outcome->ok());
    EXPECT_TRUE(runtime->plugins().empty());

    add({.fail_request = true, .keep_connected = true, .nonsense = true});
    EXPECT_FALSE(create().ok());
    EXPECT_TRUE(runtime->plugins().empty());
}

TEST_F(NriRuntimeTest, FailsNothingForAPluginThatIsGoneAlready) {
    auto& plugin = add({.fail_request = true, .keep_connected = true});
    plugin.disconnect();
    ASSERT_TRUE(run_until(io, [&] { return runtime->plugins().empty(); }));
    EXPECT_TRUE(run().ok());
    EXPECT_TRUE(create().ok());
}

TEST_F(NriRuntimeTest, LosesNoContainerThatComesDuringSynchronize) {
    options.request_timeout = milliseconds(5000);
    auto& plugin = connect({.holds_sync = true});
    ASSERT_TRUE(run_until(io, [&] { return plugin.calls.size() == 2; }));
    std::optional<Result<ContainerEdits>> created;
    runtime->create_container(some_pod(), {.id = "c", .sandbox_id = "s", .name = "main"},
                              [&](auto r) { created = std::move(r); });
    run_for(io, milliseconds(30));
    EXPECT_FALSE(created.has_value());
    plugin.release_sync();
    ASSERT_TRUE(run_until(io, [&] { return created.has_value(); }));
    EXPECT_EQ(plugin.containers, 0u);
    EXPECT_EQ(plugin.calls.back(), "CreateContainer");
}

TEST_F(NriRuntimeTest, KnowsNoPolicyBefore0_12) {
    options.nri_version = NriVersion::k0_11;
    add({.mute = true, .fail_request = true, .keep_connected = true});
    EXPECT_TRUE(run().ok());
    EXPECT_TRUE(runtime->plugins().empty());
}

TEST_F(NriRuntimeTest, GoesOnAfterEachStepOfALifeThatFailed) {
    auto& plugin = add({.fail = Error(Code::kUnknown, "no")});
    EXPECT_FALSE(run().ok());
    EXPECT_FALSE(create().ok());
    std::optional<Result<>> stopped, removed;
    runtime->stop_pod_sandbox(some_pod(), [&](auto r) { stopped = std::move(r); });
    runtime->remove_pod_sandbox(some_pod(), [&](auto r) { removed = std::move(r); });
    ASSERT_TRUE(run_until(io, [&] { return removed.has_value(); }));
    EXPECT_FALSE(stopped->ok());
    EXPECT_FALSE(removed->ok());
    EXPECT_EQ(plugin.calls,
              (std::vector<std::string>{"Configure", "Synchronize", "RunPodSandbox",
                                        "CreateContainer", "StopPodSandbox", "RemovePodSandbox"}));
    EXPECT_EQ(runtime->plugins().size(), 1u);
}

TEST_F(NriRuntimeTest, RefusesTwoPluginsThatSetOneLimit) {
    const auto sets_limit = [](std::uint64_t hard) {
        return [=](NriFakePlugin::CreateResponse& reply) {
            auto* limit = reply.mutable_adjust()->add_rlimits();
            limit->set_type("RLIMIT_MEMLOCK");
            limit->set_hard(hard);
        };
    };
    add({.index = "05", .name = "x", .adjust = sets_limit(1)});
    add({.index = "90", .name = "y", .adjust = sets_limit(2)});
    EXPECT_EQ(create().error().message(),
              "NRI plugins 05-x and 90-y both tried to set rlimit RLIMIT_MEMLOCK");
}

TEST_F(NriRuntimeTest, SerialisesAllRequestsOfTheNode) {
    auto& mute = add({.mute = true});
    std::vector<int> order;
    runtime->run_pod_sandbox(some_pod(), [&](const Result<>&) { order.push_back(1); });
    runtime->stop_pod_sandbox(some_pod(), [&](const Result<>&) { order.push_back(2); });
    EXPECT_TRUE(order.empty());
    ASSERT_TRUE(run_until(io, [&] { return mute.calls.size() == 3; }));
    run_for(io, milliseconds(30));
    EXPECT_EQ(mute.calls.size(), 3u);  // the second waits for the first
    ASSERT_TRUE(run_until(io, [&] { return order.size() == 2; }));
    EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST_F(NriRuntimeTest, MergesTheEditsOfAllPlugins) {
    add({.index = "05", .adjust = sets_env("A", "1")});
    add({.index = "90", .adjust = sets_env("B", "2")});
    const auto edits = create();
    ASSERT_TRUE(edits.ok());
    EXPECT_EQ(edits->env, (std::map<std::string, std::string>{{"A", "1"}, {"B", "2"}}));
}

TEST_F(NriRuntimeTest, RefusesAContainerOverWhichPluginsQuarrel) {
    add({.index = "05", .name = "x", .adjust = sets_env("A", "1")});
    add({.index = "90", .name = "y", .adjust = sets_env("A", "2")});
    const auto edits = create();
    ASSERT_FALSE(edits.ok());
    EXPECT_EQ(edits.error().message(), "NRI plugins 05-x and 90-y both tried to set variable A");
}

TEST_F(NriRuntimeTest, LetsAPluginReplaceWhatAnotherSet) {
    add({.index = "05", .adjust = sets_env("A", "1")});
    add({.index = "90", .adjust = [](NriFakePlugin::CreateResponse& reply) {
             sets_env("A", "2")(reply);
             sets_env("-A", "")(reply);
         }});
    const auto edits = create();
    ASSERT_TRUE(edits.ok());
    EXPECT_EQ(edits->env, (std::map<std::string, std::string>{{"A", "2"}}));
}

TEST_F(NriRuntimeTest, ShowsALaterPluginTheHooksOfAnEarlierOne) {
    add({.index = "05", .adjust = [](NriFakePlugin::CreateResponse& reply) {
             reply.mutable_adjust()->mutable_hooks()->add_create_runtime()->set_path("/gate");
         }});
    auto& later = add({.index = "90"});
    EXPECT_TRUE(create().ok());
    EXPECT_EQ(later.hooks_seen, 1u);
}

TEST_F(NriRuntimeTest, RefusesADeviceOfUnknownType) {
    add({.adjust = [](NriFakePlugin::CreateResponse& reply) {
        reply.mutable_adjust()->mutable_linux()->add_devices()->set_path("/dev/x");
    }});
    EXPECT_EQ(create().code(), Code::kInvalidArgument);
}

TEST_F(NriRuntimeTest, DoesNotTakeTheSocketOfALivingRuntime) {
    open();
    const auto second = NriRuntime::open(io, options, [] { return NriRuntime::Inventory(); });
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.code(), Code::kAlreadyExists);
}

TEST_F(NriRuntimeTest, SurvivesRandomBytesFromAPlugin) {
    open();
    std::minstd_rand random(3);
    for (int round = 0; round < 100; ++round) {
        auto socket = nri::connect_unix(options.socket_path);
        ASSERT_TRUE(socket.ok());
        std::string noise(random() % 300, '\0');
        for (char& c : noise)
            c = static_cast<char>(random());
        if (round % 2 == 0) noise = nri::test::frame(2 - round / 2 % 2, noise);
        [[maybe_unused]] const auto size = ::write(socket->get(), noise.data(), noise.size());
        fakes::run_ready(io);
    }
    add({});
    EXPECT_TRUE(run().ok());
}

}  // namespace
}  // namespace knd::local
