// SPDX-License-Identifier: Apache-2.0
//
// What nobody can guess, from the kernel's generator: where that fails the process ends, for ids
// and tokens that can be foreseen are worse than none.
#pragma once

#include <cstddef>
#include <string>

namespace knd::api {

/// A UUID of version 4.
std::string random_uid();
/// What follows the prefix of a generated name.
std::string random_suffix(std::size_t size);
/// `digits` lower-case hex digits.
std::string random_id(std::size_t digits);

}  // namespace knd::api
