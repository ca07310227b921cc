// SPDX-License-Identifier: Apache-2.0
//
// From rtnetlink messages to the values of link.hpp. Nothing here trusts a length.
#pragma once

#include <optional>

#include "sdk/support/link.hpp"

struct nlmsghdr;

namespace knd {

/// None when the message is of another type, too short, or of a family that is not IP.
std::optional<LinkInfo> read_link(const nlmsghdr* message);
std::optional<AddressInfo> read_address(const nlmsghdr* message);
std::optional<RouteInfo> read_route(const nlmsghdr* message);
std::optional<RuleInfo> read_rule(const nlmsghdr* message);
std::optional<NeighborInfo> read_neighbor(const nlmsghdr* message);

}  // namespace knd
