// SPDX-License-Identifier: Apache-2.0
//
// kndd under real containerd, both lines, and under real CRI-O: the interface of a claim is in the
// pod before a container starts, comes home when the pod ends, and no container starts without it.
#include <signal.h>

#include "tests/host/node/runtime_fixture.hpp"

namespace knd::testing {
namespace {

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

INSTANTIATE_TEST_SUITE_P(Real, RuntimeTest, kAll, kind_name);
INSTANTIATE_TEST_SUITE_P(Real, RuntimeWithoutCdi, kWithSwitchForCdi, kind_name);
INSTANTIATE_TEST_SUITE_P(Real, RuntimeWithoutLateAttach, kAll, kind_name);

}  // namespace
}  // namespace knd::testing
