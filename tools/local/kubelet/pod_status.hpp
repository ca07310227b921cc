// SPDX-License-Identifier: Apache-2.0
//
// What a pod's status says, made from what the runtime knows: the part of a kubelet that users see.
#pragma once

#include <map>
#include <string>

#include "host/model/json.hpp"
#include "tools/local/kubelet/runtime.hpp"

namespace knd::local {

/// Why a container is not running yet, or not any more.
struct Waiting {
    std::string reason;
    std::string message;
};

struct PodView {
    const Json& pod;
    const SandboxRecord* sandbox;                   ///< null: there is none
    const std::map<std::string, Waiting>& waiting;  ///< by container name
    std::string host_ip;
    std::string now;
};

/// True when the container is not to be started again.
bool stays_down(const Json& pod, const ContainerRecord& container);

/// The whole `status`: fields of other writers are kept, and the times of conditions that did not
/// change.
Json make_pod_status(const PodView& view);

}  // namespace knd::local
