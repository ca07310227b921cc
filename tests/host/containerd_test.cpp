// SPDX-License-Identifier: Apache-2.0
//
// kndd under real containerd, both lines: the interface of a claim is in the pod before a container
// starts, comes home when the pod ends, and no container starts without it.
#include <gtest/gtest.h>
#include <signal.h>

#include "sdk/support/netns.hpp"
#include "tests/host/node/containerd.hpp"
#include "tests/host/node/test_node.hpp"

namespace knd::testing {
namespace {

using namespace std::chrono_literals;

struct Line {
    int major;
    const char* package;
};

std::string package_directory(const Line& line) {
    const char* cache = std::getenv("KND_CACHE");
    return std::string(cache != nullptr ? cache : "/var/cache/knd") + "/" + line.package;
}

class ContainerdTest : public ::testing::TestWithParam<Line> {
  protected:
    void SetUp() override {
        if (!std::filesystem::exists(package_directory(GetParam()))) {
            GTEST_SKIP() << "no containerd " << GetParam().major << ".x is unpacked in "
                         << package_directory(GetParam()) << "; run tools/install-deps test";
        }
        start_containerd();
        start_node();
    }

    virtual bool cdi() const { return true; }
    /// Further TOML for kndd.
    virtual std::string settings() const { return ""; }

    void start_containerd() {
        auto made = Containerd::make(
            {package_directory(GetParam()), GetParam().major, runtime_directory_.path(), cdi()});
        ASSERT_TRUE(made.ok()) << made.error().message();
        containerd_ = *std::move(made);
    }

    void start_node() {
        NodeOptions options;
        options.nri_socket = containerd_->nri_socket();
        options.cdi_directory = containerd_->cdi_directory();
        options.extra = settings();
        node_ = std::make_unique<TestNode>(options);
        peer_ = *netns::create();
        const auto nic = make_nic(TestNic(), peer_.get(), "192.0.2.1/24");
        ASSERT_TRUE(nic.ok()) << nic.error().message();
        before_ = describe_interface("nic0").value_or("?");
        start_daemon();
    }

    void start_daemon() {
        const auto started = node_->start_daemon();
        ASSERT_TRUE(started.ok()) << started.error().message();
        const auto ready = node_->wait_ready();
        ASSERT_TRUE(ready.ok()) << ready.error().message();
        ASSERT_TRUE(eventually([&] {
            return log_has("runtime=containerd") || log_has("containerd");
        })) << node_->daemon_log();
    }

    bool log_has(const std::string& text) const {
        return node_->daemon_log().find(text) != std::string::npos;
    }

    void TearDown() override {
        if (containerd_ && HasFailure() && node_) std::puts(node_->daemon_log().c_str());
        node_.reset();
        containerd_.reset();
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
        KND_TRY_ASSIGN(const auto made, containerd_->cri().create(sandbox, pod, container));
        if (id != nullptr) *id = made;
        return containerd_->cri().start(made);
    }

    void end_pod(const std::string& sandbox) {
        EXPECT_TRUE(containerd_->cri().stop_pod(sandbox).ok());
        EXPECT_TRUE(containerd_->cri().remove_pod(sandbox).ok());
    }

    void expect_home() {
        EXPECT_TRUE(eventually([&] { return describe_interface("nic0").value_or("") == before_; }))
            << "before: " << before_
            << "\nafter: " << describe_interface("nic0").value_or("nic0 is not on the host");
    }

    static bool on_host() { return describe_interface("nic0").ok(); }

