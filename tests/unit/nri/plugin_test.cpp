// SPDX-License-Identifier: Apache-2.0
#include "host/nri/plugin.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <random>

#include "host/nri/translate.hpp"
#include "host/nri/ttrpc_client.hpp"
#include "host/nri/ttrpc_server.hpp"
#include "host/nri/unix_socket.hpp"
#include "host/proto/nri/nri.pb.h"
#include "tests/fakes/nri_loop.hpp"
#include "tests/fakes/nri_pod_service.hpp"
#include "tests/fakes/nri_strict_relay.hpp"
#include "tests/unit/nri/wire_text.hpp"
#include "tools/local/nri_runtime/nri_runtime.hpp"

namespace knd::nri {
namespace {

namespace api = ::nri::pkg::api::v1alpha1;
using fakes::run_for;
using fakes::run_until;
using local::NriRuntime;
using local::NriVersion;
using std::chrono::milliseconds;

struct Observer : PluginObserver {
    std::vector<std::pair<std::string, Code>> answers;
    std::vector<bool> changes;
    void answered(std::string_view method, Code code, std::chrono::nanoseconds) override {
        answers.emplace_back(method, code);
    }
    void connection_changed(bool connected) override { changes.push_back(connected); }
};

PodSandbox some_pod(const std::string& name = "a") {
    return {.id = "sandbox-" + name,
            .uid = "uid-" + name,
            .ns = "default",
            .name = name,
            .netns = "/run/netns/" + name};
}

Container some_container(const std::string& name = "main") {
    return {.id = "id-" + name,
            .sandbox_id = "sandbox-a",
            .name = name,
            .create_runtime_hooks = {{.path = "/opt/knd/knd-gate",
                                      .args = {"knd-gate", "uid"},
                                      .env = {"KND_GATE=1"},
                                      .timeout_s = 9}},
            .running = true,
            .cdi_devices = {"knd.dev/claim=uid"}};
}

/// A plugin and a runtime with a relay between them that reads as strictly as a Go peer.
struct PluginTest : ::testing::Test {
    fakes::TempDir dir;
    boost::asio::io_context io;
    fakes::NriPodService service;
    Observer observer;
    NriRuntime::Inventory inventory;
    std::unique_ptr<NriRuntime> runtime;
    std::unique_ptr<fakes::NriStrictRelay> relay;
    std::unique_ptr<Plugin> plugin;
    PluginOptions options{.socket_path = dir.file("nri.sock"),
                          .retry_min = milliseconds(5),
                          .retry_max = milliseconds(20)};
    local::NriRuntimeOptions runtime_options{.socket_path = dir.file("real.sock")};

