// SPDX-License-Identifier: Apache-2.0
//
// Whether two claims may hold what they hold at the same time.
#pragma once

#include "host/claims/ports.hpp"
#include "host/journal/record.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

/// OK: they may, or both are of one claim. ALREADY_EXISTS names the other claim: it has the same
/// device, and one of the two is no share; the same hardware under another name; or a whole of
/// which the other is a part, or a part of a part.
Result<void> check_conflict(const BindingRecord& wanted, const BindingRecord& held,
                            const DeviceTable& devices);

}  // namespace knd
