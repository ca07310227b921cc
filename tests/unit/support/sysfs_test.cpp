// SPDX-License-Identifier: Apache-2.0
#include "sdk/support/sysfs.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace knd::sysfs {
namespace {

namespace fs = std::filesystem;

/// A tree as the kernel lays it out, with one PF, one of its VFs, and a dummy.
class Sysfs : public testing::Test {
  protected:
    void SetUp() override {
        root_ = testing::TempDir() + "knd-sysfs-XXXXXX";
        ASSERT_NE(mkdtemp(root_.data()), nullptr);
        pf_ = root_ + "/devices/pci0000:3a/0000:3a:02.0/0000:3b:00.0";
        vf_ = root_ + "/devices/pci0000:3a/0000:3a:02.0/0000:3b:10.1";
        function(pf_, "0000:3b:00.0");
        function(vf_, "0000:3b:10.1");
        write(pf_ + "/sriov_totalvfs", "7");
        write(pf_ + "/sriov_numvfs", "2");
        fs::create_directory_symlink("../0000:3b:00.0", vf_ + "/physfn");
        netdev(pf_ + "/net/eth2", "eth2");
        write(pf_ + "/net/eth2/speed", "200000");
        write(pf_ + "/net/eth2/duplex", "full");
        fs::create_directory_symlink("../..", pf_ + "/net/eth2/device");
        fs::create_directories(pf_ + "/infiniband/mlx5_0");
        netdev(root_ + "/devices/virtual/net/dra0", "dra0");
        write(root_ + "/devices/virtual/net/dra0/speed", "-1");
    }
    void TearDown() override { fs::remove_all(root_); }

    static void write(const std::string& path, const std::string& text) {
        std::ofstream(path) << text << '\n';
    }
    void function(const std::string& path, const std::string& address) {
        fs::create_directories(path);
        write(path + "/vendor", "0x8086");
        write(path + "/device", "0x10c9");
        write(path + "/numa_node", address == "0000:3b:00.0" ? "1" : "-1");
        fs::create_directories(root_ + "/bus/pci/drivers/igb");
        fs::create_directory_symlink(root_ + "/bus/pci/drivers/igb", path + "/driver");
        fs::create_directories(root_ + "/bus/pci/devices");
        fs::create_directory_symlink(path, root_ + "/bus/pci/devices/" + address);
    }
    void netdev(const std::string& path, const std::string& name) {
        fs::create_directories(path);
        fs::create_directories(root_ + "/class/net");
        fs::create_directory_symlink(path, root_ + "/class/net/" + name);
    }

