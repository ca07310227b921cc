// SPDX-License-Identifier: Apache-2.0
//
// Costs, and what keeps hostile expressions in bounds.
#include <gtest/gtest.h>

#include "tests/unit/cel/expressions.hpp"

namespace knd::cel {
namespace {

std::uint64_t cost(std::string_view expression) {
    const auto program = compile(expression, {});
    EXPECT_TRUE(program.ok()) << program.error().message();
    Arena arena;
    std::uint64_t out = 0;
    (void)program->evaluate(example_device().view(), arena, {}, &out);
    return out;
}

std::string repeat(std::string_view text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i)
        out += text;
    return out;
}

TEST(Cost, IsThatOfTheReferenceImplementation) {
    const std::pair<const char*, std::uint64_t> table[] = {
        {R"(device.driver == "d")", 3},
        {R"(device.attributes["x"].numaNode >= 1)", 5},
        {R"(device.attributes["d"].s.startsWith("a"))", 5},
        {R"(device.attributes["d"].i in [1, 3])", 4},
        {"[1, 2, 3].all(x, x > 0)", 16},
        {"[1, 2, 3].exists(x, x > 2)", 19},
        {"[1, 2, 3].exists_one(x, x > 2)", 10},
        {"[1, 2, 3].map(x, x * 2) == [2, 4, 6]", 44},
        {"[1, 2, 3].filter(x, x > 1) == [2, 3]", 34},
        {"{'a': 1}.transformMapEntry(k, v, {v: k}) == {1: 'a'}", 36},
        {R"(cel.bind(x, device.attributes["x"], x.numaNode == 1 && x.speed >= 200000))", 9},
        {R"(device.attributes["x"].?numaNode.orValue(7) == 1)", 5},
        {"optional.of(1).optMap(x, x + 1).value() == 2", 9},
        {"1 / 0 == 1", 2},
        {"'hello hello'.replace('he', 'we') == 'wello wello'", 5}};
    for (const auto& [expression, expected] : table)
        EXPECT_EQ(cost(expression), expected) << expression;
}

TEST(Cost, OfPresenceIsThatOfWhatIsLookedInto) {
    const auto select_and_compare = 2U;
    EXPECT_EQ(cost(R"(has(device.attributes["x"].numaNode))") + select_and_compare,
              cost(R"(device.attributes["x"].numaNode == 1)"));
}

TEST(Cost, IsLimited) {
    const auto program =
        compile("lists.range(1000).all(x, lists.range(1000).all(y, x + y >= 0))", {});
    ASSERT_TRUE(program.ok());
    const auto matches = program->matches(example_device().view());
    ASSERT_FALSE(matches.ok());
    EXPECT_EQ(matches.error().message(), "operation cancelled: actual cost limit exceeded");
    EXPECT_FALSE(program->matches(example_device().view(), Limits{100}).ok());
}

TEST(Cost, OfAnEndlessListEndsInAnError) {
    EXPECT_TRUE(outcome("lists.range(9223372036854775807).size() == 0").starts_with("error: "));
}

TEST(Limits, NestingIsRefusedBeyond250) {
    EXPECT_EQ(outcome(repeat("(", 200) + "true" + repeat(")", 200)), "true");
    EXPECT_TRUE(outcome(repeat("(", 5000) + "true" + repeat(")", 5000)).starts_with("compile: "));
    EXPECT_TRUE(outcome(repeat("[", 5000)).starts_with("compile: "));
    EXPECT_EQ(outcome("1" + repeat("+1", 200) + " == 201"), "true");
    EXPECT_TRUE(outcome("1" + repeat("+1", 1000) + " == 1001").starts_with("compile: "));
    EXPECT_TRUE(outcome("device" + repeat(".a", 5000)).starts_with("compile: "));
    EXPECT_TRUE(outcome(repeat("!", 9999) + "false").starts_with("true"));
}

TEST(Limits, ExponentialLoopsEndAtTheCostLimit) {
    std::string list = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]";
    std::string expression = "true";
    for (const auto* name : {"a", "b", "c", "d", "e", "f", "g", "h"})
        expression = list + ".all(" + name + ", " + expression + ")";
    EXPECT_EQ(outcome(expression), "error: operation cancelled: actual cost limit exceeded");
}

