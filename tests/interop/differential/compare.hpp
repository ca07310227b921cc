// SPDX-License-Identifier: Apache-2.0
//
// Whether two answers to one case say the same.
#pragma once

#include <string>

#include "host/model/json.hpp"

namespace knd::differential {

/// What is compared beyond results and classes of errors.
struct Strictness {
    bool cost = false;   ///< of evaluations
    bool texts = false;  ///< of allocations, word by word
};

enum class Verdict {
    kSame,
    kDifferent,
    kSkipped,  ///< the oracle gave up or could not read the case
};

/// What a difference is about, most serious first.
enum class Subject {
    kAnswer,  ///< whether it matches or fits, what is allocated, what class of error it is
    kPrice,   ///< the same answer, but evaluation or estimate cost something else
    kWords,   ///< both fail, in other words
};

struct Comparison {
    Verdict verdict = Verdict::kSame;
    std::string what;      ///< for kDifferent and kSkipped: where they part
    std::string category;  ///< for kDifferent: the same for differences of one sort
    Subject subject = Subject::kAnswer;
};

Comparison compare(const Json& one, const Json& oracle, const Json& ours,
                   const Strictness& strictness);

}  // namespace knd::differential
