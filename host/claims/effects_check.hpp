// SPDX-License-Identifier: Apache-2.0
//
// Whether the host can carry out what a backend wants of it for a claim, and may. Asked before
// anything is journalled; also of a device that was made anew.
#pragma once

#include "host/claims/binding_table.hpp"
#include "host/claims/ports.hpp"
#include "host/model/binding.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

/// `record`: the binding without its effects. An effect may name only what its device is: no
/// uplink, nothing of another binding or of another backend.
Result<void> check_effects(const BindingRecord& record, const Effects& effects,
                           BindingTable& bindings, const DeviceTable& devices);

}  // namespace knd
