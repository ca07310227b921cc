// SPDX-License-Identifier: Apache-2.0
//
// Our answer to a case, and whether the oracle's is the same.
#pragma once

#include <string>

#include "host/model/json.hpp"

namespace knd::differential {

/// In the form of the oracle's answers.
Json our_judgement(const Json& write);

enum class Likeness {
    kSame,
    /// Refused by both, but for an expression or a value of a wrong type: the words are not ours.
    kSameButWords,
    kDifferent,
    /// There is nothing to compare with: the oracle has crashed.
    kSkipped,
};

/// `what` says the first difference.
Likeness judge(const Json& write, const Json& oracle, const Json& ours, std::string& what);

}  // namespace knd::differential
