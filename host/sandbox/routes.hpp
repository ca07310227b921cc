// SPDX-License-Identifier: Apache-2.0
//
// Routes that are there already: the kernel says EEXIST of an equal one, and of another one that
// has the same destination, whatever interface it leads to.
#pragma once

#include "host/sandbox/kernel.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

/// Adds one that leads to the link, perhaps among others, unless the link has it.
/// FAILED_PRECONDITION names the other route that is in its way; that may be what the kernel has
/// left of a route with several next hops.
Result<void> add_route(NetworkView& view, int ifindex, const RouteInfo& route);

}  // namespace knd
