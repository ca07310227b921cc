// SPDX-License-Identifier: Apache-2.0
//
// The host's sink of effects, filled through the C++ layer that backends use.
#include "host/plugin/effects_sink.hpp"

#include <gtest/gtest.h>

#include <knd/cpp/sinks.hpp>

namespace knd::plugin {
namespace {

class EffectsSinkTest : public ::testing::Test {
  protected:
    std::string refusal() const {
        return collector_.refusal() ? collector_.refusal()->message() : "";
    }
    std::atomic<bool> cancelled_ = false;
    EffectsCollector collector_{"dra.net", cancelled_};
    EffectsSink sink_{collector_.face()};
};

TEST_F(EffectsSinkTest, KeepsEveryKindOfEffect) {
    sink_.netdev({.ifindex = 7, .name = "eth1", .mac = "02:00:00:00:00:01", .name_in_pod = "net1"})
        .rdma_link("mlx5_0")
        .device_node({.path = "/dev/infiniband/uverbs0"})
        .device_node({.path = "/dev/vfio/7",
                      .mode = 0600,
                      .container_path = "/dev/vfio/own",
                      .access = "mr",
                      .uid = 0,
                      .gid = 107})
        .mount({.source = "/run/vhost", .destination = "/run/vhost", .read_only = true})
        .mount({.source = "/run/x", .destination = "/x", .options = "nosuid,noatime", .gid = 4242})
        .rlimit("RLIMIT_MEMLOCK", 1024, EffectsSink::kUnlimited)
        .rdma_limit({.device = "mlx5_0", .hca_handles = 10})
        .attribute("model", "CX7")
        .env("PCI", "0000:3b:00.1")
        .state(std::string_view("a\0b", 3));
    ASSERT_TRUE(sink_.status().ok());
    const Effects& effects = collector_.effects();
    EXPECT_EQ(effects.netdevs,
              (std::vector<NetdevEffect>{{7, "eth1", "02:00:00:00:00:01", "net1"}}));
    EXPECT_EQ(effects.rdma_links, std::vector<std::string>{"mlx5_0"});
    EXPECT_EQ(effects.nodes,
              (std::vector<NodeEffect>{{"/dev/infiniband/uverbs0", 0660},
                                       {"/dev/vfio/7", 0600, "/dev/vfio/own", "rm", 0, 107}}));
    EXPECT_EQ(effects.mounts, (std::vector<MountEffect>{
                                  {{"/run/vhost", "/run/vhost", true, {}}, -1, -1},
                                  {{"/run/x", "/x", false, {"nosuid", "noatime"}}, -1, 4242}}));
    EXPECT_EQ(effects.rlimits, (std::vector<Rlimit>{{"RLIMIT_MEMLOCK", 1024, UINT64_MAX}}));
    EXPECT_EQ(effects.rdma_limits, (std::vector<RdmaLimit>{{"mlx5_0", 10, -1}}));
    EXPECT_EQ(effects.attributes, (std::map<std::string, std::string>{{"dra.net/model", "CX7"}}));
    EXPECT_EQ(effects.env, (std::map<std::string, std::string>{{"PCI", "0000:3b:00.1"}}));
    EXPECT_EQ(effects.state, std::string("a\0b", 3));
}

TEST_F(EffectsSinkTest, NamesTheFirstThatWasRefused) {
    sink_.env("A", "1").env("not a name", "2").netdev({.ifindex = 1, .name = "eth0"});
    EXPECT_EQ(sink_.status().error().message(),
              "the host refused the environment variable `not a name`");
    EXPECT_EQ(refusal(), "environment variable `not a name`: no name of a variable");
    EXPECT_TRUE(collector_.effects().netdevs.empty());
}

TEST_F(EffectsSinkTest, RefusesOneNetdevTwice) {
    sink_.netdev({.ifindex = 1, .name = "a"}).netdev({.ifindex = 1, .name = "b"});
    EXPECT_EQ(refusal(), "netdev `b`: given twice");
}

TEST_F(EffectsSinkTest, RefusesAHardwareAddressThatIsNone) {
    sink_.netdev({.ifindex = 1, .name = "a", .mac = "02:00:00:00:00:zz"});
    EXPECT_EQ(refusal(), "netdev `a`: `02:00:00:00:00:zz` is no hardware address");
}

TEST_F(EffectsSinkTest, RefusesPathsThatClimb) {
    sink_.mount({.source = "/run/../etc", .destination = "/x"});
    EXPECT_EQ(refusal(), "mount `/x`: source and destination must be absolute paths without `..`");
}

TEST_F(EffectsSinkTest, RefusesModesBeyondPermissions) {
    sink_.device_node({.path = "/dev/x", .mode = 04755});
    EXPECT_EQ(refusal(), "device node `/dev/x`: mode has more than permission bits");
}

TEST_F(EffectsSinkTest, RefusesTooManyOfOneKind) {
    for (int i = 0; i <= 64; ++i)
        sink_.rdma_link("r" + std::to_string(i));
    EXPECT_EQ(refusal(), "RDMA link `r64`: more than 64 effects of one kind");
}

TEST_F(EffectsSinkTest, TakesStructsOfABackendThatKnowsFewerFields) {
    knd_node node{};
    node.size = offsetof(knd_node, container_path);
    node.path = "/dev/x";
    node.container_path = "not read";
    node.owner = 0xFF;
    knd_mount mount{};
    mount.size = offsetof(knd_mount, options);
    mount.source = mount.destination = "/x";
    mount.options = "not read";
    const auto* face = collector_.face();
    EXPECT_EQ(face->device_node(face, &node), KND_OK) << refusal();
    EXPECT_EQ(face->mount(face, &mount), KND_OK) << refusal();
    EXPECT_EQ(collector_.effects().nodes,
              (std::vector<NodeEffect>{{"/dev/x", 0660, "", "rw", -1, -1}}))
        << "root does not get what nobody asked for";
    EXPECT_EQ(collector_.effects().mounts,
              (std::vector<MountEffect>{{{"/x", "/x", false, {}}, -1, -1}}));
}

TEST_F(EffectsSinkTest, TakesStructsOfABackendThatKnowsMoreFields) {
    struct {
        knd_netdev known;
        char newer[16];
    } netdev{};
    netdev.known.size = sizeof netdev;
    netdev.known.ifindex = 7;
    netdev.known.name = "eth1";
    EXPECT_EQ(collector_.face()->netdev(collector_.face(), &netdev.known), KND_OK);
}

TEST_F(EffectsSinkTest, RefusesAStructWithoutItsFirstFields) {
    knd_netdev netdev{};
    netdev.size = 8;
    EXPECT_EQ(collector_.face()->netdev(collector_.face(), &netdev), KND_INVALID_ARGUMENT);
    EXPECT_EQ(refusal(), "knd_netdev is missing or too short");
    EXPECT_EQ(collector_.face()->link(collector_.face(), nullptr), KND_INVALID_ARGUMENT);
}

TEST_F(EffectsSinkTest, MakesLinksOfEachKind) {
    sink_
        .link({.kind = "macvlan",
               .parent_ifindex = 3,
               .parent = "eth1",
               .name_in_pod = "net1",
               .mac = "02:00:00:00:00:01",
               .mtu = 9000})
        .link({.kind = "ipvlan",
               .parent_ifindex = 3,
               .parent = "eth1",
               .name_in_pod = "net2",
               .mode = "l3s"})
        .link({.kind = "vlan",
               .parent_ifindex = 3,
               .parent = "eth1",
               .name_in_pod = "net3",
               .vlan_id = 4094})
        .link({.kind = "veth", .name_in_pod = "net4", .peer = "v0"})
        .link({.name_in_pod = "ib0"});
    ASSERT_TRUE(sink_.status().ok()) << refusal();
    const auto& netdevs = collector_.effects().netdevs;
    ASSERT_EQ(netdevs.size(), 5u);
    EXPECT_EQ(netdevs[0].name_in_pod, "net1");
    EXPECT_EQ(netdevs[0].ifindex, 0);
    EXPECT_EQ(netdevs[0].made, (MadeLink{.kind = "macvlan",
                                         .parent_ifindex = 3,
                                         .parent = "eth1",
                                         .mode = "bridge",
                                         .mtu = 9000,
                                         .mac = "02:00:00:00:00:01"}));
    EXPECT_EQ(netdevs[1].made->mode, "l3s");
    EXPECT_EQ(netdevs[2].made->vlan_id, 4094);
    EXPECT_EQ(netdevs[3].made->peer, "v0");
    EXPECT_EQ(netdevs[4].made, MadeLink{.by_backend = true});
    EXPECT_FALSE(collector_.effects().exclusive());
}

/// What is said of a link.
std::string link_refusal(const EffectsSink::Link& link) {
    const std::atomic<bool> cancelled = false;
    EffectsCollector collector("dra.net", cancelled);
    EffectsSink(collector.face()).link(link);
    return collector.refusal() ? collector.refusal()->message() : "";
}

TEST(LinkEffect, RefusesWhatItsKindDoesNotHave) {
    EffectsSink::Link good{
        .kind = "macvlan", .parent_ifindex = 3, .parent = "eth1", .name_in_pod = "n"};
    ASSERT_EQ(link_refusal(good), "");
    const auto with = [&](auto change) {
        auto link = good;
        change(link);
        return link_refusal(link);
    };
    EXPECT_EQ(with([](auto& l) { l.kind = "bond"; }),
              "link `n`: kind `bond` must be macvlan, ipvlan, vlan or veth");
    EXPECT_EQ(with([](auto& l) { l.name_in_pod = ""; }),
              "link ``: name_in_pod is no name of an interface");
    EXPECT_EQ(with([](auto& l) { l.parent_ifindex = 0; }),
              "link `n`: parent `eth1` with ifindex 0 is no interface");
    EXPECT_EQ(with([](auto& l) { l.parent = ""; }),
              "link `n`: parent `` with ifindex 3 is no interface");
    EXPECT_EQ(with([](auto& l) { l.mode = "l2"; }), "link `n`: macvlan has no mode `l2`");
    EXPECT_EQ(with([](auto& l) { l.vlan_id = 7; }), "link `n`: macvlan has no vlan_id");
    EXPECT_EQ(with([](auto& l) { l.peer = "p"; }), "link `n`: macvlan has no peer");
    EXPECT_EQ(with([](auto& l) { l.mtu = 67; }), "link `n`: mtu 67 must be 68 to 65535, or 0");
    EXPECT_EQ(with([](auto& l) { l.mac = "01:00:00:00:00:01"; }),
              "link `n`: mac `01:00:00:00:00:01` is no unicast Ethernet address");
    EXPECT_EQ(with([](auto& l) { l.kind = "vlan"; }), "link `n`: vlan_id 0 must be 1 to 4094");
    EXPECT_EQ(with([](auto& l) { l.kind = "veth"; }), "link `n`: veth has no parent");
    EXPECT_EQ(with([](auto& l) {
                  l.kind = "ipvlan";
                  l.mac = "02:00:00:00:00:01";
              }),
              "link `n`: ipvlan has the mac of its parent");
    EXPECT_EQ(with([](auto& l) {
                  l.kind = "veth";
                  l.parent_ifindex = 0;
                  l.parent = "";
              }),
              "link `n`: peer `` is no name of an interface");
    EXPECT_EQ(with([](auto& l) {
                  l.kind = "";
                  l.mtu = 1500;
              }),
              "link `n`: without a kind its backend makes it, and sets mode, mac, mtu and the like "
              "itself");
}

TEST_F(EffectsSinkTest, RefusesTwoLinksOfOneName) {
    sink_.link({.kind = "veth", .name_in_pod = "n", .peer = "a"})
        .link({.kind = "veth", .name_in_pod = "n", .peer = "b"});
    EXPECT_EQ(refusal(), "link `n`: there is another interface of that name");
}

TEST_F(EffectsSinkTest, RefusesAccessThatTheDeviceCgroupDoesNotKnow) {
    sink_.device_node({.path = "/dev/x", .access = "rwx"});
    EXPECT_EQ(refusal(), "device node `/dev/x`: access `rwx` must be of the letters r, w and m");
}

TEST_F(EffectsSinkTest, RefusesTwoNodesAtOnePlace) {
    sink_.device_node({.path = "/dev/a"})
        .device_node({.path = "/dev/b", .container_path = "/dev/a"});
    EXPECT_EQ(refusal(),
              "device node `/dev/b`: there is another node at that place in the container");
}

TEST_F(EffectsSinkTest, RefusesAnOwnerWithoutItsFlag) {
    knd_node node{};
    node.size = sizeof node;
    node.path = "/dev/x";
    node.uid = 7;
    EXPECT_EQ(collector_.face()->device_node(collector_.face(), &node), KND_INVALID_ARGUMENT);
    EXPECT_EQ(refusal(),
              "device node `/dev/x`: there is an owner's number without its flag in `owner`");
}

TEST(MountEffect, RefusesOptionsThatAreNotCarriedOut) {
    const auto refused = [](const std::string& options) {
        const std::atomic<bool> cancelled = false;
        EffectsCollector collector("dra.net", cancelled);
        EffectsSink(collector.face())
            .mount({.source = "/a", .destination = "/b", .options = options});
        return collector.refusal().has_value();
    };
    EXPECT_FALSE(refused("nosuid,nodev,noexec,nodiratime,relatime"));
    for (const char* options : {"ro", "rw", "rbind", "rshared", "uid=0", "nosuid,nosuid", ",",
                                "noatime,relatime", "nosuid,,nodev", " nosuid"})
        EXPECT_TRUE(refused(options)) << options;
}

TEST_F(EffectsSinkTest, RefusesTwoMountsAtOnePlace) {
    sink_.mount({.source = "/a", .destination = "/x"}).mount({.source = "/b", .destination = "/x"});
    EXPECT_EQ(refusal(), "mount `/x`: there is another mount at that place");
}

TEST_F(EffectsSinkTest, RefusesALimitThatIsNone) {
    sink_.rlimit("MEMLOCK", 1, 1);
    EXPECT_EQ(refusal(), "limit `MEMLOCK`: no limit of setrlimit(2)");
}

TEST_F(EffectsSinkTest, RefusesASoftLimitAboveTheHardOne) {
    sink_.rlimit("RLIMIT_NOFILE", 2, 1);
    EXPECT_EQ(refusal(), "limit `RLIMIT_NOFILE`: soft is more than hard");
}

TEST_F(EffectsSinkTest, RefusesRdmaLimitsThatLimitNothing) {
    sink_.rdma_limit({.device = "mlx5_0"});
    EXPECT_EQ(refusal(), "limits of RDMA device `mlx5_0`: there is none");
}

TEST_F(EffectsSinkTest, KeepsNetworkDataInTheKernelsSpelling) {
    sink_.network_data({.interface_name = "vhost-user-port-of-more-than-15",
                        .hardware_address = "02:00:00:00:00:01",
                        .addresses = {"192.0.2.5/24", "2001:DB8:0::1/64"}});
    ASSERT_TRUE(sink_.status().ok()) << refusal();
    collector_.finish();
    EXPECT_EQ(collector_.effects().network_data, (NetworkData{"vhost-user-port-of-more-than-15",
                                                              "02:00:00:00:00:01",
                                                              {"192.0.2.5/24", "2001:db8::1/64"}}));
    EXPECT_FALSE(collector_.refusal());
}

TEST_F(EffectsSinkTest, RefusesAddressesThatAreNone) {
    sink_.network_data({.addresses = {"192.0.2.5"}});
    EXPECT_EQ(refusal(), "network data: `192.0.2.5` is no address with a prefix length");
}

TEST_F(EffectsSinkTest, RefusesNetworkDataBesideAnInterface) {
    sink_.network_data({.interface_name = "a"}).netdev({.ifindex = 1, .name = "a"});
    EXPECT_TRUE(sink_.status().ok());
    collector_.finish();
    EXPECT_EQ(refusal(), "network data: of a device with an interface the host tells itself");
}

TEST_F(EffectsSinkTest, KeepsTheStateWhenAnotherEffectIsRefused) {
    sink_.state("vf=3").env("not a name", "");
    EXPECT_FALSE(sink_.status().ok());
    EXPECT_EQ(collector_.effects().state, "vf=3");
}

}  // namespace
}  // namespace knd::plugin
