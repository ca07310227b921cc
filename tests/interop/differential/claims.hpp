// SPDX-License-Identifier: Apache-2.0
//
// Random device classes and claims for the devices of attributes.hpp.
#pragma once

#include "tests/interop/differential/cluster.hpp"

namespace knd::differential {

Json random_classes(Random& random, const Scope& scope);
Json random_claims(Random& random, const Scope& scope);

}  // namespace knd::differential
