// SPDX-License-Identifier: Apache-2.0
//
// Why claims do not fit on a node, in a few words: for tables, and for the ends of sentences.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "host/alloc/trace.hpp"
#include "host/model/resource.hpp"

namespace knd::simulate {

/// Of an allocation of `claims` that found no solution: "request nic gets 1 of 2 devices (in use:
/// 3, taint: 1)". Names the claim where there are several, and the pools that could not be used.
std::string why_not(const alloc::Trace& trace, std::span<const api::ResourceClaim* const> claims);

/// The error that ended an allocation, on one line, and the pools that could not be used.
std::string why_not(const alloc::Trace& trace, const std::string& error);

/// "pool d/p is incomplete: 1 of 2 slices are there"; empty: it is usable.
std::string unusable_text(const alloc::PoolTrace& pool);
/// "incomplete", "invalid", "usable".
std::string_view state_text(alloc::PoolTrace::State state);

/// How many devices the request came to, or would have come to had the search not been given up.
std::size_t devices_had(const alloc::RequestTrace& request);

/// "1 device", "2 devices".
std::string devices_text(std::size_t count);

}  // namespace knd::simulate
