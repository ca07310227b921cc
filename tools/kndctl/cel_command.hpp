// SPDX-License-Identifier: Apache-2.0
//
// kndctl cel: one expression on one device.
#pragma once

#include "tools/kndctl/output.hpp"

namespace knd::ctl {

/// `shared` lives as long as `app`. Exit codes: 0 true, or a value that is no bool; 1 false; 2 an
/// error of the expression, at compile or run time, or bad input.
void add_cel_command(CLI::App& app, Shared& shared);

}  // namespace knd::ctl
