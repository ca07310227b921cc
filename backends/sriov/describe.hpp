// SPDX-License-Identifier: Apache-2.0
//
// What is published of a device. README.md has the attributes.
#pragma once

#include <string>
#include <string_view>

#include "backends/sriov/node.hpp"

#include <knd/cpp/sinks.hpp>

namespace sriov {

/// `instance`: of counter sets. `vhost_net`: the node has /dev/vhost-net.
void describe(const Device& device, std::string_view instance, bool vhost_net,
              knd::DeviceSink& sink);
/// The counter from which a card and its VFs draw, where both are offered.
void describe_counter(const Card& card, std::string_view instance, knd::DeviceSink& sink);

}  // namespace sriov
