// SPDX-License-Identifier: Apache-2.0
#include "backends/sriov/counts.hpp"

#include "sdk/support/netlink.hpp"

namespace sriov {
namespace {

using knd::Result;

Result<void> make(const CountChange& change, knd::pci::Clock::time_point deadline,
                  const knd::pci::Check& check, const std::string& sysfs) {
    const auto attempt = [&] {
        return knd::pci::make_functions(change.card, change.to, deadline, check, sysfs);
    };
    auto made = attempt();
    if (made.ok() || made.code() == knd::Code::kCancelled) return made;
    // Some drivers (bnxt_en) make none while the card's own interface is down.
    auto netlink = knd::Netlink::open();
    if (!netlink.ok() || change.name.empty()) return made;
    const auto link = netlink->link(change.name);
    if (!link.ok() || link->up() || !netlink->set_up(link->ifindex).ok()) return made;
    auto again = attempt();
    auto down = netlink->set_down(link->ifindex);
    if (!again.ok()) return made;
    return down;
}

}  // namespace

std::vector<CountChange> fixed_counts(const Node& node, const InUse& in_use) {
    std::vector<CountChange> changes;
    for (const auto& card : node.cards()) {
        if (card.rule == nullptr || !card.rule->count) continue;
        const int wanted = *card.rule->count;
        const int now = card.function.num_vfs;
        if (wanted == now) continue;
        CountChange change{
            .card = card.function.address, .name = card.name, .from = now, .to = wanted};
        const auto label = card.name.empty() ? change.card : card.name;
        if (wanted > card.function.total_vfs) {
            change.refused = label + " can have " + std::to_string(card.function.total_vfs) +
                             " virtual functions, not " + std::to_string(wanted);
        }
        for (int index = 0; index < now && change.refused.empty(); ++index) {
            for (const auto& device : node.devices()) {
                if (device.card != &card || device.index != index || device.function == nullptr)
                    continue;
                if (const auto why = in_use(*device.function); !why.empty()) {
                    change.refused = label + " keeps its " + std::to_string(now) +
                                     " virtual functions, " + std::to_string(wanted) +
                                     " are wanted: " + why;
                }
            }
        }
        changes.push_back(std::move(change));
    }
    return changes;
}

Result<void> change_count(const CountChange& change, knd::pci::Clock::time_point deadline,
                          const knd::pci::Check& check, const std::string& sysfs) {
    // The kernel changes a number only to 0 and from 0: EBUSY otherwise.
    if (change.from > 0) {
        auto removed = knd::pci::remove_functions(change.card, sysfs);
        if (!removed.ok())
            return std::move(removed).error().wrap("remove the virtual functions of " +
                                                   change.card);
    }
    if (change.to == 0) return {};
    return make(change, deadline, check, sysfs);
}

}  // namespace sriov