    void open_runtime() {
        auto opened = NriRuntime::open(io, runtime_options, [this] { return inventory; });
        ASSERT_TRUE(opened.ok()) << opened.error().message();
        runtime = *std::move(opened);
    }
    void start() {
        open_runtime();
        relay = std::make_unique<fakes::NriStrictRelay>(io, options.socket_path,
                                                        runtime_options.socket_path);
        start_plugin();
        ASSERT_TRUE(run_until(io, [&] { return plugin->connected(); }));
        ASSERT_TRUE(run_until(io, [&] { return runtime->plugins().size() == 1; }));
    }
    void start_plugin() {
        plugin = std::make_unique<Plugin>(io, options, service, observer);
        ASSERT_TRUE(plugin->start().ok());
    }
    /// What the runtime gets to hear.
    template <class Call>
    Result<> ask(Call call, milliseconds limit = milliseconds(5000)) {
        std::optional<Result<>> outcome;
        call([&](Result<> result) { outcome = std::move(result); });
        if (!run_until(
                io, [&] { return outcome.has_value(); }, limit))
            return Error(Code::kUnknown, "the test waited in vain");
        return *outcome;
    }
    Result<> run(const PodSandbox& pod) {
        return ask([&](Done<> done) { runtime->run_pod_sandbox(pod, std::move(done)); });
    }
    Result<> stop(const PodSandbox& pod) {
        return ask([&](Done<> done) { runtime->stop_pod_sandbox(pod, std::move(done)); });
    }
    Result<> remove(const PodSandbox& pod) {
        return ask([&](Done<> done) { runtime->remove_pod_sandbox(pod, std::move(done)); });
    }
    Result<ContainerEdits> create(const PodSandbox& pod, const Container& container) {
        std::optional<Result<ContainerEdits>> outcome;
        runtime->create_container(pod, container,
                                  [&](auto result) { outcome = std::move(result); });
        if (!run_until(io, [&] { return outcome.has_value(); }))
            return Error(Code::kUnknown, "the test waited in vain");
        return *outcome;
    }
};

struct PluginWithRuntime : PluginTest, ::testing::WithParamInterface<NriVersion> {
    PluginWithRuntime() { runtime_options.nri_version = GetParam(); }
};

TEST_P(PluginWithRuntime, HearsOfEachEventOnceInOrder) {
    start();
    EXPECT_TRUE(run(some_pod()).ok());
    EXPECT_TRUE(create(some_pod(), some_container()).ok());
    EXPECT_TRUE(stop(some_pod()).ok());
    EXPECT_TRUE(remove(some_pod()).ok());
    EXPECT_EQ(service.calls,
              (std::vector<std::string>{"synchronize", "run default/a", "create default/a/main",
                                        "stop default/a", "remove default/a"}));
    EXPECT_TRUE(relay->violations().empty());
}

TEST_P(PluginWithRuntime, HandsTheReasonOfAFailedRunToTheRuntime) {
    start();
    service.fail = Error(Code::kFailedPrecondition, "claim default/c: device vf3 is gone");
    const auto result = run(some_pod());
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.code(), Code::kFailedPrecondition);
    EXPECT_NE(result.error().message().find("claim default/c: device vf3 is gone"),
              std::string::npos);
    EXPECT_EQ(runtime->plugins().size(), 1u);
}

TEST_P(PluginWithRuntime, NeverFailsStopOrRemove) {
    start();
    service.fail = Error(Code::kInternal, "broken");
    EXPECT_TRUE(stop(some_pod()).ok());
    EXPECT_TRUE(remove(some_pod()).ok());
}

INSTANTIATE_TEST_SUITE_P(Versions, PluginWithRuntime,
                         ::testing::Values(NriVersion::k0_8, NriVersion::k0_11, NriVersion::k0_12));

TEST_F(PluginTest, TranslatesThePodForTheService) {
    start();
    EXPECT_TRUE(run(some_pod()).ok());
    ASSERT_TRUE(service.last_pod);
    EXPECT_EQ(service.last_pod->id, "sandbox-a");
    EXPECT_EQ(service.last_pod->uid, "uid-a");
    EXPECT_EQ(service.last_pod->text(), "default/a");
    EXPECT_EQ(service.last_pod->netns, "/run/netns/a");
}

TEST_F(PluginTest, ShowsTheServiceTheHooksOfAContainer) {
    start();
    EXPECT_TRUE(create(some_pod(), some_container()).ok());
    ASSERT_TRUE(service.last_container);
    ASSERT_EQ(service.last_container->create_runtime_hooks.size(), 1u);
    const auto& hook = service.last_container->create_runtime_hooks[0];
    EXPECT_EQ(hook.path, "/opt/knd/knd-gate");
    EXPECT_EQ(hook.args, (std::vector<std::string>{"knd-gate", "uid"}));
    EXPECT_EQ(hook.env, (std::vector<std::string>{"KND_GATE=1"}));
    EXPECT_EQ(hook.timeout_s, 9);
    EXPECT_EQ(service.last_container->cdi_devices, some_container().cdi_devices);
}

TEST_F(PluginTest, CarriesEditsToTheRuntimeUnchanged) {
    start();
    service.edits.devices = {
        {.path = "/dev/vfio/7", .type = 'c', .major = 243, .minor = 7, .mode = 0600},
        {.path = "/dev/uverbs0", .major = 231, .uid = 7, .gid = 8, .access = "r"},
        {.path = "/dev/x", .major = 1, .access = "rwm"},
        {.path = "/dev/disk", .type = 'b', .major = 8, .access = "rw"}};
    service.edits.mounts = {
        {.source = "/run/a", .destination = "/etc/a", .read_only = true},
        {.source = "/run/b", .destination = "/b", .options = {"nosuid", "rslave"}}};
    service.edits.rlimits = {{.type = "RLIMIT_MEMLOCK", .soft = 1, .hard = UINT64_MAX}};
    service.edits.unified = {{"rdma.max", "mlx5_0 hca_handle=2"}};
    service.edits.env = {{"KND_PCI", "0000:01:00.1"}};
    service.edits.create_runtime_hooks = {
        {.path = "/gate", .args = {"gate"}, .env = {"A=1"}, .timeout_s = 3}};
    const auto edits = create(some_pod(), some_container());
    ASSERT_TRUE(edits.ok()) << edits.error().message();
    ASSERT_EQ(edits->devices.size(), 4u);
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(edits->devices[i].access, service.edits.devices[i].access) << i;
        EXPECT_EQ(edits->devices[i].uid, service.edits.devices[i].uid) << i;
        EXPECT_EQ(edits->devices[i].gid, service.edits.devices[i].gid) << i;
    }
    EXPECT_EQ(edits->devices[0].path, "/dev/vfio/7");
    EXPECT_EQ(edits->devices[0].major, 243);
    EXPECT_EQ(edits->devices[0].minor, 7);
    EXPECT_EQ(edits->devices[0].mode, 0600u);
    EXPECT_EQ(edits->mounts, service.edits.mounts);
    EXPECT_EQ(edits->rlimits, service.edits.rlimits);
    EXPECT_EQ(edits->unified, service.edits.unified);
    EXPECT_EQ(edits->env, service.edits.env);
    ASSERT_EQ(edits->create_runtime_hooks.size(), 1u);
    EXPECT_EQ(edits->create_runtime_hooks[0].timeout_s, 3);
}

