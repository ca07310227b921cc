// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/bug_count.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace knd::plugin {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class BugCountTest : public ::testing::Test {
  protected:
    BugCount::Verdict bug(const std::string& claim, const std::string& operation = "prepare") {
        return count.add({claim, "default/" + claim}, operation, "stoi", now);
    }
    bool out(const std::string& claim) const { return count.kept_out({claim, ""}, now) != nullptr; }

    BugCount count{BugCount::Options()};
    BugCount::Clock::time_point now{minutes(1000)};
};

TEST_F(BugCountTest, KeepsOutTheClaimThatMakesThem) {
    for (int i = 0; i < 4; ++i)
        EXPECT_FALSE(bug("a").claim);
    const auto verdict = bug("a");
    ASSERT_TRUE(verdict.claim);
    EXPECT_FALSE(verdict.instance);
    EXPECT_EQ(verdict.claim->reason,
              "5 internal errors in 10 minutes, the last one in prepare: stoi");
    EXPECT_TRUE(out("a"));
    EXPECT_FALSE(out("b"));
}

TEST_F(BugCountTest, ForgetsWhatIsOlderThanTheWindow) {
    for (int i = 0; i < 20; ++i) {
        EXPECT_FALSE(bug("a").claim);
        EXPECT_FALSE(bug("", "list").instance);
        now += minutes(3);
    }
}

TEST_F(BugCountTest, TriesAClaimOnceAfterAPauseThatDoubles) {
    for (int i = 0; i < 5; ++i)
        bug("a");
    now += seconds(59);
    EXPECT_TRUE(out("a"));
    now += seconds(1);
    EXPECT_FALSE(out("a"));
    EXPECT_TRUE(bug("a").claim);
    now += seconds(119);
    EXPECT_TRUE(out("a"));
    now += seconds(1);
    EXPECT_FALSE(out("a"));
    for (auto pause : {4, 8, 16, 30, 30}) {
        EXPECT_TRUE(bug("a").claim);
        now += minutes(pause) - seconds(1);
        EXPECT_TRUE(out("a")) << pause;
        now += seconds(1);
        EXPECT_FALSE(out("a")) << pause;
    }
}

TEST_F(BugCountTest, ForgetsAClaimWhoseCallWorks) {
    for (int i = 0; i < 4; ++i)
        bug("a");
    count.worked({"a", ""}, "unprepare");  // ends that, and says nothing about prepare
    count.worked({"b", ""}, "prepare");
    EXPECT_TRUE(bug("a").claim);
    now += minutes(1);
    count.worked({"a", ""}, "prepare");
    for (int i = 0; i < 4; ++i)
        EXPECT_FALSE(bug("a").claim);
    EXPECT_TRUE(bug("a").claim);
}

TEST_F(BugCountTest, KeepsOutTheInstanceForBugsWithoutAClaim) {
    for (int i = 0; i < 4; ++i)
        EXPECT_FALSE(bug("", "list").instance);
    const auto verdict = bug("", "check");
    ASSERT_TRUE(verdict.instance);
    EXPECT_EQ(verdict.instance->until, now + minutes(1));
    EXPECT_EQ(verdict.instance->reason,
              "5 internal errors in 10 minutes, the last one in check: stoi");
}

TEST_F(BugCountTest, KeepsOutTheInstanceForBugsByThreeClaims) {
    EXPECT_FALSE(bug("a").instance);
    EXPECT_FALSE(bug("a").instance);
    EXPECT_FALSE(bug("b").instance);
    EXPECT_FALSE(bug("b").instance);
    EXPECT_FALSE(bug("b").instance);
    EXPECT_TRUE(bug("c").instance);
}

TEST_F(BugCountTest, TakesNoInstanceOutForTwoClaims) {
    for (int i = 0; i < 20; ++i) {
        EXPECT_FALSE(bug("a").instance);
        EXPECT_FALSE(bug("b").instance);
    }
}

TEST_F(BugCountTest, KeepsOutAnInstanceThatRelapsesForTwiceAsLong) {
    for (int i = 0; i < 5; ++i)
        bug("", "list");
    now += minutes(2);
    const auto again = bug("", "list").instance;
    ASSERT_TRUE(again);
    EXPECT_EQ(again->until, now + minutes(2));
    EXPECT_EQ(again->reason, "an internal error when it was tried again, in list: stoi");
    now = again->until + minutes(11);  // it has behaved for a window
    EXPECT_FALSE(bug("", "list").instance);
}

}  // namespace
}  // namespace knd::plugin
