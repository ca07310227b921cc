// SPDX-License-Identifier: Apache-2.0
//
// What an interface is called in the pod.
#pragma once

#include <string>

#include "host/model/binding.hpp"
#include "host/model/network_config.hpp"

namespace knd {

/// Of the n-th netdev of a binding: the claim's interface.name, which is for the first; else what
/// its backend says; else its name on the host.
inline std::string name_in_pod(const Effects& effects, std::size_t index,
                               const NetworkConfig& network) {
    const auto& netdev = effects.netdevs[index];
    if (index == 0 && !network.interface_name.empty()) return network.interface_name;
    return netdev.name_in_pod.empty() ? netdev.name : netdev.name_in_pod;
}

}  // namespace knd
