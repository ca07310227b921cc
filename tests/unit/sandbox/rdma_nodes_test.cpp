// SPDX-License-Identifier: Apache-2.0
#include "host/sandbox/rdma_nodes.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace knd {
namespace {

namespace fs = std::filesystem;

/// Two cards, of which one has two ports, as sysfs shows them.
class RdmaNodes : public testing::Test {
  protected:
    void SetUp() override {
        root_ = testing::TempDir() + "knd-rdma-XXXXXX";
        ASSERT_NE(mkdtemp(root_.data()), nullptr);
        add("infiniband_verbs/uverbs0", "0000:3b:00.0");
        add("infiniband_verbs/uverbs3", "0000:5e:00.0");
        add("infiniband_mad/umad0", "0000:3b:00.0", 1);
        add("infiniband_mad/umad5", "0000:5e:00.0", 1);
        add("infiniband_mad/umad6", "0000:5e:00.0", 2);
        add("infiniband_mad/issm6", "0000:5e:00.0", 2);
    }
    void TearDown() override { fs::remove_all(root_); }

    void add(const std::string& node, const std::string& function, int port = 0) {
        const auto hardware = root_ + "/devices/pci0000:3a/" + function;
        const auto directory = root_ + "/class/" + node;
        fs::create_directories(hardware);
        fs::create_directories(directory);
        if (!function.empty()) fs::create_directory_symlink(hardware, directory + "/device");
        if (port != 0) std::ofstream(directory + "/port") << port << '\n';
    }
    void rename(const std::string& from, const std::string& to) {
        fs::rename(root_ + "/class/" + from, root_ + "/class/" + to);
    }
    NodeEffect noted(const std::string& name) {
        NodeEffect node{.path = "/dev/infiniband/" + name};
        note_rdma_node(node, root_);
        return node;
    }
    std::string now(const NodeEffect& node) { return rdma_node_path(node, root_).value_or("none"); }

    std::string root_;
};

TEST_F(RdmaNodes, AreFollowedWhenADeviceMoves) {
    const auto node = noted("uverbs3");
    EXPECT_EQ(now(node), "/dev/infiniband/uverbs3");
    rename("infiniband_verbs/uverbs0", "infiniband_verbs/uverbs7");
    rename("infiniband_verbs/uverbs3", "infiniband_verbs/uverbs0");
    EXPECT_EQ(now(node), "/dev/infiniband/uverbs0");
}

TEST_F(RdmaNodes, OfAPortAreThatPorts) {
    const auto second = noted("umad6");
    const auto manager = noted("issm6");
    rename("infiniband_mad/umad6", "infiniband_mad/umad1");
    rename("infiniband_mad/issm6", "infiniband_mad/issm1");
    EXPECT_EQ(now(second), "/dev/infiniband/umad1");
    EXPECT_EQ(now(manager), "/dev/infiniband/issm1");
}

TEST_F(RdmaNodes, ThatAreGoneAreNamedByTheirHardware) {
    const auto node = noted("uverbs3");
    fs::remove_all(root_ + "/class/infiniband_verbs/uverbs3");
    const auto path = rdma_node_path(node, root_);
    ASSERT_EQ(path.code(), Code::kNotFound);
    EXPECT_EQ(path.error().message(),
              "0000:5e:00.0 has no device node uverbsN any more: was its driver unbound?");
}

TEST_F(RdmaNodes, OtherNodesAreWhereTheyAre) {
    add("infiniband_verbs/uverbs9", "");  // of software
    for (const auto* name : {"rdma_cm", "uverbs9", "uverbs77"})
        EXPECT_EQ(now(noted(name)), "/dev/infiniband/" + std::string(name));
    NodeEffect group{.path = "/dev/vfio/9"};
    note_rdma_node(group, root_);
    EXPECT_EQ(now(group), "/dev/vfio/9");
}

}  // namespace
}  // namespace knd
