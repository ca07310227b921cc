// SPDX-License-Identifier: Apache-2.0
//
// The `device` variable of device selectors.
#include <gtest/gtest.h>

#include "tests/unit/cel/expressions.hpp"

namespace knd::cel {
namespace {

TEST(Device, HasItsDriverAttributesAndCapacity) {
    for (const auto* expression :
         {R"(device.driver == "d")", R"(device.attributes["x"].numaNode == 1)",
          R"(device.attributes["x"].numaNode >= 1 && device.attributes["x"].speed >= 200000)",
          R"(device.attributes.x.numaNode == 1)", R"(device.attributes["x"]["numaNode"] == 1)",
          R"(device.attributes["d"].s == "abc")", R"(device.attributes["d"].b)",
          R"(device.attributes["d"].v.isGreaterThan(semver("1.0.0")))",
          R"(device.capacity["d"].mem.compareTo(quantity("10Gi")) == 0)",
          R"(device.capacity["x"].q == quantity("8"))", "!device.allowMultipleAllocations",
          R"(cel.bind(x, device.attributes["x"], x.numaNode == 1 && x.speed >= 200000))"})
        EXPECT_EQ(outcome(expression), "true") << expression;
}

TEST(Device, PutsNamesWithoutADomainUnderTheDriver) {
    EXPECT_EQ(outcome(R"("d" in device.attributes && "s" in device.attributes["d"])"), "true");
}

TEST(Device, HasAnEmptyMapForAnUnknownDomain) {
    EXPECT_EQ(outcome(R"(device.attributes["zz"].size() == 0)"), "true");
    EXPECT_EQ(outcome(R"(device.attributes["zz"].?a.orValue(7) == 7)"), "true");
    EXPECT_EQ(outcome(R"(device.attributes.?zz.?a.hasValue())"), "false");
    EXPECT_EQ(outcome(R"("zz" in device.attributes)"), "false");
    EXPECT_EQ(outcome(R"(device.attributes.exists(d, d == "zz"))"), "false");
}

TEST(Device, FailsOnAnUnknownAttribute) {
    EXPECT_EQ(outcome(R"(device.attributes["x"].none == 1)"), "error: no such key: none");
    EXPECT_EQ(outcome(R"(device.attributes["zz"].none == 1)"), "error: no such key: none");
    EXPECT_EQ(outcome(R"(has(device.attributes["x"].none))"), "false");
    EXPECT_EQ(outcome(R"(device.attributes["x"].?none.orValue(1) == 1)"), "true");
}

TEST(Device, ComparesDifferentTypesAsUnequal) {
    EXPECT_EQ(outcome(R"(device.attributes["d"].s == 1)"), "false");
    EXPECT_EQ(outcome(R"(device.attributes["d"].s < 1)"), "error: no such overload");
}

TEST(Device, ResultMustBeBoolOrUnknown) {
    EXPECT_EQ(outcome("1"), "compile: must evaluate to bool or the unknown type, not int");
    EXPECT_EQ(outcome("device.attributes.x"),
              "compile: must evaluate to bool or the unknown type, "
              "not map(string, google.protobuf.Any)");
    EXPECT_EQ(outcome(R"(device.attributes["d"].i)"),
              "error: CEL result of type int could not be converted to bool: unsupported type "
              "conversion from 'int' to bool");
}

TEST(Device, ErrorsUseKubernetesWords) {
    EXPECT_EQ(outcome("device.foo"),
              "compile: compilation failed: ERROR: <input>:1:7: undefined "
              "field 'foo'\n | device.foo\n | ......^");
    EXPECT_EQ(outcome("true ||\n foo"),
              "compile: compilation failed: ERROR: <input>:2:2: undeclared reference to 'foo' (in "
              "container '')\n |  foo\n | .^");
    EXPECT_EQ(compile_error(R"(device.driver == 1)"),
              "found no matching overload for '_==_' applied to '(string, int)'");
    EXPECT_EQ(compile_error(R"(device.attributes["x"].l.exists(i, i == 1))"),
              "expression of type 'any' cannot be range of a comprehension (must be list, map, or "
              "dynamic)");
}

TEST(Device, ListAttributesNeedTheirFeature) {
    const auto device = OwnedDevice::make(
        "d", {{"n", std::vector<std::int64_t>{1, 2}}, {"s", std::string("a")}}, {});
    ASSERT_TRUE(device.ok());
    Environment environment;
    environment.list_attributes = true;
    const auto run = [&](const char* expression) {
        return outcome(expression, environment, device->view());
    };
    EXPECT_EQ(run(R"(device.attributes["d"].n.includes(2))"), "true");
    EXPECT_EQ(run(R"(device.attributes["d"].n.includes(3))"), "false");
    EXPECT_EQ(run(R"(device.attributes["d"].s.includes("a"))"), "true");
    EXPECT_EQ(run(R"(device.attributes["d"].n.exists(i, i == 2))"), "true");
}

TEST(Environment, StoredExpressionsIgnoreTheGates) {
    Environment environment;
    environment.consumable_capacity = false;
    EXPECT_EQ(outcome("device.allowMultipleAllocations", environment), "false");
    EXPECT_EQ(outcome(R"(device.attributes["d"].i.includes(3))", environment), "true");
}

TEST(Environment, NewExpressionsFollowTheGates) {
    Environment environment;
    environment.stored = false;
    environment.consumable_capacity = false;
    EXPECT_EQ(compile_error("device.allowMultipleAllocations", environment),
              "undefined field 'allowMultipleAllocations'");
    EXPECT_EQ(compile_error(R"(device.attributes["d"].i.includes(3))", environment),
              "undeclared reference to 'includes' (in container '')");
    environment.consumable_capacity = true;
    environment.list_attributes = true;
    EXPECT_EQ(outcome("device.allowMultipleAllocations", environment), "false");
    EXPECT_EQ(outcome(R"(device.attributes["d"].i.includes(3))", environment), "true");
}

TEST(Device, RefusesAVersionThatIsNoSemver) {
    const auto device = OwnedDevice::make("d", {{"v", Version{"1"}}}, {});
    ASSERT_FALSE(device.ok());
    EXPECT_EQ(device.error().message(),
              "attribute v: parse semantic version: No Major.Minor.Patch elements found");
}

TEST(Environment, MayHaveOtherVariables) {
    Environment environment;
    environment.device = false;
    environment.variables = {{"name", "string"}, {"labels", "map(string, string)"}};
    const auto program = compile(R"(name + labels["a"])", environment);
    ASSERT_TRUE(program.ok()) << program.error().message();
    EXPECT_EQ(program->result_type(), "string");
    const MapEntry entry{Value::string("a"), Value::string("!")};
    const MapData labels{&entry, 1};
    const Value variables[] = {Value::string("eth0"), Value::map(&labels)};
    Arena arena;
    const auto result = program->evaluate(variables, arena);
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->text(), "eth0!");
}

TEST(Environment, OlderVersionsLackNewerFunctions) {
    Environment environment;
    environment.kubernetes_minor = 31;
    EXPECT_TRUE(outcome("[1].all(i, v, i < v)", environment).starts_with("compile: "));
    EXPECT_EQ(compile_error("[1].reverse() == [1]", environment),
              "undeclared reference to 'reverse' (in container '')");
    EXPECT_EQ(outcome("[1].all(i, v, i < v)"), "true");
}

}  // namespace
}  // namespace knd::cel
