// SPDX-License-Identifier: Apache-2.0
//
// How many virtual functions the cards have: a fixed number, brought about at start, or made when a
// claim wants one and taken away when none has for a while. A number that is not 0 is never changed
// while one of its functions is in use.
#pragma once

#include <functional>
#include <string>

#include "backends/sriov/node.hpp"
#include "sdk/support/pci_driver.hpp"

#include <knd/cpp/result.hpp>

namespace sriov {

/// Why a function is in use, for people; empty: it is not.
using InUse = std::function<std::string(const knd::sriov::Function&)>;

struct CountChange {
    std::string card;  ///< address
    std::string name;  ///< of its interface
    int from = 0;
    int to = 0;
    std::string refused = {};  ///< why it is not to be done; empty: it is
};

/// What is to be done for the fixed counts.
std::vector<CountChange> fixed_counts(const Node& node, const InUse& in_use);

/// Makes or removes functions of a card, with its interface up where the driver wants that, and as
/// it was afterwards.
knd::Result<void> change_count(const CountChange& change, knd::pci::Clock::time_point deadline,
                               const knd::pci::Check& check, const std::string& sysfs);

}  // namespace sriov
