// SPDX-License-Identifier: Apache-2.0
//
// What this process holds, counted from /proc.
#pragma once

#include <string>
#include <vector>

namespace knd::check {

long thread_count();
/// Open descriptors as "7 -> socket:[123]".
std::vector<std::string> open_descriptors();
/// Resident memory in KiB.
long resident_kib();

}  // namespace knd::check
