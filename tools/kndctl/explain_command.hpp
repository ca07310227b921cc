// SPDX-License-Identifier: Apache-2.0
//
// kndctl explain claim: why a claim does not schedule, and what would help.
#pragma once

#include "tools/kndctl/output.hpp"

namespace knd::ctl {

/// Below `explain`. `shared` lives as long as it. Exit codes: 0 it fits or has its devices, 1 it
/// fits nowhere, 2 bad input.
void add_explain_claim_command(CLI::App& explain, Shared& shared);

}  // namespace knd::ctl
