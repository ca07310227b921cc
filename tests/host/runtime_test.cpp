// SPDX-License-Identifier: Apache-2.0
//
// kndd under real containerd, both lines, and under real CRI-O: the interface of a claim is in the
// pod before a container starts, comes home when the pod ends, and no container starts without it.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

#include "host/model/text_file.hpp"
#include "sdk/support/netns.hpp"
#include "tests/host/node/runtime.hpp"
#include "tests/host/node/test_node.hpp"

namespace knd::testing {
namespace {

using namespace std::chrono_literals;

struct RuntimeKind {
    const char* name;
    Result<RuntimeRecipe> (*recipe)(bool cdi);
};

/// How gtest calls it.
void PrintTo(const RuntimeKind& kind, std::ostream* out) {
    *out << kind.name;
}

class RuntimeTest : public ::testing::TestWithParam<RuntimeKind> {
  protected:
    void SetUp() override {
        auto recipe = GetParam().recipe(cdi());
        if (!recipe) GTEST_SKIP() << recipe.error().message();
        start_runtime(*std::move(recipe));
        start_node();
    }

    virtual bool cdi() const { return true; }
    /// Further TOML for kndd.
    virtual std::string settings() const { return ""; }

    void start_runtime(RuntimeRecipe recipe) {
        auto made = Runtime::make(std::move(recipe), runtime_directory_.path());
        ASSERT_TRUE(made.ok()) << made.error().message();
        runtime_ = *std::move(made);
    }

    void start_node() {
        NodeOptions options;
        options.nri_socket = runtime_->nri_socket();
        options.cdi_directory = runtime_->cdi_directory();
        options.extra = settings();
        node_ = std::make_unique<TestNode>(options);
        peer_ = *netns::create();
        const auto nic = make_nic(TestNic(), peer_.get(), "192.0.2.1/24");
        ASSERT_TRUE(nic.ok()) << nic.error().message();
        before_ = describe_interface("nic0").value_or("?");
        start_daemon();
    }

    void start_daemon() {
        const auto log_before = node_->daemon_log().size();
        const auto started = node_->start_daemon();
        ASSERT_TRUE(started.ok()) << started.error().message();
        const auto ready = node_->wait_ready();
        ASSERT_TRUE(ready.ok()) << ready.error().message();
        ASSERT_TRUE(eventually([&] {
            return node_->daemon_log().find("connected to the container runtime", log_before) !=
                   std::string::npos;
        })) << node_->daemon_log();
    }

    void TearDown() override {
        if (runtime_ && HasFailure() && node_) {
            std::puts(node_->daemon_log().c_str());
            std::puts(read_text_file(runtime_->log_file()).value_or("").c_str());
        }
        node_.reset();
        runtime_.reset();
    }

    /// A prepared claim for `pod` on nic0; its CDI id.
    std::string prepare(const CriPod& pod) {
        auto claim = node_->make_claim("claim-" + pod.name, {"nic0"}, pod.uid);
        EXPECT_TRUE(claim.ok()) << claim.error().message();
        if (!claim) return "";
        claim_ = *claim;
        const auto prepared = node_->prepare(claim_);
        EXPECT_TRUE(prepared.ok()) << prepared.error().message();
        if (!prepared || prepared->empty() || prepared->front().cdi_ids.empty()) return "";
        return prepared->front().cdi_ids.front();
    }

    Result<void> start_container(const std::string& sandbox, const CriPod& pod,
                                 const CriContainer& container, std::string* id = nullptr) {
        KND_TRY_ASSIGN(const auto made, runtime_->cri().create(sandbox, pod, container));
        if (id != nullptr) *id = made;
        containers_.push_back(made);
        return runtime_->cri().start(made);
    }

    /// As a kubelet does it: CRI-O gives containers that it must stop itself as long as the caller
    /// waits.
    void end_pod(const std::string& sandbox) {
        auto& cri = runtime_->cri();
        for (const auto& container : containers_)
            EXPECT_TRUE(cri.stop(container).ok());
        EXPECT_TRUE(cri.stop_pod(sandbox).ok());
        EXPECT_TRUE(cri.remove_pod(sandbox).ok());
    }

    /// The peer answers through the device.
    void expect_ping(const std::string& container) {
        const auto ping =
            runtime_->cri().exec(container, {"/bin/ping", "-c", "1", "-W", "2", "192.0.2.1"});
        EXPECT_TRUE(ping.ok()) << ping.error().message();
    }

    /// From a new sandbox to its end, with the device in between.
    void expect_life(const CriPod& pod, const CriContainer& container) {
        auto sandbox = runtime_->cri().run_pod(pod);
        ASSERT_TRUE(sandbox.ok()) << sandbox.error().message();
        std::string id;
        const auto started = start_container(*sandbox, pod, container, &id);
        ASSERT_TRUE(started.ok()) << started.error().message();
        expect_ping(id);
        end_pod(*sandbox);
        expect_home();
    }

