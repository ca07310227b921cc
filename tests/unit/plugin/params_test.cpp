// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/params.hpp"

#include <gtest/gtest.h>

#include <knd/cpp/params.hpp>

namespace knd {
namespace {

/// Through both halves: the host's accessor and the C++ layer that backends use.
class ParamsTest : public ::testing::Test {
  protected:
    Params over(const char* json) {
        values_.emplace(*parse_json(json));
        return Params(values_->face());
    }
    std::string unread() const {
        const auto result = values_->check_all_read();
        return result.ok() ? "" : result.error().message();
    }
    std::optional<plugin::Params> values_;
};

template <class T>
std::string error_of(const Result<T>& result) {
    return result.ok() ? "(no error)" : result.error().message();
}

TEST_F(ParamsTest, GivesWhatIsThere) {
    const auto params = over(R"({"s": "text", "i": -7, "b": true})");
    EXPECT_EQ(*params.string("s"), "text");
    EXPECT_EQ(*params.integer("i"), -7);
    EXPECT_EQ(*params.boolean("b"), true);
}

TEST_F(ParamsTest, GivesTheFallbackForWhatIsNot) {
    const auto params = over("{}");
    EXPECT_EQ(*params.string("s", "else"), "else");
    EXPECT_EQ(*params.integer("i", 9), 9);
    EXPECT_EQ(*params.boolean("b", true), true);
    EXPECT_EQ(*params.length("l"), 0u);
}

TEST_F(ParamsTest, TreatsNullAsAbsent) {
    EXPECT_EQ(*over(R"({"i": null})").integer("i", 9), 9);
}

TEST_F(ParamsTest, WorksWithoutAnyValues) {
    EXPECT_EQ(*over("null").integer("i", 9), 9);
}

TEST_F(ParamsTest, FollowsTablesAndLists) {
    const auto params = over(R"({"vf": [{"mac": "a"}, {"mac": "b", "tags": [[1], [2, 3]]}]})");
    EXPECT_EQ(*params.string("vf[1].mac"), "b");
    EXPECT_EQ(*params.integer("vf[1].tags[1][0]"), 2);
    EXPECT_EQ(*params.integer("vf[7].mac", 5), 5);
}

TEST_F(ParamsTest, ReadsAListOfStrings) {
    EXPECT_EQ(*over(R"({"names": ["a", "b"]})").strings("names"),
              (std::vector<std::string>{"a", "b"}));
}

TEST_F(ParamsTest, ReadsAListOfTables) {
    const auto params = over(R"({"vf": [{"mac": "a"}, {"mac": "b"}]})");
    std::string macs;
    const auto tables = params.tables("vf");
    ASSERT_TRUE(tables.ok());
    for (const auto& vf : *tables)
        macs += *vf.string("mac");
    EXPECT_EQ(macs, "ab");
    EXPECT_EQ((*tables)[1].path_of("mac"), "vf[1].mac");
}

TEST_F(ParamsTest, NamesKeyValueAndWantedType) {
    const auto params =
        over(R"({"count": "three", "name": 3, "on": "yes", "list": {}, "pi": 3.5, "vf": [1]})");
    EXPECT_EQ(error_of(params.integer("count")),
              "`count` is the string \"three\", must be an integer");
    EXPECT_EQ(error_of(params.string("name")), "`name` is 3, must be a string");
    EXPECT_EQ(error_of(params.boolean("on")), "`on` is the string \"yes\", must be true or false");
    EXPECT_EQ(error_of(params.length("list")), "`list` is a table, must be a list");
    EXPECT_EQ(error_of(params.integer("pi")), "`pi` is 3.5, must be an integer");
    EXPECT_EQ(error_of(params.strings("vf")), "`vf[0]` is 1, must be a string");
}

TEST_F(ParamsTest, NamesTheTableThatIsNone) {
    const auto params = over(R"({"limits": 5, "vf": {"a": 1}})");
    EXPECT_EQ(error_of(params.integer("limits.mtu")), "`limits` is 5, must be a table");
    EXPECT_EQ(error_of(params.integer("vf[0].mac")), "`vf` is a table, must be a list");
}

TEST_F(ParamsTest, RefusesAnIntegerThatDoesNotFit) {
    EXPECT_EQ(error_of(over(R"({"i": 9223372036854775808})").integer("i")),
              "`i` is 9223372036854775808, must be less than 2^63");
}

TEST_F(ParamsTest, ChecksARange) {
    const auto params = over(R"({"mtu": 5})");
    EXPECT_EQ(error_of(params.integer_in("mtu", 1500, 68, 65535)),
              "`mtu` is 5, must be 68 to 65535");
    EXPECT_EQ(*params.integer_in("other", 1500, 68, 65535), 1500);
}

TEST_F(ParamsTest, RefusesAStringWithNul) {
    EXPECT_EQ(over(R"({"s": "a\u0000b"})").string("s").code(), Code::kInvalidArgument);
}

TEST_F(ParamsTest, RefusesWhatIsNoPath) {
    const auto params = over("{}");
    for (const char* path : {"", ".", "a.", "a[", "a[x]", "a[1]b", "[0]", "a[-1]"}) {
        EXPECT_EQ(params.string(path).code(), Code::kInvalidArgument) << path;
    }
}

TEST_F(ParamsTest, ReportsAKeyThatNobodyRead) {
    const auto params = over(R"({"vf_cuont": 3, "mtu": 1500})");
    static_cast<void>(params.integer("vf_count"));
    static_cast<void>(params.integer("mtu"));
    EXPECT_EQ(unread(), "unknown key `vf_cuont`; did you mean `vf_count`?");
}

TEST_F(ParamsTest, ReportsAllOfThem) {
    const auto params = over(R"({"mtuu": 1, "zebra": 2})");
    static_cast<void>(params.integer("mtu"));
    EXPECT_EQ(unread(), "unknown key `mtuu`; did you mean `mtu`? unknown key `zebra`");
}

TEST_F(ParamsTest, ReportsAKeyInsideOfATableByItsPath) {
    const auto params = over(R"({"vf": [{"mac": "a"}, {"mca": "b"}]})");
    const auto tables = params.tables("vf");
    ASSERT_TRUE(tables.ok());
    for (const auto& vf : *tables)
        static_cast<void>(vf.string("mac"));
    EXPECT_EQ(unread(), "unknown key `vf[1].mca`; did you mean `vf[1].mac`?");
}

TEST_F(ParamsTest, ReportsAWholeTableOnce) {
    const auto params = over(R"({"limits": {"a": 1, "b": 2}})");
    static_cast<void>(params.integer("mtu"));
    EXPECT_EQ(unread(), "unknown key `limits`");
}

TEST_F(ParamsTest, DoesNotTakeAPrefixForTheKey) {
    const auto params = over(R"({"mac": {"x": 1}})");
    static_cast<void>(params.string("mac_address"));
    EXPECT_EQ(unread(), "unknown key `mac`");
}

TEST_F(ParamsTest, IsContentWhenEverythingWasRead) {
    const auto params = over(R"({"a": 1, "l": ["x"]})");
    static_cast<void>(params.integer("a"));
    static_cast<void>(params.strings("l"));
    EXPECT_EQ(unread(), "");
}

}  // namespace
}  // namespace knd
