// SPDX-License-Identifier: Apache-2.0
//
// A function in the hands of a claim: set up as the claim says, and put back as it was. Everything
// is recorded before it is changed, and a function is free only when its reset was read back.
#pragma once

#include <string>

#include "backends/sriov/node.hpp"
#include "backends/sriov/record.hpp"
#include "backends/sriov/settings.hpp"
#include "sdk/support/netlink.hpp"
#include "sdk/support/pci_driver.hpp"

#include <knd/cpp/binding.hpp>
#include <knd/cpp/result.hpp>

namespace sriov {

class Leases {
  public:
    Leases(const Config& config, const Records& records) : config_(config), records_(records) {}

    /// The record says what the claim gets. What fails leaves nothing changed; the same call for
    /// the same binding again answers alike, also while its interface is away in a pod.
    knd::Result<Record> take(const Node& node, const Device& device, const Settings& settings,
                             const knd::Binding& binding, knd::pci::Clock::time_point deadline,
                             const knd::pci::Check& check) const;
    /// Puts back what the record says. A function that is gone has nothing to put back.
    knd::Result<void> give_back(const Node& node, const Record& record,
                                knd::pci::Clock::time_point deadline,
                                const knd::pci::Check& check) const;

  private:
    struct Step;
    knd::Result<Record> begin(const Step& step) const;
    knd::Result<Record> set_up(const Step& step, Record record) const;
    knd::Result<void> apply(const Step& step, Record& record) const;
    knd::Result<knd::LinkInfo> bring_netdev(const Step& step, const Record& record) const;
    knd::Result<std::string> bring_vfio(const Step& step) const;
    knd::Result<void> restore_settings(const Card& card, const Record& record) const;
    knd::Result<void> restore_netdev(const knd::sriov::Function& function, const Record& record,
                                     knd::pci::Clock::time_point deadline,
                                     const knd::pci::Check& check) const;

    const Config& config_;
    const Records& records_;
};

/// What keeps `mac` from being the address of VF `index` of the card: the card itself, or another
/// of its functions. Empty: nothing.
std::string holder_of(const std::string& mac, const Node& node, const Card& card, int index,
                      const std::vector<knd::VfValues>& values);

/// Sets what `change` names in one request, and sees that it is so. What the driver refuses is
/// named, and what was set until then is set back.
knd::Result<void> set_values(int pf_ifindex, int index, const knd::VfValues& change,
                             const knd::VfValues& before, const std::string& driver);

}  // namespace sriov
