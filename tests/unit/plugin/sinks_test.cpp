// SPDX-License-Identifier: Apache-2.0
//
// The host's sinks, filled through the C++ layer that backends use.
#include <gtest/gtest.h>

#include <knd/cpp/sinks.hpp>

#include "host/plugin/device_sink.hpp"
#include "host/plugin/effects_sink.hpp"

namespace knd::plugin {
namespace {

class DeviceSinkTest : public ::testing::Test {
  protected:
    /// Why the only refused device was refused.
    std::string refusal() const {
        return collector_.refusals().size() == 1 ? collector_.refusals()[0].reason
                                                 : std::to_string(collector_.refusals().size());
    }
    std::atomic<bool> cancelled_ = false;
    DeviceCollector collector_{"netdev", "dra.net", cancelled_};
    DeviceSink sink_{collector_.face()};
};

TEST_F(DeviceSinkTest, KeepsEveryKindOfValue) {
    sink_.device({.name = "a", .hardware_key = "net:a", .netdev = "eth0"})
        .attribute("ifName", "eth0")
        .attribute("mtu", 1500u)
        .attribute("rdma", false)
        .version("firmware", "1.2.3-rc.1")
        .attribute("resource.kubernetes.io/pcieRoot", std::string("pci0000:00"))
        .capacity("bandwidth", "25G");
    const auto devices = collector_.take();
    ASSERT_EQ(devices.size(), 1u);
    EXPECT_EQ(
        devices[0],
        (Device{.name = "a",
                .backend = "netdev",
                .hardware_key = "net:a",
                .netdev = "eth0",
                .attributes = {{"dra.net/ifName", std::string("eth0")},
                               {"dra.net/mtu", std::int64_t{1500}},
                               {"dra.net/rdma", false},
                               {"dra.net/firmware", Version{"1.2.3-rc.1"}},
                               {"resource.kubernetes.io/pcieRoot", std::string("pci0000:00")}},
                .capacity = {{"dra.net/bandwidth", "25G"}}}));
}

TEST_F(DeviceSinkTest, KeepsWhyADeviceIsNotOffered) {
    sink_.device({.name = "a", .hardware_key = "x", .withheld = "it is a\ntunnel"});
    EXPECT_EQ(collector_.take().at(0).withheld, "it is a tunnel");
}

TEST_F(DeviceSinkTest, TakesADeviceOfABackendThatKnowsFewerFields) {
    knd_device old{};
    old.size = offsetof(knd_device, withheld);
    old.name = "a";
    old.hardware_key = "x";
    old.withheld = "not read";
    EXPECT_EQ(collector_.face()->device(collector_.face(), &old), KND_OK);
    EXPECT_EQ(collector_.take().at(0).withheld, "");
}

TEST_F(DeviceSinkTest, TakesAValueOfExactly64Bytes) {
    sink_.device({.name = "a", .hardware_key = "x"}).attribute("t", std::string(64, 'x'));
    EXPECT_EQ(collector_.take().size(), 1u);
}

TEST_F(DeviceSinkTest, CountsAttributesAndCapacitiesTogether) {
    sink_.device({.name = "a", .hardware_key = "x"});
    for (int i = 0; i < 31; ++i)
        sink_.attribute("a" + std::to_string(i), i);
    sink_.capacity("c0", "1").capacity("c1", "1");
    EXPECT_EQ(refusal(), "capacity `c1`: there are more than 32 attributes and capacities");
    EXPECT_TRUE(collector_.take().empty());
}

TEST_F(DeviceSinkTest, RefusesANameInTwoSpellings) {
    sink_.device({.name = "a", .hardware_key = "x"})
        .attribute("mtu", 1)
        .attribute("dra.net/mtu", 2);
    EXPECT_EQ(refusal(), "attribute `dra.net/mtu`: set twice");
}

TEST_F(DeviceSinkTest, RefusesADomainThatIsNone) {
    sink_.device({.name = "a", .hardware_key = "x"}).attribute("Not A Domain/mtu", 1);
    EXPECT_EQ(refusal(), "attribute `Not A Domain/mtu`: the part before '/' must be a domain name");
}

TEST_F(DeviceSinkTest, RefusesAValueThatIsNoUtf8) {
    sink_.device({.name = "a", .hardware_key = "x"}).attribute("t", "\xc3");
    EXPECT_EQ(refusal(), "attribute `t`: value is not UTF-8");
}

TEST_F(DeviceSinkTest, RefusesADeviceWithoutHardwareKey) {
    sink_.device({.name = "a", .hardware_key = ""});
    EXPECT_EQ(refusal(), "hardware_key `` must be 1 to 255 bytes of UTF-8");
}

TEST_F(DeviceSinkTest, RefusesANetdevThatTheKernelCouldNotName) {
    sink_.device({.name = "a", .hardware_key = "x", .netdev = "longer-than-15-x"});
    EXPECT_EQ(refusal(), "netdev `longer-than-15-x` is no name of an interface");
}

TEST_F(DeviceSinkTest, GoesOnAfterARefusedDevice) {
    sink_.device({.name = "-a", .hardware_key = "x"}).attribute("mtu", 1);
    sink_.device({.name = "b", .hardware_key = "x"}).attribute("mtu", 1);
    EXPECT_TRUE(sink_.status().ok());
    const auto devices = collector_.take();
    ASSERT_EQ(devices.size(), 1u);
    EXPECT_EQ(devices[0].name, "b");
    EXPECT_EQ(collector_.refusals().size(), 1u);
}

TEST_F(DeviceSinkTest, RefusesAttributesBeforeAnyDevice) {
    EXPECT_EQ(collector_.face()->attr_int(collector_.face(), "mtu", 1), KND_INVALID_ARGUMENT);
}

TEST_F(DeviceSinkTest, EndsWhenTheCallIsCancelled) {
    cancelled_ = true;
    sink_.device({.name = "a", .hardware_key = "x"});
    EXPECT_EQ(sink_.status().code(), Code::kCancelled);
    EXPECT_TRUE(collector_.take().empty());
}

class EffectsSinkTest : public ::testing::Test {
  protected:
    std::string refusal() const {
        return collector_.refusal() ? collector_.refusal()->message() : "";
    }
    std::atomic<bool> cancelled_ = false;
    EffectsCollector collector_{cancelled_};
    EffectsSink sink_{collector_.face()};
};

TEST_F(EffectsSinkTest, KeepsEveryKindOfEffect) {
    sink_.netdev({.ifindex = 7, .name = "eth1", .mac = "02:00:00:00:00:01", .name_in_pod = "net1"})
        .rdma_link("mlx5_0")
        .device_node("/dev/infiniband/uverbs0")
        .mount("/run/vhost", "/run/vhost", true)
        .env("PCI", "0000:3b:00.1")
        .state(std::string_view("a\0b", 3));
    ASSERT_TRUE(sink_.status().ok());
    const Effects& effects = collector_.effects();
    EXPECT_EQ(effects.netdevs,
              (std::vector<NetdevEffect>{{7, "eth1", "02:00:00:00:00:01", "net1"}}));
    EXPECT_EQ(effects.rdma_links, std::vector<std::string>{"mlx5_0"});
    EXPECT_EQ(effects.nodes, (std::vector<NodeEffect>{{"/dev/infiniband/uverbs0", 0660}}));
    EXPECT_EQ(effects.mounts, (std::vector<Mount>{{"/run/vhost", "/run/vhost", true}}));
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
    sink_.mount("/run/../etc", "/x");
    EXPECT_EQ(refusal(), "mount `/x`: source and destination must be absolute paths without `..`");
}

TEST_F(EffectsSinkTest, RefusesModesBeyondPermissions) {
    sink_.device_node("/dev/x", 04755);
    EXPECT_EQ(refusal(), "device node `/dev/x`: mode has more than permission bits");
}

TEST_F(EffectsSinkTest, RefusesTooManyOfOneKind) {
    for (int i = 0; i <= 64; ++i)
        sink_.rdma_link("r" + std::to_string(i));
    EXPECT_EQ(refusal(), "RDMA link `r64`: more than 64 effects of one kind");
}

}  // namespace
}  // namespace knd::plugin
