// SPDX-License-Identifier: Apache-2.0
//
// Interfaces that are made in the pod on a parent of the host: macvlan, ipvlan, vlan, veth. A move
// costs the kernel 16 ms, this half a millisecond; and nothing has to be brought back.
//
// Such a link is born under a name that nobody else gives (transit_name), gets that as its alias,
// and then the name that the claim wants; so does the end of a veth that stays on the host. By one
// of both it is known; where an attach has noted its ifindex, also by what it sits on, as a pod can
// take the alias away: never by its final name alone, which may be that of the pod's own eth0, nor
// by an ifindex alone, which a pod can give to a link of its own.
#pragma once

#include <optional>
#include <string>

#include "host/model/binding.hpp"
#include "host/sandbox/kernel.hpp"
#include "host/sandbox/namespaces.hpp"

namespace knd {

struct MadeDevice {
    const MadeLink& made;  ///< borrowed
    std::string name;      ///< what the claim calls it in the pod
    std::string mark;      ///< its first name, and its alias from then on
    int ifindex = 0;       ///< in the pod; 0: not known
};

/// The parent is there, is the one that is meant, and can carry it; the name is free in the pod,
/// and the other end's, which must be one, on the host.
Result<void> check_made(Namespaces& namespaces, const MadeDevice& device);

/// Makes it, down, with the MTU and MAC given (0, empty: the kernel's choice), or finds that an
/// earlier call has, and gives it its name. The other end of a veth is up.
Result<LinkInfo> make_link(Namespaces& namespaces, const MadeDevice& device, int mtu,
                           const std::string& mac);

/// In the pod's namespace, which is there.
Result<std::optional<LinkInfo>> find_made(Namespaces& namespaces, const MadeDevice& device);

/// Removes it from the pod; OK when it is not there. A veth goes by its other end, too, wherever
/// the pod has put its own.
Result<void> remove_made(Namespaces& namespaces, const MadeDevice& device);

}  // namespace knd
