// SPDX-License-Identifier: Apache-2.0
//
// kndctl simulate: what fits where.
#pragma once

#include "tools/kndctl/output.hpp"

namespace knd::ctl {

/// `shared` lives as long as `app`. Exit codes: 0 some node fits, 1 none does, 2 bad input.
void add_simulate_command(CLI::App& app, Shared& shared);

}  // namespace knd::ctl
