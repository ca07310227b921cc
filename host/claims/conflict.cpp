// SPDX-License-Identifier: Apache-2.0
#include "host/claims/conflict.hpp"

#include <algorithm>
#include <string>

namespace knd {
namespace {

bool same(const std::string& a, const std::string& b) {
    return !a.empty() && a == b;
}

bool is_part_of(const Device& part, const Device& whole, const DeviceTable& devices) {
    if (part.parent_key.empty() || whole.hardware_key.empty()) return false;
    const auto wholes = devices.wholes_of(part);
    return std::find(wholes.begin(), wholes.end(), whole.hardware_key) != wholes.end();
}

/// How the two are one and the same thing; empty: they are not.
std::string relation(const BindingRecord& wanted, const BindingRecord& held,
                     const DeviceTable& devices) {
    const auto& a = wanted.device;
    const auto& b = held.device;
    if (wanted.pool == held.pool && a.name == b.name) return "it";
    if (same(a.hardware_key, b.hardware_key)) return "device " + b.name + ", the same hardware,";
    if (is_part_of(a, b, devices)) return "device " + b.name + ", of which it is a part,";
    if (is_part_of(b, a, devices)) return "device " + b.name + ", a part of it,";
    return "";
}

}  // namespace

Result<void> check_conflict(const BindingRecord& wanted, const BindingRecord& held,
                            const DeviceTable& devices) {
    if (wanted.claim.uid == held.claim.uid) return {};
    // Who looks on takes nothing away.
    if (wanted.admin_access || held.admin_access) return {};
    const auto what = relation(wanted, held, devices);
    if (what.empty()) return {};
    const bool shares = what == "it" && !wanted.share_id.empty() && !held.share_id.empty() &&
                        !held.effects.exclusive();
    if (shares) return {};
    return Error(Code::kAlreadyExists, what + " is in use by claim " + held.claim.text() +
                                           "; it is free when that claim has been unprepared");
}

}  // namespace knd