TEST_F(PluginTest, WritesMountsAndAccessAsRuntimesWantThem) {
    ContainerEdits edits;
    edits.devices = {{.path = "/dev/a", .major = 1, .minor = 2, .access = "r"}};
    edits.mounts = {{.source = "/s", .destination = "/d", .options = {"bind", "shared", "ro"}}};
    api::ContainerAdjustment message;
    to_wire(edits, message);
    EXPECT_EQ((std::vector<std::string>{message.mounts(0).options().begin(),
                                        message.mounts(0).options().end()}),
              (std::vector<std::string>{"bind", "shared", "ro"}));
    // What the runtime allows by itself is taken away first.
    const auto& rules = message.linux().resources().devices();
    ASSERT_EQ(rules.size(), 2);
    EXPECT_FALSE(rules[0].allow());
    EXPECT_EQ(rules[0].access(), "wm");
    EXPECT_TRUE(rules[1].allow());
    EXPECT_EQ(rules[1].access(), "r");
    EXPECT_EQ(rules[1].major().value(), 1);
    EXPECT_EQ(rules[1].minor().value(), 2);
}

TEST_F(PluginTest, FailsWhatItCannotAnswerAnyMore) {
    start();
    service.hold = true;
    std::optional<Result<>> outcome;
    runtime->run_pod_sandbox(some_pod(), [&](auto r) { outcome = std::move(r); });
    ASSERT_TRUE(run_until(io, [&] { return service.held() == 1; }));
    plugin->stop();
    ASSERT_TRUE(run_until(io, [&] { return outcome.has_value(); }));
    EXPECT_FALSE(outcome->ok());
    ASSERT_TRUE(run_until(io, [&] { return runtime->plugins().empty(); }));
    EXPECT_TRUE(run(some_pod()).ok());  // nobody is there to be asked
}

TEST_F(PluginTest, AnswersStopAndRemoveBeforeTheRuntimeLosesPatience) {
    runtime_options.request_timeout = milliseconds(200);
    start();
    service.hold = true;
    std::vector<bool> results;
    const auto note = [&](const Result<>& result) { results.push_back(result.ok()); };
    runtime->stop_pod_sandbox(some_pod(), note);
    runtime->remove_pod_sandbox(some_pod(), note);
    ASSERT_TRUE(run_until(io, [&] { return results.size() == 2; }));
    EXPECT_EQ(results, (std::vector<bool>{true, true}));
    EXPECT_EQ(runtime->plugins().size(), 1u);
}

TEST_F(PluginTest, IsToldOfAllPodsAtOnceWhenTheRuntimeSplitsThem) {
    for (int i = 0; i < 300; ++i) {
        inventory.pods.push_back(some_pod("p" + std::to_string(i)));
        inventory.containers.push_back(some_container("c" + std::to_string(i)));
    }
    runtime_options.max_message = 4096;
    start();
    EXPECT_EQ(service.calls, (std::vector<std::string>{"synchronize"}));
    ASSERT_EQ(service.pods.size(), 300u);
    EXPECT_EQ(service.containers.size(), 300u);
    EXPECT_EQ(service.pods[299].name, "p299");
    EXPECT_TRUE(service.containers[0].running);
    EXPECT_TRUE(relay->violations().empty());
}

