// SPDX-License-Identifier: Apache-2.0
//
// Spoiling valid objects: without knowing their types, so that a mistake in ours shows.
#pragma once

#include <vector>

#include "tests/interop/differential/random.hpp"
#include "tests/interop/validation/objects.hpp"

namespace knd::differential {

/// One valid write spoiled once to three times, in some version, with some gates switched.
Json random_write(Random& random, const std::vector<Base>& bases);

/// Every limit: one less, met, one more.
std::vector<Json> limit_writes(const std::vector<Base>& bases);

}  // namespace knd::differential
