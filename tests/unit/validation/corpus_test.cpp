// SPDX-License-Identifier: Apache-2.0
//
// Replays writes that a real API server's validation has judged (tests/interop/validation), without
// Go.
#include <gtest/gtest.h>

#include "host/model/text_file.hpp"
#include "tests/interop/validation/judge.hpp"

namespace knd::differential {
namespace {

Json judged() {
    auto json = parse_json(read_text_file(KND_JUDGED).value_or(""));
    return json.ok() ? *std::move(json) : Json();
}

TEST(JudgedWrites, GetTheAnswersOfKubernetes) {
    const auto cases = judged();
    ASSERT_GT(cases.size(), 300u);
    for (const auto& one : cases) {
        std::string what;
        const auto likeness = judge(one, one["expected"], our_judgement(one), what);
        EXPECT_TRUE(likeness == Likeness::kSame || likeness == Likeness::kSameButWords)
            << what << "\n"
            << to_text(one);
    }
}

}  // namespace
}  // namespace knd::differential
