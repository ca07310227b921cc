// SPDX-License-Identifier: Apache-2.0
//
// kndd as a user meets it: the main path, and one clear message for each thing that can be wrong.
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "tests/host/node/daemon_fixture.hpp"

namespace knd::testing {
namespace {

using namespace std::chrono_literals;

TEST_F(DaemonTest, CarriesAnInterfaceIntoAPodAndHome) {
    TestPod pod(*node_, "p1");
    const auto ref = claim("c1", pod.sandbox().uid);
    const auto prepared = node_->prepare(ref);
    ASSERT_TRUE(prepared.ok()) << prepared.error().message();
    ASSERT_EQ(prepared->size(), 1u);
    EXPECT_EQ(prepared->front().requests, std::vector<std::string>{"nic"});
    EXPECT_EQ(prepared->front().cdi_ids.size(), 2u);
    ASSERT_TRUE(node_->run_pod(pod.sandbox()).ok());
    const auto passed = gate(pod, ref);
    EXPECT_EQ(passed.exit_code, 0) << passed.message;
    EXPECT_TRUE(in_pod(pod));
    EXPECT_TRUE(eventually([&] {
        const auto object = node_->claim_object(ref);
        const auto& devices = json_path(*object, {"status", "devices"});
        return devices.is_array() && !devices.empty() &&
               json_string(json_at(devices[0], "networkData"), "interfaceName") == "nic0";
    })) << to_text(*node_->claim_object(ref));
    node_->stop_pod(pod.sandbox());
    EXPECT_TRUE(eventually([&] { return home(); })) << describe_interface("nic0").value_or("away");
    EXPECT_TRUE(node_->unprepare(ref).ok());
}

TEST_F(DaemonTest, AppliesNameMtuMacAddressesAndRoutes) {
    TestPod pod(*node_, "p1");
    const Json parameters = {
        {"interface",
         {{"name", "net1"},
          {"mtu", 1300},
          {"hardwareAddr", "02:00:00:00:00:77"},
          {"addresses", {"198.51.100.5/24"}}}},
        {"routes", {{{"destination", "203.0.113.0/24"}, {"gateway", "198.51.100.1"}}}}};
    const auto ref = claim("c1", pod.sandbox().uid, parameters);
    ASSERT_EQ(prepare_error(ref), "");
    ASSERT_TRUE(node_->run_pod(pod.sandbox()).ok());
    ASSERT_EQ(gate(pod, ref).exit_code, 0);
    auto netlink = netns::open_netlink(pod.fd());
    ASSERT_TRUE(netlink.ok());
    const auto link = netlink->link("net1");
    ASSERT_TRUE(link.ok()) << link.error().message();
    EXPECT_EQ(link->mtu, 1300);
    EXPECT_EQ(link->mac, "02:00:00:00:00:77");
    const auto addresses = netlink->addresses(link->ifindex);
    EXPECT_TRUE(std::any_of(addresses->begin(), addresses->end(),
                            [](const auto& a) { return a.cidr() == "198.51.100.5/24"; }));
    const auto routes = netlink->routes(link->ifindex);
    EXPECT_TRUE(std::any_of(routes->begin(), routes->end(),
                            [](const auto& r) { return r.destination == "203.0.113.0/24"; }));
    node_->stop_pod(pod.sandbox());
    EXPECT_TRUE(eventually([&] { return home(); })) << describe_interface("nic0").value_or("away");
}

/// A pod for which no CNI plugin runs (networkMode None of the proposal for hermetic pods): the
/// runtime tells no address, and its namespace has a loopback alone.
TEST_F(DaemonTest, GivesAPodWithoutAnyOtherNetworkItsOnlyInterface) {
    TestPod pod(*node_, "p1");
    const auto before = pod.links();
    ASSERT_TRUE(before.ok());
    ASSERT_EQ(before->size(), 1u) << "a loopback";
    const Json parameters = {
        {"interface", {{"name", "eth0"}, {"addresses", {"192.0.2.5/24"}}}},
        {"routes", {{{"destination", "0.0.0.0/0"}, {"gateway", "192.0.2.1"}}}}};
    const auto ref = claim("c1", pod.sandbox().uid, parameters);
    ASSERT_EQ(prepare_error(ref), "");
    ASSERT_TRUE(node_->run_pod(pod.sandbox()).ok());
    ASSERT_EQ(gate(pod, ref).exit_code, 0);
    EXPECT_TRUE(in_pod(pod, "eth0"));
    auto netlink = netns::open_netlink(pod.fd());
    ASSERT_TRUE(netlink.ok());
    const auto routes = netlink->routes(netlink->link("eth0")->ifindex);
    EXPECT_TRUE(std::any_of(routes->begin(), routes->end(),
                            [](const RouteInfo& route) { return route.is_default(); }));
    node_->stop_pod(pod.sandbox());
    EXPECT_TRUE(eventually([&] { return home(); })) << describe_interface("nic0").value_or("away");
}

TEST_F(DaemonTest, RefusesAClaimThatVanished) {
    const ClaimRef ghost{"default", "ghost", "00000000-0000-0000-0000-000000000001"};
    EXPECT_TRUE(has(prepare_error(ghost), "claim default/ghost")) << prepare_error(ghost);
}

TEST_F(DaemonTest, RefusesAClaimThatWasReplaced) {
    auto ref = claim("c1", "uid-p1");
    ref.uid = "00000000-0000-0000-0000-000000000002";
    EXPECT_TRUE(has(prepare_error(ref), "deleted and made again")) << prepare_error(ref);
}

TEST_F(DaemonTest, RefusesAClaimThatIsNotAllocated) {
    const auto ref = node_->make_claim_object("c1", nullptr, "");
    ASSERT_TRUE(ref.ok()) << ref.error().message();
    EXPECT_TRUE(has(prepare_error(*ref), "not allocated")) << prepare_error(*ref);
}

TEST_F(DaemonTest, RefusesAClaimOnAForeignDriverAlone) {
    const auto ref = node_->make_claim_object("c1",
                                              {{"devices",
                                                {{"results",
                                                  {{{"request", "nic"},
                                                    {"driver", "gpu.example"},
                                                    {"pool", "node"},
                                                    {"device", "g0"}}}}}}},
                                              "uid-p1");
    ASSERT_TRUE(ref.ok()) << ref.error().message();
    EXPECT_EQ(prepare_error(*ref),
              "claim default/c1: no device of driver dra.net is allocated to it");
}

TEST_F(DaemonTest, NamesAnUnknownDevice) {
    const auto ref = node_->make_claim("c1", {"nic9"}, "uid-p1");
    EXPECT_TRUE(has(prepare_error(*ref), "nic9")) << prepare_error(*ref);
    EXPECT_TRUE(event_says("c1", "nic9"));
}

TEST_F(DaemonTest, NamesAWrongTypeInAnOpaqueConfig) {
    const auto error = prepare_error(claim("c1", "uid-p1", {{"interface", {{"mtu", "big"}}}}));
    EXPECT_TRUE(has(error, "interface.mtu")) << error;
}

TEST_F(DaemonTest, NamesAnUnknownFieldInAnOpaqueConfig) {
    const auto error = prepare_error(claim("c1", "uid-p1", {{"interface", {{"nmae", "x"}}}}));
    EXPECT_TRUE(has(error, "nmae")) << error;
}

TEST_F(DaemonTest, NamesAForeignTopLevelField) {
    const auto error = prepare_error(claim("c1", "uid-p1", {{"interfaec", {{"name", "x"}}}}));
    EXPECT_TRUE(has(error, "interfaec")) << error;
}

TEST_F(DaemonTest, RefusesADeviceThatAnotherClaimHolds) {
    ASSERT_EQ(prepare_error(claim("c1", "uid-p1")), "");
    const auto error = prepare_error(claim("c2", "uid-p2"));
    EXPECT_TRUE(has(error, "default/c1")) << error;
}

TEST_F(DaemonTest, AnswersARepeatedPrepareAsBefore) {
    const auto ref = claim("c1", "uid-p1");
    const auto first = node_->prepare(ref);
    const auto second = node_->prepare(ref);
    ASSERT_TRUE(first.ok() && second.ok());
    EXPECT_EQ(*first, *second);
}

TEST_F(DaemonTest, UnpreparesWhatItNeverSaw) {
    EXPECT_TRUE(
        node_->unprepare({"default", "never", "00000000-0000-0000-0000-00000000000a"}).ok());
}

TEST_F(DaemonTest, FailsTheGateWhenTheDeviceIsUnpluggedInBetween) {
    TestPod pod(*node_, "p1");
    const auto ref = claim("c1", pod.sandbox().uid);
    ASSERT_EQ(prepare_error(ref), "");
    auto netlink = Netlink::open();
    ASSERT_TRUE(netlink->delete_link(netlink->link("nic0")->ifindex).ok());
    (void)node_->run_pod(pod.sandbox());
    const auto refused = gate(pod, ref);
    EXPECT_NE(refused.exit_code, 0);
    EXPECT_LT(refused.took, 2000ms) << "the gate waited although the failure was known";
    EXPECT_TRUE(event_says("p1", "nic0"));
    EXPECT_FALSE(
        node_->create_container(pod.sandbox(), {"c", pod.sandbox().id, "app", {}, false}).ok());
}

TEST_F(DaemonTest, RefusesANameThatIsTakenInThePod) {
    TestPod pod(*node_, "p1");
    auto inside = netns::open_netlink(pod.fd());
    NewLink squatter;
    squatter.kind = "veth";
    squatter.name = "nic0";
    squatter.peer_name = "other";
    ASSERT_TRUE(inside->create_link(squatter).ok());
    const auto ref = claim("c1", pod.sandbox().uid);
    ASSERT_EQ(prepare_error(ref), "");
    (void)node_->run_pod(pod.sandbox());
    const auto refused = gate(pod, ref);
    EXPECT_NE(refused.exit_code, 0);
    EXPECT_TRUE(has(refused.message, "nic0")) << refused.message;
    EXPECT_TRUE(home()) << describe_interface("nic0").value_or("away");
}

TEST_F(DaemonTest, RefusesAPodOfTheHostNetwork) {
    TestPod pod(*node_, "p1");
    ASSERT_EQ(prepare_error(claim("c1", pod.sandbox().uid)), "");
    auto sandbox = pod.sandbox();
    sandbox.netns.clear();
    const auto run = node_->run_pod(sandbox);
    ASSERT_FALSE(run.ok());
    EXPECT_TRUE(has(run.error().message(), "host's network")) << run.error().message();
    EXPECT_TRUE(home());
}

TEST_F(DaemonTest, TakesTheSameHookTwice) {
    TestPod pod(*node_, "p1");
    const auto ref = claim("c1", pod.sandbox().uid);
    ASSERT_EQ(prepare_error(ref), "");
    ASSERT_TRUE(node_->run_pod(pod.sandbox()).ok());
    ASSERT_TRUE(node_->run_pod(pod.sandbox()).ok());
    EXPECT_EQ(gate(pod, ref).exit_code, 0);
    EXPECT_TRUE(in_pod(pod));
    node_->stop_pod(pod.sandbox());
    node_->stop_pod(pod.sandbox());
    EXPECT_TRUE(eventually([&] { return home(); }));
}

TEST_F(DaemonTest, TakesAStopBeforeTheRun) {
    TestPod pod(*node_, "p1");
    ASSERT_EQ(prepare_error(claim("c1", pod.sandbox().uid)), "");
    node_->stop_pod(pod.sandbox());
    node_->remove_pod(pod.sandbox());
    EXPECT_TRUE(home());
}

TEST_F(DaemonTest, SaysThatTheNamespaceIsGone) {
    TestPod pod(*node_, "p1");
    const auto ref = claim("c1", pod.sandbox().uid);
    ASSERT_EQ(prepare_error(ref), "");
    pod.remove_netns();
    const auto run = node_->run_pod(pod.sandbox());
    const auto text = run ? gate(pod, ref).message : run.error().message();
    EXPECT_TRUE(has(text, "namespace")) << text;
    EXPECT_TRUE(home());
}

TEST_F(DaemonTest, BringsTheDeviceBackWhenThePodDiesWithoutAStop) {
    TestPod pod(*node_, "p1");
    const auto ref = claim("c1", pod.sandbox().uid);
    ASSERT_EQ(prepare_error(ref), "");
    ASSERT_TRUE(node_->run_pod(pod.sandbox()).ok());
    ASSERT_EQ(gate(pod, ref).exit_code, 0);
    const auto released = node_->unprepare(ref);  // the kubelet never saw the Stop either
    EXPECT_TRUE(released.ok()) << released.error().message();
    EXPECT_TRUE(home()) << describe_interface("nic0").value_or("away");
}

TEST_F(DaemonTest, StartsOverTheSocketsOfAKilledPredecessor) {
    node_->kill_daemon(SIGKILL);
    start();
    EXPECT_EQ(prepare_error(claim("c1", "uid-p1")), "");
}

TEST_F(DaemonTest, StopsCleanlyAndLeavesTheSlices) {
    node_->kill_daemon(SIGTERM);
    EXPECT_FALSE(std::filesystem::exists(node_->directory() / "reg" / "dra.net-reg.sock"));
    EXPECT_FALSE(std::filesystem::exists(node_->directory() / "kndd.sock"));
    EXPECT_EQ(node_->published(), std::vector<std::string>{"nic0"});
}

/// A node whose backends are files that a user has dropped into a directory of its own.
class FullDiskTest : public DaemonTest {
  protected:
    void SetUp() override {
        NodeOptions options;
        options.journal = "{dir}/disk/journal.db";
        make_node(options);
        disk_ = node_->directory() / "disk";
        std::filesystem::create_directories(disk_);
        ASSERT_EQ(::mount("tmpfs", disk_.c_str(), "tmpfs", 0, "size=256k"), 0);
        start();
        std::ofstream filler(disk_ / "filler");
        const std::string block(4096, 'x');
        while (filler.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
        }
    }
    void TearDown() override {
        ::umount2(disk_.c_str(), MNT_DETACH);
        DaemonTest::TearDown();
    }
    std::filesystem::path disk_;
};

TEST_F(FullDiskTest, FailsThePrepareAndRecoversWithTheDisk) {
    const auto ref = claim("c1", "uid-p1");
    // The pages that the journal has already are used up first.
    std::string error;
    for (int i = 0; i < 50 && error.empty(); ++i) {
        error = prepare_error(ref);
        if (error.empty()) (void)node_->unprepare(ref);
    }
    EXPECT_TRUE(has(error, "full")) << error;
    EXPECT_TRUE(home());
    EXPECT_TRUE(node_->daemon_alive());
    std::filesystem::remove(disk_ / "filler");
    EXPECT_EQ(prepare_error(ref), "");
}

TEST_F(DaemonTest, NeverOffersTheUplink) {
    auto netlink = Netlink::open();
    const auto link = netlink->link("nic0");
    RouteInfo route;
    route.destination = "0.0.0.0/0";
    route.nexthops = {{link->ifindex, "192.0.2.1"}};
    ASSERT_TRUE(netlink->add_route(route).ok());
    EXPECT_TRUE(eventually([&] { return node_->published().empty(); }));
    const auto explained = node_->control("/explain/device/nic0");
    ASSERT_TRUE(explained.ok()) << explained.error().message();
    EXPECT_TRUE(has(to_text(*explained), "carries the node's default route"));
    ASSERT_TRUE(netlink->delete_route(route).ok());
    EXPECT_TRUE(eventually([&] { return node_->published().size() == 1; }));
}

/// Eight interfaces that are one card's: virtual ones die with a pod's namespace, and go by names
/// of their own on the way.
class ManyInterfacesTest : public DaemonTest {
  protected:
    void SetUp() override {
        NodeOptions options;
        options.backends =
            "[[backend]]\nname = \"netdev\"\nlibrary = \"knd-netdev.so\"\n"
            "[backend.config]\nkinds = [\"macvlan\"]\n";
        make_node(options);
        auto netlink = Netlink::open();
        const auto card = netlink->link("nic0");
        for (int i = 0; i < 8; ++i) {
            NewLink link;
            link.kind = "macvlan";
            link.name = "dra" + std::to_string(i);
            link.parent = card->ifindex;
            devices_.push_back(link.name);
            const auto made = netlink->create_link(link);
            ASSERT_TRUE(made.ok()) << made.error().message();
        }
        start();
    }
    std::string slice_version() {
        return node_->on_loop([&] {
            std::string versions;
            for (const auto& slice : node_->store().list(api::Resource::kResourceSlices))
                versions += json_string(json_at(*slice, "metadata"), "resourceVersion") + " ";
            return versions;
        });
    }
    bool all_are_home() {
        return std::all_of(devices_.begin(), devices_.end(), [](const std::string& name) {
            return Netlink::open()->link(name).ok();
        });
    }
    std::vector<std::string> devices_;
};

TEST_F(ManyInterfacesTest, ComeAndGoWithPodsAndNoSliceIsWritten) {
    EXPECT_EQ(node_->published(), devices_);
    const auto version = slice_version();
    for (int i = 0; i < 20; ++i) {
        const auto name = "p" + std::to_string(i);
        TestPod pod(*node_, name);
        const auto ref = node_->make_claim("c" + name, devices_, pod.sandbox().uid);
        ASSERT_TRUE(ref.ok()) << ref.error().message();
        ASSERT_EQ(prepare_error(*ref), "");
        ASSERT_TRUE(node_->run_pod(pod.sandbox()).ok());
        ASSERT_EQ(gate(pod, *ref).exit_code, 0) << name;
        EXPECT_TRUE(in_pod(pod, "dra7"));
        node_->stop_pod(pod.sandbox());
        ASSERT_TRUE(node_->unprepare(*ref).ok());
        EXPECT_TRUE(all_are_home());
        ASSERT_EQ(slice_version(), version) << "pod " << i;
    }
    // A list that came late would be written after a while.
    std::this_thread::sleep_for(2s);
    EXPECT_EQ(node_->published(), devices_);
    EXPECT_EQ(slice_version(), version);
}

/// The node's address is on nic0, which no default route tells.
class NodeAddressTest : public DaemonTest {
  protected:
    void SetUp() override {
        NodeOptions options;
        options.address = "192.0.2.10";
        make_node(options);
        start();
    }
};

TEST_F(NodeAddressTest, NeverOffersTheInterfaceThatHasIt) {
    EXPECT_EQ(node_->published(), std::vector<std::string>{});
    const auto slices =
        node_->on_loop([&] { return node_->store().list(api::Resource::kResourceSlices); });
    ASSERT_EQ(slices.size(), 1u);
    EXPECT_EQ(json_path(*slices[0], {"spec", "pool", "generation"}), 1) << "not even at first";
    const auto explained = node_->control("/explain/device/nic0");
    ASSERT_TRUE(explained.ok()) << explained.error().message();
    EXPECT_TRUE(has(to_text(*explained), "192.0.2.10")) << to_text(*explained);
}

/// The cloud's controller has not seen the node yet.
class NodeWithoutAddressTest : public DaemonTest {
  protected:
    void SetUp() override {
        NodeOptions options;
        options.address = "";
        make_node(options);
        start();
    }
};

TEST_F(NodeWithoutAddressTest, OffersNoInterfaceThatMayBecomeTheNodes) {
    EXPECT_EQ(node_->published(), std::vector<std::string>{});
    const auto explained = node_->control("/explain/device/nic0");
    ASSERT_TRUE(explained.ok()) << explained.error().message();
    EXPECT_TRUE(has(to_text(*explained), "it may be the node's")) << to_text(*explained);
    const auto seen = node_->on_loop([&] {
        return node_->store().modify(api::Resource::kNodes, "", "node",
                                     [](Json node) {
                                         node["status"]["addresses"] = {
                                             {{"type", "InternalIP"}, {"address", "192.0.2.250"}}};
                                         return api::Answer<Json>(std::move(node));
                                     },
                                     {.subresource = "status"});
    });
    ASSERT_TRUE(seen.ok());
    EXPECT_TRUE(eventually([&] { return node_->published().size() == 1; }, 20s));
}

/// Something stands where a socket for the kubelet should be.
class BlockedSocketTest : public DaemonTest {
  protected:
    void SetUp() override {
        make_node();
        std::filesystem::create_directories(socket_().parent_path());
        std::ofstream(socket_()) << "in the way";
        const auto started = node_->start_daemon();
        ASSERT_TRUE(started.ok()) << started.error().message();
    }
    std::filesystem::path socket_() { return node_->directory() / "reg" / "dra.net-reg.sock"; }
};

TEST_F(BlockedSocketTest, ServesTheKubeletWhenTheWayIsFree) {
    EXPECT_TRUE(eventually([&] {
        return has(node_->daemon_log(), "cannot serve the kubelet") &&
               has(node_->daemon_log(), "dra.net-reg.sock");
    }));
    std::filesystem::remove(socket_());
    const auto ready = node_->wait_ready();
    ASSERT_TRUE(ready.ok()) << ready.error().message();
    EXPECT_EQ(prepare_error(claim("c1", "uid-p1")), "");
}

}  // namespace
}  // namespace knd::testing
