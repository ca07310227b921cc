// SPDX-License-Identifier: Apache-2.0
//
// What the host is told to do with a function that is ready.
#pragma once

#include <string>

#include "backends/sriov/lease.hpp"

#include <knd/cpp/sinks.hpp>

namespace sriov {

void add_effects(const Device& device, const Record& record, const std::string& sysfs,
                 knd::EffectsSink& effects);

}  // namespace sriov
