// SPDX-License-Identifier: Apache-2.0
//
// Which functions do not work, and why.
#pragma once

#include <vector>

#include "backends/sriov/node.hpp"
#include "backends/sriov/record.hpp"

#include <knd/cpp/sinks.hpp>

namespace sriov {

void report_health(const Node& node, const std::vector<Record>& in_use, knd::HealthSink& sink);

}  // namespace sriov
