// SPDX-License-Identifier: Apache-2.0
#include "host/validation/schema.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace knd::validation {
namespace {

using testing::HasSubstr;

/// What is said of a text, after a type that is described well.
std::string mistake_in(const std::string& text) {
    const auto schema = Schema::read({"Part\n  size int\n  name string\n", text});
    return schema.ok() ? "" : schema.error().message();
}

TEST(Schema, SupplementsATypeOfAnEarlierText) {
    const auto schema = Schema::read(
        {"Part\n  size int\n", "package p\nPart: A part.\n  size ! min=1: Its size.\n"});
    ASSERT_TRUE(schema.ok()) << schema.error().message();
    const auto& part = *schema->find("Part");
    ASSERT_EQ(part.fields.size(), 1u);
    EXPECT_EQ(part.package, "p");
    EXPECT_EQ(part.description, "A part.");
    EXPECT_EQ(part.fields[0].type->shape, Shape::kInt);
    EXPECT_EQ(part.fields[0].description, "Its size.");
    EXPECT_TRUE(part.fields[0].required);
    EXPECT_EQ(part.fields[0].min, 1);
}

TEST(Schema, QuotesTheLineOfAMistake) {
    EXPECT_EQ(mistake_in("Whole\n  part Part mni=1: A part.\n"),
              "\"  part Part mni=1: A part.\": unknown attribute \"mni=1\"");
}

TEST(Schema, RefusesMalformedAttributes) {
    for (const auto* field :
         {"a int min=x", "a int min=1x", "a int min=", "a int since=", "a Part ! !=1",
          "a Part gate=", "a []Part key=", "a int =x", "a bool =yes", "a Part ={}", "a time =now"})
        EXPECT_THAT(mistake_in("Whole\n  " + std::string(field) + "\n"),
                    HasSubstr("malformed attribute"))
            << field;
}

TEST(Schema, RefusesAttributesThatAreNotForTheType) {
    for (const auto* field : {"a int in=1|2", "a bool fmt=label", "a string min=1", "a Part max=1",
                              "a string set", "a Part key=name", "a map:Part merge=name"})
        EXPECT_THAT(mistake_in("Whole\n  " + std::string(field) + "\n"),
                    HasSubstr("not for this type"))
            << field;
}

TEST(Schema, RefusesTypesThatAreNowhereDescribed) {
    EXPECT_EQ(mistake_in("Whole\n  a []Prat\n"), "nowhere described: type \"Prat\"");
    EXPECT_EQ(mistake_in("Whole\n"), "nowhere described: type \"Whole\"");
    EXPECT_THAT(mistake_in("Whole\n  a int\n  &Whole\n"), HasSubstr("not described before"));
    EXPECT_THAT(mistake_in("Whole\n  &Prat\n"), HasSubstr("not described before: type \"Prat\""));
}

TEST(Schema, RefusesFieldsThatItCannotPlace) {
    EXPECT_THAT(mistake_in("Part\n  colour !\n"), HasSubstr("the type has no field \"colour\""));
    EXPECT_THAT(mistake_in("Whole\n  a int\n  a int\n"),
                HasSubstr("the type has two fields \"a\""));
    EXPECT_THAT(mistake_in("Whole\n  a\n"), HasSubstr("a field without a type"));
    EXPECT_THAT(mistake_in("Whole\n   a int\n"), HasSubstr("no name"));
    EXPECT_THAT(mistake_in("Whole\n  a string  !\n"), HasSubstr("two spaces"));
    EXPECT_FALSE(Schema::read({"  a int\n"}).ok());
}

TEST(Schema, RefusesKeysThatElementsDoNotHave) {
    EXPECT_EQ(mistake_in("Whole\n  a []Part key=name,id\n"),
              "Whole.a: no field of its elements: key \"id\"");
    EXPECT_EQ(mistake_in("Whole\n  a []Part merge=id\n"),
              "Whole.a: no field of its elements: key \"id\"");
    EXPECT_EQ(mistake_in("Whole\n  a []Part key=name merge=name\n"), "");
}

TEST(Schema, RefusesUnknownAttributesOfTypes) {
    EXPECT_THAT(mistake_in("Whole extrenal\n  a int\n"), HasSubstr("unknown attribute"));
    EXPECT_THAT(mistake_in(" Whole\n  a int\n"), HasSubstr("a type without a name"));
}

TEST(SchemaDeathTest, EndsTheProcessForAMistakeInATextOfOurs) {
    EXPECT_DEATH(Schema::built_in({"Whole\n  a int mni=1\n"}), "unknown attribute");
}

TEST(Schema, NamesGatesOfTheReleasesThatHaveTheField) {
    for (const auto& [name, type] : Schema::instance().types()) {
        for (const auto& field : type->fields) {
            if (field.gate.empty()) continue;
            const auto newest = Gates::make("1." + std::to_string(field.until), "+" + field.gate);
            EXPECT_TRUE(newest.ok())
                << name << "." << field.name << ": " << newest.error().message();
        }
    }
}

}  // namespace
}  // namespace knd::validation
