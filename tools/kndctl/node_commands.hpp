// SPDX-License-Identifier: Apache-2.0
//
// The commands that ask the daemon of this node on its control socket: devices, claims, backends,
// journal, version, explain device.
#pragma once

#include "tools/kndctl/output.hpp"

namespace knd::ctl {

/// Adds the commands; `explain` is where `device` goes. `shared` lives as long as `app`.
void add_node_commands(CLI::App& app, CLI::App& explain, Shared& shared);

}  // namespace knd::ctl
