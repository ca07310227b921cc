// SPDX-License-Identifier: Apache-2.0
//
// What became of the cases, by the features they use: a generator whose cases all fail early would
// find no difference and prove nothing.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <string>

#include "host/model/json.hpp"

namespace knd::differential {

class Shares {
  public:
    /// Counts a case of kind "alloc" and its answer.
    void count(const Json& one, const Json& answer);
    /// A line per feature: answers, and per cent of them that fit, do not fit, are errors.
    std::string table() const;
    bool empty() const { return by_feature_.empty(); }

  private:
    enum Fate { kFits, kDoesNotFit, kError, kAborted };
    std::map<std::string, std::array<std::size_t, 4>> by_feature_;
};

}  // namespace knd::differential
