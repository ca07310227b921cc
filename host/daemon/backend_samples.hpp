// SPDX-License-Identifier: Apache-2.0
//
// What is counted about backends, for /metrics.
#pragma once

#include <vector>

#include "host/ops/metrics.hpp"
#include "host/plugin/registry.hpp"

namespace knd {

/// The metrics that BackendCounters names, and those that the backends report themselves.
std::vector<ops::Sample> backend_samples(const std::vector<plugin::Registry::Counters>& counters);

}  // namespace knd
