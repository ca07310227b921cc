// SPDX-License-Identifier: Apache-2.0
//
// Functions: texts, conversions, times, lists, Kubernetes' values.
#include <gtest/gtest.h>

#include "tests/unit/cel/expressions.hpp"

namespace knd::cel {
namespace {

void all_true(std::initializer_list<const char*> expressions) {
    for (const auto* expression : expressions)
        EXPECT_EQ(outcome(expression), "true") << expression;
}

TEST(Strings, AreSearchedAndCut) {
    all_true({"'abc'.contains('b')", "'abc'.startsWith('a')", "'abc'.endsWith('c')",
              "'日本'.charAt(1) == '本'", "'abc'.charAt(3) == ''", "'hello'.indexOf('l') == 2",
              "'日本語'.indexOf('語') == 2", "'hello'.indexOf('l', 3) == 3",
              "'hello'.indexOf('x') == -1", "'hello'.lastIndexOf('l') == 3",
              "'hello'.lastIndexOf('l', 2) == 2", "'tacocat'.substring(4) == 'cat'",
              "'日本語'.substring(1, 2) == '本'"});
    EXPECT_EQ(outcome("'abc'.charAt(4) == ''"), "error: index out of range: 4");
    EXPECT_EQ(outcome("'abc'.substring(2, 1) == ''"),
              "error: invalid substring range. start: 2, end: 1");
}

TEST(Strings, AreTransformed) {
    all_true({"'TacoCÆt'.lowerAscii() == 'tacocÆt'", "'abc'.upperAscii() == 'ABC'",
              "'aaa'.replace('a', 'b') == 'bbb'", "'aaa'.replace('a', 'b', 2) == 'bba'",
              "'日本'.replace('', '_') == '_日_本_'", "'a,b,'.split(',') == ['a', 'b', '']",
              "'abc'.split('') == ['a', 'b', 'c']", "'a,b,c'.split(',', 2) == ['a', 'b,c']",
              "['a', 'b'].join('-') == 'a-b'", "'\\u00a0\\t x\\u3000'.trim() == 'x'",
              R"(strings.quote("a\"b\n") == "\"a\\\"b\\n\"")"});
}

TEST(Conversion, ReadsNumbersAsGoDoes) {
    all_true({"double('1_0.5_0e0_1') == 105.0", "double('0x1.8p1') == 3.0",
              "double('0X_1P+1') == 2.0", "double('.5') == 0.5", "double('5.') == 5.0",
              "double('-Infinity') < 0.0", "int('+9') == 9", "int('-0') == 0"});
    for (const auto* text : {"1__0", "_1", "1_", "1_.5", "1e_1", "0x1", "0x_p1", "+nan", "nan(1)",
                             "1e400", "1p3", " 1", "1 ", "--1", "", "."})
        EXPECT_EQ(outcome(std::string("double('") + text + "') == 1.0"),
                  "compile: program instantiation failed: type conversion error from 'string' to "
                  "'double'")
            << text;
    for (const auto* text : {"+-9", "-+9", "++9", "1_0", "0x1", " 1"})
        EXPECT_NE(outcome(std::string("int('") + text + "') == 9"), "true") << text;
}

TEST(Regex, NamesGroupsInAscii) {
    EXPECT_EQ(compile_error("'a'.matches('(?<ä>a)')"), "invalid matches argument");
    EXPECT_EQ(outcome("'a'.find('(?<n_1>a)') == 'a'"), "true");
}

TEST(Regex, KnowsCategoriesByAnyNameThatGoKnows) {
    all_true({R"('a'.matches(r'\pl'))", R"('a'.matches(r'\p{Lower-case letter}'))",
              R"('a'.matches(r'\p{LATIN}'))", R"('é'.matches(r'\P{ascii}'))",
              R"('a1'.matches(r'^[\p{lc}\d]+$'))", R"(!'a'.matches(r'\P{^punct}|\p{cn}'))",
              R"('\\pl'.matches(r'^\\pl$'))", R"('\\pl'.matches(r'\Q\pl\E'))"});
    for (const auto* pattern : {"\\pX", "\\p", "\\p{", "\\p{}", "\\p{nope}", "[\\P{lc}]"})
        EXPECT_EQ(compile_error(std::string("'a'.matches(r'") + pattern + "')"),
                  "invalid matches argument")
            << pattern;
}

TEST(Regex, IsRe2) {
    all_true({"'abc'.matches('^a.c$')", "'abc'.matches('b')", "matches('abc', 'c$')",
              "'abc'.find('[bc]+') == 'bc'", "'abab'.findAll('a') == ['a', 'a']",
              "'abab'.findAll('a', 1) == ['a']", "'abc'.find('x') == ''",
              "dyn(int).matches('^int$')", "dyn(int).find('n') == 'n'"});
    EXPECT_EQ(compile_error("'abc'.matches('[')"), "invalid matches argument");
    EXPECT_TRUE(outcome("'abc'.matches(device.attributes.d.s + '[')")
                    .starts_with("error: error parsing regexp: "));
}

TEST(Conversions, GoBothWays) {
    all_true({"int(1.9) == 1",
              "int(-1.9) == -1",
              "int('42') == 42",
              "int(5u) == 5",
              "int(timestamp('1970-01-01T00:01:00Z')) == 60",
              "uint(5) == 5u",
              "uint('7') == 7u",
              "double(1) == 1.0",
              "double('1.5') == 1.5",
              "bool('true')",
              "!bool('F')",
              "string(1) == '1'",
              "string(1.5) == '1.5'",
              "string(1000000.0) == '1e+06'",
              "string(0.00001) == '1e-05'",
              "string(true) == 'true'",
              "string(b'abc') == 'abc'",
              "bytes('abc') == b'abc'",
              "string(duration('1h30m')) == '5400s'",
              "string(timestamp('2024-02-29T12:34:56.789Z')) == '2024-02-29T12:34:56.789Z'"});
    for (const auto* expression : {"int(1e30) == 1", "uint(-5) == 5u", "int('a') == 1",
                                   "bool('yes')", "string(b'\\xff') == ''"})
        EXPECT_TRUE(outcome(expression).starts_with("compile: program instantiation failed: "))
            << expression;
    EXPECT_EQ(outcome("int(device.attributes.d.s) == 1"),
              "error: type conversion error from 'string' to 'int'");
}

TEST(Time, IsReadComparedAndTakenApart) {
    all_true(
        {"duration('1h') == duration('60m')", "duration('1h') > duration('1.5s')",
         "duration('1h') + duration('1m') == duration('61m')",
         "timestamp('2024-02-29T00:00:00Z') + duration('24h') == timestamp('2024-03-01T00:00:00Z')",
         "timestamp('2024-01-02T00:00:00Z') - timestamp('2024-01-01T00:00:00Z') == duration('24h')",
         "timestamp('2024-02-29T00:00:00+01:00') == timestamp('2024-02-28T23:00:00Z')",
         "timestamp('2024-02-29T12:34:56.789Z').getFullYear() == 2024",
         "timestamp('2024-02-29T12:34:56.789Z').getMonth() == 1",
         "timestamp('2024-02-29T12:34:56.789Z').getDate() == 29",
         "timestamp('2024-02-29T12:34:56.789Z').getDayOfMonth() == 28",
         "timestamp('2024-02-29T12:34:56.789Z').getDayOfYear() == 59",
         "timestamp('2024-02-29T12:34:56.789Z').getDayOfWeek() == 4",
         "timestamp('2024-02-29T12:34:56.789Z').getHours('+09:00') == 21",
         "timestamp('2024-02-29T12:34:56.789Z').getMinutes() == 34",
         "timestamp('2024-02-29T12:34:56.789Z').getSeconds() == 56",
         "timestamp('2024-02-29T12:34:56.789Z').getMilliseconds() == 789",
         "timestamp('0001-01-01T00:00:00Z').getFullYear() == 1", "duration('90m').getHours() == 1",
         "duration('90m').getMinutes() == 90"});
    EXPECT_EQ(compile_error("duration('x') == duration('1s')"), "invalid duration argument");
    EXPECT_EQ(compile_error("timestamp('2024-02-30T00:00:00Z') == timestamp(0)"),
              "invalid timestamp argument");
    EXPECT_EQ(outcome("timestamp('9999-12-31T23:59:59Z') + duration('1s') == timestamp(0)"),
              "error: timestamp overflow");
}

TEST(Lists, HaveFunctions) {
    all_true({"[1, 2].isSorted()", "![2, 1].isSorted()", "[1, 2].sum() == 3", "[1, 2].max() == 2",
              "['b', 'a'].min() == 'a'", "[1, 2, 1].indexOf(1) == 0",
              "[1, 2, 1].lastIndexOf(1) == 2", "[1, 2, 3].slice(1, 2) == [2]",
              "[[1], [2]].flatten() == [1, 2]", "lists.range(3) == [0, 1, 2]",
              "[1, 2].reverse() == [2, 1]", "[1, 2, 1].distinct() == [1, 2]",
              "[2, 1].sort() == [1, 2]",
              "[{'n': 2}, {'n': 1}].sortBy(e, e.n) == [{'n': 1}, {'n': 2}]",
              "sets.contains([1, 2], [1])", "sets.equivalent([1, 2], [2, 1, 1])",
              "!sets.intersects([1], [2])", "[1] + [2] == [1, 2]"});
    EXPECT_EQ(outcome("dyn([1, 'a'].map(x, x)) == []").substr(0, 8), "compile:");
}

TEST(Quantity, IsAValueOfExpressions) {
    all_true({"quantity('10Mi').asInteger() == 10485760", "!quantity('1.5').isInteger()",
              "quantity('50k').asApproximateFloat() == 50000.0",
              "quantity('50k').add(quantity('20')) == quantity('50020')",
              "quantity('50k').sub(1) == quantity('49999')", "sign(quantity('-1')) == -1",
              "quantity('1Ki').isGreaterThan(quantity('1k'))", "!isQuantity('x')",
              "quantity('1Ki').compareTo(quantity('1024')) == 0"});
    EXPECT_EQ(compile_error("device.capacity.d.mem > quantity('1')"),
              "found no matching overload for '_>_' applied to '(kubernetes.Quantity, "
              "kubernetes.Quantity)'");
}

TEST(Net, KnowsAddressesAndPrefixes) {
    all_true({"ip('10.0.0.1').family() == 4",
              "ip('2001:db8::1').family() == 6",
              "!isIP('::ffff:1.2.3.4')",
              "!isIP('fe80::1%eth0')",
              "!isIP('01.2.3.4')",
              "ip.isCanonical('2001:db8::1')",
              "!ip.isCanonical('2001:DB8:0::1')",
              "string(ip('2001:DB8:0:0:1:0:0:1')) == '2001:db8::1:0:0:1'",
              "string(ip('::')) == '::'",
              "string(ip('1::')) == '1::'",
              "ip('127.0.0.1').isLoopback()",
              "ip('::1').isLoopback()",
              "ip('fe80::1').isLinkLocalUnicast()",
              "ip('224.0.0.1').isLinkLocalMulticast()",
              "ip('8.8.8.8').isGlobalUnicast()",
              "!ip('255.255.255.255').isGlobalUnicast()",
              "cidr('10.0.0.0/8').containsIP('10.1.2.3')",
              "!cidr('10.0.0.0/8').containsIP(ip('11.0.0.1'))",
              "cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')",
              "!cidr('10.1.0.0/16').containsCIDR(cidr('10.0.0.0/8'))",
              "cidr('10.1.2.3/12').masked() == cidr('10.0.0.0/12')",
              "cidr('10.1.2.3/12').ip() == ip('10.1.2.3')",
              "cidr('10.0.0.0/8').prefixLength() == 8",
              "!isCIDR('10.0.0.0/33')",
              "!isCIDR('10.0.0.0/08')",
              "string(cidr('10.1.2.3/12')) == '10.1.2.3/12'"});
    EXPECT_EQ(
        outcome("ip('x') == ip('1.2.3.4')"),
        "error: IP Address \"x\" parse error during conversion from string: ParseAddr(\"x\"): "
        "unable to parse IP");
}

TEST(Semver, IsAValueOfExpressions) {
    all_true({"semver('1.2.3').major() == 1", "semver('1.2.3').minor() == 2",
              "semver('1.2.3').patch() == 3", "semver('1.2.3').isLessThan(semver('1.10.0'))",
              "semver('v1.2', true) == semver('1.2.0')", "!isSemver('v1.2')",
              "isSemver('v1.2', true)", "semver('1.0.0+a') == semver('1.0.0+b')"});
    EXPECT_EQ(outcome("semver('1') == semver('1.0.0')"),
              "error: No Major.Minor.Patch elements found");
}

}  // namespace
}  // namespace knd::cel
