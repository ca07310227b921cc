// SPDX-License-Identifier: Apache-2.0
//
// What exists in which release of Kubernetes, for stored expressions and for new ones.
#include <gtest/gtest.h>

#include "tests/unit/cel/expressions.hpp"

namespace knd::cel {
namespace {

struct Introduction {
    const char* expression;
    int minor;
};
constexpr Introduction kIntroductions[] = {
    {"[1, 2].all(i, v, v > i)", 32},
    {"[1, 2].exists(i, v, v > 1)", 32},
    {"[1, 2].existsOne(i, v, v > 1)", 32},
    {"[1, 2].transformList(i, v, v + i) == [1, 3]", 32},
    {"{'a': 1}.transformMap(k, v, v + 1) == {'a': 2}", 32},
    {"{'a': 1}.transformMapEntry(k, v, {v: k}) == {1: 'a'}", 32},
    {"semver('v1.0', true) == semver('1.0.0')", 33},
    {"isSemver('v1.0', true)", 33},
    {"[1, 2, 3].slice(0, 1) == [1]", 34},
    {"[[1], [2]].flatten() == [1, 2]", 34},
    {"lists.range(2) == [0, 1]", 34},
    {"[1, 1].distinct() == [1]", 34},
    {"[1, 2].reverse() == [2, 1]", 34},
    {"[2, 1].sort() == [1, 2]", 34},
    {"[2, 1].sortBy(x, -x) == [2, 1]", 34},
};

Environment of(int minor, bool stored) {
    Environment out;
    out.kubernetes_minor = minor;
    out.stored = stored;
    return out;
}

std::uint64_t cost(std::string_view expression, int minor) {
    const auto program = compile_selector(expression, of(minor, true));
    if (!program.ok()) return 0;
    Arena arena;
    std::uint64_t out = 0;
    static_cast<void>(program->evaluate(example_device().view(), arena, {}, &out));
    return out;
}

TEST(Environment, HasWhatTheReleaseKnows) {
    for (const auto& [expression, minor] : kIntroductions) {
        EXPECT_EQ(outcome(expression, of(minor, true)), "true") << expression;
        EXPECT_TRUE(outcome(expression, of(minor - 1, true)).starts_with("compile: "))
            << expression;
    }
}

TEST(Environment, OfNewExpressionsIsThatOfTheReleaseBefore) {
    for (const auto& [expression, minor] : kIntroductions) {
        EXPECT_EQ(outcome(expression, of(minor + 1, false)), "true") << expression;
        EXPECT_TRUE(outcome(expression, of(minor, false)).starts_with("compile: ")) << expression;
    }
}

TEST(Environment, GetsWhatComesWithTheLanguageAtOnce) {
    for (const auto* expression : {"[1].first().value() == 1", "[1].last().value() == 1",
                                   "[optional.of(1)].unwrapOpt() == [1]"}) {
        EXPECT_EQ(outcome(expression, of(33, false)), "true") << expression;
        EXPECT_TRUE(outcome(expression, of(32, true)).starts_with("compile: ")) << expression;
    }
}

TEST(Environment, HasMultipleAllocationsSince34) {
    EXPECT_EQ(outcome("!device.allowMultipleAllocations", of(34, true)), "true");
    EXPECT_EQ(outcome("!device.allowMultipleAllocations", of(34, false)), "true");
    EXPECT_EQ(compile_error("device.allowMultipleAllocations", of(33, true)),
              "undefined field 'allowMultipleAllocations'");
}

TEST(Environment, ShowsADeviceToMacrosAsTheReleaseKnowsIt) {
    EXPECT_EQ(outcome("dyn(device).map(x, x).size() == 3", of(33, true)), "true");
    EXPECT_EQ(outcome("dyn(device).map(x, x).size() == 4", of(34, true)), "true");
    EXPECT_EQ(cost("dyn(device).all(x, true)", 34) - cost("dyn(device).all(x, true)", 33), 3u);
}

TEST(Environment, Of132CannotUseTheSecondVariableOfADynamicRange) {
    const std::string list = "dyn([1]).transformList(i, x, x).size() == 1";
    EXPECT_EQ(outcome(list, of(33, true)), "true");
    EXPECT_EQ(outcome(list, of(32, true)),
              "compile: unexpected compilation error: missing type conversion to proto: ");
    EXPECT_EQ(outcome("dyn([1]).transformList(i, x, i).size() == 1", of(32, true)), "true");
}

TEST(Environment, LeavesMacrosByALeadingDotSince37) {
    EXPECT_EQ(outcome("[1].all(x, .x > 0)", of(36, true)), "true");
    EXPECT_EQ(compile_error("[1].all(x, .x > 0)", of(37, true)),
              "undeclared reference to '.x' (in container '')");
    EXPECT_EQ(outcome("[1].all(device, .device.driver == 'd')", of(37, true)), "true");
}

// What a variable or a conditional has went through Go's own types until then.
TEST(Environment, MakesOptionalsInVariablesAnewUntil36) {
    const auto both = [](const std::string& expression) {
        return outcome(expression, of(36, true)) + ", " + outcome(expression, of(37, true));
    };
    const std::string refusal =
        "error: unsupported conversion to ref.Val: (*resource.Quantity)10Gi, true";
    const std::string mem = "device.capacity['d'].?mem";
    EXPECT_EQ(both("cel.bind(m, " + mem + ", m.hasValue())"), "true, true");
    EXPECT_EQ(both("cel.bind(m, " + mem + ", m.value().isGreaterThan(quantity('1')))"), refusal);
    EXPECT_EQ(
        both("(device.driver == 'd' ? optional.of(quantity('10Gi')) : " + mem + ") == " + mem),
        refusal);
    EXPECT_EQ(both("(device.driver == 'd' ? " + mem + " : optional.none()) == " + mem),
              "true, true");
    EXPECT_EQ(both(mem + ".value().isGreaterThan(quantity('1'))"), "true, true");
    EXPECT_EQ(both(mem + ".optMap(m, m.isGreaterThan(quantity('1'))).orValue(false)"),
              "true, true");
    EXPECT_EQ(both("[optional.of(int)].all(t, t == dyn(optional.of('int')))"), "true, false");
    EXPECT_EQ(both("[optional.of(device.attributes)].all(a, a.value().none == {})"),
              "error: no such key: none, true");
    EXPECT_EQ(both("optional.of(device.attributes).none.hasValue()"), "false, true");
}

TEST(Environment, FindsNoLastTextInAnEmptyOneSince34) {
    EXPECT_EQ(outcome("''.lastIndexOf('a') == -1", of(33, true)), "error: index out of range: -1");
    EXPECT_EQ(outcome("''.lastIndexOf('a') == -1", of(34, true)), "true");
}

TEST(Environment, SpeaksOfLabelKeysAndBytesSince35) {
    const std::string name = "format.qualifiedName().validate('a/b/c').value()[0].startsWith('a ";
    const std::string text = "format.labelValue().validate('" + std::string(64, 'a') +
                             "').value() == ['must be no more ";
    for (const bool new_words : {false, true}) {
        const auto release = of(new_words ? 35 : 34, true);
        EXPECT_EQ(outcome(name + "valid label key must')", release), new_words ? "true" : "false");
        EXPECT_EQ(outcome(name + "qualified name must')", release), new_words ? "false" : "true");
        EXPECT_EQ(outcome(text + "than 63 bytes']", release), new_words ? "true" : "false");
        EXPECT_EQ(outcome(text + "than 63 characters']", release), new_words ? "false" : "true");
    }
}

TEST(Environment, Of132TakesHalvesOfCharacters) {
    EXPECT_EQ(outcome(R"('\ud800' == '\ufffd')", of(32, true)), "true");
    EXPECT_EQ(outcome(R"('\U80000141' == 'A')", of(32, true)), "true");
    EXPECT_EQ(compile_error(R"('\U00110000' == '')", of(32, true)), "unable to unescape string");
    EXPECT_EQ(compile_error(R"('\ud800' == '')", of(33, true)), "invalid unicode code point");
}

TEST(Environment, Of132KnowsNoTypeForASecondVariableOfDyn) {
    EXPECT_EQ(outcome("dyn([1]).all(i, v, i >= 0)", of(32, true)), "true");
    EXPECT_EQ(compile_error("dyn([1]).all(i, v, v > 0)", of(32, true)),
              "found no matching overload for '_>_' applied to '(, int)'");
    EXPECT_EQ(outcome("dyn([1]).all(i, v, v > 0)", of(33, true)), "true");
}

TEST(Environment, Of132ForgetsWhatIsWrongWithARangeOfTwoVariables) {
    constexpr auto kBroken = "[1].map(x, x / 0).all(i, v, true)";
    EXPECT_EQ(outcome(kBroken, of(32, true)),
              "error: unsupported comprehension range type: *types.Err");
    EXPECT_EQ(outcome(kBroken, of(33, true)), "error: division by zero");
}

TEST(Environment, Of132WritesPowersOfTenWithSpaces) {
    EXPECT_EQ(outcome("'%e'.format([1.5]) == '1.500000\u202f×\u202f10⁰⁰'", of(32, true)), "true");
    EXPECT_EQ(outcome("'%e'.format([1.5]) == '1.500000×10⁰⁰'", of(33, true)), "true");
}

TEST(Environment, Of132HasWordsOfItsOwnForWhatCannotBeRead) {
    EXPECT_EQ(compile_error("a.`b`", of(32, true)),
              "Syntax error: token recognition error at: '`'");
    EXPECT_EQ(compile_error("1 |%d", of(32, true)),
              "Syntax error: token recognition error at: '|%!'(MISSING)");
    EXPECT_EQ(compile_error("1 |%d", of(33, true)),
              "Syntax error: token recognition error at: '|%'");
}

TEST(Environment, Of132HasEstimatesOfItsOwn) {
    const auto estimate = [](std::string_view expression, int minor) {
        const auto program = compile_selector(expression, of(minor, true));
        return program.ok() ? program->estimated_cost() : 0;
    };
    constexpr auto kBinding = "cel.bind(x, 'ab', x + x == 'abab')";
    EXPECT_EQ(estimate(kBinding, 32), 1844674407370955277u) << "a name may be of any size";
    EXPECT_EQ(estimate(kBinding, 33), 14u);
    constexpr auto kVersion = "semver('1.0.0').major() == 1 && isSemver('12345678901234567890')";
    EXPECT_EQ(estimate(kVersion, 32), 4u) << "a version costs nothing to read";
    EXPECT_EQ(estimate(kVersion, 33), 5u);
}

TEST(Environment, HasIncludesSince36) {
    EXPECT_EQ(outcome(R"(device.attributes["d"].i.includes(3))", of(36, true)), "true");
    EXPECT_EQ(compile_error(R"(device.attributes["d"].i.includes(3))", of(35, true)),
              "undeclared reference to 'includes' (in container '')");
}

TEST(Environment, HasEscapedFieldNamesSince37) {
    EXPECT_EQ(outcome("{'a-b': 1}.`a-b` == 1", of(37, true)), "true");
    EXPECT_EQ(outcome("{'a.b/c': 1}.?`a.b/c`.orValue(2) == 1", of(37, true)), "true");
    EXPECT_EQ(outcome("has({'a b': 1}.`a b`)", of(37, true)), "true");
    EXPECT_EQ(compile_error("{'a-b': 1}.`a-b` == 1", of(36, true)), "unsupported syntax: '`'");
}

TEST(Environment, LosesDurationsOfIntsIn37) {
    EXPECT_EQ(compile_error("duration(1) == duration('1s')", of(36, true)),
              "invalid duration argument");
    EXPECT_EQ(compile_error("duration(1) == duration('1s')", of(37, true)),
              "found no matching overload for 'duration' applied to '(int)'");
}

TEST(Environment, TakesWhatIsSearchedForAStringFirstSince37) {
    constexpr auto kText = "optional.none().value().indexOf('a') == 1";
    const auto estimate = [](std::string_view expression, int minor) {
        const auto program = compile_selector(expression, of(minor, true));
        return program.ok() ? program->estimated_cost() : 0;
    };
    EXPECT_EQ(estimate(kText, 36), ~std::uint64_t{0}) << "each element has any cost";
    EXPECT_EQ(estimate(kText, 37), 1844674407370955267u);
    EXPECT_EQ(outcome("[1, 2].indexOf(2) == 1 && 'ab'.lastIndexOf('b') == 1", of(37, true)),
              "true");
}

TEST(Environment, LimitsRangesSince37) {
    EXPECT_EQ(outcome("lists.range(-1) == []", of(36, true)), "true");
    EXPECT_EQ(outcome("lists.range(-1) == []", of(37, true)),
              "error: lists.range: size must be non-negative, got -1");
    EXPECT_EQ(outcome("lists.range(1000001) == []", of(37, true)),
              "error: lists.range: size 1000001 exceeds maximum allowed (1000000)");
}

TEST(Environment, FindsEmptyTextsInsideATextSince37) {
    EXPECT_EQ(outcome("'ab'.indexOf('', 5) == 5", of(36, true)), "true");
    EXPECT_EQ(outcome("'ab'.indexOf('', 5) == 2", of(37, true)), "true");
    EXPECT_EQ(outcome("'ab'.lastIndexOf('', -5) == -5", of(36, true)), "true");
    EXPECT_EQ(outcome("'ab'.lastIndexOf('', -5) == -5", of(37, true)),
              "error: index out of range: -5");
}

TEST(Environment, UnwrapsNothingButOptionalsSince37) {
    EXPECT_EQ(outcome("dyn(1).orValue(2) == 1", of(36, true)), "true");
    EXPECT_EQ(outcome("dyn(1).orValue(2) == 1", of(37, true)), "error: no such overload");
}

TEST(Environment, RefusesTheAccumulatorsNameSince33) {
    const auto* text = "[1].all(__result__, true)";
    EXPECT_EQ(compile_error(text, of(33, true)),
              "iteration variable overwrites accumulator variable");
    EXPECT_EQ(compile_error(text, of(32, true)),
              "found no matching overload for '@not_strictly_false' applied to '(int)'");
    EXPECT_EQ(outcome("[false].all(__result__, true)", of(32, true)), "true");
}

TEST(Environment, MakesMessagesOfTypesAloneSince37) {
    EXPECT_EQ(compile_error("device{}", of(36, true)), "'kubernetes.DRADevice' is not a type");
    EXPECT_EQ(compile_error("device{}", of(37, true)),
              "undeclared reference to 'device' (in container '')");
}

TEST(Environment, ChargesByTheTextThatIsReadSince37) {
    const std::string text = "'0123456789abcdef'";
    EXPECT_EQ(cost(text + ".startsWith('0')", 36), 2u);
    EXPECT_EQ(cost(text + ".startsWith('0')", 37), 1u);
    EXPECT_EQ(cost("'0'.endsWith(" + text + ")", 37), 2u);
    EXPECT_EQ(cost("matches(" + text + ", '0')", 36), 1u);
    EXPECT_EQ(cost("matches(" + text + ", '0')", 37), 2u);
}

TEST(Environment, DoesNotGiveBackForNegativeDepthsSince37) {
    EXPECT_EQ(cost("[[1]].flatten(-1) == [1]", 36), 11u);
    EXPECT_EQ(cost("[[1]].flatten(-1) == [1]", 37), 13u);
}

TEST(Environment, HasTheRestInEveryRelease) {
    for (int minor = 32; minor <= 37; ++minor) {
        EXPECT_EQ(outcome("cel.bind(x, 1, x == 1)", of(minor, true)), "true");
        EXPECT_EQ(outcome("device.attributes.?d.?i.orValue(0) == 3", of(minor, true)), "true");
        EXPECT_EQ(outcome("semver('1.0.0').isLessThan(semver('1.0.1'))", of(minor, true)), "true");
        EXPECT_EQ(outcome("quantity('1k') == quantity('1000')", of(minor, true)), "true");
        EXPECT_EQ(outcome("1 < 1.5", of(minor, true)), "true");
        EXPECT_EQ(outcome("sets.contains([1], [1])", of(minor, true)), "true");
        EXPECT_EQ(outcome("ip('::1').isLoopback()", of(minor, true)), "true");
        EXPECT_EQ(outcome("url('/a').getEscapedPath() == '/a'", of(minor, true)), "true");
        EXPECT_EQ(outcome("!format.uuid().validate('x') .hasValue()", of(minor, true)), "false");
        EXPECT_EQ(outcome("'%d'.format([1]) == '1'", of(minor, true)), "true");
    }
}

}  // namespace
}  // namespace knd::cel
