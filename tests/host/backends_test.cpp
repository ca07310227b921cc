// SPDX-License-Identifier: Apache-2.0
//
// Our backends in a plugin host, on interfaces of this kernel in a namespace of the test's own.
#include <fcntl.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <cstdlib>
#include <filesystem>

#include "sdk/support/netlink.hpp"
#include "sdk/support/netns.hpp"
#include "tests/unit/plugin/plugin_fixture.hpp"

namespace knd::plugin {
namespace {

class BackendsTest : public testing::Test {
  protected:
    BackendsTest() { fixture_.options.directory = KND_BINARY_DIR "/backends"; }
    ~BackendsTest() override {
        auto netlink = *Netlink::open();
        const auto links = *netlink.links();
        for (const auto& link : links) {
            if (!link.loopback()) static_cast<void>(netlink.delete_link(link.ifindex));
        }
    }

    void run(const std::string& name, const char* config = "{}") {
        backend_ = &fixture_.load_all({{name, "knd-" + name + ".so", "", *parse_json(config)}});
        const auto started = fixture_.start(*backend_);
        ASSERT_TRUE(started.ok()) << message_of(started);
    }
    /// `ip` with these arguments; they are the test's own.
    static void ip(const std::string& arguments) {
        ASSERT_EQ(std::system(("ip " + arguments).c_str()), 0) << arguments;
    }
    static bool exists(const std::string& name) { return Netlink::open()->link(name).ok(); }

    std::map<std::string, Device> list() {
        const auto devices = fixture_.list(*backend_);
        EXPECT_TRUE(devices.ok()) << message_of(devices);
        std::map<std::string, Device> by_interface;
        if (!devices) return by_interface;
        for (const auto& device : *devices)
            by_interface[device.netdev] = device;
        return by_interface;
    }
    std::vector<std::string> offered() {
        std::vector<std::string> names;
        for (const auto& [name, device] : list()) {
            if (device.withheld.empty()) names.push_back(name);
        }
        return names;
    }
    Result<Effects> prepare(const std::string& device) {
        return fixture_.wait<Effects>([&](Done<Effects> done) {
            backend_->prepare({.binding = PluginFixture::binding(device)},
                              std::chrono::steady_clock::now() + std::chrono::seconds(5),
                              std::move(done));
        });
    }
    Result<std::vector<Backend::Lost>> reconcile() {
        using Lost = std::vector<Backend::Lost>;
        return fixture_.wait<Lost>([&](Done<Lost> done) {
            backend_->reconcile({}, std::chrono::steady_clock::now() + std::chrono::seconds(5),
                                std::move(done));
        });
    }

    PluginFixture fixture_;
    Backend* backend_ = nullptr;
};

using Names = std::vector<std::string>;

/// The descriptor by which a backend in this process hears of links: it has joined groups.
int event_socket() {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        const int fd = std::atoi(entry.path().filename().c_str());
        sockaddr_nl address{};
        socklen_t size = sizeof address;
        if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
            address.nl_family == AF_NETLINK && address.nl_groups != 0) {
            return fd;
        }
    }
    return -1;
}

TEST_F(BackendsTest, NetdevOffersNoneOfWhatTheNodesNetworkIsMadeOf) {
    ip("link add name wire type veth peer name wirep");
    ip("link add link wire name lan0 type macvlan");
    ip("link add link wire name cali7 type macvlan");
    ip("link add name flannel.1 type vxlan id 1 dev wirep dstport 4789");
    ip("link add name br0 type bridge");
    ip("link add name red0 type ifb");
    run("netdev");
    const auto devices = list();
    EXPECT_EQ(offered(), Names{"lan0"});
    EXPECT_EQ(devices.at("flannel.1").withheld,
              "it is of kind vxlan, and `kinds` does not name that");
    EXPECT_EQ(devices.at("red0").withheld, "it is of kind ifb, and `kinds` does not name that");
    EXPECT_EQ(devices.at("br0").withheld, "a bridge cannot change its network namespace");
    EXPECT_EQ(devices.at("wirep").withheld, "flannel.1 stands on it");
    EXPECT_FALSE(devices.at("cali7").withheld.empty());
}

TEST_F(BackendsTest, NetdevSaysNothingOfPodsOwnInterfaces) {
    run("netdev");
    const auto pod = netns::create();
    ASSERT_TRUE(pod.ok()) << message_of(pod);
    const auto made = Netlink::open()->create_link(
        {.kind = "veth", .name = "veth7", .peer_name = "eth0", .peer_netns_fd = pod->get()});
    ASSERT_TRUE(made.ok()) << message_of(made);
    EXPECT_EQ(list().count("veth7"), 0u);
}

