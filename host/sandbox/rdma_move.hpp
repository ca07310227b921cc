// SPDX-License-Identifier: Apache-2.0
//
// RDMA devices of a binding: into the pod's namespace and back, while the system is in exclusive
// mode. In shared mode nothing moves: the device is usable in every namespace. A device keeps its
// number and its node GUID wherever it goes and whatever a pod calls it; one that its driver has
// made anew has another number.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "host/sandbox/host_state.hpp"
#include "host/sandbox/kernel.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

/// What inspect notes: the devices of these names that will move, none in shared mode.
Result<std::vector<RdmaState>> inspect_rdma(Kernel& kernel, const std::vector<std::string>& names);

/// Those that are on the host go into the pod; those that are there already stay.
Result<void> move_rdma_in(Kernel& kernel, const std::vector<RdmaState>& devices, int pod_netns);

/// Each returns under its own name, from the pod (`pod_netns` -1: it is gone) or from where a dying
/// namespace has left it. One whose hardware is gone is among the warnings. UNAVAILABLE: one is
/// neither here nor there yet.
Result<void> return_rdma(Kernel& kernel, const std::vector<RdmaState>& devices, int pod_netns,
                         std::vector<std::string>& warnings);

}  // namespace knd
