// SPDX-License-Identifier: Apache-2.0
//
// VfSettings: what a physical function lets an administrator set for its virtual functions
// (`ip link set PF vf N ...`), by rtnetlink. It is asked for one PF at a time: a driver takes
// milliseconds per VF to tell.
//
// Threads: any, one at a time per object.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sdk/support/netlink.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

constexpr std::uint16_t kVlan8021q = 0x8100;
constexpr std::uint16_t kVlan8021ad = 0x88a8;

/// What one VF has, or what is to change of it; what is absent is not told, or stays.
struct VfValues {
    std::optional<std::string> mac = {};
    std::optional<std::uint32_t> vlan = {};  ///< 0: none
    std::optional<std::uint32_t> qos = {};
    std::optional<std::uint16_t> vlan_protocol = {};  ///< kVlan8021q, kVlan8021ad
    std::optional<bool> spoof_check = {};
    std::optional<bool> trust = {};
    std::optional<std::uint32_t> link_state = {};  ///< IFLA_VF_LINK_STATE_*
    std::optional<std::uint32_t> min_rate = {};    ///< Mbit/s; 0: none
    std::optional<std::uint32_t> max_rate = {};
    std::optional<std::uint64_t> node_guid = {};
    std::optional<std::uint64_t> port_guid = {};
    bool operator==(const VfValues&) const = default;
    bool empty() const { return *this == VfValues(); }
};

class VfSettings {
  public:
    /// In the network namespace of the calling thread.
    static Result<VfSettings> open();
    VfSettings(VfSettings&&) noexcept;
    VfSettings& operator=(VfSettings&&) noexcept;
    ~VfSettings();

    /// Those of all VFs of a PF, by number.
    Result<std::vector<VfValues>> read(int pf_ifindex);
    /// One request. The kernel sets one after the other and stops at the first that the driver
    /// refuses; those before it stay. VLAN, priority and protocol are one setting to it, and so are
    /// both rates: name all of them.
    Result<void> set(int pf_ifindex, int vf, const VfValues& change);

  private:
    explicit VfSettings(std::unique_ptr<Netlink::Socket> socket);
    std::unique_ptr<Netlink::Socket> socket_;
};

}  // namespace knd
