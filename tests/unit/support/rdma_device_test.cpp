// SPDX-License-Identifier: Apache-2.0
#include "sdk/support/rdma_device.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace knd::sysfs {
namespace {

namespace fs = std::filesystem;

/// One InfiniBand device on a PCI function, as the kernel lays it out.
class RdmaSysfs : public testing::Test {
  protected:
    void SetUp() override {
        root_ = testing::TempDir() + "knd-rdma-XXXXXX";
        ASSERT_NE(mkdtemp(root_.data()), nullptr);
        function_ = root_ + "/devices/pci0000:3a/0000:3a:02.0/0000:3b:00.0";
        device_ = function_ + "/infiniband/mlx5_0";
        port_ = device_ + "/ports/1";
        for (const auto* table : {"gids", "gid_attrs/types", "gid_attrs/ndevs", "pkeys"})
            fs::create_directories(port_ + "/" + table);
        fs::create_directories(function_ + "/infiniband_verbs/uverbs3");
        fs::create_directories(function_ + "/net/ib0");
        fs::create_directories(root_ + "/class/infiniband");
        fs::create_directories(root_ + "/bus/pci/devices");
        fs::create_directory_symlink(device_, root_ + "/class/infiniband/mlx5_0");
        fs::create_directory_symlink(function_, root_ + "/bus/pci/devices/0000:3b:00.0");
        fs::create_directory_symlink("../..", device_ + "/device");
        write(device_ + "/node_guid", "0200:2100:0000:0000");
        write(device_ + "/node_type", "1: CA");
        write(port_ + "/link_layer", "InfiniBand");
        write(port_ + "/state", "4: ACTIVE");
        write(port_ + "/rate", "100 Gb/sec (4X EDR)");
        write(port_ + "/lid", "0x2101");
        write(port_ + "/gids/0", "fe80:0000:0000:0000:0200:2100:0000:0001");
        write(port_ + "/gids/1", "0000:0000:0000:0000:0000:0000:0000:0000");
        write(port_ + "/pkeys/0", "0xffff");
        write(port_ + "/pkeys/1", "0x0000");
        write(port_ + "/pkeys/10", "0x8001");
    }
    void TearDown() override { fs::remove_all(root_); }
    static void write(const std::string& path, const std::string& text) {
        std::ofstream(path) << text << '\n';
    }
    RdmaDevice read() const {
        const auto devices = read_rdma_devices(root_);
        EXPECT_EQ(devices.size(), 1u);
        return devices.empty() ? RdmaDevice() : devices.front();
    }

    std::string root_, function_, device_, port_;
};

TEST_F(RdmaSysfs, ADeviceHasItsFunctionNodesAndInterfaces) {
    const auto device = read();
    ASSERT_TRUE(device.pci);
    EXPECT_EQ(device.pci->address, "0000:3b:00.0");
    EXPECT_EQ(device.pci->pcie_root, "pci0000:3a");
    EXPECT_EQ(device.node_type, "CA");
    EXPECT_EQ(device.verbs, std::vector<std::string>{"uverbs3"});
    EXPECT_EQ(device.netdevs, std::vector<std::string>{"ib0"});
}

TEST_F(RdmaSysfs, APortHasStateSpeedLidAndGuid) {
    const auto device = read();
    ASSERT_EQ(device.ports.size(), 1u);
    const auto& port = device.ports[0];
    EXPECT_EQ(port.state, "ACTIVE");
    EXPECT_EQ(port.speed_mbps, 100000);
    EXPECT_EQ(port.lid, 0x2101u);
    EXPECT_EQ(port.guid, "0200:2100:0000:0001");
}

TEST_F(RdmaSysfs, OnlyEntriesThatAreSetAreOfTheTables) {
    const auto port = read().ports.at(0);
    ASSERT_EQ(port.gids.size(), 1u);
    ASSERT_EQ(port.pkeys.size(), 2u);
    EXPECT_EQ(port.pkeys[1].index, 10);
    EXPECT_EQ(port.pkeys[1].value, 0x8001);
}

TEST_F(RdmaSysfs, ASubfunctionIsNotItsFunction) {
    const auto sf = function_ + "/mlx5_core.sf.4";
    fs::create_directories(sf + "/infiniband/mlx5_4");
    write(sf + "/sfnum", "88");
    write(sf + "/infiniband/mlx5_4/node_guid", "0200:2100:0000:0088");
    fs::create_directory_symlink("../..", sf + "/infiniband/mlx5_4/device");
    fs::create_directory_symlink(sf + "/infiniband/mlx5_4", root_ + "/class/infiniband/mlx5_4");
    const auto devices = read_rdma_devices(root_);
    ASSERT_EQ(devices.size(), 2u);
    EXPECT_EQ(devices[1].subfunction, "sf88");
    ASSERT_TRUE(devices[1].pci);
    EXPECT_EQ(devices[1].pci->address, "0000:3b:00.0");
}

TEST_F(RdmaSysfs, ADeviceInSoftwareHasNoFunction) {
    fs::remove(device_ + "/device");
    const auto device = read();
    EXPECT_FALSE(device.pci);
    EXPECT_EQ(device.directory, "");
}

TEST_F(RdmaSysfs, NonsenseIsNoNumber) {
    write(port_ + "/lid", "0xzz");
    write(port_ + "/rate", "many Gb/sec");
    write(port_ + "/pkeys/0", "");
    const auto port = read().ports.at(0);
    EXPECT_EQ(port.lid, 0u);
    EXPECT_FALSE(port.speed_mbps);
    EXPECT_EQ(port.pkeys.size(), 1u);
}

TEST_F(RdmaSysfs, ADeviceThatIsGoingIsLeftOut) {
    fs::remove(device_ + "/node_guid");
    EXPECT_TRUE(read_rdma_devices(root_).empty());
}

TEST(RdmaRate, KnowsFractions) {
    EXPECT_EQ(speed_of_rate("2.5 Gb/sec (1X SDR)"), 2500);
    EXPECT_EQ(speed_of_rate("400 Gb/sec (4X NDR)"), 400000);
    EXPECT_FALSE(speed_of_rate(""));
    EXPECT_FALSE(speed_of_rate("-5 Gb/sec"));
}

TEST(RdmaGuid, AnEmptyOrZeroGidHasNone) {
    EXPECT_EQ(guid_of_gid(""), "");
    EXPECT_EQ(guid_of_gid("fe80:0000:0000:0000:0000:0000:0000:0000"), "");
}

}  // namespace
}  // namespace knd::sysfs
