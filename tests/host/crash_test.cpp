// SPDX-License-Identifier: Apache-2.0
//
// kill -9 at every marked point of prepare, attach, detach and release. After a restart the device
// is where its claim says: in the pod and working, or at home as it was. Never in between.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

#include "host/model/text_file.hpp"
#include "sdk/support/netns.hpp"
#include "tests/host/node/test_node.hpp"

namespace knd::testing {
namespace {

using namespace std::chrono_literals;

class CrashTest : public ::testing::TestWithParam<const char*> {
  protected:
    void SetUp() override {
        NodeOptions options;
        options.binary = "kndd-crash";
        node_ = std::make_unique<TestNode>(options);
        peer_ = *netns::create();
        const auto nic = make_nic(TestNic(), peer_.get(), "192.0.2.1/24");
        ASSERT_TRUE(nic.ok()) << nic.error().message();
        before_ = describe_interface("nic0").value_or("?");
        pod_ = std::make_unique<TestPod>(*node_, "p1");
        const auto claim = node_->make_claim("c1", {"nic0"}, pod_->sandbox().uid);
        ASSERT_TRUE(claim.ok()) << claim.error().message();
        claim_ = *claim;
    }
    void TearDown() override {
        if (HasFailure() && node_) std::puts(node_->daemon_log().c_str());
    }

    void start(const std::string& crash_at) {
        const auto started = node_->start_daemon({"KND_CRASH_AT=" + crash_at});
        ASSERT_TRUE(started.ok()) << started.error().message();
        const auto ready = node_->wait_ready();
        ASSERT_TRUE(ready.ok() || !node_->daemon_alive()) << ready.error().message();
    }

    bool in_pod() {
        const auto links = pod_->links();
        return links.ok() && std::any_of(links->begin(), links->end(), [](const LinkInfo& link) {
                   return link.name == "nic0" && link.up();
               });
    }
    bool has_address_in_pod() {
        auto netlink = netns::open_netlink(pod_->fd());
        if (!netlink) return false;
        const auto addresses = netlink->addresses();
        return addresses.ok() &&
               std::any_of(addresses->begin(), addresses->end(),
                           [](const AddressInfo& a) { return a.cidr() == "192.0.2.10/24"; });
    }
    /// What a container of the pod would read.
    std::string metadata() {
        const auto path = node_->directory() / "run/metadata/dra.net" / claim_.uid / "nic.json";
        return read_text_file(path.string()).value_or("");
    }
    bool home_as_before() { return describe_interface("nic0").value_or("") == before_; }
    std::string where() {
        return std::string("in pod: ") + (in_pod() ? "yes" : "no") +
               "\nat home: " + describe_interface("nic0").value_or("no") + "\nbefore: " + before_;
    }

    /// The life of a pod as kubelet and runtime drive it; each step may meet the crash.
    void live() {
        // The kubelet makes no sandbox for a pod whose claim is not prepared. A daemon that has
        // just been killed may look alive for a moment.
        if (!node_->prepare(claim_).ok()) return;
        node_->pods = {pod_->sandbox()};
        pod_runs_ = true;
        (void)node_->run_pod(pod_->sandbox());
        if (!eventually(
                [&] { return (in_pod() && has_address_in_pod()) || !node_->daemon_alive(); })) {
            return;
        }
        node_->wait_dead(300ms);
        if (!node_->daemon_alive()) return;
        node_->pods.clear();
        pod_runs_ = false;
        node_->stop_pod(pod_->sandbox());
        eventually([&] { return home_as_before() || !node_->daemon_alive(); }, 3s);
        node_->wait_dead(300ms);
        if (!node_->daemon_alive()) return;
        (void)node_->unprepare(claim_);
    }

    std::unique_ptr<TestNode> node_;
    std::unique_ptr<TestPod> pod_;
    Fd peer_;
    ClaimRef claim_;
    std::string before_;
    bool pod_runs_ = false;
};

TEST_P(CrashTest, LeavesTheDeviceWhereTheClaimSays) {
    start(GetParam());
    live();
    ASSERT_TRUE(node_->wait_dead(5s)) << "kndd never came to " << GetParam();
    node_->kill_daemon(SIGKILL);

    start("");
    const auto prepared = node_->prepare(claim_);  // the kubelet asks again
    ASSERT_TRUE(prepared.ok()) << prepared.error().message();
    if (pod_runs_) {
        EXPECT_TRUE(eventually([&] { return in_pod() && has_address_in_pod(); })) << where();
        const auto told = [&] { return metadata().find("192.0.2.10/24") != std::string::npos; };
        EXPECT_TRUE(eventually(told)) << metadata();
    } else {
        EXPECT_TRUE(eventually([&] { return home_as_before(); })) << where();
    }
    node_->pods.clear();
    node_->stop_pod(pod_->sandbox());
    const auto released = node_->unprepare(claim_);
    EXPECT_TRUE(released.ok()) << released.error().message();
    EXPECT_TRUE(eventually([&] { return home_as_before(); })) << where();
    const auto journal = node_->control("/claims");
    ASSERT_TRUE(journal.ok()) << journal.error().message();
    EXPECT_TRUE(json_at(*journal, "claims").empty()) << to_text(*journal);
    EXPECT_EQ(metadata(), "");
}

std::string step_name(const ::testing::TestParamInfo<const char*>& info) {
    std::string name = info.param;
    std::replace(name.begin(), name.end(), '.', '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(
    KillAt, CrashTest,
    ::testing::Values("prepare.effects", "prepare.journalled", "prepare.cdi", "attach.begin",
                      "attach.surveyed", "attach.journalled", "attach.moved", "attach.addressed",
                      "attach.up", "attach.routed", "attach.configured", "attach.metadata",
                      "attach.done", "detach.begin", "detach.journalled", "detach.moved",
                      "detach.reset", "detach.renamed", "detach.addressed", "detach.up",
                      "detach.restored", "detach.home", "detach.done", "release.begin",
                      "release.journalled", "release.unprepared", "release.done"),
    step_name);

}  // namespace
}  // namespace knd::testing
