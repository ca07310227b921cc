// SPDX-License-Identifier: Apache-2.0
#include "host/cel/explain.hpp"

#include <gtest/gtest.h>

#include "tests/unit/cel/expressions.hpp"

namespace knd::cel {
namespace {

Explanation explained(std::string_view expression) {
    const auto program = compile_selector(expression);
    EXPECT_TRUE(program.ok()) << program.error().message();
    return explain(*program, example_device().view());
}

/// All decisions, one a line.
std::string reasons(std::string_view expression) {
    std::string out;
    for (const auto& decision : explained(expression).decisions)
        out += (out.empty() ? "" : "\n") + decision.text();
    return out;
}

TEST(Explain, NamesTheTermThatIsFalseAndItsValue) {
    EXPECT_EQ(reasons(R"(device.driver == "d" && device.attributes["x"].numaNode == 0)"),
              R"(`device.attributes["x"].numaNode == 0` is false: )"
              R"(`device.attributes["x"].numaNode` is 1)");
}

TEST(Explain, NamesEveryAlternativeThatIsFalse) {
    EXPECT_EQ(reasons(R"(device.driver == "e" || (device.attributes["d"].i > 7))"),
              "`device.driver == \"e\"` is false: `device.driver` is \"d\"\n"
              "`device.attributes[\"d\"].i > 7` is false: `device.attributes[\"d\"].i` is 3");
}

TEST(Explain, NamesTheMissingKey) {
    const auto out = explained(R"(true && device.attributes["x"].missing == 1)");
    EXPECT_FALSE(out.matches);
    EXPECT_EQ(out.error, "no such key: missing");
    ASSERT_EQ(out.decisions.size(), 1u);
    EXPECT_TRUE(out.decisions[0].failed);
    EXPECT_EQ(out.decisions[0].expression, R"(device.attributes["x"].missing == 1)");
    ASSERT_EQ(out.decisions[0].values.size(), 1u);
    EXPECT_EQ(out.decisions[0].values[0].expression, R"(device.attributes["x"].missing)");
    EXPECT_EQ(out.decisions[0].values[0].value, "no such key: missing");
}

TEST(Explain, ShowsWhatAMessageBecame) {
    EXPECT_EQ(reasons("device.attributes['x'].numaNode == google.protobuf.Int64Value{value: 7}"),
              "`device.attributes['x'].numaNode == google.protobuf.Int64Value{value: 7}` is false: "
              "`device.attributes['x'].numaNode` is 1, "
              "`google.protobuf.Int64Value{value: 7}` is 7");
    EXPECT_EQ(reasons("dyn(google.protobuf.Empty{}).x == 1"),
              "`dyn(google.protobuf.Empty{}).x == 1` fails: no such field 'x'; "
              "`google.protobuf.Empty{}` is {}, `dyn(google.protobuf.Empty{})` is {}, "
              "`dyn(google.protobuf.Empty{}).x` fails: no such field 'x'");
}

TEST(Explain, LooksIntoBindings) {
    EXPECT_EQ(reasons(R"(cel.bind(x, device.attributes["x"], x.numaNode == 1 && x.speed < 5))"),
              "`x.speed < 5` is false: `x.speed` is 200000");
}

TEST(Explain, ShowsWhatACallWasMadeOf) {
    EXPECT_EQ(reasons(R"(size(device.attributes["d"].s) == 4)"),
              "`size(device.attributes[\"d\"].s) == 4` is false: "
              "`device.attributes[\"d\"].s` is \"abc\", `size(device.attributes[\"d\"].s)` is 3");
}

TEST(Explain, ShowsWhatIsTrueBehindANot) {
    EXPECT_EQ(reasons(R"(!(device.driver == "d"))"),
              R"(`device.driver == "d"` is true: `device.driver` is "d")");
}

TEST(Explain, ShowsTheElementThatDecided) {
    EXPECT_EQ(reasons("[1, 2, 3].all(x, x < 2)"),
              "`[1, 2, 3].all(x, x < 2)` is false: `x` is 2, `x < 2` is false");
}

TEST(Explain, OfAnAttributeAloneIsItsValue) {
    EXPECT_EQ(reasons(R"(device.attributes["d"].b)"), R"(`device.attributes["d"].b` is true)");
}

TEST(Explain, SaysWhatTheConditionWas) {
    EXPECT_EQ(reasons(R"(device.driver == "d" ? device.attributes["d"].i == 4 : true)"),
              "`device.driver == \"d\"` is true: `device.driver` is \"d\"\n"
              "`device.attributes[\"d\"].i == 4` is false: `device.attributes[\"d\"].i` is 3");
}

TEST(Explain, ShowsValuesOfEveryType) {
    EXPECT_EQ(reasons("format.uri() == format.byte()"),
              "`format.uri() == format.byte()` is false: "
              "`format.uri()` is format.uri(), `format.byte()` is format.byte()");
    const struct {
        std::string_view expression, shown;
    } kValues[] = {
        {"null", "null"},
        {"dyn(2u)", "2"},
        {"dyn(1.5)", "1.5"},
        {"b'ab'", "ab"},
        {"duration('90s')", "90s"},
        {"timestamp('2024-01-01T00:00:00Z')", "2024-01-01T00:00:00Z"},
        {"optional.of(1)", "optional(1)"},
        {"[format.uri()]", "[\"format.uri()\"]"},
        {"{'a': optional.none()}", "{\"a\":null}"},
        {"quantity('1Gi')", "\"1Gi\""},
        {"semver('1.2.3')", "\"1.2.3\""},
        {"url('/a?b')", "/a?b"},
        {"ip('10.0.0.1')", "10.0.0.1"},
        {"cidr('10.0.0.0/8')", "10.0.0.0/8"},
        {"google.protobuf.Struct{}", "{}"},
    };
    for (const auto& value : kValues) {
        const auto text =
            reasons("[" + std::string(value.expression) + "].exists(x, x == dyn('no'))");
        EXPECT_NE(text.find("`x` is " + std::string(value.shown) + ","), text.npos) << text;
    }
}

TEST(Explain, HasTheCostOfTheEvaluation) {
    EXPECT_EQ(explained(R"(device.driver == "d")").cost, 3u);
}

}  // namespace
}  // namespace knd::cel
