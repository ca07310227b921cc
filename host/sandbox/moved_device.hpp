// SPDX-License-Identifier: Apache-2.0
//
// MovedDevice: one netdev of a binding, by all that is known of it, and how it is found again,
// wherever a crash, a dying namespace or the pod itself has left it.
#pragma once

#include <optional>
#include <string>

#include "host/model/binding.hpp"
#include "host/model/network_config.hpp"
#include "host/sandbox/host_state.hpp"
#include "host/sandbox/kernel.hpp"

namespace knd {

struct MovedDevice {
    const LinkState& home;     ///< borrowed
    std::string pod_name;      ///< what it is called in the pod
    std::string pod_mac;       ///< what the configuration gives it; empty: its own
    std::string transit_name;  ///< what it is called on its way back
    int pod_ifindex = 0;       ///< what the attach learned; 0: not known

    MovedDevice(const BindingKey& key, std::size_t index, const Effects& effects,
                const NetworkConfig& network, const LinkState& home_state);
};

/// True when the link has hardware of its own, so that it outlives its namespace.
bool has_hardware(const LinkInfo& link);
/// `noted` is as the device was at home. A permanent MAC address that was not noted may be any.
bool same_hardware(const LinkInfo& link, const LinkInfo& noted);

/// None: it is not there. An Error: the kernel would not tell, or several links fit.
/// Under one of the names that it may have there: quick on a host with thousands of links.
Result<std::optional<LinkInfo>> find_at_home(NetworkView& home, const MovedDevice& device);
/// Under any name: a namespace that dies gives devices back as "dev3" when their name is taken.
Result<std::optional<LinkInfo>> search_home(NetworkView& home, const MovedDevice& device);
/// By its ifindex, where that is known: the pod may have changed its name and MAC, and may have
/// made one of its own that looks like it. Else under any name.
Result<std::optional<LinkInfo>> find_in_pod(NetworkView& pod, const MovedDevice& device);

}  // namespace knd
