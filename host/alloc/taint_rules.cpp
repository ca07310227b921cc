// SPDX-License-Identifier: Apache-2.0
#include "host/alloc/taint_rules.hpp"

namespace knd::alloc {
namespace {

bool allows(const std::optional<std::string>& wanted, const std::string& value) {
    return !wanted || *wanted == value;
}

}  // namespace

void apply_taint_rules(std::span<api::ResourceSlice> slices,
                       std::span<const api::DeviceTaintRule> rules, bool selects_all_by_nothing) {
    for (const auto& rule : rules) {
        if (!rule.selector && !selects_all_by_nothing) continue;
        const auto selector = rule.selector.value_or(api::DeviceTaintSelector());
        for (auto& slice : slices) {
            if (!allows(selector.driver, slice.driver) || !allows(selector.pool, slice.pool.name))
                continue;
            for (auto& device : slice.devices)
                if (allows(selector.device, device.name)) device.taints.push_back(rule.taint);
        }
    }
}

}  // namespace knd::alloc
