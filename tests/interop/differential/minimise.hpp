// SPDX-License-Identifier: Apache-2.0
//
// Makes a case small: leaves out what is not needed for a property to hold.
#pragma once

#include <chrono>
#include <functional>

#include "host/model/json.hpp"

namespace knd::differential {

/// `holds` must be true of `one`; the result is a case of which it is true as well and no longer
/// true when any single entry is left out, unless `time` was not enough for that.
Json minimise(Json one, const std::function<bool(const Json&)>& holds,
              std::chrono::milliseconds time);

}  // namespace knd::differential