TEST_F(PluginTest, SynchronizesAFewMegabytesInOneMessage) {
    for (int i = 0; i < 20000; ++i)
        inventory.pods.push_back(some_pod("p" + std::to_string(i)));
    start();
    EXPECT_EQ(service.pods.size(), 20000u);
    EXPECT_TRUE(relay->violations().empty());
}

TEST_F(PluginTest, StaysRegisteredWhenTheServiceCannotSynchronize) {
    service.fail = Error(Code::kInternal, "broken");
    start();
    EXPECT_FALSE(run(some_pod()).ok());  // and so guards new pods
}

TEST_F(PluginTest, RefusesARunThatTakesTooLongAndStaysRegistered) {
    options.budget = milliseconds(50);
    start();
    service.hold = true;
    const auto result = run(some_pod());
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.code(), Code::kDeadlineExceeded);
    EXPECT_NE(result.error().message().find("default/a"), std::string::npos);
    service.release();  // the late answer changes nothing
    service.hold = false;
    EXPECT_TRUE(run(some_pod()).ok());
    EXPECT_EQ(runtime->plugins().size(), 1u);
}

TEST_F(PluginTest, RefusesAContainerThatTakesTooLong) {
    options.budget = milliseconds(50);
    start();
    service.hold = true;
    EXPECT_EQ(create(some_pod(), some_container()).code(), Code::kDeadlineExceeded);
}

TEST_F(PluginTest, LetsAStopThatTakesTooLongSucceed) {
    options.budget = milliseconds(50);
    start();
    service.hold = true;
    EXPECT_TRUE(stop(some_pod()).ok());
    EXPECT_TRUE(remove(some_pod()).ok());
}

TEST_F(PluginTest, AnswersWithinAShorterLimitThatTheRuntimeAnnounces) {
    runtime_options.request_timeout = milliseconds(200);
    start();
    service.hold = true;
    EXPECT_EQ(run(some_pod()).code(), Code::kDeadlineExceeded);
    EXPECT_EQ(runtime->plugins().size(), 1u);
}

TEST_F(PluginTest, IsConnectedWhenTheServiceSynchronizesTooSlowly) {
    options.budget = milliseconds(50);
    service.hold = true;
    start();
    service.hold = false;
    EXPECT_TRUE(run(some_pod()).ok());
}

TEST_F(PluginTest, WaitsForARuntimeThatIsNotThereYet) {
    start_plugin();
    run_for(io, milliseconds(50));
    EXPECT_FALSE(plugin->connected());
    runtime_options.socket_path = options.socket_path;
    open_runtime();
    EXPECT_TRUE(run_until(io, [&] { return plugin->connected(); }));
}

TEST_F(PluginTest, ComesBackAfterTheRuntimeRestarts) {
    runtime_options.socket_path = options.socket_path;
    open_runtime();
    start_plugin();
    for (int round = 0; round < 5; ++round) {
        ASSERT_TRUE(run_until(io, [&] { return plugin->connected(); }));
        runtime.reset();
        ASSERT_TRUE(run_until(io, [&] { return !plugin->connected(); }));
        open_runtime();
    }
    ASSERT_TRUE(run_until(io, [&] { return plugin->connected(); }));
    EXPECT_EQ(service.calls.size(), 6u);  // synchronised each time
    EXPECT_EQ(observer.changes.size(), 11u);
}

TEST_F(PluginTest, KeepsQuietAfterStop) {
    start();
    plugin->stop();
    EXPECT_FALSE(plugin->connected());
    run_for(io, milliseconds(100));
    EXPECT_TRUE(runtime->plugins().empty());
    EXPECT_TRUE(run(some_pod()).ok());  // without the plugin
    EXPECT_EQ(service.calls.size(), 1u);
}

TEST_F(PluginTest, IgnoresAnAnswerThatComesAfterTheConnectionIsGone) {
    start();
    service.hold = true;
    runtime->run_pod_sandbox(some_pod(), [](const Result<>&) {});
    ASSERT_TRUE(run_until(io, [&] { return service.held() == 1; }));
    plugin.reset();
    run_for(io, milliseconds(20));
    service.release();
}

