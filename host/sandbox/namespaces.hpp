// SPDX-License-Identifier: Apache-2.0
//
// Both ends of a device's journey: the host's network namespace and the pod's.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "host/sandbox/kernel.hpp"

#include <knd/cpp/fd.hpp>
#include <knd/cpp/result.hpp>

namespace knd {

/// A network namespace of a pod. `fd`, when valid, pins it; without it `path` is opened, and counts
/// only if what is there has the identity `id`.
struct PodNetns {
    Fd fd = {};
    std::string path = {};
    std::string id = {};  ///< empty with a path: not checked
};

struct Namespaces {
    std::unique_ptr<NetworkView> host;
    std::unique_ptr<NetworkView> pod;  ///< null when the pod's namespace is gone
    int host_netns = -1;
    int pod_netns = -1;
    Fd opened;  ///< holds pod_netns when the plan did not
};

Result<Namespaces> open_host(Kernel& kernel);
/// NOT_FOUND: the namespace is gone, or there is another one in its place.
Result<void> open_pod(Kernel& kernel, const PodNetns& netns, Namespaces& namespaces);
/// FAILED_PRECONDITION: it is the host's own. NOT_FOUND: it is not the one that is expected.
Result<void> check_identity(Kernel& kernel, int netns_fd, const PodNetns& netns);

/// What the kernel says while it changes something, made sure that nobody takes it for "the device
/// is gone": a driver answers ENODEV or ENXIO also while it resets. Whether a device is there only
/// a look at it tells.
Result<void> not_gone(Result<void> result);

/// Of a removal: what was to be removed is not there. Other errors that mean "not found" speak of
/// something that the removal needs.
bool is_absent(const Error& error);

/// The link with this ifindex, or this name. That there is none is believed when the list of all
/// links says so as well: what depends on it is whether a device is given up.
Result<std::optional<LinkInfo>> look_up(NetworkView& view, int ifindex);
Result<std::optional<LinkInfo>> look_up(NetworkView& view, const std::string& name);

}  // namespace knd
