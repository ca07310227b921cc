// SPDX-License-Identifier: Apache-2.0
//
// Random clusters: nodes, slices, classes, what is allocated already, and claims to allocate. They
// make sense, so that searches go deep; some pools and requests are broken on purpose.
#pragma once

#include <set>
#include <string>

#include "host/model/json.hpp"
#include "tests/interop/differential/random.hpp"

namespace knd::differential {

/// What may occur. The names are those of the option --features.
struct Scope {
    bool first_available = false;
    bool distinct = false;
    bool admin = false;
    bool taints = false;
    bool counters = false;
    bool per_device = false;
    bool capacity = false;
    bool binding = false;
    bool lists = false;
    bool rules = false;
    bool fractions = false;
    bool groups = false;
    bool derived = false;
    bool operations = false;
    bool broken = true;   ///< incomplete, obsolete and invalid pools, requests in error
    bool flaws = false;   ///< cases in which upstream is known to be wrong
    bool toggled = true;  ///< gates are off now and then, also for what is used
    int release = 36;     ///< Kubernetes 1.NN: what it does not know does not occur
    /// "all", or names separated by commas; false: one is unknown.
    bool parse(std::string_view text);
    /// Takes out what the release does not know.
    void limit();
};

/// A case of kind "alloc".
Json random_cluster(Random& random, const Scope& scope);

}  // namespace knd::differential
