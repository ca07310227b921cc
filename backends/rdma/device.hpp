// SPDX-License-Identifier: Apache-2.0
//
// RDMA devices as devices of a pool: whose they are, what they are called, their attributes,
// whether they work.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backends/rdma/verbs.hpp"
#include "sdk/support/rdma_device.hpp"

#include <knd/cpp/params.hpp>
#include <knd/cpp/sinks.hpp>

namespace rdma {

/// What the configuration says of the choice.
class Offer {
  public:
    static knd::Result<Offer> read(const knd::Params& config);
    /// Why it is not offered here, and what would change that; empty: it is. By what the function
    /// is (its bus, its link layer), never by whether its interface is visible now: that may be in
    /// a pod.
    std::string withheld(const knd::sysfs::RdmaDevice& device) const;

  private:
    std::vector<std::string> include_;
    std::vector<std::string> exclude_;
    std::vector<std::string> roce_;
};

/// Ports speak Ethernet.
bool is_roce(const knd::sysfs::RdmaDevice& device);

/// "pci-0000-3b-00-1", "pci-0000-3b-00-0-sf88"; of a device in software as it is called.
std::string device_name(const knd::sysfs::RdmaDevice& device);
std::string hardware_key(const knd::sysfs::RdmaDevice& device);

/// Begins the device in `sink` and adds all that is known. README.md lists the attributes.
void describe(const knd::sysfs::RdmaDevice& device, const std::optional<Facts>& facts,
              bool exclusive, const std::string& withheld, knd::DeviceSink& sink);

/// Why no traffic can pass; empty: it can, by one of its ports at least.
std::string trouble(const knd::sysfs::RdmaDevice& device);

/// "0x8001"
std::string pkey_text(std::uint16_t pkey);

}  // namespace rdma
