// SPDX-License-Identifier: Apache-2.0
//
// A program of its own, because it counts what `new` is asked for.
#include <gtest/gtest.h>

#include "tests/fakes/count_allocations.hpp"
#include "tests/unit/cel/expressions.hpp"

namespace knd::cel {
namespace {

TEST(Evaluation, AsksForNoMemory) {
    for (const auto* expression :
         {R"(device.driver == "d" && device.attributes["x"].numaNode == 1 && )"
          R"(device.attributes["x"].speed >= 200000)",
          R"(cel.bind(x, device.attributes["x"], x.numaNode == 1 && x.speed >= 200000))",
          R"(device.attributes["d"].?absent.orValue(true))",
          R"(device.attributes["d"].s in ["abc", "abd"])",
          R"(["ab", "cd"].exists(p, device.attributes["d"].s.startsWith(p)))",
          R"(device.attributes["d"].s.matches("^a.c$"))",
          R"(device.capacity["d"].mem.compareTo(quantity("10Gi")) == 0)"}) {
        const auto program = compile_selector(expression);
        ASSERT_TRUE(program.ok()) << expression;
        const auto view = example_device().view();
        // RE2 builds its automaton when it is first used.
        ASSERT_TRUE(program->matches(view).ok()) << expression;
        const auto before = test::allocations;
        const auto matches = program->matches(view);
        EXPECT_EQ(test::allocations, before) << expression;
        EXPECT_TRUE(*matches) << expression;
    }
}

}  // namespace
}  // namespace knd::cel
