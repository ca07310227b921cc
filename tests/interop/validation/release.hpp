// SPDX-License-Identifier: Apache-2.0
//
// Writes as an API server of another release than 1.36 may get them.
#pragma once

#include "host/model/json.hpp"

namespace knd::differential {

/// The release that writes are for which do not say so.
constexpr int kUsualRelease = 36;

/// "release" of a write.
int release_of_write(const Json& write);

/// Says the release, and takes out the gates and versions that it does not have. False: it has not
/// got what the write is about.
bool fit_release(Json& write, int release);

}  // namespace knd::differential
