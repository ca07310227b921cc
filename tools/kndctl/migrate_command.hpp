// SPDX-License-Identifier: Apache-2.0
//
// kndctl migrate sriov: from the classic SR-IOV chain to this driver.
#pragma once

#include "tools/kndctl/output.hpp"

namespace knd::ctl {

/// `shared` lives as long as `app`. Exit codes: 0 something was taken over; 1 nothing was; 2 bad
/// input.
void add_migrate_command(CLI::App& app, Shared& shared);

}  // namespace knd::ctl
