// SPDX-License-Identifier: Apache-2.0
//
// Expressions whose value becomes an attribute of a device (1.37).
#pragma once

#include <string_view>

#include "host/cel/cel.hpp"

namespace knd::cel {

/// As compile(); the result must be what attributes may be, or unknown until it runs.
Result<Program> compile_derivation(std::string_view expression, const Environment& environment);

}  // namespace knd::cel
