// SPDX-License-Identifier: Apache-2.0
#include "sdk/support/netdev.hpp"

#include <gtest/gtest.h>

#include "host/plugin/device_sink.hpp"
#include "sdk/support/pci_names.hpp"

namespace knd {
namespace {

Netdev port(const std::string& port = "") {
    Netdev netdev;
    netdev.link.name = "eth1";
    netdev.sysfs.pci.emplace().address = "0000:3b:00.1";
    netdev.sysfs.port = port;
    return netdev;
}

TEST(DeviceName, OfHardwareIsItsFunctionAndPort) {
    EXPECT_EQ(device_name(port()), "pci-0000-3b-00-1");
    EXPECT_EQ(device_name(port("port1")), "pci-0000-3b-00-1-port1");
    EXPECT_EQ(hardware_key(port()), "pci:0000:3b:00.1");
    EXPECT_EQ(hardware_key(port("sf88")), "pci:0000:3b:00.1/sf88");
}

TEST(DeviceName, OfTheRestIsTheInterfaces) {
    Netdev netdev;
    netdev.link.name = "dra0";
    EXPECT_EQ(device_name(netdev), "dra0");
    EXPECT_EQ(hardware_key(netdev), "net:dra0");
    netdev.link.name = "eth0.5";
    EXPECT_EQ(device_name(netdev), "net-mv2gqmbogu");
}

/// A partition of IPoIB is told by sysfs to be of the function that its port is of.
TEST(DeviceName, OfWhatStandsOnAPortIsNotThePorts) {
    auto partition = port();
    partition.link.name = "ib1-8001";
    partition.link.parent = 4;
    EXPECT_EQ(device_name(partition), "ib1-8001");
    EXPECT_EQ(hardware_key(partition), "net:ib1-8001");
}

/// What the host is told of it.
std::map<std::string, AttributeValue> attributes(const Netdev& netdev) {
    const std::atomic<bool> cancelled = false;
    plugin::DeviceCollector collector("netdev", "dra.net", cancelled);
    DeviceSink sink(collector.face());
    describe(netdev, sink);
    return collector.take().devices.at(0).attributes;
}

TEST(PciNames, OfAFunctionThatNobodyListsAreEmpty) {
    const auto names = pci_names(0x0002, 0x0002);
    EXPECT_EQ(names.vendor, "");
    EXPECT_EQ(names.device, "");
}

TEST(DeviceAttributes, NameTheFunctionAndItsPcieRoot) {
    auto netdev = port();
    netdev.sysfs.pci->pcie_root = "pci0000:3a";
    const auto told = attributes(netdev);
    EXPECT_EQ(told.at("resource.kubernetes.io/pciBusID"),
              AttributeValue(std::string("0000:3b:00.1")));
    EXPECT_EQ(told.at("resource.kubernetes.io/pcieRoot"),
              AttributeValue(std::string("pci0000:3a")));
}

TEST(DeviceAttributes, LeaveOutAPcieRootThatIsNotKnown) {
    EXPECT_FALSE(attributes(port()).contains("resource.kubernetes.io/pcieRoot"));
}

TEST(DeviceAttributes, OfSoftwareNameNoFunction) {
    Netdev netdev;
    netdev.link.name = "dra0";
    EXPECT_FALSE(attributes(netdev).contains("resource.kubernetes.io/pciBusID"));
}

}  // namespace
}  // namespace knd
