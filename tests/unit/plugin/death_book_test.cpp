// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/death_book.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace knd::plugin {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kMinute = 60'000;

class DeathBookTest : public ::testing::Test {
  protected:
    DeathBookTest() {
        char name[] = "/tmp/knd-deaths-XXXXXX";
        directory = ::mkdtemp(name);
        open();
    }
    ~DeathBookTest() override { std::filesystem::remove_all(directory); }

    /// As the next process finds it.
    void open() { book.emplace(path(), DeathBook::Options()); }
    std::string path() const { return directory + "/deaths.json"; }
    void die(const std::string& operation, const std::string& claim_uid = "",
             const std::string& sum = "aa") {
        CrashNote note{"nic", operation, claim_uid, "", "", SIGSEGV};
        if (!claim_uid.empty()) note.claim = "default/" + claim_uid;
        book->add(note, sum, now);
        open();
    }
    bool claim_out(const std::string& uid) {
        return book->claim_kept_out("nic", uid, now).has_value();
    }
    bool out() { return book->instance_kept_out("nic", now).has_value(); }

    std::string directory;
    std::optional<DeathBook> book;
    std::int64_t now = 1'800'000'000'000;
};

TEST_F(DeathBookTest, KeepsAClaimOutAfterTwoDeathsInItsCalls) {
    die("prepare", "a");
    EXPECT_FALSE(claim_out("a"));
    die("prepare", "a");
    EXPECT_TRUE(claim_out("a"));
    EXPECT_FALSE(claim_out("b"));
    EXPECT_FALSE(out());
    const auto kept_out = book->claim_kept_out("nic", "a", now);
    EXPECT_EQ(kept_out->reason,
              "kndd died 2 times in calls for this claim, the last time of SIGSEGV in prepare for "
              "claim default/a at 2027-01-15T08:00:00Z");
    EXPECT_EQ(kept_out->until_ms, now + kMinute);
}

TEST_F(DeathBookTest, TriesAClaimAgainAfterAPauseThatDoubles) {
    die("prepare", "a");
    die("prepare", "a");
    for (const auto pause : {1, 2, 4, 8, 16, 30, 30}) {
        now += pause * kMinute - 1;
        EXPECT_TRUE(claim_out("a")) << pause;
        now += 1;
        EXPECT_FALSE(claim_out("a")) << pause;
        die("prepare", "a");
    }
}

TEST_F(DeathBookTest, ForgetsDeathsInACallThatComesBack) {
    die("prepare", "a");
    die("prepare", "a");
    now += kMinute;
    book->worked("nic", "a", "prepare");
    open();
    die("prepare", "a");
    EXPECT_FALSE(claim_out("a"));
    EXPECT_EQ(book->deaths("nic"), 3u);
}

TEST_F(DeathBookTest, KeepsAnInstanceOutAfterThreeDeathsWithoutAClaim) {
    die("start");
    die("list");
    EXPECT_FALSE(out());
    die("list");
    EXPECT_TRUE(out());
    EXPECT_FALSE(book->instance_kept_out("other", now));
    EXPECT_THAT(book->instance_kept_out("nic", now)->reason,
                HasSubstr("kndd died 3 times in calls to this backend, the last time of SIGSEGV in "
                          "list at 2027-"));
    EXPECT_TRUE(book->died_in("nic", "start"));
    EXPECT_FALSE(book->died_in("nic", "create"));
}

TEST_F(DeathBookTest, KeepsAnInstanceOutAfterFourDeathsInTenMinutes) {
    for (const auto* claim : {"a", "b", "c"})
        die("prepare", claim);
    EXPECT_FALSE(out());
    now += 9 * kMinute;
    die("prepare", "d");
    EXPECT_TRUE(out());
}

TEST_F(DeathBookTest, LetsAnInstanceServeThatKillsSeldom) {
    for (int i = 0; i < 20; ++i) {
        die("list");
        now += 6 * kMinute;
        EXPECT_FALSE(out());
    }
}

TEST_F(DeathBookTest, KeepsAnInstanceOutForLongerThatKillsAgain) {
    for (int i = 0; i < 3; ++i)
        die("list");
    now += kMinute;
    EXPECT_FALSE(out());
    die("list");
    now += 2 * kMinute - 1;
    EXPECT_TRUE(out());
    now += 1;
    EXPECT_FALSE(out());
    now += 11 * kMinute;  // it has served for a window
    die("list");
    EXPECT_FALSE(out());
}

TEST_F(DeathBookTest, StartsAfreshWithAnotherLibrary) {
    for (int i = 0; i < 3; ++i)
        die("list");
    book->use_library("nic", "aa");
    EXPECT_TRUE(out());
    book->use_library("nic", "");  // it could not be read: nobody knows
    EXPECT_TRUE(out());
    book->use_library("nic", "bb");
    open();
    EXPECT_FALSE(out());
    EXPECT_EQ(book->deaths("nic"), 0u);
    EXPECT_EQ(book->last_death("nic"), "");
}

TEST_F(DeathBookTest, SaysWhatTheLastDeathWas) {
    die("list");
    die("prepare", "a");
    EXPECT_EQ(book->deaths("nic"), 2u);
    EXPECT_EQ(book->last_death("nic"),
              "SIGSEGV in prepare for claim default/a at 2027-01-15T08:00:00Z");
}

TEST_F(DeathBookTest, TakesAFileThatMakesNoSenseForNone) {
    for (const auto* text : {"", "[]", "{", "{\"nic\": 7}", "{\"nic\": {\"deaths\": [1, null]}}",
                             "{\"nic\": {\"deaths\": {\"a\": 1}, \"trips\": \"x\"}}"}) {
        std::ofstream(path()) << text;
        open();
        EXPECT_FALSE(out()) << text;
        EXPECT_FALSE(claim_out("a")) << text;
    }
}

}  // namespace
}  // namespace knd::plugin