    ShortDirectory runtime_directory_;
    std::unique_ptr<Containerd> containerd_;
    std::unique_ptr<TestNode> node_;
    Fd peer_;
    std::string before_;
    ClaimRef claim_;
};

TEST_P(ContainerdTest, MovesTheInterfaceIntoThePodAndHome) {
    const CriPod pod{"p1", "uid-1"};
    const auto cdi = prepare(pod);
    auto sandbox = containerd_->cri().run_pod(pod);
    ASSERT_TRUE(sandbox.ok()) << sandbox.error().message();
    std::string id;
    const auto started = start_container(*sandbox, pod, {.cdi_ids = {cdi}}, &id);
    ASSERT_TRUE(started.ok()) << started.error().message();
    const auto seen = containerd_->cri().exec(id, {"/bin/ip", "addr", "show", "nic0"});
    ASSERT_TRUE(seen.ok()) << seen.error().message();
    EXPECT_NE(seen->find("192.0.2.10/24"), std::string::npos) << *seen;
    const auto ping = containerd_->cri().exec(id, {"/bin/ping", "-c", "1", "-W", "2", "192.0.2.1"});
    EXPECT_TRUE(ping.ok()) << ping.error().message();
    EXPECT_FALSE(on_host());
    end_pod(*sandbox);
    expect_home();
    EXPECT_TRUE(node_->unprepare(claim_).ok());
}

TEST_P(ContainerdTest, RunningPodSurvivesRestartsOfBothDaemons) {
    const CriPod pod{"p1", "uid-1"};
    const auto cdi = prepare(pod);
    auto sandbox = containerd_->cri().run_pod(pod);
    ASSERT_TRUE(sandbox.ok()) << sandbox.error().message();
    std::string id;
    ASSERT_TRUE(start_container(*sandbox, pod, {.cdi_ids = {cdi}}, &id).ok());
    node_->kill_daemon(SIGKILL);
    start_daemon();
    containerd_->stop(SIGKILL);
    ASSERT_TRUE(containerd_->start().ok());
    const auto ping = containerd_->cri().exec(id, {"/bin/ping", "-c", "1", "-W", "2", "192.0.2.1"});
    EXPECT_TRUE(ping.ok()) << ping.error().message();
    EXPECT_FALSE(on_host());
    end_pod(*sandbox);
    // A restarted containerd does not tell its plugins of the end of older pods; the kubelet does.
    EXPECT_TRUE(node_->unprepare(claim_).ok());
    expect_home();
}

TEST_P(ContainerdTest, RefusesTheContainerWhileTheDaemonIsDead) {
    const CriPod pod{"p1", "uid-1"};
    const auto cdi = prepare(pod);
    node_->kill_daemon(SIGKILL);
    auto sandbox = containerd_->cri().run_pod(pod);
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

TEST_P(ContainerdTest, GuardsAPodWhoseContainersDoNotListTheClaim) {
    const CriPod pod{"p1", "uid-1"};
    prepare(pod);
    auto sandbox = containerd_->cri().run_pod(pod);
    ASSERT_TRUE(sandbox.ok()) << sandbox.error().message();
    std::string id;
    const auto started = start_container(*sandbox, pod, {}, &id);
    ASSERT_TRUE(started.ok()) << started.error().message();
    const auto ping = containerd_->cri().exec(id, {"/bin/ping", "-c", "1", "-W", "2", "192.0.2.1"});
    EXPECT_TRUE(ping.ok()) << ping.error().message();
    end_pod(*sandbox);
    expect_home();
}

TEST_P(ContainerdTest, RefusesAPodOfTheHostNetwork) {
    CriPod pod{"p1", "uid-1"};
    pod.host_network = true;
    prepare(pod);
    const auto sandbox = containerd_->cri().run_pod(pod);
    ASSERT_FALSE(sandbox.ok());
    EXPECT_NE(sandbox.error().message().find("host's network"), std::string::npos)
        << sandbox.error().message();
    expect_home();
}

TEST_P(ContainerdTest, LeavesPodsWithoutClaimsAlone) {
    const CriPod pod{"other", "uid-other"};
    auto sandbox = containerd_->cri().run_pod(pod);
    ASSERT_TRUE(sandbox.ok()) << sandbox.error().message();
    EXPECT_TRUE(start_container(*sandbox, pod, {}).ok());
    EXPECT_TRUE(on_host());
    end_pod(*sandbox);
}

class ContainerdWithoutCdi : public ContainerdTest {
  protected:
    bool cdi() const override { return false; }
};

TEST_P(ContainerdWithoutCdi, HoldsTheContainerByAHookFromNri) {
    const CriPod pod{"p1", "uid-1"};
    const auto cdi = prepare(pod);
    auto sandbox = containerd_->cri().run_pod(pod);
    ASSERT_TRUE(sandbox.ok()) << sandbox.error().message();
    std::string id;
    const auto started = start_container(*sandbox, pod, {.cdi_ids = {cdi}}, &id);
    ASSERT_TRUE(started.ok()) << started.error().message();
    const auto ping = containerd_->cri().exec(id, {"/bin/ping", "-c", "1", "-W", "2", "192.0.2.1"});
    EXPECT_TRUE(ping.ok()) << ping.error().message();
    end_pod(*sandbox);
    expect_home();
}

class ContainerdWithoutLateAttach : public ContainerdTest {
  protected:
    std::string settings() const override { return "[attach]\nmissed = \"fail\"\n"; }
};

TEST_P(ContainerdWithoutLateAttach, KillsAContainerThatRunsWithoutItsDevice) {
    const CriPod pod{"p1", "uid-1"};
    prepare(pod);
    node_->kill_daemon(SIGKILL);
    auto sandbox = containerd_->cri().run_pod(pod);
    ASSERT_TRUE(sandbox.ok()) << sandbox.error().message();
    // It does not list the claim, so that no gate is in its CDI edits, and no plugin adds one.
    std::string id;
    const auto slipped = start_container(*sandbox, pod, {}, &id);
    ASSERT_TRUE(slipped.ok()) << slipped.error().message();
    start_daemon();
    const auto killed = [&] {
        const auto status = containerd_->cri().status(id);
        return status.ok() && !status->running && status->exit_code == 128 + SIGKILL;
    };
    EXPECT_TRUE(eventually(killed)) << node_->daemon_log();
    const auto retried = start_container(*sandbox, pod, {.attempt = 1}, &id);
    ASSERT_TRUE(retried.ok()) << retried.error().message();
    const auto ping = containerd_->cri().exec(id, {"/bin/ping", "-c", "1", "-W", "2", "192.0.2.1"});
    EXPECT_TRUE(ping.ok()) << ping.error().message();
    end_pod(*sandbox);
    expect_home();
}

std::string line_name(const ::testing::TestParamInfo<Line>& info) {
    return "V" + std::to_string(info.param.major);
}

const auto kLines = ::testing::Values(Line{1, "containerd-1"}, Line{2, "containerd-2"});
INSTANTIATE_TEST_SUITE_P(Real, ContainerdTest, kLines, line_name);
INSTANTIATE_TEST_SUITE_P(Real, ContainerdWithoutCdi, kLines, line_name);
INSTANTIATE_TEST_SUITE_P(Real, ContainerdWithoutLateAttach, kLines, line_name);

}  // namespace
}  // namespace knd::testing
