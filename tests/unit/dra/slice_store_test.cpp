// SPDX-License-Identifier: Apache-2.0
#include "host/dra/slice_store.hpp"

#include <gtest/gtest.h>

namespace knd::dra {
namespace {

StoredSlice slice(const std::string& version, const std::string& uid = "u") {
    StoredSlice made;
    made.name = "00000-a";
    made.uid = uid;
    made.resource_version = version;
    made.pool = "n1";
    made.generation = std::stoi(version);
    return made;
}

std::string held(const SliceStore& store) {
    const auto all = store.of_pool("n1");
    return all.empty() ? "nothing" : all.front().resource_version;
}

const SliceStore::Time kNow = SliceStore::Time() + std::chrono::hours(1);

TEST(SliceStore, BelievesItsOwnWriteBeforeTheWatchShowsIt) {
    SliceStore store;
    store.wrote(slice("5"), kNow);
    EXPECT_EQ(held(store), "5");
}

TEST(SliceStore, IgnoresTheWatchWhileItIsBehind) {
    SliceStore store;
    store.saw(slice("3"), kNow);
    store.wrote(slice("5"), kNow);
    EXPECT_FALSE(store.saw(slice("4"), kNow));
    EXPECT_EQ(held(store), "5");
}

TEST(SliceStore, IgnoresAnAnswerThatTheWatchHasOvertaken) {
    SliceStore store;
    store.saw(slice("7"), kNow);
    store.wrote(slice("5"), kNow);
    EXPECT_EQ(held(store), "7");
}

TEST(SliceStore, DoesNotCallItsOwnWriteAChangeOfOthers) {
    SliceStore store;
    store.wrote(slice("5"), kNow);
    EXPECT_FALSE(store.saw(slice("5"), kNow));
}

TEST(SliceStore, NoticesChangesOfOthers) {
    SliceStore store;
    store.saw(slice("5"), kNow);
    EXPECT_TRUE(store.saw(slice("6"), kNow));
}

TEST(SliceStore, TellsItsOwnDeletesFromOthers) {
    SliceStore store;
    StoredSlice lost;
    store.saw(slice("5"), kNow);
    EXPECT_TRUE(store.vanished("00000-a", "u", lost));
    store.saw(slice("6", "u2"), kNow);
    store.removing(slice("6", "u2"), kNow);
    EXPECT_FALSE(store.vanished("00000-a", "u2", lost));
}

TEST(SliceStore, DoesNotRaiseTheDead) {
    SliceStore store;
    store.saw(slice("5"), kNow);
    store.removing(slice("5"), kNow);
    store.removed("00000-a", "u");
    EXPECT_FALSE(store.saw(slice("5"), kNow));
    EXPECT_EQ(held(store), "nothing");
}

TEST(SliceStore, KeepsASliceWhoseDeleteFailed) {
    SliceStore store;
    store.saw(slice("5"), kNow);
    store.removing(slice("5"), kNow);
    store.not_removed("u");
    store.saw(slice("6"), kNow);
    EXPECT_EQ(held(store), "6");
}

TEST(SliceStore, KeepsTheSuccessorWhenAnOldDeleteArrivesLate) {
    SliceStore store;
    StoredSlice lost;
    store.wrote(slice("9", "new"), kNow);
    EXPECT_FALSE(store.vanished("00000-a", "old", lost));
    EXPECT_EQ(held(store), "9");
}

TEST(SliceStore, DoubtsWhatTheWatchNeverConfirmed) {
    SliceStore store;
    store.wrote(slice("5"), kNow);
    EXPECT_TRUE(store.doubtful(kNow).empty());
    EXPECT_EQ(store.doubtful(kNow + SliceStore::kTrust), std::vector<std::string>{"00000-a"});
    store.saw(slice("5"), kNow);
    EXPECT_TRUE(store.doubtful(kNow + SliceStore::kTrust).empty());
}

TEST(SliceStore, TakesOlderVersionsFromTheWatchWhenItHasShownTheLastWrite) {
    SliceStore store;
    store.wrote(slice("9"), kNow);
    store.saw(slice("9"), kNow);
    EXPECT_TRUE(store.saw(slice("4"), kNow)) << "the server was restored from a copy";
    EXPECT_EQ(held(store), "4");
}

TEST(SliceStore, TakesOlderVersionsFromTheWatchWhenItsWriteIsLongAgo) {
    SliceStore store;
    store.wrote(slice("9"), kNow);
    EXPECT_TRUE(store.saw(slice("4"), kNow + SliceStore::kTrust));
    EXPECT_EQ(held(store), "4");
}

TEST(SliceStore, TakesWhatItReadsWhateverItsVersion) {
    SliceStore store;
    store.wrote(slice("9"), kNow);
    const auto reading = store.read(slice("4"), kNow);
    EXPECT_TRUE(reading.differs);
    EXPECT_TRUE(reading.ran_back);
    EXPECT_EQ(held(store), "4");
    EXPECT_FALSE(store.read(slice("5"), kNow).ran_back);
}

TEST(SliceStore, TakesTheWriteThatFollowsAReadOfAnOlderVersion) {
    SliceStore store;
    store.saw(slice("9"), kNow);
    store.read(slice("4"), kNow);
    store.wrote(slice("5"), kNow);
    EXPECT_EQ(held(store), "5");
}

TEST(SliceStore, TakesBackASliceThatItDeletedLongAgo) {
    SliceStore store;
    store.saw(slice("5"), kNow);
    store.removing(slice("5"), kNow);
    store.removed("00000-a", "u");
    const auto later = kNow + SliceStore::kTrust;
    EXPECT_TRUE(store.saw(slice("5"), later)) << "the server was restored from a copy";
    EXPECT_EQ(held(store), "5");
}

TEST(SliceStore, DoubtsAnUpdateThatTheWatchNeverShowed) {
    SliceStore store;
    store.saw(slice("4"), kNow);
    store.wrote(slice("5"), kNow);
    EXPECT_TRUE(store.waits_for_watch());
    EXPECT_EQ(store.doubtful(kNow + SliceStore::kTrust), std::vector<std::string>{"00000-a"});
    store.read(slice("5"), kNow + SliceStore::kTrust);
    EXPECT_FALSE(store.waits_for_watch()) << "the server says the same";
}

TEST(SliceStore, DoubtsADeleteThatTheWatchNeverShowed) {
    SliceStore store;
    store.saw(slice("5"), kNow);
    store.removing(slice("5"), kNow);
    store.removed("00000-a", "u");
    EXPECT_TRUE(store.waits_for_watch());
    EXPECT_EQ(store.doubtful(kNow + SliceStore::kTrust), std::vector<std::string>{"00000-a"});
    EXPECT_FALSE(store.waits_for_watch());
    EXPECT_TRUE(store.read(slice("5"), kNow).differs) << "it may be there again";
}

}  // namespace
}  // namespace knd::dra
