// SPDX-License-Identifier: Apache-2.0
//
// Routes that are there already: the kernel says EEXIST of an equal one, and of another one that
// has the same destination, whatever interface it leads to.
#pragma once

#include "host/sandbox/kernel.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

/// Whether this route is among those of the link. A metric that was left to the kernel may be any.
Result<bool> has_route(NetworkView& view, int ifindex, const RouteInfo& route);

/// Adds one whose next hop is the link, unless it has it. FAILED_PRECONDITION names the other route
/// that is in its way.
Result<void> add_route(NetworkView& view, int ifindex, const RouteInfo& route);

}  // namespace knd
