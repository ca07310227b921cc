// SPDX-License-Identifier: Apache-2.0
//
// Why a selector takes a device or does not: which parts of the expression decided, and the values
// they saw. For people who ask; matches() is for those who only want the answer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/cel/cel.hpp"

namespace knd::cel {

/// A part of an expression and what it yielded, both as text: `device.driver` and `"x"`.
struct Observation {
    std::string expression;
    std::string value;  ///< an error's message if it failed
    bool failed = false;
};

/// A part of an expression that alone, or together with the other decisions, made the result.
struct Decision {
    std::string expression;
    std::string outcome;  ///< "false", "true", or an error's message
    bool failed = false;
    /// The values it was computed from, as they were written; constants are left out.
    std::vector<Observation> values;

    /// `device.attributes["x"].numaNode == 1` is false: `device.attributes["x"].numaNode` is 0
    std::string text() const;
};

struct Explanation {
    bool matches = false;
    std::string error;  ///< of the evaluation, empty if there is a result
    std::uint64_t cost = 0;
    /// In the order of the expression; never empty.
    std::vector<Decision> decisions;
};

/// Evaluates once more, slowly, and remembers. Of parts inside a macro that ran several times, the
/// last run counts: for all() and exists() that is the one that decided.
Explanation explain(const Program& program, const DeviceView& device, const Limits& limits = {});

/// A value as one would write it in an expression, where that is possible: strings have quotes.
std::string literal_text(const Value& value);

}  // namespace knd::cel
