// SPDX-License-Identifier: Apache-2.0
//
// From the values of link.hpp to rtnetlink requests. A value that cannot be expressed (an address
// that is none) makes a message that is not ok(), which Netlink refuses to send.
#pragma once

#include "sdk/support/link.hpp"
#include "sdk/support/netlink_message.hpp"

namespace knd {

Message change_link_request(int ifindex, const LinkChange& change);
Message create_link_request(const NewLink& link);
Message altname_request(int type, int ifindex, const std::string& name);
/// `type`: RTM_NEWADDR or RTM_DELADDR, and so on.
Message address_request(int type, const AddressInfo& address);
Message route_request(int type, const RouteInfo& route);
Message rule_request(int type, const RuleInfo& rule);
Message neighbor_request(int type, const NeighborInfo& neighbor);

}  // namespace knd
