// SPDX-License-Identifier: Apache-2.0
//
// Protobuf's well-known messages in expressions. Every outcome here is that of Kubernetes' own
// environment.
#include <gtest/gtest.h>

#include "tests/unit/cel/expressions.hpp"

namespace knd::cel {
namespace {

/// So that rows need not repeat it: "@" stands for the package.
std::string with_package(std::string_view short_form) {
    std::string out;
    for (const char c : short_form)
        out += c == '@' ? std::string("google.protobuf.") : std::string(1, c);
    return out;
}

void all_true(std::initializer_list<const char*> expressions) {
    for (const auto* expression : expressions)
        EXPECT_EQ(outcome(with_package(expression)), "true") << expression;
}

struct Row {
    const char* expression;
    const char* outcome;
};
void all(std::initializer_list<Row> rows) {
    for (const auto& row : rows)
        EXPECT_EQ(outcome(with_package(row.expression)), with_package(row.outcome))
            << row.expression;
}
void none_compiles(std::initializer_list<Row> rows) {
    for (const auto& row : rows)
        EXPECT_EQ(compile_error(with_package(row.expression)), with_package(row.outcome))
            << row.expression;
}

TEST(WellKnownMessages, OfOneValueBecomeIt) {
    all_true({"@Int32Value{value: 1} == 1", "@Int32Value{} == 0", "@UInt64Value{value: 3u} == 3u",
              "@DoubleValue{value: 1.5} == 1.5", "@BoolValue{value: true} == true",
              "@StringValue{value: 'a'} == 'a'", "@BytesValue{} == b''",
              ".google.protobuf.Int64Value{value: 1} + 1 == 2", "type(@Int32Value{}) == int",
              "@StringValue{value: 'ab'}.contains('b')",
              "'%d'.format([@Int32Value{value: 1}]) == '1'"});
    // A float holds less than a double.
    all({{"@FloatValue{value: 1.5} == 1.5", "true"}, {"@FloatValue{value: 1.1} == 1.1", "false"}});
}

TEST(WellKnownMessages, OfTimesBecomeTimes) {
    all_true({"@Duration{seconds: 1, nanos: 5} == duration('1.000000005s')",
              "@Duration{seconds: 1, nanos: -5} == duration('0.999999995s')",
              "@Timestamp{seconds: 1} == timestamp('1970-01-01T00:00:01Z')",
              "@Timestamp{seconds: 1, nanos: -5} < timestamp('1970-01-01T00:00:01Z')",
              "@Duration{seconds: 9223372036854775807} > duration('2562047h')"});
    all({{"@Timestamp{seconds: 253402300800} + duration('1s') == timestamp(0)",
          "error: timestamp overflow"},
         {"@Timestamp{seconds: 9223372036854775807} - timestamp(0) == duration('1s')",
          "error: integer overflow"}});
}

TEST(WellKnownMessages, OfJsonBecomeWhatItIs) {
    all_true({"@Struct{fields: {'a': 1}} == {'a': 1.0}", "@Struct{} == {}",
              "@Struct{fields: {'a': 1.0}}.a == 1.0",
              "@ListValue{values: [3, 1]}.sort() == [1.0, 3.0]", "@Value{} == null",
              "@Value{null_value: @NullValue.NULL_VALUE} == null", "@Value{null_value: 7} == null",
              "@Value{number_value: 1.0} == 1.0", "@Value{struct_value: {'a': 1}} == {'a': 1}",
              "@Value{list_value: [1]} == [1]",
              "@Value{list_value: dyn({'_values': [1]})} == [1]"});
    all({{"@Value{list_value: dyn({'number_OF-HTTPLists': 1})} == [1]",
          "error: field type conversion error for google.protobuf.Value.list_value value type: "
          "type conversion error, no such field 'NumberOfHttpLists' in type "
          "'structpb.ListValue'"}});
}

TEST(WellKnownMessages, HoldTextsForWhatJsonCannotHold) {
    all_true({"@ListValue{values: [9007199254740991]} == [9007199254740991.0]",
              "@ListValue{values: [9007199254740992]} == ['9007199254740992']",
              "@ListValue{values: [9007199254740992u]} == ['9007199254740992']",
              "@ListValue{values: [b'abc']} == ['YWJj']",
              "@ListValue{values: [duration('90s')]} == ['90s']",
              "@ListValue{values: [timestamp('2020-01-01T00:00:00Z')]} == "
              "['2020-01-01T00:00:00Z']",
              "@ListValue{values: [optional.of(1)]} == [1.0]",
              "@ListValue{values: [@Empty{}]} == [{}]",
              "@ListValue{values: [device.attributes['unknown']]} == [{}]"});
}

TEST(WellKnownMessages, StayMessagesWhereTheyAreNothingElse) {
    all_true({"@Empty{} == @Empty{}", "type(@Empty{}) == @Empty",
              "@Struct.FieldsEntry{key: 'a', value: 1}.value == 1.0",
              "@Struct.FieldsEntry{}.key == ''", "@Struct.FieldsEntry{}.value == null",
              "has(@Struct.FieldsEntry{key: 'a'}.key)", "!has(@Struct.FieldsEntry{key: ''}.key)",
              "@Struct.FieldsEntry{key: 'a', value: [1]} == "
              "@Struct.FieldsEntry{key: 'a', value: [1.0]}",
              "@Struct.FieldsEntry{key: 'a'} != @Struct.FieldsEntry{key: 'b'}",
              "!optional.ofNonZeroValue(@Empty{}).hasValue()"});
    all({{"dyn(@Empty{}).x == 1", "error: no such field 'x'"},
         {"dyn(@Empty{})[1] == 1", "error: no such overload"},
         {"size(dyn(@Empty{})) == 1", "error: no such overload: size"},
         {"dyn(@Empty{}).all(x, true)", "error: got '*types.protoObj', expected iterable type"}});
}

TEST(WellKnownMessages, ArePackedInAny) {
    all_true(
        {R"(@Any{type_url: 'x/@Int32Value', value: b'\x08\x05'} == 5)",
         "@Any{type_url: '@Int32Value'} == 0", "@Any{type_url: 'a/@Empty'} == @Empty{}",
         R"(@Any{type_url: 'a/@Struct', value: b'\x0a\x03\x0a\x01a'} == {'a': null})",
         R"(@Any{type_url: 'a/@Duration', value: b'\x08\x05'} == duration('5s'))",
         R"(@Any{type_url: 'a/@Value', value: b'\x11\000\000\000\000\000\000\xf0\x3f'} == 1.0)"});
    for (const auto* broken :
         {R"(@Any{type_url: 'x/@Int32Value', value: b'\x08'} == 5)", "@Any{} == null",
          R"(@Any{type_url: 'a/@StringValue', value: b'\x0a\x01\xff'} == 'x')",
          R"(@Any{type_url: 'a/@Struct', value: b'\x0a\x03\x0a\x01\xff'} == 'x')",
          "@Any{type_url: 'a/@Struct.FieldsEntry'} == 0"})
        EXPECT_TRUE(
            outcome(with_package(broken)).starts_with("error: unsupported conversion to ref.Val"))
            << broken;
}

TEST(WellKnownMessages, TakeFieldsThatAreOptional) {
    all_true({"@Int32Value{?value: optional.of(1)} == 1",
              "@Int32Value{?value: optional.none()} == 0", "@Int32Value{value: 1, value: 2} == 2",
              "@Int32Value{value: 1, ?value: optional.none()} == 0"});
    none_compiles(
        {{"@Int32Value{?value: 1} == 1", "expected type 'optional_type(int)' but found 'int'"}});
}

TEST(WellKnownMessages, AreCheckedFieldByField) {
    none_compiles(
        {{"@Int32Value{foo: 1} == 1", "undefined field 'foo'"},
         {"@Empty{}.foo == 1", "undefined field 'foo'"},
         {"@Int32Value{value: 'a'} == 1",
          "expected type of field 'value' is 'int' but provided type is 'string'"},
         {"@Struct{fields: {1: 1}} == {}",
          "expected type of field 'fields' is 'map(string, dyn)' but provided type is "
          "'map(int, int)'"},
         {"@Int32Value{value: 1}.value == 1",
          "type 'wrapper(int)' does not support field selection"},
         {"@FieldMask{} == 1", "undeclared reference to '@FieldMask' (in container '')"},
         {"null_type{x: 1} == null", "unexpected failed resolution of '@NullValue'"},
         {"[@BoolValue{}, null] == []", "expected type 'wrapper(bool)' but found 'null'"}});
    all({{"@BoolValue{value: true}",
          "compile: must evaluate to bool or the unknown type, not wrapper(bool)"},
         {"true ? false : @BoolValue{value: true}", "false"},
         {"@Int32Value == int",
          "compile: program instantiation failed: reference to undefined type: @Int32Value"}});
}

TEST(WellKnownMessages, FailOnWhatAFieldCannotHold) {
    const auto failed = [](std::string_view field, std::string_view why) {
        return "error: field type conversion error for google.protobuf." + std::string(field) +
               " value type: " + std::string(why);
    };
    const auto of = [](std::string_view text) { return outcome(with_package(text)); };
    EXPECT_EQ(of("@Int32Value{value: 2147483648} == 1"),
              failed("Int32Value.value", "integer overflow"));
    EXPECT_EQ(of("@UInt32Value{value: 4294967296u} == 1u"),
              failed("UInt32Value.value", "unsigned integer overflow"));
    EXPECT_EQ(of("@Int32Value{value: dyn('a')} == 1"),
              failed("Int32Value.value", "unsupported native conversion from string to 'int32'"));
    EXPECT_EQ(of("@UInt64Value{value: dyn(1.0)} == 1u"),
              failed("UInt64Value.value", "type conversion error from Double to 'uint64'"));
    EXPECT_EQ(of("@ListValue{values: [int]} == []"),
              failed("ListValue.values", "type conversion not supported for 'type'"));
    EXPECT_EQ(
        of("@ListValue{values: [quantity('1')]} == []"),
        failed("ListValue.values", "type conversion error from 'Quantity' to '*structpb.Value'"));
    EXPECT_EQ(
        of("@Value{struct_value: dyn([1])} == null"),
        failed("Value.struct_value", "type conversion error from list to '*structpb.Struct'"));
    EXPECT_EQ(of("@BytesValue{value: dyn([1u, 256u])} == b''"),
              failed("BytesValue.value", "unsigned integer overflow"));
    EXPECT_EQ(of("@ListValue{values: dyn(1)} == []"),
              "error: unsupported field type for google.protobuf.ListValue.values: int");
}

TEST(WellKnownMessages, AreTextsWhereGoSaysSo) {
    all_true({"@StringValue{value: dyn(quantity('1'))} == '1'",
              "@StringValue{value: dyn(ip('1.2.3.4'))} == '1.2.3.4'",
              R"(@BytesValue{value: dyn([1u, 2u])} == b'\x01\x02')"});
}

TEST(Device, IsAMapToWhatDoesNotKnowItsType) {
    all_true({"type(dyn(device)) == map", "size(dyn(device)) == 4", "'driver' in dyn(device)",
              "dyn(device) == device", "dyn(device)['driver'] == 'd'", "!has(dyn(device).foo)",
              "dyn(device).exists(k, v, k == 'driver' && v == 'd')", "!dyn(device).?foo.hasValue()",
              "dyn(device) != {'driver': 'd'}",
              "@Struct{fields: {'d': dyn(device)['driver']}}.d == 'd'"});
    all({{"dyn(device).foo == 1", "error: no such key: foo"},
         {"string(dyn(device)) == ''", "error: no such overload: string(map)"}});
    Environment old;
    old.kubernetes_minor = 33;
    EXPECT_EQ(outcome("size(dyn(device)) == 3", old), "true");
}

TEST(NamedTypes, OfTheDeviceCannotBeMade) {
    EXPECT_EQ(outcome("kubernetes.DRADevice{driver: 'x'}.driver == 'x'"),
              "error: unknown type 'kubernetes.DRADevice'");
    EXPECT_EQ(outcome("type(device) == kubernetes.DRADevice"),
              "compile: program instantiation failed: reference to undefined type: "
              "kubernetes.DRADevice");
    EXPECT_EQ(compile_error("kubernetes.DRADevice{foo: 1} == device"), "undefined field 'foo'");
    EXPECT_EQ(compile_error("kubernetes.DRADevice.attributes{driver: 1} == {}"),
              "'map' is not a message type");
    EXPECT_EQ(outcome("timestamp{seconds: 1} == timestamp(1)"), "error: unknown type 'timestamp'");
}

TEST(WellKnownMessages, CostForty) {
    const auto cost = [](std::string_view text) {
        const auto program = compile_selector(with_package(text), {});
        EXPECT_TRUE(program.ok());
        Arena arena;
        std::uint64_t out = 0;
        EXPECT_TRUE(program->evaluate(example_device().view(), arena, {}, &out).ok());
        return std::pair(out, program->estimated_cost());
    };
    EXPECT_EQ(cost("@Int32Value{value: 1} == 1"), std::pair(41ul, 41ul));
    EXPECT_EQ(cost("@Struct{} == {}"), std::pair(40ul, 70ul));
    EXPECT_EQ(cost("@Struct.FieldsEntry{key: 'a'}.key == 'a'"), std::pair(43ul, 42ul));
    EXPECT_EQ(cost("@Empty{} == @Empty{}"), std::pair(81ul, 1844674407370955344ul));
}

TEST(WellKnownMessages, AreBoundedInMemory) {
    // Each round makes a list of its own, for the price of one message.
    const auto text = with_package(
        "cel.bind(l, lists.range(5000), lists.range(2000).all(i, "
        "@ListValue{values: l}.size() == 5000))");
    EXPECT_EQ(outcome(text), "error: evaluation needs too much memory");
}

}  // namespace
}  // namespace knd::cel
