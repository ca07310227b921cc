// SPDX-License-Identifier: Apache-2.0
//
// Errors in Kubernetes' words. Each text here is what its own compiler and evaluator say; the
// differential compares thousands of others.
#include <gtest/gtest.h>

#include "tests/unit/cel/expressions.hpp"

namespace knd::cel {
namespace {

constexpr const char* kOperand =
    "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, "
    "STRING, BYTES, IDENTIFIER}";

std::string failed(std::string_view text) {
    return "compile: compilation failed: " + std::string(text);
}

/// The lines "ERROR: <input>:LINE:COLUMN: text" without what points into the source.
std::vector<std::string> issues(std::string_view expression) {
    std::vector<std::string> out;
    const auto text = outcome(expression);
    for (std::size_t at = text.find("ERROR: <input>:"); at != text.npos;) {
        const auto end = std::min(text.find('\n', at), text.size());
        out.push_back(text.substr(at + 15, end - at - 15));
        at = text.find("ERROR: <input>:", end);
    }
    return out;
}

using Lines = std::vector<std::string>;

TEST(SyntaxMessages, SayWhatWasExpected) {
    EXPECT_EQ(issues("1 +"), Lines{"1:4: Syntax error: mismatched input '<EOF>' expecting " +
                                   std::string(kOperand)});
    EXPECT_EQ(issues("a ? b"), Lines{"1:6: Syntax error: mismatched input '<EOF>' expecting ':'"});
    EXPECT_EQ(issues("[1,2"),
              Lines{"1:5: Syntax error: mismatched input '<EOF>' expecting {']', ','}"});
}

TEST(SyntaxMessages, TellMissingAndExtraneousInput) {
    EXPECT_EQ(issues("(1"), Lines{"1:3: Syntax error: missing ')' at '<EOF>'"});
    EXPECT_EQ(issues("1 2"), Lines{"1:3: Syntax error: extraneous input '2' expecting <EOF>"});
}

TEST(SyntaxMessages, TellWhereNoAlternativeIsLeft) {
    EXPECT_EQ(issues("a.b."), Lines{"1:5: Syntax error: no viable alternative at input '.'"});
    EXPECT_EQ(issues("a.true"),
              Lines{"1:3: Syntax error: mismatched input 'true' expecting IDENTIFIER"});
}

TEST(SyntaxMessages, GoOnAfterAnError) {
    EXPECT_EQ(issues("device.driver = 'x'"),
              (Lines{"1:15: Syntax error: token recognition error at: '= '",
                     "1:17: Syntax error: extraneous input ''x'' expecting <EOF>"}));
    EXPECT_EQ(issues("f(as, 99999999999999999999, has(1), x"),
              (Lines{"1:3: reserved identifier: as", "1:7: invalid int literal",
                     "1:33: invalid argument to has() macro",
                     "1:38: Syntax error: missing ')' at '<EOF>'"}));
}

TEST(SyntaxMessages, GiveUpAfterThirtyRecoveries) {
    std::string marks;
    for (int i = 0; i < 50; ++i)
        marks += "&&";
    const auto all = issues(marks);
    ASSERT_FALSE(all.empty());
    EXPECT_TRUE(all.back().ends_with("Syntax error: error recovery attempt limit exceeded: 30"));
}

TEST(SyntaxMessages, AreBoundedForHostileNesting) {
    std::string nested;
    for (int i = 0; i < 60; ++i)
        nested += "-5[";
    EXPECT_TRUE(outcome(nested).starts_with("compile: "));
    EXPECT_EQ(outcome(std::string(300, '(')),
              failed("ERROR: <input>:-1:0: expression recursion limit exceeded: 250"));
}

TEST(Messages, ShowTheLineAndPointBelowIt) {
    EXPECT_EQ(outcome("\tfoo == 1"),
              failed("ERROR: <input>:1:2: undeclared reference to 'foo' (in container '')\n"
                     " |  foo == 1\n | .^"));
    EXPECT_EQ(outcome("'\xC3\xA4' + 5 == ''"),
              failed("ERROR: <input>:1:5: found no matching overload for '_+_' applied to "
                     "'(string, int)'\n | '\xC3\xA4' + 5 == ''\n | .\xEF\xBC\x8E..^"));
    EXPECT_TRUE(outcome("").starts_with(failed("ERROR: <input>:1:0: Syntax error")));
}

TEST(Messages, CountWhatExceedsAHundred) {
    std::string text = "foo";
    for (int i = 0; i < 119; ++i)
        text += " + foo";
    EXPECT_TRUE(outcome(text).ends_with("\n20 more errors were truncated"));
}

TEST(Messages, NameVariablesOfTypesAsTheReferenceDoes) {
    EXPECT_EQ(issues("[[].a].optMap(v, 1)"),
              (Lines{"1:4: type 'list(_var0)' does not support field selection",
                     "1:4: type 'list(_var3)' does not support field selection",
                     "1:14: found no matching overload for 'hasValue' applied to 'list(dyn).()'",
                     "1:14: found no matching overload for 'value' applied to 'list(dyn).()'"}));
}

TEST(Messages, OfMessagesSayWhatTheNameIs) {
    EXPECT_EQ(issues("int{a: foo}"),
              (Lines{"1:4: 'int' is not a message type", "1:6: undefined field 'a'",
                     "1:8: undeclared reference to 'foo' (in container '')"}));
    EXPECT_EQ(issues("device{}"), Lines{"1:7: 'kubernetes.DRADevice' is not a type"});
}

TEST(Messages, NameTypesOfTypes) {
    EXPECT_EQ(compile_error("[type] == 1"),
              "found no matching overload for '_==_' applied to '(list(type(type)), int)'");
    EXPECT_EQ(
        compile_error("type(optional_type) == 1"),
        "found no matching overload for '_==_' applied to '(type(type(optional_type)), int)'");
    EXPECT_EQ(issues("[type(foo)] == 1"),
              (Lines{"1:7: undeclared reference to 'foo' (in container '')",
                     "1:13: found no matching overload for '_==_' applied to "
                     "'(list(type(!error!)), int)'"}));
}

TEST(Messages, OfResultsNameTheConversion) {
    EXPECT_EQ(outcome("device.driver"),
              "compile: must evaluate to bool or the unknown type, not string");
    EXPECT_EQ(outcome("device.attributes['d'].v"),
              "error: CEL result of type kubernetes.Semver could not be converted to bool: type "
              "conversion error from 'Semver' to 'bool'");
    EXPECT_EQ(outcome("device.attributes['d'].i"),
              "error: CEL result of type int could not be converted to bool: unsupported type "
              "conversion from 'int' to bool");
}

TEST(Messages, OfOperatorsNameThemWhereTheLeftHasNone) {
    EXPECT_EQ(outcome("dyn({}) + 1 == 2"), "error: no such overload: _+_");
    EXPECT_EQ(outcome("dyn(1) + dyn('a') == 2"), "error: no such overload");
    EXPECT_EQ(outcome("dyn(null) < 2"), "error: no such overload: _<_");
    EXPECT_EQ(outcome("-dyn(1u) == 1"), "error: no such overload: -_");
}

TEST(Messages, OfAddressesAreThoseOfGo) {
    EXPECT_EQ(outcome("ip('1.2.3.400').family() == 4"),
              "error: IP Address \"1.2.3.400\" parse error during conversion from string: "
              "ParseAddr(\"1.2.3.400\"): IPv4 field has value >255");
    EXPECT_EQ(outcome("cidr('1.2.3.4/08').prefixLength() == 8"),
              "error: network address parse error during conversion from string: network address "
              "parse error during conversion from string: netip.ParsePrefix(\"1.2.3.4/08\"): bad "
              "bits after slash: \"08\"");
    EXPECT_EQ(outcome("ip('fe80::1%eth0').family() == 6"),
              "error: IP address \"fe80::1%eth0\" with zone value is not allowed");
}

TEST(Messages, OfRuntimeErrorsAreKubernetes) {
    const std::pair<const char*, const char*> table[] = {
        {"device.attributes['d'].zz == 1", "no such key: zz"},
        {"device.attributes['d'].i / 0 == 1", "division by zero"},
        {"device.attributes['d'].i % 0 == 1", "modulus by zero"},
        {"9223372036854775807 + device.attributes['d'].i == 0", "integer overflow"},
        {"[1, 2][device.attributes['d'].i] == 1", "index out of bounds: 3"},
        {"[1, 2][dyn(1e18)] == 1", "index out of bounds: 1e+18"},
        {"[1, 2][dyn(0.5)] == 1", "unsupported index value 0.5 in list"},
        {"[1, 2][dyn(18446744073709551615u)] == 1",
         "unsupported index value 18446744073709551615 in list"},
        {"[1, 2][dyn(device.driver)] == 1", "unsupported index type 'string' in list"},
        {"device.driver.matches(device.driver + '(')",
         "error parsing regexp: missing closing ): `d(`"},
        {"quantity(device.driver).isInteger()",
         "quantities must match the regular expression "
         "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"},
        {"semver(device.driver).major() == 1", "No Major.Minor.Patch elements found"},
        {"url(device.driver).getHost() == ''",
         "URL parse error during conversion from string: parse \"d\": invalid URI for request"},
        {"url('http://[]').getHost() == ''",
         "URL parse error during conversion from string: parse \"http://[]\": invalid host: "
         "ParseAddr(\"\"): unable to parse IP"},
        {"url('http://[1.2.3.4]').getHost() == ''",
         "URL parse error during conversion from string: parse \"http://[1.2.3.4]\": "
         "invalid IP-literal"},
        {"timestamp(device.driver) == timestamp(0)",
         "type conversion error from 'string' to 'google.protobuf.Timestamp'"},
        {"duration(device.driver) == duration('1s')",
         "type conversion error from 'string' to 'google.protobuf.Duration'"},
        {"timestamp(0).getHours('1:x') == 1", "strconv.Atoi: parsing \"x\": invalid syntax"},
        {"timestamp(0).getHours('..') == 1", "time: invalid location name"},
        {"dyn(1).all(x, true)", "got 'types.Int', expected iterable type"},
        {"dyn(1).all(x, y, true)", "unsupported comprehension range type: types.Int"},
        {"{}[device.attributes['d'].v] == 1", "invalid qualifier type: cel.Semver"},
        {"size(dyn(1)) == 1", "no such overload: size"},
        {"optional.none().value() == 1", "optional.none() dereference"}};
    for (const auto& [expression, text] : table)
        EXPECT_EQ(outcome(expression), "error: " + std::string(text));
}

TEST(Language, ReadsANegativeNumberAfterANot) {
    EXPECT_EQ(issues("!-1"), Lines{"1:1: found no matching overload for '!_' applied to '(int)'"});
}

TEST(Language, TakesACommaAloneForAnEmptyList) {
    EXPECT_EQ(outcome("[,] == [] && {,} == {}"), "true");
}

TEST(Language, KnowsTheTypesOfTimesByTheirFullNames) {
    EXPECT_EQ(outcome("type(timestamp(0)) == google.protobuf.Timestamp"), "true");
    EXPECT_EQ(outcome("type(duration('1s')) == google.protobuf.Duration"), "true");
    EXPECT_EQ(outcome("type(ip('::1')) == net.IP && type(cidr('::/8')) == net.CIDR"), "true");
}

TEST(Language, ChecksTheShortNamesOfTimesAndThenDoesNotFindThem) {
    EXPECT_EQ(outcome("type(timestamp(0)) == timestamp"),
              "compile: program instantiation failed: reference to undefined type: timestamp");
    EXPECT_EQ(outcome("[1].all(timestamp, timestamp == 1)"), "true");
}

TEST(Language, TakesTheResultOutOfAnOptional) {
    EXPECT_EQ(outcome("dyn(optional.of(true))", {.list_attributes = true}), "true");
}

TEST(Language, NegatesDurationsThatAreDynamic) {
    EXPECT_EQ(outcome("-dyn(duration('1s')) == duration('-1s')"), "true");
}

}  // namespace
}  // namespace knd::cel
