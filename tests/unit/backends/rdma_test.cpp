// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "backends/rdma/claim.hpp"
#include "backends/rdma/device.hpp"
#include "backends/rdma/events.hpp"

namespace rdma {
namespace {

using knd::sysfs::RdmaDevice;

RdmaDevice hca() {
    RdmaDevice device;
    device.name = "mlx5_0";
    device.pci.emplace().address = "0000:3b:00.0";
    auto& port = device.ports.emplace_back();
    port.number = 1;
    port.link_layer = "InfiniBand";
    port.state = "ACTIVE";
    port.phys_state = "LinkUp";
    port.guid = "0200:2100:0000:0001";
    port.pkeys = {{0, 0xffff}, {3, 0x0001}};
    return device;
}
RdmaDevice roce() {
    auto device = hca();
    device.ports[0].link_layer = "Ethernet";
    device.ports[0].guid.clear();
    return device;
}

TEST(RdmaOffer, RoceIsAnothersWhetherItsInterfaceIsThereOrNot) {
    auto device = roce();
    device.netdevs = {"eth0"};
    const auto there = Offer().withheld(device);
    EXPECT_NE(there.find("list `mlx5_0` in `roce`"), std::string::npos) << there;
    device.netdevs.clear();
    EXPECT_EQ(Offer().withheld(device), there);
}

TEST(RdmaOffer, InfinibandIsOfferedWithAndWithoutItsInterface) {
    auto device = hca();
    EXPECT_EQ(Offer().withheld(device), "");
    device.netdevs = {"ib0"};
    EXPECT_EQ(Offer().withheld(device), "");
}

TEST(RdmaOffer, SoftwareIsNot) {
    auto device = hca();
    device.pci.reset();
    EXPECT_NE(Offer().withheld(device), "");
}

TEST(RdmaNames, ASubfunctionHasItsOwn) {
    auto device = hca();
    EXPECT_EQ(device_name(device), "pci-0000-3b-00-0");
    EXPECT_EQ(hardware_key(device), "pci:0000:3b:00.0");
    device.subfunction = "sf88";
    EXPECT_EQ(device_name(device), "pci-0000-3b-00-0-sf88");
    EXPECT_EQ(hardware_key(device), "pci:0000:3b:00.0/sf88");
}

TEST(RdmaTrouble, TellsNoGuidNoLinkAndNoSubnetManagerApart) {
    auto device = hca();
    EXPECT_EQ(trouble(device), "");
    device.ports[0].state = "INIT";
    EXPECT_NE(trouble(device).find("no subnet manager"), std::string::npos);
    device.ports[0].state = "DOWN";
    device.ports[0].phys_state = "Polling";
    EXPECT_EQ(trouble(device), "port 1 is DOWN (Polling)");
    device.ports[0].guid.clear();
    EXPECT_NE(trouble(device).find("no GUID"), std::string::npos);
}

TEST(RdmaTrouble, OnePortThatWorksIsEnough) {
    auto device = hca();
    device.ports.push_back(device.ports[0]);
    device.ports[0].state = "DOWN";
    EXPECT_EQ(trouble(device), "");
}

TEST(RdmaPkey, IsAPartitionInHexadecimal) {
    EXPECT_EQ(read_pkey("0x8001").value_or(0), 0x8001);
    EXPECT_EQ(read_pkey("7fff").value_or(0), 0x7fff);
    for (const auto* text : {"0", "0x8000", "", "0x", "0x10000", "0x80 1", "-1", "pkey"})
        EXPECT_FALSE(read_pkey(text).ok()) << text;
}

TEST(RdmaPkey, MembershipDoesNotCount) {
    EXPECT_EQ(find_pkey(hca(), 0x8001).value_or(-1), 3);
    EXPECT_EQ(find_pkey(hca(), 0x7fff).value_or(-1), 0);
}

TEST(RdmaPkey, OneThatThePortLacksIsToldWithWhatItHas) {
    const auto index = find_pkey(hca(), 0x8002);
    ASSERT_FALSE(index.ok());
    EXPECT_EQ(index.error().message(),
              "port 1 of RDMA device mlx5_0 is no member of partition 0x8002 (it has 0xffff, "
              "0x0001): the subnet manager makes it one");
}

TEST(RdmaEvents, HearsOfDevicesAndOfTheirVerbs) {
    using namespace std::string_view_literals;
    EXPECT_TRUE(is_about_rdma("add@/x\0ACTION=add\0SUBSYSTEM=infiniband\0SEQNUM=1\0"sv));
    EXPECT_TRUE(is_about_rdma("add@/x\0SUBSYSTEM=infiniband_verbs"sv));
    EXPECT_FALSE(is_about_rdma("add@/x\0ACTION=add\0SUBSYSTEM=net\0"sv));
    EXPECT_FALSE(is_about_rdma(""sv));
}

}  // namespace
}  // namespace rdma
