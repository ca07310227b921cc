// SPDX-License-Identifier: Apache-2.0
//
// Where Kubernetes' evaluation is not what one would guess.
#include <gtest/gtest.h>

#include "tests/unit/cel/expressions.hpp"

namespace knd::cel {
namespace {

TEST(Equality, OfKubernetesTypesIsForThemselves) {
    EXPECT_EQ(outcome("dyn(semver('1.0.0')) == 1"), "error: no such overload");
    EXPECT_EQ(outcome("1 == dyn(semver('1.0.0'))"), "false");
    EXPECT_EQ(outcome("dyn(semver('1.0.0')) != 1"), "true");
    EXPECT_EQ(outcome("dyn(quantity('1')) == null"), "false");
    EXPECT_EQ(outcome("[semver('1.0.0')] == [dyn(1)]"), "true");
}

TEST(Equality, FindsAnEmptyMapInADevicesPlaceOfAnyName) {
    EXPECT_EQ(outcome("{'y': optional.none(), 'z': optional.none()} == dyn(device.attributes)"),
              "false");
    EXPECT_EQ(outcome("{'y': {}, 'z': {}} == dyn(device.attributes)"), "true");
    EXPECT_EQ(outcome("dyn(device.attributes) == {'y': {}, 'z': {}}"), "false");
    EXPECT_EQ(outcome("{'y': {}} == dyn(device.attributes)"), "false") << "there are two";
}

TEST(Ordering, OfNothingToANumberFailsForThatReason) {
    EXPECT_EQ(outcome("dyn(0.0 / 0.0) < dyn('a')"), "error: NaN values cannot be ordered");
    EXPECT_EQ(outcome("dyn('a') < dyn(0.0 / 0.0)"), "error: no such overload");
}

TEST(Equality, RefusesAComputedQuantityOnTheRight) {
    EXPECT_EQ(outcome("quantity('1').add(1) == quantity('2')"), "true");
    EXPECT_EQ(outcome("quantity('2') == quantity('1').add(1)"), "error: no such overload");
}

TEST(Binding, IsEvaluatedWhenItIsAskedFor) {
    EXPECT_EQ(outcome("cel.bind(x, 1 / 0, true)"), "true");
    EXPECT_EQ(outcome("cel.bind(x, 1 / 0, x == 1)"), "error: division by zero");
    EXPECT_EQ(outcome("cel.bind(x, 1 / 0 == 1, x || true)"), "true");
}

TEST(Lookup, EndsTheEvaluationForWhatCannotBeHashed) {
    EXPECT_EQ(outcome("(device.attributes['d'].v in ['a']) || true"),
              "error: internal error: runtime error: hash of unhashable type cel.Semver");
    EXPECT_EQ(outcome("true || (device.attributes['d'].v in ['a'])"), "true");
    EXPECT_EQ(outcome("{?dyn(semver('1.0.0')): optional.none()}.size() == 0"),
              "error: internal error: hash of unhashable type: cel.Semver");
    EXPECT_EQ(outcome("{dyn(format.uri()): 1} == {}"),
              "error: internal error: runtime error: hash of unhashable type cel.Format");
}

TEST(Lookup, OfAFieldOfAScalarFindsNothing) {
    EXPECT_EQ(outcome("has(dyn(1).a)"), "false");
    EXPECT_EQ(outcome("dyn(1).?a.hasValue()"), "false");
    EXPECT_EQ(outcome("dyn(1).a == 1"), "error: no such key: a");
}

TEST(Lookup, TakesSimpleKeysOnly) {
    EXPECT_EQ(outcome("{'a': 1}[dyn(null)] == 1"),
              "compile: program instantiation failed: invalid qualifier type: types.Null");
    EXPECT_TRUE(outcome("{'a': 1}[device.attributes['d'].v] == 1")
                    .starts_with("error: invalid qualifier type: "));
    EXPECT_EQ(outcome("device.attributes[dyn(1)].x == 1"), "error: no such key: x");
}

TEST(Conversion, OfLiteralsFailsWhenCompiled) {
    EXPECT_EQ(outcome("int(dyn('a')) == 1"),
              "compile: program instantiation failed: type conversion error from 'string' to "
              "'int'");
    EXPECT_EQ(outcome("bytes(dyn(.5)) == b''"),
              "compile: program instantiation failed: no such overload: bytes(double)");
    EXPECT_EQ(compile_error("duration(1) == duration('1s')"), "invalid duration argument");
}

TEST(Quantity, IsAnIntegerIfKubernetesHoldsItAsOne) {
    EXPECT_EQ(outcome("quantity('1.0').isInteger()"), "false");
    EXPECT_EQ(outcome("quantity('1.5Gi').isInteger()"), "false");
    EXPECT_EQ(outcome("quantity('10Gi').asInteger() == 10737418240"), "true");
    EXPECT_EQ(outcome("quantity('500m').sub(quantity('500m')).asInteger() == 0"),
              "error: cannot convert value to integer");
}

TEST(Membership, InAnEmptyLiteralIsNeverEvaluated) {
    EXPECT_EQ(outcome("1 / 0 in []"), "false");
}

TEST(Lists, AreOrderedByWhatTheirFirstElementIs) {
    EXPECT_EQ(outcome("[dyn(true), dyn('a')].isSorted()"), "true");
    EXPECT_TRUE(outcome("[null].isSorted()").starts_with("error: no such overload"));
    EXPECT_TRUE(outcome("[].sort() == ['a'].filter(x, true)").starts_with("compile: "));
}

}  // namespace
}  // namespace knd::cel
