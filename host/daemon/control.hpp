// SPDX-License-Identifier: Apache-2.0
//
// What kndctl is told: the daemon's state as JSON documents.
//   /devices /claims /backends /journal /version /explain/device/NAME
#pragma once

#include <string_view>
#include <vector>

#include "host/claims/claims.hpp"
#include "host/inventory/inventory.hpp"
#include "host/journal/journal.hpp"
#include "host/ops/http_server.hpp"
#include "host/plugin/backend.hpp"

namespace knd {

/// Borrows everything. Threads: domain thread.
struct ControlView {
    const Inventory& inventory;
    const Claims& claims;
    const Journal& journal;
    const std::vector<Backend*>& backends;
};

/// 404 with {"error": "..."} for what does not exist.
ops::HttpResponse answer_control(const ControlView& view, std::string_view target);

std::string_view state_name(BackendState state);

}  // namespace knd
