// SPDX-License-Identifier: Apache-2.0
//
// kndd as a user meets it: the main path, and one clear message for each thing that can be wrong.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "host/model/text_file.hpp"
#include "sdk/support/netns.hpp"
#include "tests/host/node/test_node.hpp"

namespace knd::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::Test;

class DaemonTest : public Test {
  protected:
    void make_node(NodeOptions options = {}) {
        node_ = std::make_unique<TestNode>(std::move(options));
        peer_ = *netns::create();
        const auto nic = make_nic(TestNic(), peer_.get(), "192.0.2.1/24");
        ASSERT_TRUE(nic.ok()) << nic.error().message();
        before_ = describe_interface("nic0").value_or("?");
    }
    void start() {
        const auto started = node_->start_daemon();
        ASSERT_TRUE(started.ok()) << started.error().message();
        const auto ready = node_->wait_ready();
        ASSERT_TRUE(ready.ok()) << ready.error().message();
    }
    void SetUp() override {
        make_node();
        start();
    }
    void TearDown() override {
        if (HasFailure() && node_) std::puts(node_->daemon_log().c_str());
        // Gone for good, so that the next test can make a nic0 of its own.
        node_.reset();
        peer_.reset();
        if (auto netlink = Netlink::open()) {
            if (const auto link = netlink->link("nic0")) (void)netlink->delete_link(link->ifindex);
        }
    }

    ClaimRef claim(const std::string& name, const std::string& pod_uid,
                   const Json& parameters = {}) {
        auto made = node_->make_claim(name, {"nic0"}, pod_uid, parameters);
        EXPECT_TRUE(made.ok()) << made.error().message();
        return made ? *made : ClaimRef();
    }
    std::string prepare_error(const ClaimRef& ref) {
        const auto prepared = node_->prepare(ref);
        return prepared ? "" : prepared.error().message();
    }
    static bool has(const std::string& text, const std::string& part) {
        return text.find(part) != std::string::npos;
    }
    bool in_pod(const TestPod& pod, const std::string& name = "nic0") {
        const auto links = pod.links();
        return links.ok() && std::any_of(links->begin(), links->end(), [&](const LinkInfo& l) {
                   return l.name == name && l.up();
               });
    }
    bool home() { return describe_interface("nic0").value_or("") == before_; }
    bool event_says(const std::string& object, const std::string& part) {
        return eventually([&] {
            const auto events = node_->events(object);
            return std::any_of(events.begin(), events.end(),
                               [&](const std::string& e) { return has(e, part); });
        });
    }
    /// The gate of a container of this pod, as NRI CreateContainer or CDI put it there.
    GateResult gate(const TestPod& pod, const ClaimRef& ref) {
        const auto spec = node_->directory() / "cdi";
        for (const auto& file : std::filesystem::directory_iterator(spec)) {
            const auto text = read_text_file(file.path()).value_or("");
            const auto json = parse_json(text);
            if (!json || !has(text, ref.uid)) continue;
            const auto& hook = (*json)["devices"][0]["containerEdits"]["hooks"][0];
            return run_gate({hook["path"], hook["args"], hook["env"], 10}, pod.sandbox());
        }
        return {-1, "no CDI file for claim " + ref.text(), {}};
    }

    std::unique_ptr<TestNode> node_;
    Fd peer_;
    std::string before_;
};

