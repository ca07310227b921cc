// SPDX-License-Identifier: Apache-2.0
#include "host/model/semver.hpp"

#include <gtest/gtest.h>

namespace knd {
namespace {

TEST(Semver, AcceptsTheExamplesOfTheSpecification) {
    for (const auto* text : {"0.0.0", "1.2.3", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-0.3.7",
                             "1.0.0-x.7.z.92", "1.0.0+20130313144700", "1.0.0-beta+exp.sha.5114f85",
                             "1.0.0+21AF26D3---117B344092BD", "1.0.0--", "1.0.0+001"}) {
        const auto version = Semver::parse(text);
        ASSERT_TRUE(version.ok()) << text;
        EXPECT_EQ(version->text(), text);
    }
}

TEST(Semver, RefusesWhatIsNotStrict) {
    const std::pair<const char*, const char*> table[] = {
        {"", "Version string empty"},
        {"1", "No Major.Minor.Patch elements found"},
        {"1.2", "No Major.Minor.Patch elements found"},
        {"v1.2.3", "Invalid character(s) found in major number \"v1\""},
        {"01.2.3", "Major number must not contain leading zeroes \"01\""},
        {"1.02.3", "Minor number must not contain leading zeroes \"02\""},
        {"1.2.03", "Patch number must not contain leading zeroes \"03\""},
        {"1.2.3.4", "Invalid character(s) found in patch number \"3.4\""},
        {"1.2.3-01", "Numeric PreRelease version must not contain leading zeroes \"01\""},
        {"1.2.3-", "Prerelease is empty"},
        {"1.2.3+", "Build meta data is empty"},
        {"1.2.3-a_b", "Invalid character(s) found in prerelease \"a_b\""},
        {"1.2.3+a_b", "Invalid character(s) found in build meta data \"a_b\""},
        {"99999999999999999999.0.0",
         "strconv.ParseUint: parsing \"99999999999999999999\": value out of range"},
        {".1.2", "strconv.ParseUint: parsing \"\": invalid syntax"}};
    for (const auto& [text, message] : table) {
        const auto version = Semver::parse(text);
        ASSERT_FALSE(version.ok()) << text;
        EXPECT_EQ(version.error().message(), message) << text;
    }
}

TEST(Semver, OrdersByPrecedence) {
    const char* order[] = {"1.0.0-1",     "1.0.0-2",       "1.0.0-10",
                           "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta",
                           "1.0.0-beta",  "1.0.0-beta.2",  "1.0.0-beta.11",
                           "1.0.0-rc.1",  "1.0.0",         "1.0.1",
                           "1.1.0",       "2.0.0",         "10.0.0"};
    for (std::size_t i = 0; i + 1 < std::size(order); ++i)
        EXPECT_LT(*Semver::parse(order[i]), *Semver::parse(order[i + 1])) << order[i];
}

TEST(Semver, IgnoresBuildMetadataWhenComparing) {
    EXPECT_EQ(*Semver::parse("1.0.0+a"), *Semver::parse("1.0.0+b"));
}

TEST(Semver, LenientAddsWhatIsMissing) {
    const std::pair<const char*, const char*> table[] = {{"v1", "1.0.0"},
                                                         {"1.2", "1.2.0"},
                                                         {"v01.02.03", "1.2.3"},
                                                         {"1.2.0003-rc.1", "1.2.3-rc.1"},
                                                         {"00.0.0", "0.0.0"}};
    for (const auto& [text, expected] : table) {
        const auto version = Semver::parse_lenient(text);
        ASSERT_TRUE(version.ok()) << text;
        EXPECT_EQ(version->text(), expected);
    }
    EXPECT_FALSE(Semver::parse_lenient("1.2-rc1").ok());
    EXPECT_FALSE(Semver::parse_lenient(" 1.2.3").ok());
}

}  // namespace
}  // namespace knd
