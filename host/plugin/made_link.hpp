// SPDX-License-Identifier: Apache-2.0
//
// What an interface that is made in a pod may look like, by its kind.
#pragma once

#include "host/model/binding.hpp"

#include <knd/cpp/result.hpp>

#include <knd/ext/prepare.h>

namespace knd::plugin {

/// INVALID_ARGUMENT: what is wrong with `link`. A field that its kind does not have is wrong, too:
/// nobody would carry it out.
Result<NetdevEffect> read_link(const knd_link& link);

}  // namespace knd::plugin