TEST_F(DaemonTest, CarriesAnInterfaceIntoAPodAndHome) {
    TestPod pod(*node_, "p1");
    const auto ref = claim("c1", pod.sandbox().uid);
    const auto prepared = node_->prepare(ref);
    ASSERT_TRUE(prepared.ok()) << prepared.error().message();
    ASSERT_EQ(prepared->size(), 1u);
    EXPECT_EQ(prepared->front().requests, std::vector<std::string>{"nic"});
    EXPECT_EQ(prepared->front().cdi_ids.size(), 1u);
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
class DropInTest : public DaemonTest {
  protected:
    void SetUp() override {
        NodeOptions options;
        options.backend_directory = "{dir}/backends";
        make_node(options);
        std::filesystem::create_directories(backends());
        std::filesystem::copy(KND_BINARY_DIR "/backends/knd-netdev.so", backends());
        const auto command = std::string("cc -std=c11 -shared -fPIC -fvisibility=hidden -I ") +
                             KND_SOURCE_DIR "/sdk/include -o " +
                             (backends() / "knd-hello.so").string() +
                             " " KND_SOURCE_DIR "/sdk/examples/c/hello.c";
        ASSERT_EQ(std::system(command.c_str()), 0);
    }
    std::filesystem::path backends() const { return node_->directory() / "backends"; }
    void restart_with(const std::string& toml) {
        if (node_->daemon_alive()) node_->kill_daemon(SIGTERM);
        node_->set_backends(toml);
        start();
    }
    bool publishes(const std::vector<std::string>& names) {
        return eventually([&] {
            auto published = node_->published();
            std::sort(published.begin(), published.end());
            return published == names;
        });
    }
    std::string reason(const std::string& backend) {
        const auto answer = node_->control("/backends");
        if (!answer) return answer.error().message();
        for (const auto& entry : json_at(*answer, "backends")) {
            if (json_string(entry, "name") == backend) return json_string(entry, "reason");
        }
        return "not listed";
    }

    static constexpr char kNetdev[] =
        "[[backend]]\nname = \"netdev\"\nlibrary = \"knd-netdev.so\"\n"
        "[backend.config]\nkinds = [\"veth\"]\ninterfaces = [\"nic*\"]\n";
    static constexpr char kHello[] = "[[backend]]\nname = \"hello\"\nlibrary = \"knd-hello.so\"\n";
};

TEST_F(DropInTest, AppearsWithItsTomlAndGoesWithIt) {
    restart_with(kNetdev);
    EXPECT_TRUE(publishes({"nic0"}));
    restart_with(std::string(kNetdev) + kHello);
    EXPECT_TRUE(publishes({"hello-0", "hello-1", "nic0"})) << reason("hello");
    restart_with(kNetdev);
    EXPECT_TRUE(publishes({"nic0"}));
}

TEST_F(DropInTest, NamesAnUnknownKeyOfABackend) {
    restart_with(std::string(kNetdev) + kHello + "[backend.config]\ncuont = 3\n");
    EXPECT_TRUE(publishes({"nic0"}));
    EXPECT_TRUE(has(reason("hello"), "cuont")) << reason("hello");
    EXPECT_TRUE(has(reason("hello"), "count")) << reason("hello");
}

TEST_F(DropInTest, ServesTheOthersWhenOneIsMissing) {
    restart_with(std::string(kNetdev) +
                 "[[backend]]\nname = \"gone\"\nlibrary = \"knd-gone.so\"\n");
    EXPECT_TRUE(publishes({"nic0"}));
    EXPECT_TRUE(has(reason("gone"), "knd-gone.so")) << reason("gone");
}

TEST_F(DropInTest, StartsABackendAgainWhoseHardwareIsNotThereYet) {
    const auto hardware = node_->directory() / "hardware";
    std::filesystem::copy(KND_BINARY_DIR "/bad_backends/bad-start-waits.so", backends());
    restart_with(std::string(kNetdev) +
                 "[[backend]]\nname = \"late\"\nlibrary = \"bad-start-waits.so\"\n"
                 "[backend.config]\nfile = \"" +
                 hardware.string() + "\"\n");
    EXPECT_TRUE(publishes({"nic0"}));
    EXPECT_TRUE(has(reason("late"), "not there yet")) << reason("late");
    std::ofstream(hardware) << "here";
    EXPECT_TRUE(publishes({"good-0", "nic0"})) << node_->daemon_log();
    EXPECT_EQ(reason("late"), "");
}

TEST_F(DropInTest, RefusesALibraryThatOthersMayWrite) {
    ::chmod((backends() / "knd-hello.so").c_str(), 0666);
    restart_with(std::string(kNetdev) + kHello);
    EXPECT_TRUE(publishes({"nic0"}));
    EXPECT_TRUE(has(reason("hello"), "writ")) << reason("hello");
}

TEST_F(DropInTest, SurvivesACrashInAConstructor) {
    std::ofstream(node_->directory() / "crash.c")
        << "__attribute__((constructor)) static void boom(void) { *(volatile int*)0 = 1; }\n";
    const auto command = "cc -shared -fPIC -o " + (backends() / "knd-crash.so").string() + " " +
                         (node_->directory() / "crash.c").string();
    ASSERT_EQ(std::system(command.c_str()), 0);
    restart_with(std::string(kNetdev) +
                 "[[backend]]\nname = \"crash\"\nlibrary = \"knd-crash.so\"\n");
    EXPECT_TRUE(publishes({"nic0"}));
    EXPECT_TRUE(has(reason("crash"), "crash")) << reason("crash");
}

/// A journal on a disk without room.
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

TEST_F(DropInTest, ServesOthersWhileABackendIsStillStarting) {
    const auto blocker = node_->directory() / "blocker";
    std::ofstream(blocker) << "x";
    std::filesystem::copy(KND_BINARY_DIR "/bad_backends/bad-start-blocks.so", backends());
    node_->set_backends(std::string(kNetdev) +
                        "[[backend]]\nname = \"slow\"\nlibrary = \"bad-start-blocks.so\"\n"
                        "[backend.config]\nfile = \"" +
                        blocker.string() + "\"\n");
    ASSERT_TRUE(node_->start_daemon().ok());
    // Slices wait for it; the kubelet and pods do not.
    TestPod pod(*node_, "p1");
    const auto ref = claim("c1", pod.sandbox().uid);
    ASSERT_TRUE(eventually([&] { return prepare_error(ref).empty(); })) << prepare_error(ref);
    EXPECT_TRUE(publishes({}));
    ASSERT_TRUE(node_->run_pod(pod.sandbox()).ok());
    EXPECT_EQ(gate(pod, ref).exit_code, 0);
    EXPECT_TRUE(in_pod(pod));
    node_->stop_pod(pod.sandbox());
    std::filesystem::remove(blocker);
    EXPECT_TRUE(publishes({"good-0", "nic0"})) << node_->daemon_log();
}

/// A backend whose list does not return as long as there is a file.
class StuckBackendTest : public DaemonTest {
  protected:
    void SetUp() override {
        NodeOptions options;
        options.backend_directory = KND_BINARY_DIR "/bad_backends";
        options.backends =
            "[[backend]]\nname = \"slow\"\nlibrary = \"bad-list-waits.so\"\n"
            "[backend.config]\nfile = \"{dir}/blocker\"\n";
        make_node(options);
        start();
    }
    bool offers(const std::vector<std::string>& devices) {
        return eventually([&] { return node_->published() == devices; }, 20s);
    }
};

TEST_F(StuckBackendTest, OffersItsDevicesAgainWhenItAnswers) {
    ASSERT_TRUE(offers({"good-0"}));
    const auto made = node_->make_claim("c1", {"good-0"}, "uid-p1");
    ASSERT_TRUE(made.ok()) << made.error().message();
    ASSERT_EQ(prepare_error(*made), "");
    const auto blocker = node_->directory() / "blocker";
    std::ofstream(blocker) << "x";
    // The backend is asked for its list again before the device is free.
    ASSERT_TRUE(node_->unprepare(*made).ok());
    EXPECT_TRUE(offers({}));
    EXPECT_TRUE(has(node_->daemon_log(), "stuck in list, which does not return"));
    std::filesystem::remove(blocker);
    EXPECT_TRUE(offers({"good-0"})) << node_->daemon_log();
    EXPECT_TRUE(node_->daemon_alive());
}

}  // namespace
}  // namespace knd::testing
