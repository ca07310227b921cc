// SPDX-License-Identifier: Apache-2.0
//
// What effects mean for a container that is about to be created.
#pragma once

#include "host/model/binding.hpp"
#include "host/model/pod.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

/// Adds device nodes (their numbers looked up now: they change when a driver is loaded again),
/// mounts (whose source gets its owner now), environment and limits. A node or a mount that two
/// devices share goes in once; a variable that two devices set keeps the last value, of two limits
/// the higher one counts. FAILED_PRECONDITION: what cannot be had, and why.
Result<void> add_effects(const Effects& effects, ContainerEdits& edits);

}  // namespace knd