TEST_F(BackendsTest, NetdevPreparesWhatItListed) {
    ip("link add name wire type veth peer name wirep");
    ip("link add link wire name lan0 type macvlan");
    run("netdev");
    list();
    const auto effects = prepare("lan0");
    ASSERT_TRUE(effects.ok()) << message_of(effects);
    EXPECT_EQ(effects->netdevs.at(0).name, "lan0");
    EXPECT_EQ(effects->netdevs.at(0).ifindex, Netlink::open()->link("lan0")->ifindex);
}

TEST_F(BackendsTest, NetdevRefusesAnotherInterfaceOfTheSameNameUntilItIsListed) {
    ip("link add name wire type veth peer name wirep");
    ip("link add link wire name lan0 type macvlan");
    run("netdev");
    list();
    ip("link delete lan0");
    ip("link add link wire name lan0 type macvlan");
    const auto refused = prepare("lan0");
    EXPECT_EQ(refused.code(), Code::kFailedPrecondition) << message_of(refused);
    EXPECT_NE(message_of(refused).find("has taken the place of lan0"), std::string::npos)
        << message_of(refused);
    list();
    EXPECT_TRUE(prepare("lan0").ok());
}

TEST_F(BackendsTest, NetdevRefusesAnotherInterfaceOfTheSameIndex) {
    ip("link add name wire type veth peer name wirep");
    ip("link add link wire name lan0 index 4242 type macvlan");
    run("netdev");
    list();
    ip("link delete lan0");
    ip("link add link wire name lan1 index 4242 type macvlan");
    EXPECT_EQ(prepare("lan0").code(), Code::kNotFound);
}

TEST_F(BackendsTest, NetdevRefusesWhatMayNotLeaveAnyMore) {
    ip("link add name wire type veth peer name wirep");
    ip("link add link wire name lan0 type macvlan");
    ip("link add name br0 type bridge");
    run("netdev");
    list();
    ip("link set lan0 master br0");
    const auto refused = prepare("lan0");
    EXPECT_EQ(refused.code(), Code::kFailedPrecondition);
    EXPECT_NE(message_of(refused).find("it is a port of br0"), std::string::npos)
        << message_of(refused);
}

TEST_F(BackendsTest, NetdevHearsOfInterfacesAfterItsSocketBroke) {
    run("netdev");
    list();
    int changes = 0;
    backend_->on_devices_changed = [&] { ++changes; };
    const auto happens = [&](const std::string& arguments) {
        const auto before = changes;
        ip(arguments);
        for (int i = 0; i < 100 && changes == before; ++i)
            fixture_.run_for(std::chrono::milliseconds(50));
        return changes > before;
    };
    ASSERT_TRUE(happens("link add name red0 type ifb"));
    const Fd other(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const int socket = event_socket();
    ASSERT_GE(socket, 0);
    ASSERT_EQ(::dup3(other.get(), socket, O_CLOEXEC), socket);
    // The host has its own copy of the descriptor, which becomes readable.
    EXPECT_TRUE(happens("link add name red1 type ifb")) << "a broken socket is a reason to look";
    list();
    fixture_.run_for(std::chrono::milliseconds(500));
    EXPECT_TRUE(happens("link add name red2 type ifb")) << "the list has opened another";
}

TEST_F(BackendsTest, DummyLeavesNoHalfMadeInterface) {
    // The kernel has no IPv6 on an interface with so small an MTU.
    run("dummy", R"({"interface": [{"name": "dra0", "kind": "veth", "mtu": 1000,
                                    "addresses": ["2001:db8::1/64"]}]})");
    EXPECT_FALSE(reconcile().ok());
    EXPECT_FALSE(exists("dra0"));
}

TEST_F(BackendsTest, DummyMakesAndOffersItsInterface) {
    run("dummy", R"({"interface": [{"name": "dra0", "addresses": ["192.0.2.1/24"]}]})");
    ASSERT_TRUE(reconcile().ok());
    EXPECT_EQ(offered(), Names{"dra0"});
    EXPECT_TRUE(prepare("dra0").ok());
}

TEST_F(BackendsTest, DummyGivesNothingAwayThatItDoesNotMake) {
    ip("link add name dra0 type ifb");
    run("dummy", R"({"interface": [{"name": "dra0"}]})");
    ASSERT_TRUE(reconcile().ok());
    EXPECT_EQ(offered(), Names{});
    EXPECT_EQ(prepare("dra0").code(), Code::kFailedPrecondition);
}

TEST_F(BackendsTest, DummyTakesNoAltnameForItsInterface) {
    ip("link add name wire type veth peer name wirep");
    ip("link property add dev wire altname dra0");
    run("dummy", R"({"interface": [{"name": "dra0"}]})");
    EXPECT_EQ(prepare("dra0").code(), Code::kNotFound);
}

}  // namespace
}  // namespace knd::plugin
