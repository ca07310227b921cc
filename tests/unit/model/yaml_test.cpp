// SPDX-License-Identifier: Apache-2.0
#include "host/model/yaml.hpp"

#include <gmock/gmock.h>

namespace knd {
namespace {

using testing::HasSubstr;

Json yaml(std::string_view text) {
    auto parsed = parse_yaml(text);
    EXPECT_TRUE(parsed.ok()) << text << ": " << parsed.error().message();
    return parsed.ok() ? *std::move(parsed) : Json();
}

std::string refusal(std::string_view text) {
    const auto parsed = parse_yaml(text, {"f.yaml", 1});
    return parsed.ok() ? "" : parsed.error().message();
}

TEST(Yaml, ReadsScalarsAsYaml11) {
    const std::pair<const char*, Json> table[] = {
        {"true", true},
        {"Yes", true},
        {"off", false},
        {"n", false},
        {"maybe", "maybe"},
        {"~", nullptr},
        {"Null", nullptr},
        {"''", ""},
        {"12", 12},
        {"+12", 12},
        {"-1_000", -1000},
        {"0x1F", 31},
        {"0o17", 15},
        {"017", 15},
        {"0b101", 5},
        {"-0b101", -5},
        {"09", 9.0},
        {"18446744073709551615", std::uint64_t{18446744073709551615U}},
        {"-9223372036854775808", std::numeric_limits<std::int64_t>::min()},
        {"1.5", 1.5},
        {".5", 0.5},
        {"1e3", 1000.0},
        {"1e", "1e"},
        {"1e999", "1e999"},
        {"10Gi", "10Gi"},
        {"2026-01-02", "2026-01-02"},
        {"02:00:00:00:00:01", "02:00:00:00:00:01"},
        {"1:30", "1:30"},
        {"'true'", "true"},
        {"\"12\"", "12"},
        {"!!str 12", "12"},
        {"!!int '12'", 12},
        {"!!str yes", "yes"},
    };
    for (const auto& [text, expected] : table) {
        EXPECT_EQ(yaml(std::string("v: ") + text)["v"], expected) << text;
    }
}

TEST(Yaml, RefusesNumbersThatJsonDoesNotHave) {
    EXPECT_EQ(refusal("a: 1\nb: .inf"), "f.yaml:2: .inf is no number that JSON has");
}

TEST(Yaml, SpellsKeysThatAreNoStrings) {
    EXPECT_EQ(yaml("1: a\nyes: b\n0x10: c"), Json({{"1", "a"}, {"true", "b"}, {"16", "c"}}));
    EXPECT_EQ(refusal("? [a]\n: b"), "f.yaml:1: a key must be a scalar");
    EXPECT_EQ(refusal("~: b"), "f.yaml:1: a key must be a string, a number or a boolean");
}

TEST(Yaml, RepeatsWhatAnAliasPointsTo) {
    EXPECT_EQ(yaml("a: &x {k: [1, 2]}\nb: *x"),
              Json({{"a", {{"k", {1, 2}}}}, {"b", {{"k", {1, 2}}}}}));
}

TEST(Yaml, MergesMapsUnderTheirOwnKeys) {
    EXPECT_EQ(yaml("base: &b {x: 1, z: 2}\nv:\n  <<: *b\n  z: 3")["v"], Json({{"x", 1}, {"z", 3}}));
    EXPECT_EQ(yaml("v:\n  <<: [{x: 1}, {x: 2, z: 3}]")["v"], Json({{"x", 1}, {"z", 3}}));
    EXPECT_EQ(yaml("v: {'<<': 1}")["v"], Json({{"<<", 1}}));
    EXPECT_EQ(refusal("v: {<<: 1}"), "f.yaml:1: << wants a map, or a list of maps");
}

TEST(Yaml, SaysWhereItIsBroken) {
    EXPECT_THAT(refusal("a: 1\nb: [1\nc: 2"), HasSubstr("f.yaml:3: column 2: invalid YAML: "));
    EXPECT_EQ(parse_yaml("a: *x").code(), Code::kInvalidArgument);
    EXPECT_THAT(parse_yaml("a: 'x").error().message(), HasSubstr("line 1: column"));
}

TEST(Yaml, EndsAtABracketThatNothingHasOpened) {
    EXPECT_EQ(refusal(",: &x yes, 0x1F]\nb: 1"), "f.yaml:1: invalid YAML: not expected here");
}

TEST(Yaml, RefusesDeepNesting) {
    EXPECT_EQ(refusal(std::string(200, '[') + std::string(200, ']')),
              "f.yaml:1: YAML is nested over 128 levels deep");
    EXPECT_NE(refusal(std::string(1 << 20, '[')), "");
    EXPECT_NE(refusal(std::string(1 << 20, '{')), "");
    std::string blocks;
    for (int i = 0; i < 1000; ++i)
        blocks += "- ";
    EXPECT_EQ(refusal(blocks), "f.yaml:1: YAML is nested over 128 levels deep");
}

TEST(Yaml, BoundsWhatAliasesRepeat) {
    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 10; ++i) {
        const auto before = "*a" + std::to_string(i - 1);
        bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
        for (int j = 0; j < 10; ++j)
            bomb += before + ", ";
        bomb += "]\n";
    }
    EXPECT_THAT(refusal(bomb), HasSubstr("aliases repeat too much"));
    const auto text = "a: &a " + std::string(1 << 20, 'x') + "\nb: [";
    std::string aliases;
    for (int i = 0; i < 100; ++i)
        aliases += "*a, ";
    EXPECT_EQ(refusal(text + aliases + "]"), "f.yaml:2: aliases repeat too much");
}

TEST(Yaml, RefusesAnAliasOfItself) {
    EXPECT_NE(refusal("a: &a [*a]"), "");
}

TEST(Yaml, IsNullWithoutADocument) {
    EXPECT_EQ(yaml(""), nullptr);
    EXPECT_EQ(yaml("# only a comment\n---\n"), nullptr);
}

TEST(Yaml, HandsOverDocumentsAndTheElementsOfLists) {
    std::vector<std::pair<std::string, int>> seen;
    YamlSink sink;
    sink.item = [&](const Json& item, int line) -> Result<void> {
        seen.emplace_back("item " + to_text(item), line);
        return {};
    };
    sink.document = [&](const Json& document, int line) -> Result<void> {
        seen.emplace_back(to_text(document), line);
        return {};
    };
    const auto done = parse_yaml_documents(
        "a: 1\n---\n---\nitems:\n- x: {items: [1]}\n-\n  z: 2\nkind: L\n", {"f", 1}, sink);
    ASSERT_TRUE(done.ok()) << done.error().message();
    using Seen = std::vector<std::pair<std::string, int>>;
    EXPECT_EQ(seen, (Seen{{R"({"a":1})", 1},
                          {R"(item {"x":{"items":[1]}})", 5},
                          {R"(item {"z":2})", 7},
                          {R"({"items":[],"kind":"L"})", 4}}));
}

TEST(Yaml, EndsWithTheSinksError) {
    int taken = 0;
    const auto done = parse_yaml_documents("a: 1\n---\nb: 2", {"f", 1},
                                           {{}, [&](const Json&, int) -> Result<void> {
                                                ++taken;
                                                return Error(Code::kAborted, "enough");
                                            }});
    EXPECT_EQ(done.code(), Code::kAborted);
    EXPECT_EQ(taken, 1);
}

}  // namespace
}  // namespace knd
