// SPDX-License-Identifier: Apache-2.0
#include "host/claims/effects_check.hpp"

#include <algorithm>
#include <set>

#include "host/model/interface_name.hpp"

namespace knd {
namespace {

Error refused(std::string text) {
    return {Code::kFailedPrecondition, std::move(text)};
}

/// The binding that has this interface, if it is another one than `key`'s.
const Binding* holder_of(const NetdevEffect& netdev, const RecordKey& key, BindingTable& bindings) {
    for (const auto* binding : bindings.all()) {
        if (binding->record.key() == key) continue;
        for (const auto& other : binding->record.effects.netdevs)
            if (!other.made && (other.ifindex == netdev.ifindex || other.name == netdev.name))
                return binding;
    }
    return nullptr;
}

Result<void> check_moved(const BindingRecord& record, const NetdevEffect& netdev,
                         BindingTable& bindings, const DeviceTable& devices) {
    if (const auto* holder = holder_of(netdev, record.key(), bindings))
        return refused("its backend wants to move interface " + netdev.name + ", which " +
                       holder->text() + " has");
    return devices.may_take(record.device, netdev.name);
}

/// What a share of a device, or a look at it, may not take along.
Result<void> check_sharing(const BindingRecord& record, const Effects& effects) {
    if (!effects.exclusive()) return {};
    if (record.admin_access)
        return refused(
            "adminAccess is refused: a network device works in one place at a time, so that access "
            "would take it from the pod that uses it");
    if (!record.share_id.empty())
        return refused("it was allocated as a share, but moves into one pod as a whole");
    return {};
}

Result<void> check_names(const BindingRecord& record, const Effects& effects) {
    std::set<std::string> names;
    for (std::size_t i = 0; i < effects.netdevs.size(); ++i) {
        const auto name = name_in_pod(effects, i, record.network);
        if (!names.insert(name).second)
            return refused("two of its interfaces would be called " + name + " in the pod");
    }
    return {};
}

}  // namespace

Result<void> check_effects(const BindingRecord& record, const Effects& effects,
                           BindingTable& bindings, const DeviceTable& devices) {
    if (effects.netdevs.empty() && record.network != NetworkConfig{})
        return Error(Code::kInvalidArgument,
                     "the claim configures a network interface, and this device has none; remove "
                     "interface, routes, rules and neighbors");
    KND_TRY(check_sharing(record, effects));
    KND_TRY(check_names(record, effects));
    for (const auto& netdev : effects.netdevs)
        if (!netdev.made) KND_TRY(check_moved(record, netdev, bindings, devices));
    return {};
}

}  // namespace knd
