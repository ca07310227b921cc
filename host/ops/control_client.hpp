// SPDX-License-Identifier: Apache-2.0
//
// kndctl's side of the control socket: one GET, one JSON document.
#pragma once

#include <string>

#include "host/model/json.hpp"

namespace knd::ops {

/// Blocks for at most 10 s. UNAVAILABLE: no daemon there, with what to do; otherwise the daemon's
/// own sentence.
Result<Json> control_get(const std::string& socket_path, const std::string& target);

}  // namespace knd::ops
