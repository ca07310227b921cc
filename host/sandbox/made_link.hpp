// SPDX-License-Identifier: Apache-2.0
//
// Interfaces that are made in the pod on a parent of the host: macvlan, ipvlan, vlan, veth. A move
// costs the kernel 16 ms, this half a millisecond; and nothing has to be brought back.
//
// In the pod such a link is known by its kind, by the parent that it sits on in the host's
// namespace, and by the ifindex that it was given, or, before that is known, the name: never by a
// name or MAC alone, which are the pod's to choose.
#pragma once

#include <optional>
#include <string>

#include "host/model/binding.hpp"
#include "host/sandbox/kernel.hpp"
#include "host/sandbox/namespaces.hpp"

namespace knd {

/// The parent is there, is the one that is meant, and can carry it; the name is free in the pod.
Result<void> check_made(Namespaces& namespaces, const MadeLink& made, const std::string& name);

/// Makes it, down, under `name`, with the MTU and MAC given, or finds that an earlier call has.
Result<LinkInfo> make_link(Namespaces& namespaces, const MadeLink& made, const std::string& name,
                           int mtu, const std::string& mac);

/// `ifindex` 0: not known.
Result<std::optional<LinkInfo>> find_made(NetworkView& pod, const MadeLink& made,
                                          const std::string& name, int ifindex);

/// Removes it from the pod; OK when it is not there.
Result<void> remove_made(NetworkView& pod, const MadeLink& made, const std::string& name,
                         int ifindex);

}  // namespace knd
