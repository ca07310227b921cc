// SPDX-License-Identifier: Apache-2.0
//
// One named case for each rule of the environment that has no better place: functions by the
// library that brings them, and what a release changes.
#include <gtest/gtest.h>

#include "tests/unit/cel/expressions.hpp"

namespace knd::cel {
namespace {

struct Rule {
    const char* name;
    const char* expression;
    const char* outcome = "true";
};

class LanguageRule : public testing::TestWithParam<Rule> {};

TEST_P(LanguageRule, Holds) {
    EXPECT_EQ(outcome(GetParam().expression), GetParam().outcome) << GetParam().expression;
}

std::string name_of(const testing::TestParamInfo<Rule>& rule) {
    return rule.param.name;
}

INSTANTIATE_TEST_SUITE_P(
    Literals, LanguageRule,
    testing::Values(Rule{"Decimal", "10 == 9 + 1"}, Rule{"Hexadecimal", "0xff == 255"},
                    Rule{"Unsigned", "1u + 1u == 2u"}, Rule{"Exponent", "1.5e2 == 150.0"},
                    Rule{"Text", "'a' + \"b\" == 'ab'"}, Rule{"RawText", R"(r'\n' == '\\n')"},
                    Rule{"Bytes", R"(b'\x61' == b'a')"}, Rule{"Null", "null == null"},
                    Rule{"Bool", "true != false"}, Rule{"List", "[1, 2][0] == 1"},
                    Rule{"Map", "{'a': 1}['a'] == 1"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Macros, LanguageRule,
    testing::Values(
        Rule{"Has", "has(device.attributes.d.s) && !has(device.attributes.d.none)"},
        Rule{"All", "[1, 2].all(x, x > 0) && ![1, 2].all(x, x > 1)"},
        Rule{"Exists", "[1, 2].exists(x, x == 2) && ![1, 2].exists(x, x == 3)"},
        Rule{"ExistsOne", "[1, 2].exists_one(x, x > 1) && ![1, 2].exists_one(x, x > 0)"},
        Rule{"Map", "[1, 2].map(x, x + 1) == [2, 3]"},
        Rule{"MapWithFilter", "[1, 2].map(x, x > 1, x + 1) == [3]"},
        Rule{"Filter", "[1, 2].filter(x, x > 1) == [2]"},
        Rule{"AllOfTwo", "['a', 'b'].all(i, v, i < 2 && v != '') && !{'a': 1}.all(k, v, v > 1)"},
        Rule{"ExistsOfTwo", "['a', 'b'].exists(i, v, i == 1 && v == 'b')"},
        Rule{"ExistsOneOfTwo",
             "['a', 'b'].existsOne(i, v, i == 1) && ![1, 1].existsOne(i, v, v == 1)"},
        Rule{"TransformListOfAMap", "{'a': 1}.transformList(k, v, k) == ['a']"},
        Rule{"TransformMapOfAList", "['a'].transformMap(i, v, v) == {0: 'a'}"},
        Rule{"TransformMapWithFilter", "{'a': 1, 'b': 2}.transformMap(k, v, v > 1, v) == {'b': 2}"},
        Rule{"TransformMapEntry", "{'a': 'b'}.transformMapEntry(k, v, {v: k}) == {'b': 'a'}"},
        Rule{"Bind", "cel.bind(x, 2, x * x) == 4"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Optionals, LanguageRule,
    testing::Values(Rule{"OfAField", "{'a': 1}.?a == optional.of(1)"},
                    Rule{"OfAMissingField", "!{'a': 1}.?b.hasValue()"},
                    Rule{"OfAnIndex", "[1][?0].value() == 1 && ![1][?1].hasValue()"},
                    Rule{"OrValue", "optional.none().orValue(1) == 1"},
                    Rule{"Or", "optional.none().or(optional.of(1)) == optional.of(1)"},
                    Rule{"OptMap", "optional.of(1).optMap(x, x + 1) == optional.of(2)"},
                    Rule{"OptFlatMap", "optional.of(1).optFlatMap(x, optional.of(x)).hasValue()"},
                    Rule{"OfNonZeroValue", "!optional.ofNonZeroValue(0).hasValue()"},
                    Rule{"NoValue", "optional.none().value() == 1",
                         "error: optional.none() dereference"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Strings, LanguageRule,
    testing::Values(Rule{"CharAt", "'abc'.charAt(1) == 'b'"},
                    Rule{"IndexOf", "'abcb'.indexOf('b') == 1"},
                    Rule{"Join", "['a', 'b'].join() == 'ab'"},
                    Rule{"LastIndexOf", "'abcb'.lastIndexOf('b') == 3"},
                    Rule{"LowerAscii", "'AbÄ'.lowerAscii() == 'abÄ'"},
                    Rule{"UpperAscii", "'abä'.upperAscii() == 'ABä'"},
                    Rule{"Replace", "'aa'.replace('a', 'b', 1) == 'ba'"},
                    Rule{"Split", "'a b'.split(' ') == ['a', 'b'] && 'a b'.split(' ', 0) == []"},
                    Rule{"Substring", "'abc'.substring(1, 2) == 'b'"},
                    Rule{"Trim", R"(' \t a\n'.trim() == 'a')"},
                    Rule{"Format", "'%s-%d'.format(['a', 7]) == 'a-7'"},
                    Rule{"Quote", R"(strings.quote('a"') == '"a\\""')"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Lists, LanguageRule,
    testing::Values(
        Rule{"IsSorted", "[].isSorted() && !['b', 'a'].isSorted()"},
        Rule{"Sum", "[1.5, 2.5].sum() == 4.0"},
        Rule{"SumOfNothing", "[1].filter(x, false).sum() == 0"},
        Rule{"SumOfDurations", "[duration('1m'), duration('1s')].sum() == duration('61s')"},
        Rule{"Min", "[2, 1].min() == 1"}, Rule{"Max", "['a', 'b'].max() == 'b'"},
        Rule{"MinOfNothing", "[1].filter(x, false).min() == 0", "error: min called on empty list"},
        Rule{"MaxOfNothing", "[1].filter(x, false).max() == 0", "error: max called on empty list"},
        Rule{"IndexOf", "['a', 'b', 'b'].indexOf('b') == 1"},
        Rule{"LastIndexOf", "['a', 'b', 'b'].lastIndexOf('b') == 2"},
        Rule{"NoIndex", "[1].indexOf(2) == -1 && [1].lastIndexOf(2) == -1"},
        Rule{"Slice", "[1, 2, 3].slice(1, 3) == [2, 3]"},
        Rule{"Flatten", "[[1], [2, 3], [4].filter(x, false)].flatten() == [1, 2, 3]"},
        Rule{"FlattenDeeper", "[[[1], [2]], [[3]]].flatten(2) == [1, 2, 3]"},
        Rule{"Range", "lists.range(0) == [] && lists.range(2) == [0, 1]"},
        Rule{"Distinct", "[2, 1, 2].distinct() == [2, 1]"},
        Rule{"Reverse", "[1, 2, 3].reverse() == [3, 2, 1]"},
        Rule{"Sort", "['b', 'a'].sort() == ['a', 'b']"},
        Rule{"SortBy", "['bb', 'a'].sortBy(x, size(x)) == ['a', 'bb']"},
        Rule{"FirstAndLast", "[1, 2].first().value() == 1 && [1, 2].last().value() == 2"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Sets, LanguageRule,
    testing::Values(
        Rule{"Contains", "sets.contains([1, 2], [2]) && !sets.contains([1], [2])"},
        Rule{"ContainsNothing", "sets.contains([1], [])"},
        Rule{"Equivalent", "sets.equivalent([1, 1], [1]) && !sets.equivalent([1], [2])"},
        Rule{"Intersects", "sets.intersects([1, 2], [2]) && !sets.intersects([1], [])"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Addresses, LanguageRule,
    testing::Values(
        Rule{"CompatibleIsWrittenInHexadecimal", "string(ip('::1.2.3.4')) == '::102:304'"},
        Rule{"CompatibleIsNotCanonicalWithDots", "!ip.isCanonical('::1.2.3.4')"},
        Rule{"CompatibleIsCanonicalInHexadecimal", "ip.isCanonical('::102:304')"},
        Rule{"LongestRunOfZerosIsShortened", "string(ip('1:0:0:2:0:0:0:3')) == '1:0:0:2::3'"},
        Rule{"FirstOfEqualRunsIsShortened", "string(ip('1:0:0:2:3:0:0:4')) == '1::2:3:0:0:4'"},
        Rule{"OneZeroIsNotShortened", "string(ip('1:0:2:3:4:5:6:7')) == '1:0:2:3:4:5:6:7'"},
        Rule{"Unspecified", "ip('0.0.0.0').isUnspecified() && ip('::').isUnspecified()"},
        Rule{"LinkLocalUnicast", "ip('169.254.1.1').isLinkLocalUnicast()"},
        Rule{"LinkLocalMulticast", "ip('ff02::1').isLinkLocalMulticast()"},
        Rule{"GlobalUnicast", "ip('10.0.0.1').isGlobalUnicast() && !ip('::1').isGlobalUnicast()"},
        Rule{"PrefixOfOneAddress", "cidr('::1/128').containsIP(ip('::1'))"},
        Rule{"PrefixOfTheOtherFamily", "!cidr('0.0.0.0/0').containsIP('::1')"},
        Rule{"PrefixMasked", "cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8')"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Values, LanguageRule,
    testing::Values(
        Rule{"QuantityAdd", "quantity('1Ki').add(quantity('1Ki')).compareTo(quantity('2Ki')) == 0"},
        Rule{"QuantitySub", "quantity('3').sub(quantity('1')).compareTo(quantity('2')) == 0"},
        Rule{"QuantitySign", "sign(quantity('0')) == 0 && sign(quantity('2')) == 1"},
        Rule{"QuantityLess", "quantity('1M').isLessThan(quantity('1Mi'))"},
        Rule{"QuantityGreater", "!quantity('1M').isGreaterThan(quantity('1Mi'))"},
        Rule{"SemverGreater", "semver('1.0.0').isGreaterThan(semver('1.0.0-rc.1'))"},
        Rule{"SemverCompare", "semver('1.2.0').compareTo(semver('1.10.0')) == -1"},
        Rule{"SemverNormalized", "semver('v01.2', true) == semver('1.2.0')"},
        Rule{"NumbersAcrossTypes", "1 < 1.5 && 2u > 1 && 1.0 <= 1u"},
        Rule{"IntIsNotText", "dyn(1) == 'a'", "false"},
        Rule{"IntAndTextHaveNoOrder", "dyn(1) < 'a'", "error: no such overload"}),
    name_of);

TEST(Values, OfKubernetesHaveNoOperatorsOfOrder) {
    EXPECT_EQ(compile_error("quantity('1') < quantity('2')"),
              "found no matching overload for '_<_' applied to '(kubernetes.Quantity, "
              "kubernetes.Quantity)'");
    EXPECT_EQ(compile_error("semver('1.0.0') < semver('2.0.0')"),
              "found no matching overload for '_<_' applied to '(kubernetes.Semver, "
              "kubernetes.Semver)'");
}

Environment release(int minor, bool stored) {
    Environment out;
    out.kubernetes_minor = minor;
    out.stored = stored;
    return out;
}

constexpr const char* kLongList = "lists.range(49).includes(48)";

TEST(Includes, LooksAtLongListsSince37) {
    EXPECT_EQ(outcome(kLongList, release(36, true)),
              "error: 'includes' function cannot be applied to lists longer than 48 values");
    EXPECT_EQ(outcome("lists.range(48).includes(47)", release(36, true)), "true");
    EXPECT_EQ(outcome(kLongList, release(37, true)), "true");
}

TEST(Includes, OfNewExpressionsWantsTheGateIn37) {
    auto environment = release(37, false);
    EXPECT_EQ(compile_error(kLongList, environment),
              "undeclared reference to 'includes' (in container '')");
    environment.list_attributes = true;
    EXPECT_EQ(outcome(kLongList, environment), "true");
}

TEST(Includes, ComparesWhatIsNoList) {
    EXPECT_EQ(outcome("'a'.includes('a') && !'ab'.includes('a')", release(37, true)), "true");
}

std::uint64_t estimate(const char* expression, int minor) {
    auto environment = release(minor, true);
    environment.list_attributes = true;
    const auto program = compile(expression, environment);
    EXPECT_TRUE(program.ok()) << program.error().message();
    return program.ok() ? program->estimated_cost() : 0;
}

TEST(Includes, IsPricedByTheListSince37) {
    constexpr const char* kAttribute = "device.attributes['dra.example.com'].name.includes('fish')";
    EXPECT_EQ(estimate(kAttribute, 36), 4u + 48u);
    EXPECT_EQ(estimate(kAttribute, 37), 4u + 64u);
    EXPECT_EQ(estimate("[1, 2].includes(1)", 36), 10u + 48u);
    EXPECT_EQ(estimate("[1, 2].includes(1)", 37), 10u + 2u);
}

}  // namespace
}  // namespace knd::cel
