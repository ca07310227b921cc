// SPDX-License-Identifier: Apache-2.0
//
// The project's own answers to a case, in the shape in which the oracle gives its answers.
#pragma once

#include <vector>

#include "host/model/json.hpp"

namespace knd::differential {

/// The minor version that a case without one is for.
constexpr int kDefaultRelease = 36;

/// Which release's decision a case asks for: "kubernetes" of its "features".
int release_of(const Json& features);

/// What a kept case stands for: itself, and itself with each of "also" over its "features".
std::vector<Json> spread(const Json& one);

/// A case of kind "cel" or "alloc"; one that cannot be read gives {"badCase": why}.
Json our_answer(const Json& one);

}  // namespace knd::differential
