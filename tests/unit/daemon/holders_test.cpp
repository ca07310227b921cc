// SPDX-License-Identifier: Apache-2.0
#include "host/daemon/holders.hpp"

#include <gtest/gtest.h>

#include "host/sandbox/attacher.hpp"

namespace knd {
namespace {

BindingRecord record_of(const std::string& netdev) {
    BindingRecord record;
    record.claim = {"default", "c", "claim-uid"};
    record.pool = "n1";
    record.device.name = "dev-" + netdev;
    record.device.hardware_key = "pci:" + netdev;
    record.device.netdev = netdev;
    record.effects.netdevs = {{.ifindex = 3, .name = netdev, .mac = "", .name_in_pod = ""}};
    return record;
}

TEST(BoundNames, HaveTheInterfaceAtHomeAndOnItsWay) {
    const auto record = record_of("eth1");
    const auto bound = bound_names({record});
    const std::string who = "claim default/c has it (device dev-eth1)";
    EXPECT_EQ(bound.netdevs,
              (std::map<std::string, std::string>{
                  {"eth1", who}, {transit_name({"claim-uid", "dev-eth1"}, 0), who}}));
    EXPECT_EQ(bound.hardware, (std::map<std::string, std::string>{{"pci:eth1", who}}));
}

TEST(BoundNames, HaveNoInterfaceThatIsMadeInThePod) {
    auto record = record_of("");
    record.effects.netdevs = {{.ifindex = 0, .name = "net1", .mac = "", .name_in_pod = ""}};
    record.effects.netdevs[0].made = MadeLink{.kind = "macvlan", .parent = "eth0"};
    const auto bound = bound_names({record});
    EXPECT_TRUE(bound.netdevs.empty());
}

TEST(DeviceHolders, NameThePodWhileItHasTheDevice) {
    auto record = record_of("eth1");
    record.state = BindingState::kAttached;
    record.pod = "default/p";
    record.pod_uid = "pod-uid";
    const auto holders = device_holders({record});
    ASSERT_EQ(holders.size(), 1u);
    EXPECT_EQ(holders[0].device, "dev-eth1");
    EXPECT_EQ(holders[0].pod.ns, "default");
    EXPECT_EQ(holders[0].pod.name, "p");
    EXPECT_EQ(holders[0].pod.uid, "pod-uid");
    record.state = BindingState::kPrepared;
    EXPECT_EQ(device_holders({record})[0].pod.uid, "") << "it last had the device";
}

}  // namespace
}  // namespace knd
