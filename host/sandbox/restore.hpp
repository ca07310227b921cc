// SPDX-License-Identifier: Apache-2.0
//
// The return of one device: out of the pod, and back into the state it was in.
#pragma once

#include <string>
#include <vector>

#include "host/sandbox/attacher.hpp"
#include "host/sandbox/moved_device.hpp"

namespace knd {

/// Moves `link`, which is in the pod, home under its transit name. What clashes there besides that
/// name (an altname that somebody took meanwhile) is removed from it.
Result<void> bring_home(NetworkView& pod, NetworkView& home, int home_netns,
                        const MovedDevice& device, const LinkInfo& link);

/// Makes `link`, which is at home, what it was: name, MAC, MTU, sizes, alias, altnames, addresses,
/// up or down, routes, neighbours. Changes only what differs. An Error when it has not got its
/// name, MAC, MTU or up state back; what else could not be put back is named in the answer.
Result<std::vector<std::string>> restore(NetworkView& home, const MovedDevice& device,
                                         const LinkInfo& link, const StepHook& on_step);

/// What inspect notes of one link.
Result<LinkState> take_state(NetworkView& home, LinkInfo link);

}  // namespace knd