TEST(Limits, DoubledTextsAndListsEndInAnError) {
    std::string expression = "x0.size() > 0";
    for (int i = 0; i < 40; ++i) {
        const auto name = "x" + std::to_string(i), next = "x" + std::to_string(i + 1);
        expression = "cel.bind(" + name + ", " + next + " + " + next + ", " + expression + ")";
    }
    EXPECT_TRUE(outcome("cel.bind(x40, 'a', " + expression + ")").starts_with("error: "));
    EXPECT_TRUE(outcome("cel.bind(x40, [1], " + expression + ")").starts_with("error: "));
}

TEST(Limits, ReplacementsDoNotExplode) {
    std::string expression = "'a'";
    for (int i = 0; i < 20; ++i)
        expression += ".replace('', 'aaaaaaaaaaaaaaaa')";
    EXPECT_TRUE(outcome(expression + ".size() > 0").starts_with("error: "));
}

TEST(Limits, LongExpressionsCompileAndEvaluate) {
    std::string expression = "device.driver == 'd'";
    while (expression.size() < 10'000)
        expression += " && device.attributes['x'].numaNode == 1";
    EXPECT_EQ(outcome(expression), "true");
}

TEST(Limits, LongAttributesAreFine) {
    const auto device = OwnedDevice::make("d", {{"s", std::string(1 << 20, 'a')}}, {});
    ASSERT_TRUE(device.ok());
    const auto run = [&](const char* expression) {
        return outcome(expression, {}, device->view());
    };
    EXPECT_EQ(run("device.attributes['d'].s.size() == 1048576"), "true");
    EXPECT_EQ(run("device.attributes['d'].s.startsWith('aaa')"), "true");
    EXPECT_EQ(run("device.attributes['d'].s.endsWith('b')"), "false");
    EXPECT_TRUE(run("device.attributes['d'].s.matches('(a|aa)+$b')").starts_with("error: ") ||
                run("device.attributes['d'].s.matches('(a|aa)+$b')") == "false");
}

TEST(Limits, EvilPatternsAreRefusedOrLinear) {
    EXPECT_TRUE(outcome("'a'.matches('((a{1,100}){1,100}){1,100}')").starts_with("compile: "));
    EXPECT_EQ(outcome("'a'.matches('" + repeat("(", 900) + repeat(")", 900) + "')"), "true");
}

TEST(Limits, ChainsOfOptionalsTakeNoLongerThanTheyAre) {
    EXPECT_EQ(outcome("optional.of(1)" + repeat(".optMap(x, x)", 12) + ".hasValue()"), "true");
    EXPECT_EQ(outcome("optional.of(1)" + repeat(".optMap(x, x)", 60) + ".hasValue()"),
              "error: operation cancelled: actual cost limit exceeded");
}

TEST(Limits, PrecisionOfAFormatIsBounded) {
    EXPECT_TRUE(outcome("'%.999999999f'.format([1.0]) == ''").find("precision") !=
                std::string::npos);
}

TEST(Limits, LongChainsOfLogicAreFine) {
    EXPECT_EQ(outcome("true" + repeat(" && true", 1200)), "true");
}

TEST(Limits, StringsThatDoubleEndInAnError) {
    std::string nested = "a0.size() > 0";
    for (int i = 0; i < 40; ++i)
        nested = "cel.bind(a" + std::to_string(i) + ", " +
                 (i == 39 ? std::string("'xxxxxxxxxx'")
                          : "a" + std::to_string(i + 1) + " + a" + std::to_string(i + 1)) +
                 ", " + nested + ")";
    EXPECT_TRUE(outcome(nested).starts_with("error: "));
}

TEST(Arena, RefusesToPassItsLimit) {
    Arena arena(1 << 20);
    EXPECT_NE(arena.allocate(1000), nullptr);
    EXPECT_EQ(arena.allocate(2 << 20), nullptr);
    std::size_t blocks = 0;
    while (arena.allocate(10'000) != nullptr)
        ++blocks;
    EXPECT_LT(blocks, 200u);
    arena.reset();
    EXPECT_NE(arena.allocate(10'000), nullptr);
}

}  // namespace
}  // namespace knd::cel
