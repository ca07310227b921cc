// SPDX-License-Identifier: Apache-2.0
//
// The cost that API validation limits, with numbers that Kubernetes 1.36 gives.
#include <gtest/gtest.h>

#include <limits>

#include "tests/unit/cel/expressions.hpp"

namespace knd::cel {
namespace {

constexpr auto kUnbounded = std::numeric_limits<std::uint64_t>::max();

std::uint64_t estimate(std::string_view expression) {
    const auto program = compile(expression, {});
    EXPECT_TRUE(program.ok()) << program.error().message();
    return program.ok() ? program->estimated_cost() : 0;
}

TEST(Estimate, IsThatOfTheReferenceImplementation) {
    const std::pair<const char*, std::uint64_t> table[] = {
        {"true", 0},
        {"1 in []", 10},
        {"cel.bind(x, 1/0, true)", 11},
        {"cel.bind(x, 1/0 == 1, x || true)", 13},
        {"cel.bind(x, [1,2,3].map(y,y*2), true)", 73},
        {"optional.of(1).optMap(x, x+x) == optional.of(2)", 20},
        {"{'a':1}.?a.optMap(x, x + 1).orValue(0) == 2", 79},
        {"[3,1].sortBy(x, x) == [1,3]", 89},
        {"device.attributes['d'].v in ['a']", 15},
        {"device.attributes['d'].map(v0,v0).size() == 4", 432},
        {"'a' in device.attributes['d'].map(v0,v0).sort()", 3616},
        {"has(device.attributes['d'].s)", 3},
        {"ip('::1') != ip('::1')", 1844674407370955266},
        {"lists.range(dyn('a')) == []", kUnbounded},
    };
    for (const auto& [expression, expected] : table)
        EXPECT_EQ(estimate(expression), expected) << expression;
}

TEST(Estimate, KnowsHowLongAttributesMayBe) {
    EXPECT_EQ(estimate("device.driver.matches('a')"), estimate("device.driver.matches('b')"));
    EXPECT_LT(estimate("device.attributes['d'].s.matches('abcd')"), 100u);
    EXPECT_GT(estimate("device.attributes['d'].?s.orValue('').matches('abcd')"), kDefaultCostLimit);
}

TEST(Estimate, IsNeverBelowTheCost) {
    for (const auto* expression :
         {R"(device.driver == "d" && device.attributes["x"].numaNode == 1)",
          R"(device.attributes["d"].s.startsWith("a"))", R"(["a", "b"].exists(x, x == "b"))",
          R"(device.attributes["d"].all(k, k != "z"))"}) {
        const auto program = compile(expression, {});
        ASSERT_TRUE(program.ok()) << expression;
        Arena arena;
        std::uint64_t cost = 0;
        ASSERT_TRUE(program->evaluate(example_device().view(), arena, {}, &cost).ok());
        EXPECT_LE(cost, program->estimated_cost()) << expression;
    }
}

TEST(Estimate, OfNestedLoopsPassesTheLimit) {
    EXPECT_GT(estimate("device.attributes.all(a, device.attributes.all(b, "
                       "device.attributes.all(c, device.attributes.all(d, true))))"),
              kDefaultCostLimit);
}

/// Each optMap() counts what it is called on twice.
TEST(Estimate, OfLongChainsTakesNoLongerThanTheyAre) {
    std::string expression = "optional.of(1)";
    for (int i = 0; i < 60; ++i)
        expression += ".optMap(x, x)";
    EXPECT_GT(estimate(expression + ".hasValue()"), kDefaultCostLimit);
}

}  // namespace
}  // namespace knd::cel
