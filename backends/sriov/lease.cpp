// SPDX-License-Identifier: Apache-2.0
#include "backends/sriov/lease.hpp"

namespace sriov {

using knd::Code;
using knd::Error;
using knd::LinkInfo;
using knd::Netlink;
using knd::Result;
using knd::VfSettings;
using knd::VfValues;

namespace {

const char* const kNoMac = "00:00:00:00:00:00";

Result<LinkInfo> link_of(const std::string& address, knd::pci::Clock::time_point deadline,
                         const knd::pci::Check& check, const std::string& sysfs) {
    KND_TRY_ASSIGN(const auto name, knd::pci::wait_for_netdev(address, deadline, check, sysfs));
    KND_TRY_ASSIGN(auto netlink, Netlink::open());
    return netlink.link(name);
}

/// An interface that its driver made anew gets the name that the old one had.
Result<LinkInfo> rename_back(LinkInfo link, const std::string& name) {
    if (name.empty() || link.name == name) return link;
    KND_TRY_ASSIGN(auto netlink, Netlink::open());
    KND_TRY(netlink.change_link(link.ifindex, {.name = name})
                .wrap("give " + link.name + " the name " + name + " that it had"));
    return netlink.link(link.ifindex);
}

/// Whether what was given is still so: bound to vfio, or an interface that is here or in a pod.
bool is_as_given(const Device& device, const Record& record) {
    if (device.function == nullptr || device.function->driver.empty()) return false;
    if (record.mode == Mode::kVfio) return device.function->driver == "vfio-pci";
    if (device.function->driver == "vfio-pci") return false;
    return !device.link || device.link->ifindex == record.given_ifindex;
}

/// Whether the function chose its address itself: then there is none of an administrator's,
/// although some cards tell the function's as if there were (igb, ixgbe). Its driver says that it
/// is random.
bool has_own_mac(const Device& device, const std::string& sysfs) {
    if (!device.link) return false;
    const auto file = sysfs + "/class/net/" + device.link->name + "/addr_assign_type";
    return knd::sriov::read_attribute(file) != "0";
}

std::string label_of(const Card& card) {
    return card.name.empty() ? card.function.address : card.name;
}

}  // namespace

struct Leases::Step {
    const Node& node;
    const Device& device;
    const Settings& settings;
    const knd::Binding& binding;
    knd::pci::Clock::time_point deadline;
    const knd::pci::Check& check;
};

std::string holder_of(const std::string& mac, const Node& node, const Card& card, int index,
                      const std::vector<VfValues>& values) {
    if (card.link && card.link->mac == mac) return "card " + label_of(card);
    for (std::size_t other = 0; other < values.size(); ++other) {
        if (static_cast<int>(other) != index && values[other].mac == mac)
            return "virtual function " + std::to_string(other) + " of " + label_of(card);
    }
    for (const auto& device : node.devices()) {
        if (device.card != &card || device.whole() || device.index == index || !device.link)
            continue;
        if (device.link->mac == mac) {
            return "virtual function " + std::to_string(device.index) + " of " + label_of(card) +
                   " (" + device.link->name + ")";
        }
    }
    return "";
}

Result<void> set_values(int pf_ifindex, int index, const VfValues& change, const VfValues& before,
                        const std::string& driver) {
    if (change.empty()) return {};
    KND_TRY_ASSIGN(auto vfs, VfSettings::open());
    auto set = vfs.set(pf_ifindex, index, change);
    KND_TRY_ASSIGN(const auto values, vfs.read(pf_ifindex));
    const auto is = static_cast<std::size_t>(index) < values.size()
                        ? values[static_cast<std::size_t>(index)]
                        : VfValues();
    auto told = change;
    // Taken away: what the card tells from then on is the function's own business.
    if (set.ok() && told.mac == kNoMac) told.mac.reset();
    const auto field = first_difference(told, is);
    if (set.ok() && field.empty()) return {};
    const auto changed = change_to(before, part_of(is, before));
    auto undone = changed.empty() ? Result<void>() : vfs.set(pf_ifindex, index, changed);
    const auto what = field.empty() ? "one of " + text_of(change) : "`" + field + "`";
    const auto why = set.ok() ? std::string("it says yes, and what it tells afterwards is not so")
                              : set.error().message();
    const auto code = set.ok() ? Code::kFailedPrecondition : set.error().code();
    auto text = "driver " + driver + " of the card refuses " + what + " (of " + text_of(change) +
                "): " + why;
    if (undone.ok()) {
        text += "; nothing was changed";
    } else {
        text += "; and what it had taken cannot be set back: " + undone.error().message();
    }
    return Error(code, std::move(text), set.ok() ? 0 : set.error().os_error());
}

Result<Record> Leases::take(const Node& node, const Device& device, const Settings& settings,
                            const knd::Binding& binding, knd::pci::Clock::time_point deadline,
                            const knd::pci::Check& check) const {
    const Step step{node, device, settings, binding, deadline, check};
    KND_TRY(check());
    KND_TRY_ASSIGN(auto record, begin(step));
    // In a pod it is out of reach, and as it was given.
    if (record.ready && is_as_given(device, record)) return record;
    const bool first = !record.ready;
    if (auto good = settings.check(device); !good.ok()) {
        if (first) KND_TRY(records_.remove(device.name));
        return std::move(good).error();
    }
    auto done = set_up(step, std::move(record));
    if (done.ok() || !first) return done;
    // What is on file says what was changed until then.
    KND_TRY_ASSIGN(const auto kept, records_.load(device.name));
    if (!kept) return done;
    const auto soon = knd::pci::Clock::now() + std::chrono::seconds(2);
    const auto always = [] { return Result<void>(); };
    if (const auto undone = give_back(node, *kept, soon, always); !undone.ok()) {
        const auto& error = done.error();
        return Error(error.code(),
                     error.message() + "; and it is not as it was: " + undone.error().message());
    }
    return done;
}

/// The record of this binding: the one that is there, or one of how the function is now.
Result<Record> Leases::begin(const Step& step) const {
    const auto& device = step.device;
    KND_TRY_ASSIGN(auto kept, records_.load(device.name));
    if (kept && kept->claim_uid == step.binding.claim_uid) return *std::move(kept);
    if (kept) {
        return Error(Code::kUnavailable,
                     "what claim " + kept->claim + " changed of it has not been put back yet");
    }
    Record record;
    record.claim_uid = step.binding.claim_uid;
    record.claim = step.binding.claim;
    record.device = device.name;
    record.card = device.card->function.address;
    record.index = device.index;
    record.address = device.address;
    record.mode = step.settings.mode_for(device);
    record.driver = device.function != nullptr ? device.function->driver : "";
    if (device.link) {
        record.name = device.link->name;
        record.mac = device.link->mac;
        record.mtu = device.link->mtu;
    }
    KND_TRY(records_.save(record));
    return record;
}

Result<Record> Leases::set_up(const Step& step, Record record) const {
    if (!step.settings.values.empty()) KND_TRY(apply(step, record));
    if (record.mode == Mode::kVfio) {
        KND_TRY_ASSIGN(record.given_node, bring_vfio(step));
    } else {
        KND_TRY_ASSIGN(auto link, bring_netdev(step, record));
        if (const auto mtu = step.settings.mtu; mtu && link.mtu != *mtu) {
            record.mtu_set = true;
            KND_TRY(records_.save(record));
            KND_TRY_ASSIGN(auto netlink, Netlink::open());
            KND_TRY(
                netlink.change_link(link.ifindex, {.mtu = *mtu}).wrap("interface " + link.name));
        }
        record.given_ifindex = link.ifindex;
        record.given_name = link.name;
        record.given_mac = link.mac;
    }
    record.ready = true;
    KND_TRY(records_.save(record));
    return record;
}

/// The settings that the card makes for its function.
Result<void> Leases::apply(const Step& step, Record& record) const {
    const auto& card = *step.device.card;
    const int pf = card.link->ifindex;
    KND_TRY_ASSIGN(auto vfs, VfSettings::open());
    KND_TRY_ASSIGN(const auto values, vfs.read(pf));
    const auto index = static_cast<std::size_t>(record.index);
    if (index >= values.size()) {
        return Error(Code::kFailedPrecondition,
                     "driver " + card.function.driver + " of card " + label_of(card) +
                         " tells no settings of virtual function " + std::to_string(record.index));
    }
    const auto& wanted = step.settings.values;
    if (wanted.mac) {
        const auto holder = holder_of(*wanted.mac, step.node, card, record.index, values);
        if (!holder.empty()) {
            return Error(Code::kFailedPrecondition,
                         "`mac` " + *wanted.mac + " is the address of " + holder);
        }
    }
    const auto change = change_to(wanted, values[index]);
    if (change.empty()) return {};
    // What was changed the first time stays what is put back.
    auto before = part_of(values[index], change);
    if (before.mac && has_own_mac(step.device, config_.sysfs)) before.mac = kNoMac;
    if (record.before.empty()) record.before = before;
    record.after = change;
    KND_TRY(records_.save(record));
    return set_values(pf, record.index, change, before, card.function.driver);
}

Result<LinkInfo> Leases::bring_netdev(const Step& step, const Record& record) const {
    const auto& sysfs = config_.sysfs;
    const auto& address = step.device.address;
    const auto driver = knd::pci::driver_of(address, sysfs);
    bool fresh = false;
    if (driver.empty() || driver == "vfio-pci") {
        // Somebody took its driver away: a pod that was let do so, or a tool.
        KND_TRY(knd::pci::bind_own_driver(address, sysfs));
        fresh = true;
    }
    KND_TRY_ASSIGN(auto link, link_of(address, step.deadline, step.check, sysfs));
    const auto& mac = step.settings.values.mac;
    if (mac && link.mac != *mac) {
        // A function's driver asks for its address when it is bound, and not again.
        KND_TRY(knd::pci::rebind_driver(address, sysfs));
        KND_TRY_ASSIGN(link, link_of(address, step.deadline, step.check, sysfs));
        fresh = true;
        if (link.mac != *mac) {
            return Error(Code::kFailedPrecondition,
                         "driver " + driver + " of the function does not take `mac` " + *mac +
                             " from its card; it has " + link.mac);
        }
    }
    if (!fresh) return link;
    return rename_back(std::move(link), record.name);
}

Result<std::string> Leases::bring_vfio(const Step& step) const {
    const auto& sysfs = config_.sysfs;
    const auto& address = step.device.address;
    if (step.device.function == nullptr || !step.device.function->iommu_group) {
        return Error(Code::kFailedPrecondition,
                     "function " + address +
                         " is in no IOMMU group: switch the IOMMU on (intel_iommu=on or "
                         "amd_iommu=on, and in the firmware)");
    }
    if (const auto others = knd::pci::group_strangers(address, sysfs); !others.empty()) {
        return Error(Code::kFailedPrecondition,
                     "IOMMU group " + std::to_string(*step.device.function->iommu_group) +
                         " of function " + address + " also has " + others.front() +
                         " with driver " + knd::pci::driver_of(others.front(), sysfs) +
                         ": a group goes to vfio-pci as a whole");
    }
    if (step.device.whole() && step.device.card->function.num_vfs > 0) {
        return Error(Code::kFailedPrecondition,
                     "the card has " + std::to_string(step.device.card->function.num_vfs) +
                         " virtual functions, which would go with it");
    }
    KND_TRY(knd::pci::bind_driver(address, "vfio-pci", sysfs));
    return knd::pci::vfio_node(address, step.deadline, sysfs);
}

Result<void> Leases::restore_settings(const Card& card, const Record& record) const {
    if (record.before.empty()) return {};
    if (!card.link) {
        return Error(Code::kUnavailable, "the settings of function " + record.address +
                                             " are put back through card " + label_of(card) +
                                             ", whose interface is away");
    }
    KND_TRY_ASSIGN(auto vfs, VfSettings::open());
    KND_TRY_ASSIGN(const auto values, vfs.read(card.link->ifindex));
    const auto index = static_cast<std::size_t>(record.index);
    if (index >= values.size()) return {};
    auto change = change_to(record.before, values[index]);
    // The address that it chose is not the one that the card is to give it.
    if (change.mac == kNoMac && values[index].mac != record.after.mac) change.mac.reset();
    return set_values(card.link->ifindex, record.index, change, part_of(values[index], change),
                      card.function.driver)
        .wrap("put back " + text_of(record.before));
}

Result<void> Leases::restore_netdev(const knd::sriov::Function& function, const Record& record,
                                    knd::pci::Clock::time_point deadline,
                                    const knd::pci::Check& check) const {
    const auto& sysfs = config_.sysfs;
    const auto driver = knd::pci::driver_of(function.address, sysfs);
    if (record.driver == "vfio-pci" && record.mode == Mode::kVfio) return {};
    if (driver == "vfio-pci" || driver.empty()) {
        if (record.driver.empty() && driver.empty()) return {};
        KND_TRY(knd::pci::bind_own_driver(function.address, sysfs));
    }
    if (record.name.empty()) return {};
    KND_TRY_ASSIGN(auto link, link_of(function.address, deadline, check, sysfs));
    KND_TRY_ASSIGN(link, rename_back(std::move(link), record.name));
    KND_TRY_ASSIGN(auto netlink, Netlink::open());
    if (record.mtu_set && record.mtu > 0 && link.mtu != record.mtu)
        KND_TRY(netlink.change_link(link.ifindex, {.mtu = record.mtu}));
    const bool own_mac = record.before.mac.value_or("") == kNoMac || record.mode == Mode::kVfio;
    if (own_mac && !record.mac.empty() && link.mac != record.mac)
        return netlink.change_link(link.ifindex, {.mac = record.mac});
    if (!record.before.mac || link.mac == record.mac) return {};
    // It had an address of the administrator's: its driver asks for that again.
    KND_TRY(knd::pci::rebind_driver(function.address, sysfs));
    KND_TRY_ASSIGN(link, link_of(function.address, deadline, check, sysfs));
    KND_TRY_ASSIGN(link, rename_back(std::move(link), record.name));
    return {};
}

Result<void> Leases::give_back(const Node& node, const Record& record,
                               knd::pci::Clock::time_point deadline,
                               const knd::pci::Check& check) const {
    const auto* const card = node.card(record.card);
    const auto* const function = node.function(record.address);
    const bool same = function != nullptr && card != nullptr &&
                      (record.index < 0 || function->vf_index == record.index);
    if (same) {
        KND_TRY(restore_settings(*card, record));
        KND_TRY(restore_netdev(*function, record, deadline, check));
    }
    return records_.remove(record.device);
}

}  // namespace sriov
