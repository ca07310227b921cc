// SPDX-License-Identifier: Apache-2.0
//
// "unknown key `vf_cuont`; did you mean `vf_count`?"
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace knd {

/// The candidate with the smallest edit distance to `word`, or "" when none is close enough to be
/// what was meant (more than a third of the letters differ).
std::string nearest_name(std::string_view word, const std::vector<std::string>& candidates);

/// "" or "; did you mean `x`?".
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace knd
