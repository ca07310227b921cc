// SPDX-License-Identifier: Apache-2.0
//
// What a claim says of its function: read, judged by itself, and judged for a device. The
// DeviceClass's locks, limits and prohibitions have been applied by then.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backends/sriov/node.hpp"
#include "sdk/support/vf_settings.hpp"

#include <knd/cpp/params.hpp>
#include <knd/cpp/result.hpp>

namespace sriov {

struct Settings {
    knd::VfValues values;  ///< what is named, and no more
    std::optional<int> mtu = {};
    std::optional<Mode> mode = {};  ///< of the claim or the class
    std::optional<Mode> class_mode = {};

    static knd::Result<Settings> read(const knd::Params& config, const knd::Params& class_config);
    /// Whether this device can have them.
    knd::Result<void> check(const Device& device) const;
    Mode mode_for(const Device& device) const;
};

/// One of the things that can be set, as a claim calls it.
struct Field {
    const char* name;
    std::string (*text)(const knd::VfValues&);  ///< empty: not named
};
/// In the order in which the kernel sets them.
const std::vector<Field>& fields();
/// "vlan 5, trust true".
std::string text_of(const knd::VfValues& values);

/// Those of `wanted` that differ in `present`, with what the kernel wants to have named beside
/// them.
knd::VfValues change_to(const knd::VfValues& wanted, const knd::VfValues& present);
/// Of `present` those that `change` names.
knd::VfValues part_of(const knd::VfValues& present, const knd::VfValues& change);
/// The name of the first setting of `change` that is not so in `present`; empty: all are. What the
/// driver does not tell counts as set.
std::string first_difference(const knd::VfValues& change, const knd::VfValues& present);

}  // namespace sriov