TEST_F(PluginTest, KnowsTheRuntime) {
    runtime_options.name = "containerd";
    runtime_options.version = "v2.3.4";
    start();
    EXPECT_EQ(plugin->runtime().name, "containerd");
    EXPECT_EQ(plugin->runtime().version, "v2.3.4");
    EXPECT_EQ(plugin->runtime().nri_version, "0.12.0");
}

TEST_F(PluginTest, TellsTheObserverOfEachAnswer) {
    start();
    EXPECT_TRUE(run(some_pod()).ok());
    service.fail = Error(Code::kNotFound, "no");
    EXPECT_FALSE(create(some_pod(), some_container()).ok());
    ASSERT_EQ(observer.answers.size(), 3u);
    EXPECT_EQ(observer.answers[0], std::pair(std::string("Synchronize"), Code::kOk));
    EXPECT_EQ(observer.answers[1], std::pair(std::string("RunPodSandbox"), Code::kOk));
    EXPECT_EQ(observer.answers[2], std::pair(std::string("CreateContainer"), Code::kNotFound));
    EXPECT_EQ(observer.changes, std::vector<bool>{true});
}

TEST_F(PluginTest, RefusesAnIndexThatNoRuntimeWouldTake) {
    options.index = "7";
    Plugin wrong(io, options, service, observer);
    EXPECT_EQ(wrong.start().code(), Code::kInvalidArgument);
}

TEST_F(PluginTest, RefusesANameThatNoRuntimeWouldTake) {
    options.name = "knd dev";
    Plugin wrong(io, options, service, observer);
    EXPECT_EQ(wrong.start().code(), Code::kInvalidArgument);
}

/// A runtime in raw bytes, for what a proper one would never send.
struct PluginUnderAttack : PluginTest {
    Fd listener;
    Fd socket;

    void SetUp() override {
        options.retry_min = options.retry_max = milliseconds(2);
        listener = listen_unix(options.socket_path).value();
        start_plugin();
        accept();
    }
    void accept() {
        ASSERT_TRUE(run_until(io, [&] {
            auto got = accept_unix(listener.get());
            if (got) socket = *std::move(got);
            return got.ok();
        }));
    }
    std::string read_some(milliseconds time = milliseconds(5)) {
        run_for(io, time);
        std::string buffer(65536, '\0');
        const auto size = ::read(socket.get(), buffer.data(), buffer.size());
        buffer.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
        return buffer;
    }
};

TEST_F(PluginUnderAttack, AsksToBeRegisteredFirst) {
    const auto bytes = read_some();
    EXPECT_EQ(bytes.substr(0, 4), test::u32(2));
    EXPECT_NE(bytes.find("RegisterPlugin"), std::string::npos);
}

TEST_F(PluginUnderAttack, RefusesPodsBeforeItIsSynchronised) {
    read_some();
    // Request{service, method: RunPodSandbox}, without a pod.
    const std::string service_name = "nri.pkg.api.v1alpha1.Plugin";
    const std::string request = std::string("\x0a") + static_cast<char>(service_name.size()) +
                                service_name + "\x12\x0dRunPodSandbox";
    const auto bytes = test::frame(1, test::ttrpc(1, 1, request));
    ASSERT_EQ(::write(socket.get(), bytes.data(), bytes.size()),
              static_cast<ssize_t>(bytes.size()));
    EXPECT_NE(read_some().find("does not know the pods"), std::string::npos);
    EXPECT_TRUE(service.calls.empty());
}

TEST_F(PluginUnderAttack, SurvivesRandomBytesAndComesBack) {
    std::minstd_rand random(11);
    for (int round = 0; round < 200; ++round) {
        std::string noise(random() % 300, '\0');
        for (char& c : noise)
            c = static_cast<char>(random());
        if (round % 2 == 0) noise = test::frame(1 + round / 2 % 2, noise);
        [[maybe_unused]] const auto size = ::write(socket.get(), noise.data(), noise.size());
        fakes::run_ready(io);
        socket.reset();
        accept();
    }
    socket.reset();
    listener.reset();
    runtime_options.socket_path = options.socket_path;
    open_runtime();
    EXPECT_TRUE(run_until(io, [&] { return plugin->connected(); }));
}

}  // namespace
}  // namespace knd::nri
