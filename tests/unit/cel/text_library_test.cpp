// SPDX-License-Identifier: Apache-2.0
//
// url(), the named formats, string.format() and time zones.
#include <gtest/gtest.h>

#include "tests/unit/cel/expressions.hpp"

namespace knd::cel {
namespace {

void expect_true(std::initializer_list<const char*> expressions) {
    for (const auto* expression : expressions)
        EXPECT_EQ(outcome(expression), "true") << expression;
}
void expect_false(std::initializer_list<const char*> expressions) {
    for (const auto* expression : expressions)
        EXPECT_EQ(outcome(expression), "false") << expression;
}

TEST(Url, IsTakenApart) {
    expect_true({"url('https://u:p@example.com:80/a%20b?x=1#f').getScheme() == 'https'",
                 "url('https://u:p@example.com:80/a%20b?x=1#f').getHost() == 'example.com:80'",
                 "url('https://u:p@example.com:80/a%20b?x=1#f').getHostname() == 'example.com'",
                 "url('https://u:p@example.com:80/a%20b?x=1#f').getPort() == '80'",
                 "url('https://u:p@example.com:80/a%20b?x=1#f').getEscapedPath() == '/a%20b'",
                 "url('http://[fe80::1%25eth0]:8080/').getHostname() == 'fe80::1%eth0'",
                 "url('/x?a=1&a=2&b').getQuery() == {'a': ['1', '2'], 'b': ['']}",
                 "url('/ä').getEscapedPath() == '/%C3%A4'", "url('/a') == url('/a')"});
}

TEST(Url, IsAbsoluteOrFromTheRoot) {
    expect_true({"isURL('https://example.com')", "isURL('/a/b')", "isURL('mailto:a@b')"});
    expect_false({"isURL('')", "isURL('a/b')", "isURL('https://a b/')", "isURL('http://[::1')",
                  "isURL('http://h:x/')", "isURL('/%zz')", "isURL('://h')"});
    EXPECT_EQ(outcome("url('a') == url('b')"),
              "error: URL parse error during conversion from string: parse \"a\": invalid URI for "
              "request");
}

TEST(NamedFormat, HasNothingToSayAboutGoodTexts) {
    for (const auto& [format, text] : {std::pair("dns1123Label", "my-name"),
                                       {"dns1123Subdomain", "a.b-c.d"},
                                       {"dns1035Label", "a1"},
                                       {"qualifiedName", "example.com/My_Name"},
                                       {"dns1123LabelPrefix", "my-"},
                                       {"labelValue", ""},
                                       {"uri", "/x"},
                                       {"uuid", "123E4567-e89b12d3-a456-426614174000"},
                                       {"byte", "aGVsbG8="},
                                       {"date", "2024-02-29"},
                                       {"datetime", "2021-01-01T00:00:00.5z"}})
        EXPECT_EQ(
            outcome("!format." + std::string(format) + "().validate('" + text + "').hasValue()"),
            "true")
            << format;
}

TEST(NamedFormat, SaysWhatIsWrong) {
    for (const auto& [format, text] : {std::pair("dns1123Label", "My"),
                                       {"dns1123Subdomain", "a..b"},
                                       {"dns1035Label", "1a"},
                                       {"qualifiedName", "a/b/c"},
                                       {"dns1035LabelPrefix", "-"},
                                       {"labelValue", "a b"},
                                       {"uri", "x y"},
                                       {"uuid", "123e4567-e89b"},
                                       {"byte", "aGVsbG8"},
                                       {"date", "2023-02-29"},
                                       {"datetime", "2021-01-01 00:00:00"}})
        EXPECT_EQ(outcome("format.named('" + std::string(format) + "').value().validate('" + text +
                          "').value().size() > 0"),
                  "true")
            << format;
    expect_true(
        {"format.dns1123Label().validate('a.b').value() == ['must not contain dots']",
         "format.labelValue().validate('a'.replace('a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')"
         " + 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa').value() == "
         "['must be no more than 63 bytes']",
         R"(format.uri().validate('\\"').value() == ['parse "\\\\\\"": invalid URI for request'])",
         "!format.named('nothing').hasValue()"});
}

TEST(StringFormat, FillsEveryClause) {
    expect_true({"'%s %s'.format(['a', 'b']) == 'a b'", "'%d%%'.format([50]) == '50%'",
                 "'%f'.format([1234567.891]) == '1,234,567.891000'",
                 "'%.2f'.format([-0.5]) == '-0.50'", "'%e'.format([1234.5]) == '1.234500×10⁰³'",
                 "'%x %X'.format([-10, b'\\xab']) == '-a AB'", "'%b'.format([5]) == '101'",
                 "'%o'.format([8u]) == '10'", "'%s'.format([[1.5, 2.0]]) == '[1.500000, 2.000000]'",
                 "'%s'.format([{'b': 1, 'a': 'x'}]) == '{\"a\":\"x\", \"b\":1}'",
                 "'%s'.format([null]) == 'null'", "'%s'.format([type(1)]) == 'int'",
                 "'%s'.format([[duration('1h')]]) == '[duration(\"3600s\")]'",
                 "'%f'.format(['NaN']) == 'NaN'"});
}

TEST(StringFormat, IsCheckedAgainstItsArguments) {
    EXPECT_EQ(compile_error("'%d'.format(['a']) == ''"),
              "error during formatting: decimal clause can only be used on integers, was given "
              "string");
    EXPECT_EQ(compile_error("'%s'.format([quantity('1')]) == ''"),
              "error during formatting: string clause can only be used on strings, bools, bytes, "
              "ints, doubles, maps, lists, types, durations, and timestamps, was given "
              "kubernetes.Quantity");
    EXPECT_EQ(compile_error("'%d %d'.format([1]) == ''"), "index 1 out of range");
    EXPECT_EQ(compile_error("'%d'.format([1, 2]) == ''"),
              "too many arguments supplied to string.format (expected 1, got 2)");
    EXPECT_EQ(outcome("'%y'.format(dyn([1])) == ''"),
              "error: could not parse formatting clause: unrecognized formatting clause \"y\"");
}

TEST(Time, KnowsZonesByNameAndByOffset) {
    expect_true({"timestamp('2023-08-26T12:39:00-07:00').getHours('Europe/Berlin') == 21",
                 "timestamp('2023-01-26T12:39:00-07:00').getHours('Europe/Berlin') == 20",
                 "timestamp('2023-08-26T12:39:00Z').getHours('+05:30') == 18",
                 "timestamp('2023-08-26T12:39:00Z').getMinutes('-02:30') == 9",
                 "timestamp('2023-08-26T23:39:00-07:00').getDate() == 27",
                 "string(timestamp('2023-08-26T12:39:00-07:00')) == '2023-08-26T12:39:00-07:00'"});
    EXPECT_EQ(outcome("timestamp(0).getHours('no/where') == 0"),
              "error: unknown time zone no/where");
    EXPECT_EQ(outcome("timestamp(0).getHours('../../etc/passwd') == 0"),
              "error: time: invalid location name");
}

TEST(Regex, IsCompiledWithTheExpression) {
    EXPECT_EQ(
        outcome("''.findAll('(') == []"),
        "compile: program instantiation failed: error parsing regexp: missing closing ): `(`");
    EXPECT_EQ(compile_error("'a'.matches('(')"), "invalid matches argument");
    expect_true({"'ab'.matches('(?<first>a)b')", "'a<b'.find('[<]') == '<'"});
}

}  // namespace
}  // namespace knd::cel
