// SPDX-License-Identifier: Apache-2.0
//
// Device nodes of RDMA devices: uverbs, umad and issm. A move into another network namespace makes
// the kernel take them away and make them anew, with the lowest numbers that are free
// (drivers/infiniband/core/device.c, rdma_dev_change_netns): what was uverbs3 when a claim was
// prepared may be another device's when a container is made. They are followed by the hardware that
// they belong to.
//
// Threads: any.
#pragma once

#include <string>

#include "host/model/binding.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

/// Notes of a node what it belongs to, if that is an RDMA device of hardware. `root` is "/sys", or
/// a made-up tree in tests.
void note_rdma_node(NodeEffect& node, const std::string& root = "/sys");

/// Where the node is now; its path, where it is not one of those. NOT_FOUND: its device has none
/// (any more).
Result<std::string> rdma_node_path(const NodeEffect& node, const std::string& root = "/sys");

}  // namespace knd
