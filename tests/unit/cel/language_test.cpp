// SPDX-License-Identifier: Apache-2.0
//
// Grammar, types, operators, macros, optional values.
#include <gtest/gtest.h>

#include "tests/unit/cel/expressions.hpp"

namespace knd::cel {
namespace {

void all_true(std::initializer_list<const char*> expressions) {
    for (const auto* expression : expressions)
        EXPECT_EQ(outcome(expression), "true") << expression;
}

struct Row {
    const char* expression;
    const char* outcome;
};
void all(std::initializer_list<Row> rows) {
    for (const auto& row : rows)
        EXPECT_EQ(outcome(row.expression), row.outcome) << row.expression;
}
void none_compiles(std::initializer_list<const char*> expressions) {
    for (const auto* expression : expressions)
        EXPECT_TRUE(outcome(expression).starts_with("compile: ")) << expression;
}

TEST(Literals, AreReadInEveryForm) {
    all_true({"0x1F == 31",
              "0x1Fu == 31u",
              "1e3 == 1000.0",
              ".5 == 0.5",
              "1.5e-1 == 0.15",
              "-9223372036854775808 < 0",
              "18446744073709551615u > 0u",
              R"('a' == "a")",
              R"("\x41\101\u0041\U00000041" == "AAAA")",
              R"("\a\b\f\n\r\t\v\\\'\"\`\?" != "")",
              R"(r"\d" == "\\d")",
              "'''a\nb''' == 'a\\nb'",
              R"("""a"b""" == "a\"b")",
              R"(b"\xff" == b"\377")",
              R"(b"é".size() == 2)",
              R"("é".size() == 1)",
              "null == null",
              "[1, 2,].size() == 2",
              "{1: 2,}.size() == 1",
              "true // a comment"});
}

TEST(Literals, ThatCannotBeAreRefused) {
    none_compiles({"99999999999999999999 == 1", "0xffffffffffffffffff == 1", "1e999 == 1.0",
                   R"("\q" == "")", R"("\ud800" == "")", R"("\U00110000" == "")", "\"a", "'a\nb'",
                   "'''a", R"(b"\u0041" == b"A")"});
}

TEST(Syntax, ErrorsAreRefused) {
    none_compiles({"", "1 +", "(1", "[1,", "{1}", "a.", "a.1", "1 2", "true ? 1", "in == 1",
                   "if == 1", "a b", "!", "&& true", "true &&", "@", "{a: 1", "f(", "1..2"});
    EXPECT_EQ(compile_error("as == 1"), "reserved identifier: as");
}

TEST(Syntax, MessagesAreRefusedByName) {
    EXPECT_EQ(compile_error("Foo{a: 1} == 1"), "undeclared reference to 'Foo' (in container '')");
    EXPECT_EQ(compile_error("a.b.Foo{} == 1"),
              "undeclared reference to 'a.b.Foo' (in container '')");
}

TEST(Operators, HaveTheirPrecedence) {
    all_true({"1 + 2 * 3 == 7", "(1 + 2) * 3 == 9", "10 - 4 - 3 == 3", "100 / 10 / 2 == 5",
              "7 % 4 == 3", "-7 / 2 == -3", "-7 % 4 == -3", "true || false && false",
              "!false && true", "1 < 2 == true", "true ? true : false ? false : true", "--1 == 1",
              "!!true", "- 1 == -1", "1 in [1] == true"});
}

TEST(Operators, NeverOverflowSilently) {
    all({{"9223372036854775807 + 1 == 0", "error: integer overflow"},
         {"-9223372036854775808 - 1 == 0", "error: integer overflow"},
         {"9223372036854775807 * 2 == 0", "error: integer overflow"},
         {"-9223372036854775808 / -1 == 0", "error: integer overflow"},
         {"-(-9223372036854775808) == 0", "error: integer overflow"},
         {"0u - 1u == 0u", "error: unsigned integer overflow"},
         {"18446744073709551615u + 1u == 0u", "error: unsigned integer overflow"},
         {"1 / 0 == 1", "error: division by zero"},
         {"1u / 0u == 1u", "error: division by zero"},
         {"1 % 0 == 1", "error: modulus by zero"}});
    all_true({"1.0 / 0.0 > 1.0"});
}

TEST(Operators, CompareNumbersAcrossTypesByValue) {
    all_true({"1 < 2.5", "1u < 2", "2.5 > 1u", "dyn(1) == 1u", "dyn(1) == 1.0",
              "dyn(-1) != 18446744073709551615u", "-1 < 18446744073709551615u",
              "dyn(9007199254740993) == 9007199254740992.0"});
}

TEST(Operators, AreTypeChecked) {
    EXPECT_EQ(compile_error(R"(1 + "a" == 2)"),
              "found no matching overload for '_+_' applied to '(int, string)'");
    EXPECT_EQ(compile_error("1 && true"), "expected type 'bool' but found 'int'");
    EXPECT_EQ(compile_error("[1, 'a'] == []"), "expected type 'int' but found 'string'");
    EXPECT_EQ(compile_error("[device.attributes.x.a, 2] == []"),
              "expected type 'any' but found 'int'");
    EXPECT_EQ(compile_error("true ? 1 : 'a'"),
              "found no matching overload for '_?_:_' applied to '(bool, int, string)'");
    EXPECT_EQ(compile_error("[1] < [2]"),
              "found no matching overload for '_<_' applied to '(list(int), list(int))'");
    EXPECT_EQ(compile_error("'a'.foo == 1"), "type 'string' does not support field selection");
    EXPECT_EQ(compile_error("size(1) == 1"),
              "found no matching overload for 'size' applied to '(int)'");
    EXPECT_EQ(compile_error("'a'.startsWith(1)"),
              "found no matching overload for 'startsWith' applied to 'string.(int)'");
}

TEST(Logic, AbsorbsErrorsOnEitherSide) {
    all({{"1 / 0 == 1 || true", "true"},
         {"true || 1 / 0 == 1", "true"},
         {"1 / 0 == 1 && false", "false"},
         {"false && 1 / 0 == 1", "false"},
         {"1 / 0 == 1 || false", "error: division by zero"},
         {"1 / 0 == 1 && true", "error: division by zero"},
         {"1 / 0 == 1 ? true : true", "error: division by zero"},
         {"true ? true : 1 / 0 == 1", "true"},
         {"device.attributes.d.s || true", "true"},
         {"device.attributes.d.s && true", "error: no such overload"}});
}

/// What is bound is evaluated when it is first asked for, in the midst of other loops.
TEST(Macros, KeepTheLoopsOfABindingApart) {
    for (const auto* expression :
         {"!cel.bind(x, [1].map(v, 2).size(), [1].exists_one(v, 0 < x && false))",
          "cel.bind(x, [1, 2].map(v, v + 1).size(), [1, 2].map(v, v + x) == [3, 4])",
          "cel.bind(x, cel.bind(y, [1].map(v, v), y.map(w, w + y[0])), [5].map(v, v + x[0]) == "
          "[7])",
          "[3].map(o, cel.bind(x, [o].map(v, v + o), [1].map(v, v + x[0] + o))) == [[10]]",
          "optional.of([1].map(v, 2)[0]).optMap(x, [1].map(v, v + x)) == optional.of([3])"})
        EXPECT_EQ(outcome(expression), "true") << expression;
}

TEST(Macros, QuantifyOverListsAndMaps) {
    all_true({"[1, 2].all(x, x > 0)", "[].all(x, false)", "![].exists(x, true)",
              "[1, 2].exists(x, x == 2)", "[1, 2].exists_one(x, x == 2)",
              "![2, 2].exists_one(x, x == 2)", "{'a': 1}.all(k, k == 'a')",
              "[1, 2].all(i, v, i < v)", "{'a': 1}.exists(k, v, k == 'a' && v == 1)"});
}

TEST(Macros, AbsorbErrorsAsLogicDoes) {
    all({{"[1, 2, 3].exists(x, 1 / (x - 2) == 1)", "true"},
         {"[1, 2, 3].all(x, 1 / (x - 2) > 5)", "false"},
         {"[2].all(x, 1 / (x - 2) > 5)", "error: division by zero"},
         {"[1, 2].exists_one(x, 1 / (x - 2) == 1)", "error: division by zero"},
         {"[1, 2].map(x, 1 / (x - 2)) == []", "error: division by zero"}});
}

TEST(Macros, TransformListsAndMaps) {
    all_true({"[1, 2].map(x, x * 2) == [2, 4]", "[1, 2].map(x, x > 1, x * 2) == [4]",
              "[1, 2].filter(x, x > 1) == [2]", "{'a': 1}.map(k, k) == ['a']",
              "[1, 2].transformList(i, v, i + v) == [1, 3]",
              "[1, 2].transformList(i, v, v > 1, i) == [1]",
              "{'a': 1}.transformMap(k, v, v + 1) == {'a': 2}",
              "{'a': 1}.transformMapEntry(k, v, {v: k}) == {1: 'a'}",
              "[1].map(x, [x].map(y, x + y)) == [[2]]", "[1].all(x, [2].all(x, x == 2))",
              "[1].all(device, device == 1)", "cel.bind(a, 1, cel.bind(b, a + 1, a + b)) == 3"});
    EXPECT_EQ(outcome("[1, 1].transformMapEntry(i, v, {v: i}) == {}"),
              "error: insert failed: key 1 already exists");
    EXPECT_EQ(outcome("{'a': 1}.transformMapEntry(k, v, dyn(v)) == {}"),
              "error: no such overload: cel.@mapInsert(map, int)");
}

TEST(Macros, WantNamesForVariables) {
    none_compiles({"[1].all(1, true)", "[1].all(x.y, true)", "cel.bind(1, 2, true)",
                   "[1].all(x, x, true)", "has(x)", "has(device)", "has(device.attributes['x'])"});
}

TEST(Lookup, FindsKeysAndElements) {
    all({{"{'a': 1}.a == 1", "true"},
         {"{'a': 1}['a'] == 1", "true"},
         {"{'a': 1}.b == 1", "error: no such key: b"},
         {"{1: 2}[1] == 2", "true"},
         {"dyn({1: 2})[1.0] == 2", "true"},
         {"{'a': 1, 'a': 2}.a == 2", "true"},
         {"[1, 2][1] == 2", "true"},
         {"[1, 2][2] == 2", "error: index out of bounds: 2"},
         {"[1, 2][-1] == 2", "error: index out of bounds: -1"},
         {"dyn([1, 2])[1u] == 2", "true"},
         {"dyn(1).a == 1", "error: no such key: a"},
         {"'a' in {'a': 1}", "true"},
         {"has({'a': 1}.a)", "true"},
         {"has({'a': 1}.b)", "false"}});
}

TEST(Optional, CarriesAbsence) {
    all_true({"optional.of(1).hasValue()",
              "!optional.none().hasValue()",
              "optional.of(1).value() == 1",
              "optional.none().orValue(2) == 2",
              "optional.of(1).orValue(2) == 1",
              "optional.none().or(optional.of(2)).value() == 2",
              "!optional.ofNonZeroValue('').hasValue()",
              "optional.of(1).optMap(x, x + 1).value() == 2",
              "!optional.none().optMap(x, x).hasValue()",
              "optional.of(1).optFlatMap(x, optional.of(x + 1)).value() == 2",
              "{'a': {'b': 1}}.?a.b.value() == 1",
              "!{'a': {'b': 1}}.?x.b.hasValue()",
              "{'a': [1]}.?a[0].value() == 1",
              "[1][?0].value() == 1",
              "![1][?1].hasValue()",
              "[?optional.of(1), ?optional.none()] == [1]",
              "{?'a': optional.of(1), ?'b': optional.none()} == {'a': 1}",
              "optional.of(1) == optional.of(1)",
              "optional.none() != optional.of(1)",
              "[1].first().value() == 1",
              "![].last().hasValue()",
              "has({'a': {'b': 1}}.?a.b)"});
    EXPECT_EQ(outcome("optional.none().value() == 1"), "error: optional.none() dereference");
    EXPECT_EQ(outcome("optional.unwrap([optional.of(1)] + [dyn(2)]) == [1]"),
              "error: value 2 is not optional");
    EXPECT_EQ(outcome("optional.of(1).or(optional.of(1 / 0)).value() == 1"), "true")
        << "the alternative is not evaluated";
}

TEST(Types, AreValues) {
    all_true({"type(1) == int", "type('a') == string", "type([]) == list", "type({}) == map",
              "type(null) == null_type", "type(1) != type(1u)", "type(type(1)) == type",
              "type(device.attributes) == map", "type(device.attributes.d.s) == string",
              "type(timestamp(0)) == google.protobuf.Timestamp"});
}

}  // namespace
}  // namespace knd::cel