    void expect_home() {
        EXPECT_TRUE(eventually([&] { return describe_interface("nic0").value_or("") == before_; }))
            << "before: " << before_
            << "\nafter: " << describe_interface("nic0").value_or("nic0 is not on the host");
    }

    static bool on_host() { return describe_interface("nic0").ok(); }

    ShortDirectory runtime_directory_;
    std::unique_ptr<Runtime> runtime_;
    std::unique_ptr<TestNode> node_;
    Fd peer_;
    std::string before_;
    ClaimRef claim_;
    std::vector<std::string> containers_;
};

TEST_P(RuntimeTest, MovesTheInterfaceIntoThePodAndHome) {
    const CriPod pod{"p1", "uid-1"};
    const auto cdi = prepare(pod);
    auto sandbox = runtime_->cri().run_pod(pod);
    ASSERT_TRUE(sandbox.ok()) << sandbox.error().message();
    std::string id;
    const auto started = start_container(*sandbox, pod, {.cdi_ids = {cdi}}, &id);
    ASSERT_TRUE(started.ok()) << started.error().message();
    const auto seen = runtime_->cri().exec(id, {"/bin/ip", "addr", "show", "nic0"});
    ASSERT_TRUE(seen.ok()) << seen.error().message();
    EXPECT_NE(seen->find("192.0.2.10/24"), std::string::npos) << *seen;
    expect_ping(id);
    EXPECT_FALSE(on_host());
    end_pod(*sandbox);
    expect_home();
    EXPECT_TRUE(node_->unprepare(claim_).ok());
}

TEST_P(RuntimeTest, RunningPodSurvivesRestartsOfBothDaemons) {
    const CriPod pod{"p1", "uid-1"};
    const auto cdi = prepare(pod);
    auto sandbox = runtime_->cri().run_pod(pod);
    ASSERT_TRUE(sandbox.ok()) << sandbox.error().message();
    std::string id;
    ASSERT_TRUE(start_container(*sandbox, pod, {.cdi_ids = {cdi}}, &id).ok());
    node_->kill_daemon(SIGKILL);
    start_daemon();
    runtime_->stop(SIGKILL);
    ASSERT_TRUE(runtime_->start().ok());
    expect_ping(id);
    EXPECT_FALSE(on_host());
    end_pod(*sandbox);
    // A restarted containerd does not tell its plugins of the end of older pods; the kubelet does.
    EXPECT_TRUE(node_->unprepare(claim_).ok());
    expect_home();
}

TEST_P(RuntimeTest, RefusesTheContainerWhileTheDaemonIsDead) {
    const CriPod pod{"p1", "uid-1"};
    const auto cdi = prepare(pod);
    node_->kill_daemon(SIGKILL);
    auto sandbox = runtime_->cri().run_pod(pod);
    ASSERT_TRUE(sandbox.ok()) << sandbox.error().message();
    const auto refused = start_container(*sandbox, pod, {.cdi_ids = {cdi}});
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message().find("knd-gate: "), std::string::npos)
        << refused.error().message();
    EXPECT_NE(refused.error().message().find("default/claim-p1"), std::string::npos)
        << refused.error().message();
    start_daemon();
    EXPECT_TRUE(eventually([] { return !on_host(); })) << "no late attach after the restart";
    const auto retried = start_container(*sandbox, pod, {.cdi_ids = {cdi}, .attempt = 1});
    EXPECT_TRUE(retried.ok()) << retried.error().message();
    end_pod(*sandbox);
    EXPECT_TRUE(node_->unprepare(claim_).ok());
    expect_home();
}

/// Its first process copies at once what it sees.
TEST_P(RuntimeTest, ShowsAContainerFromItsStartWhatItWasGiven) {
    const CriPod pod{"p1", "uid-1"};
    prepare(pod);
    const auto prepared = node_->prepare(claim_);
    ASSERT_TRUE(prepared.ok()) << prepared.error().message();
    auto sandbox = runtime_->cri().run_pod(pod);
    ASSERT_TRUE(sandbox.ok()) << sandbox.error().message();
    const std::string file =
        "/var/run/kubernetes.io/dra-device-attributes/resourceclaims/claim-p1/nic/"
        "dra.net-metadata.json";
    std::string id;
    const auto started =
        start_container(*sandbox, pod,
                        {.command = {"/bin/sh", "-c", "cat " + file + " >/first; exec sleep 3600"},
                         .cdi_ids = prepared->front().cdi_ids},
                        &id);
    ASSERT_TRUE(started.ok()) << started.error().message();
    std::string seen;
    EXPECT_TRUE(eventually([&] {
        seen = runtime_->cri().exec(id, {"/bin/cat", "/first"}).value_or("");
        return seen.ends_with("\n");
    }));
    EXPECT_EQ(std::count(seen.begin(), seen.end(), '\n'), 2) << "an object for each version";
    const auto object = parse_json(seen.substr(0, seen.find('\n')));
    ASSERT_TRUE(object.ok()) << object.error().message() << "\n" << seen;
    const auto& device = json_at(*object, "requests").at(0).at("devices").at(0);
    EXPECT_EQ(json_string(device, "name"), "nic0");
    const Json network = {{"interfaceName", "nic0"},
                          {"ips", {"192.0.2.10/24"}},
                          {"hardwareAddress", "02:00:00:00:00:01"}};
    EXPECT_EQ(json_at(device, "networkData"), network);
    EXPECT_EQ(json_path(device, {"attributes", "dra.net/ifName", "string"}), "nic0");
    const auto written = runtime_->cri().exec(id, {"/bin/sh", "-c", "echo >>" + file});
    EXPECT_FALSE(written.ok()) << "it is mounted to be read";
    end_pod(*sandbox);
    EXPECT_TRUE(node_->unprepare(claim_).ok());
    expect_home();
}

TEST_P(RuntimeTest, GuardsAPodWhoseContainersDoNotListTheClaim) {
    const CriPod pod{"p1", "uid-1"};
    prepare(pod);
    expect_life(pod, {});
}

TEST_P(RuntimeTest, RefusesAPodOfTheHostNetwork) {
    CriPod pod{"p1", "uid-1"};
    pod.host_network = true;
    prepare(pod);
    const auto sandbox = runtime_->cri().run_pod(pod);
    ASSERT_FALSE(sandbox.ok());
    EXPECT_NE(sandbox.error().message().find("host's network"), std::string::npos)
        << sandbox.error().message();
    expect_home();
}

TEST_P(RuntimeTest, LeavesPodsWithoutClaimsAlone) {
    const CriPod pod{"other", "uid-other"};
    auto sandbox = runtime_->cri().run_pod(pod);
    ASSERT_TRUE(sandbox.ok()) << sandbox.error().message();
    EXPECT_TRUE(start_container(*sandbox, pod, {}).ok());
    EXPECT_TRUE(on_host());
    end_pod(*sandbox);
}

class RuntimeWithoutCdi : public RuntimeTest {
  protected:
    bool cdi() const override { return false; }
};

TEST_P(RuntimeWithoutCdi, HoldsTheContainerByAHookFromNri) {
    const CriPod pod{"p1", "uid-1"};
    const auto cdi = prepare(pod);
    expect_life(pod, {.cdi_ids = {cdi}});
}

class RuntimeWithoutLateAttach : public RuntimeTest {
  protected:
    std::string settings() const override { return "[attach]\nmissed = \"fail\"\n"; }
};

TEST_P(RuntimeWithoutLateAttach, KillsAContainerThatRunsWithoutItsDevice) {
    const CriPod pod{"p1", "uid-1"};
    prepare(pod);
    node_->kill_daemon(SIGKILL);
    auto sandbox = runtime_->cri().run_pod(pod);
    ASSERT_TRUE(sandbox.ok()) << sandbox.error().message();
    // It does not list the claim, so that no gate is in its CDI edits, and no plugin adds one.
    std::string id;
    const auto slipped = start_container(*sandbox, pod, {}, &id);
    ASSERT_TRUE(slipped.ok()) << slipped.error().message();
    start_daemon();
    const auto killed = [&] {
        const auto status = runtime_->cri().status(id);
        return status.ok() && !status->running && status->exit_code == 128 + SIGKILL;
    };
    EXPECT_TRUE(eventually(killed)) << node_->daemon_log();
    const auto retried = start_container(*sandbox, pod, {.attempt = 1}, &id);
    ASSERT_TRUE(retried.ok()) << retried.error().message();
    expect_ping(id);
    end_pod(*sandbox);
    expect_home();
}

std::string kind_name(const ::testing::TestParamInfo<RuntimeKind>& info) {
    return info.param.name;
}

constexpr RuntimeKind kContainerd1{"containerd1",
                                   [](bool cdi) { return containerd_recipe(1, cdi); }};
constexpr RuntimeKind kContainerd2{"containerd2",
                                   [](bool cdi) { return containerd_recipe(2, cdi); }};
// CDI cannot be switched off in CRI-O.
constexpr RuntimeKind kCrio{"crio", [](bool) { return crio_recipe(); }};
const auto kAll = ::testing::Values(kContainerd1, kContainerd2, kCrio);
const auto kWithSwitchForCdi = ::testing::Values(kContainerd1, kContainerd2);
INSTANTIATE_TEST_SUITE_P(Real, RuntimeTest, kAll, kind_name);
INSTANTIATE_TEST_SUITE_P(Real, RuntimeWithoutCdi, kWithSwitchForCdi, kind_name);
INSTANTIATE_TEST_SUITE_P(Real, RuntimeWithoutLateAttach, kAll, kind_name);

}  // namespace
}  // namespace knd::testing
