// SPDX-License-Identifier: Apache-2.0
//
// Random cases kept with the oracle's answer, so that they can be replayed where there is no Go.
#pragma once

#include <string>

#include "tests/interop/differential/cluster.hpp"
#include "tests/interop/differential/oracle.hpp"

namespace knd::differential {

/// Writes `count` small cases of the scope, each with its answer as "expected", one per line. All
/// of them use the feature that `sign` stands for in their text, and at most a third are errors.
Result<void> record(Oracle& oracle, const Scope& scope, std::uint64_t seed, std::size_t count,
                    const std::string& sign, const std::string& path);

}  // namespace knd::differential
