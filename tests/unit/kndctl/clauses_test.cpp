// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/simulate/clauses.hpp"

#include <gtest/gtest.h>

namespace knd::simulate {
namespace {

using Texts = std::vector<std::string>;

TEST(Clauses, AreWhatStandsBetweenOutermostAnds) {
    EXPECT_EQ(clauses(R"(device.driver == "a && b" && (x || y) && device.z in ["q"])").size(), 3u);
}

TEST(Clauses, OfNestedAndsAreFlat) {
    EXPECT_EQ(clauses("(a == 1 && b == 2) && c == 3"), (Texts{"a == 1", "b == 2", "c == 3"}));
}

TEST(Clauses, KeepTheParenthesesThatTheyNeed) {
    const auto parts = clauses("(a || b) && c");
    EXPECT_EQ(clauses(without_clause(parts, 1)).size(), 1u);
    EXPECT_EQ(clauses(parts[0] + " && d").size(), 2u);
}

TEST(Clauses, OfMacrosAreWhole) {
    const auto parts = clauses("[1, 2].exists(i, i == 1 && i < 3) && true");
    EXPECT_EQ(parts, (Texts{"[1, 2].exists(i, i == 1 && i < 3)", "true"}));
}

TEST(Clauses, OfBrokenExpressionsAreOne) {
    EXPECT_EQ(clauses("a && && b"), (Texts{"a && && b"}));
}

TEST(Clauses, LeaveTheOthersWhenOneIsDropped) {
    EXPECT_EQ(without_clause({"a", "b", "c"}, 1), "a && c");
    EXPECT_EQ(without_clause({"a"}, 0), "");
}

}  // namespace
}  // namespace knd::simulate