    std::string root_, pf_, vf_;
};

TEST_F(Sysfs, FindsThePciFunctionOfANetdev) {
    const auto netdev = read_netdev("eth2", root_);
    ASSERT_TRUE(netdev.pci.has_value());
    EXPECT_EQ(netdev.pci->address, "0000:3b:00.0");
    EXPECT_EQ(netdev.pci->pcie_root, "pci0000:3a");
    EXPECT_EQ(netdev.pci->driver, "igb");
    EXPECT_EQ(netdev.pci->vendor_id, 0x8086);
    EXPECT_EQ(netdev.pci->numa_node, 1);
    EXPECT_EQ(netdev.pci->sriov_total_vfs, 7);
    EXPECT_EQ(netdev.pci->rdma_devices, (std::vector<std::string>{"mlx5_0"}));
    EXPECT_FALSE(netdev.is_virtual);
}

TEST_F(Sysfs, ReadsTheLinkSpeed) {
    EXPECT_EQ(read_netdev("eth2", root_).speed_mbps, 200000);
}

TEST_F(Sysfs, HasNoSpeedWithoutLink) {
    EXPECT_FALSE(read_netdev("dra0", root_).speed_mbps.has_value());
}

TEST_F(Sysfs, KnowsAVirtualInterface) {
    const auto netdev = read_netdev("dra0", root_);
    EXPECT_TRUE(netdev.is_virtual);
    EXPECT_FALSE(netdev.pci.has_value());
}

TEST_F(Sysfs, NamesThePhysicalFunctionOfAVf) {
    const auto vf = read_pci("0000:3b:10.1", root_);
    ASSERT_TRUE(vf.has_value());
    EXPECT_EQ(vf->physfn, "0000:3b:00.0");
    EXPECT_FALSE(vf->sriov_total_vfs.has_value());
}

TEST_F(Sysfs, KnowsNoPhysicalFunctionOfAPhysicalOne) {
    EXPECT_EQ(physical_function("0000:3b:10.1", root_), "0000:3b:00.0");
    EXPECT_EQ(physical_function("0000:3b:00.0", root_), "");
}

TEST_F(Sysfs, FindsRdmaOfThePciFunctionAndInSoftware) {
    for (const auto* name : {"rxe0", "rxe1"})
        fs::create_directories(root_ + "/class/infiniband/" + name);
    write(root_ + "/class/infiniband/rxe0/parent", "eth2");
    write(root_ + "/class/infiniband/rxe1/parent", "dra0");
    using Names = std::vector<std::string>;
    EXPECT_EQ(read_netdev("eth2", root_).rdma_devices, (Names{"mlx5_0", "rxe0"}));
    EXPECT_EQ(read_netdev("dra0", root_).rdma_devices, (Names{"rxe1"}));
}

TEST_F(Sysfs, TakesNumaNodeMinusOneAsUnknown) {
    EXPECT_FALSE(read_pci("0000:3b:10.1", root_)->numa_node.has_value());
}

TEST_F(Sysfs, HasNothingForAnUnknownFunction) {
    EXPECT_FALSE(read_pci("0000:ff:00.0", root_).has_value());
}

TEST_F(Sysfs, HasNothingForWhatIsNoAddress) {
    for (const auto* address : {"", ".", "..", "eth2", "0000:3b:00.0/net"})
        EXPECT_FALSE(read_pci(address, root_).has_value()) << address;
}

TEST_F(Sysfs, HasNothingForALinkToAnotherFunction) {
    fs::create_directory_symlink(pf_, root_ + "/bus/pci/devices/0000:00:13.1");
    EXPECT_FALSE(read_pci("0000:00:13.1", root_).has_value());
}

TEST_F(Sysfs, FindsThePcieRootAboveBridges) {
    function(root_ + "/devices/pci0000:00/0000:01:00.0/0000:02:00.0", "0000:02:00.0");
    EXPECT_EQ(read_pci("0000:02:00.0", root_)->pcie_root, "pci0000:00");
}

TEST_F(Sysfs, KnowsNoPcieRootOfAFunctionThatIsBelowNone) {
    function(root_ + "/devices/platform/0000:02:00.0", "0000:02:00.0");
    EXPECT_EQ(read_pci("0000:02:00.0", root_)->pcie_root, "");
}

/// Interfaces of the function 0000:3b:00.0, as drivers and the kernel lay them out.
class Ports : public Sysfs {
  protected:
    /// A device of `bus` below `parent`.
    std::string device(const std::string& parent, const std::string& name, const std::string& bus) {
        const auto path = parent + "/" + name;
        fs::create_directories(path);
        fs::create_directories(root_ + "/bus/" + bus);
        fs::create_directory_symlink(root_ + "/bus/" + bus, path + "/subsystem");
        return path;
    }
    Netdev on(const std::string& device, const std::string& name, const char* dev_port,
              const std::string& port_name = "") {
        netdev(device + "/net/" + name, name);
        write(device + "/net/" + name + "/dev_port", dev_port);
        if (!port_name.empty()) write(device + "/net/" + name + "/phys_port_name", port_name);
        return read_netdev(name, root_);
    }
};

TEST_F(Ports, HaveNamesThatDoNotDependOnTheOthers) {
    EXPECT_EQ(on(pf_, "eth3", "1").port, "port1");
    EXPECT_EQ(on(pf_, "eth4", "0", "p0").port, "");
    fs::remove(root_ + "/class/net/eth4");
    fs::remove(root_ + "/class/net/eth2");
    EXPECT_EQ(read_netdev("eth3", root_).port, "port1");
}

TEST_F(Ports, OfSubfunctionsHaveTheNumberThatTheirMakerChose) {
    const auto auxiliary = device(pf_, "mlx5_core.sf.4", "auxiliary");
    write(auxiliary + "/sfnum", "88");
    fs::create_directories(auxiliary + "/infiniband/mlx5_4");
    const auto subfunction = on(auxiliary, "eth5", "0");
    ASSERT_TRUE(subfunction.pci.has_value());
    EXPECT_EQ(subfunction.pci->address, "0000:3b:00.0");
    EXPECT_EQ(subfunction.port, "sf88");
    EXPECT_EQ(subfunction.rdma_devices, (std::vector<std::string>{"mlx5_4"}));
}

TEST_F(Ports, OfASwitchRepresentFunctions) {
    const auto end = on(pf_, "eth6", "0", "pf0vf3");
    EXPECT_TRUE(end.representor);
    EXPECT_EQ(end.port, "pf0vf3");
    EXPECT_FALSE(read_netdev("eth2", root_).representor);
}

TEST_F(Ports, OfVirtioAreThoseOfItsFunction) {
    const auto netdev = on(device(pf_, "virtio2", "virtio"), "eth7", "0");
    ASSERT_TRUE(netdev.pci.has_value());
    EXPECT_EQ(netdev.port, "");
}

TEST_F(Ports, AreNotWhatHangsOnAnotherBusOfTheFunction) {
    const auto usb = device(device(pf_, "usb1", "usb"), "1-1:1.0", "usb");
    const auto netdev = on(usb, "enx0", "0");
    EXPECT_FALSE(netdev.pci.has_value());
    EXPECT_FALSE(netdev.is_virtual);
}

TEST(Representor, IsAFunctionBehindASwitch) {
    for (const auto* name : {"pf0", "pf0vf3", "pf12sf88", "c1pf0", "c1pf0vf127"}) {
        EXPECT_TRUE(is_representor(name)) << name;
    }
    for (const auto* name : {"", "p0", "p0s1", "pf", "pfvf1", "pf0vf", "pf0vf1x", "c1", "cpf0",
                             "c1p0", "pf0sf1vf1", "vf1"}) {
        EXPECT_FALSE(is_representor(name)) << name;
    }
}

}  // namespace
}  // namespace knd::sysfs
