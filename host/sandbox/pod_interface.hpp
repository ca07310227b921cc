// SPDX-License-Identifier: Apache-2.0
//
// PodInterface: what an interface is to look like in the pod, worked out from the claim's
// configuration and from what it was on the host, and carried out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/model/network_config.hpp"
#include "host/sandbox/attacher.hpp"
#include "host/sandbox/host_state.hpp"
#include "host/sandbox/kernel.hpp"

namespace knd {

/// `ifindex` in these is left 0: it is known after the move.
struct PodInterface {
    std::string name;
    std::optional<int> mtu;
    std::optional<std::string> mac;  ///< in the kernel's spelling
    /// Addresses are the host's and not asked for by anybody: IPv6 ones are left out where the pod
    /// has IPv6 disabled, and the routes with them.
    bool addresses_of_host = false;
    std::vector<AddressInfo> addresses;
    std::vector<RouteInfo> routes;  ///< in an order in which they can be added
    std::vector<RuleInfo> rules;
    std::vector<NeighborInfo> neighbors;
};

/// Addresses that are configured, else the global ones of the host. Routes that are configured;
/// when neither addresses nor routes are, those that the host has through this interface in its
/// main table, except the default route, which would take the pod's traffic away from its own
/// network. INVALID_ARGUMENT names the text that is no address.
Result<PodInterface> plan_interface(std::string name, const NetworkConfig& network,
                                    const LinkState& host);

/// Addresses, up, routes, rules, neighbours of the link that is in the pod already. What is there
/// already as it is wanted is left; FAILED_PRECONDITION names another one that is in its way. Stops
/// at the first failure.
/// Answers with the addresses that the interface has got, as CIDR.
Result<std::vector<std::string>> configure(NetworkView& pod, int ifindex,
                                           const PodInterface& wanted, const StepHook& on_step);

}  // namespace knd
