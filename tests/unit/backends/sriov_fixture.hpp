// SPDX-License-Identifier: Apache-2.0
//
// A made-up sysfs with network cards, as drivers/pci/iov.c lays it out.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "backends/sriov/config.hpp"
#include "host/plugin/params.hpp"
#include "sdk/support/link.hpp"

namespace sriov {

class Sysfs {
  public:
    Sysfs() {
        // Thousands of files: in memory where there is such a place.
        std::string name = std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp";
        name += "/knd-sysfs-XXXXXX";
        root_ = ::mkdtemp(name.data());
        std::filesystem::create_directories(root_ / "bus/pci/devices");
    }
    ~Sysfs() { std::filesystem::remove_all(root_); }
    Sysfs(const Sysfs&) = delete;
    Sysfs& operator=(const Sysfs&) = delete;

    std::string root() const { return root_.string(); }

    void write(const std::string& path, const std::string& text) const {
        std::filesystem::create_directories((root_ / path).parent_path());
        std::ofstream(root_ / path) << text << '\n';
    }
    void link(const std::string& path, const std::string& target) const {
        std::filesystem::create_directories((root_ / path).parent_path());
        std::filesystem::create_symlink(target, root_ / path);
    }

    /// A function below `pci0000:20`, whose interface is `netdev`.
    void function(const std::string& address, const std::string& driver,
                  const std::string& netdev) const {
        const auto path = "devices/pci0000:20/" + address;
        write(path + "/class", "0x020000");
        write(path + "/vendor", "0x8086");
        write(path + "/device", "0x10c9");
        write(path + "/subsystem_device", "0xa03c");
        write(path + "/numa_node", "1");
        if (!driver.empty()) link(path + "/driver", "../../../bus/pci/drivers/" + driver);
        if (!netdev.empty()) std::filesystem::create_directories(root_ / (path + "/net/" + netdev));
        link("bus/pci/devices/" + address, "../../../devices/pci0000:20/" + address);
    }
    void card(const std::string& address, const std::string& netdev, int total, int now) const {
        function(address, "igb", netdev);
        const auto path = "devices/pci0000:20/" + address;
        write(path + "/sriov_totalvfs", std::to_string(total));
        write(path + "/sriov_numvfs", std::to_string(now));
        write(path + "/sriov_offset", "128");
        write(path + "/sriov_stride", "2");
    }
    void virtual_function(const std::string& card, int index, const std::string& address,
                          const std::string& driver, const std::string& netdev) const {
        function(address, driver, netdev);
        const auto path = "devices/pci0000:20/" + address;
        write(path + "/device", "0x10ca");
        link(path + "/physfn", "../" + card);
        link("devices/pci0000:20/" + card + "/virtfn" + std::to_string(index), "../" + address);
    }

  private:
    std::filesystem::path root_;
};

inline knd::LinkInfo link_on(const std::string& name, int ifindex, const std::string& address) {
    knd::LinkInfo link;
    link.name = name;
    link.ifindex = ifindex;
    link.bus = "pci";
    link.device = address;
    link.encapsulation = "ether";
    link.mtu = 1500;
    return link;
}

inline knd::Result<Config> config_of(const char* json, const std::string& sysfs) {
    const auto values = knd::parse_json(json);
    const knd::plugin::Params params(*values);
    KND_TRY_ASSIGN(auto config, Config::read(knd::Params(params.face())));
    config.sysfs = sysfs;
    return config;
}

}  // namespace sriov
