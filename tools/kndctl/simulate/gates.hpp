// SPDX-License-Identifier: Apache-2.0
//
// What the feature gates mean for the allocator.
#pragma once

#include "host/alloc/allocator.hpp"
#include "host/model/gates.hpp"

namespace knd::simulate {

alloc::Features features_of(const Gates& gates);

}  // namespace knd::simulate
