// SPDX-License-Identifier: Apache-2.0
#include "sdk/support/link_watch.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <set>

namespace knd {
namespace {

/// The host's side: which descriptors it watches, and how often it was told to list.
class LinkWatchTest : public testing::Test {
  protected:
    LinkWatchTest() {
        face_.size = sizeof face_;
        face_.log = [](const knd_host*, std::int32_t, const char*) noexcept {};
        face_.extension = [](const knd_host* host, const char* id) noexcept -> const void* {
            auto& self = *static_cast<LinkWatchTest*>(host->host_data);
            const std::string_view wanted(id);
            if (wanted == KND_HOST_EVENTS) return &self.events_;
            return wanted == KND_HOST_POLL ? &self.poll_ : nullptr;
        };
        face_.host_data = this;
        events_.size = sizeof events_;
        events_.devices_changed = [](const knd_host* host) noexcept {
            ++static_cast<LinkWatchTest*>(host->host_data)->changes_;
        };
        poll_.size = sizeof poll_;
        poll_.watch = [](const knd_host* host, std::int32_t fd, knd_error*) noexcept {
            auto& self = *static_cast<LinkWatchTest*>(host->host_data);
            if (self.refuses_) return static_cast<knd_status>(KND_UNAVAILABLE);
            self.watched_.insert(fd);
            return static_cast<knd_status>(KND_OK);
        };
        poll_.unwatch = [](const knd_host* host, std::int32_t fd) noexcept {
            static_cast<LinkWatchTest*>(host->host_data)->watched_.erase(fd);
        };
    }

    int fd() const { return watched_.empty() ? -1 : *watched_.begin(); }
    /// Reading from what is no socket fails.
    static void break_socket(int fd) {
        const Fd other(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        ASSERT_EQ(::dup3(other.get(), fd, O_CLOEXEC), fd);
    }

    knd_host face_{};
    knd_host_events events_{};
    knd_host_poll poll_{};
    std::set<int> watched_;
    int changes_ = 0;
    bool refuses_ = false;
    LinkWatch watch_{Host(&face_)};
};

TEST_F(LinkWatchTest, WatchesUntilItIsStopped) {
    ASSERT_TRUE(watch_.start().ok());
    EXPECT_EQ(watched_.size(), 1u);
    watch_.stop();
    EXPECT_TRUE(watched_.empty());
}

TEST_F(LinkWatchTest, SaysNothingWhenNothingHasHappened) {
    ASSERT_TRUE(watch_.start().ok());
    watch_.on_ready(fd());
    EXPECT_EQ(changes_, 0);
}

TEST_F(LinkWatchTest, AsksForAListWhenItsSocketBreaks) {
    ASSERT_TRUE(watch_.start().ok());
    break_socket(fd());
    watch_.on_ready(fd());
    EXPECT_EQ(changes_, 1);
    EXPECT_TRUE(watched_.empty());
}

TEST_F(LinkWatchTest, WatchesAgainWithTheNextList) {
    ASSERT_TRUE(watch_.start().ok());
    break_socket(fd());
    watch_.on_ready(fd());
    watch_.ensure();
    ASSERT_EQ(watched_.size(), 1u);
    watch_.on_ready(fd());
    EXPECT_EQ(changes_, 1) << "the new socket works";
    watch_.ensure();
    EXPECT_EQ(watched_.size(), 1u) << "one is enough";
}

TEST_F(LinkWatchTest, TriesAgainWithEachListUntilTheHostWatches) {
    ASSERT_TRUE(watch_.start().ok());
    break_socket(fd());
    watch_.on_ready(fd());
    refuses_ = true;
    watch_.ensure();
    EXPECT_TRUE(watched_.empty());
    refuses_ = false;
    watch_.ensure();
    EXPECT_EQ(watched_.size(), 1u);
}

TEST_F(LinkWatchTest, PassesOverWhatIsReadyNoLonger) {
    ASSERT_TRUE(watch_.start().ok());
    const auto before = fd();
    watch_.stop();
    watch_.on_ready(before);
    EXPECT_EQ(changes_, 0);
}

}  // namespace
}  // namespace knd
