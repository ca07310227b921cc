// SPDX-License-Identifier: Apache-2.0
//
// What a single call can cost, from the sizes of its arguments.
#pragma once

#include <optional>
#include <vector>

#include "host/cel/cost_range.hpp"
#include "host/cel/library.hpp"

namespace knd::cel {

/// The target or an argument of a call.
struct SizedOperand {
    TypeIndex type = kDynType;
    std::optional<CostRange> size;
    const Value* literal = nullptr;

    CostRange size_or_unknown() const { return size.value_or(CostRange::unknown()); }
};

struct CallToEstimate {
    const TypeTable& types;
    const Overload* overload = nullptr;  ///< null: a.?b
    std::optional<SizedOperand> target;
    std::vector<SizedOperand> arguments;
    std::vector<CostRange> argument_costs;
};

struct CallEstimate {
    CostRange cost;  ///< with the arguments, without the target
    std::optional<CostRange> result_size;
};

CallEstimate estimate_call(const CallToEstimate& call);

}  // namespace knd::cel
