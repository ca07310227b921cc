// SPDX-License-Identifier: Apache-2.0
//
// The most that an expression can cost, whatever the device: API validation refuses selectors by
// this number, so it is counted exactly as Kubernetes counts it, where that is not the best bound
// as well.
#pragma once

#include <cstdint>

#include "host/cel/checker.hpp"

namespace knd::cel {

/// Saturates at the largest number, which stands for "no bound".
std::uint64_t estimate_cost(const Ast& ast, const CheckedAst& checked,
                            const Environment& environment);

}  // namespace knd::cel
