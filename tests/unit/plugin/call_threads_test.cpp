// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/call_threads.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

namespace knd::plugin {
namespace {

/// Runs `work` and waits for it.
template <class Work>
void run(CallThreads& threads, Work work, bool usable = true) {
    std::promise<void> done;
    ASSERT_TRUE(threads
                    .run([&, usable](const ThreadState& state) {
                        work(state);
                        done.set_value();
                        return usable;
                    })
                    .ok());
    done.get_future().wait();
}

TEST(CallThreads, AreMadeWhenThereIsWork) {
    CallThreads threads(4);
    EXPECT_EQ(threads.count(), 0u);
    run(threads, [](const auto&) {});
    EXPECT_EQ(threads.count(), 1u);
}

TEST(CallThreads, AreNeverMoreThanTheLimit) {
    std::atomic<int> at_once = 0;
    std::atomic<int> most = 0;
    std::atomic<int> all = 0;
    {
        CallThreads threads(3);
        for (int i = 0; i < 12; ++i) {
            ASSERT_TRUE(threads
                            .run([&](const ThreadState&) {
                                const int now = ++at_once;
                                for (int seen = most; seen < now;)
                                    most.compare_exchange_weak(seen, now);
                                std::this_thread::sleep_for(std::chrono::milliseconds(20));
                                --at_once;
                                ++all;
                                return true;
                            })
                            .ok());
        }
    }
    EXPECT_EQ(most, 3);
    EXPECT_EQ(all, 12);
}

TEST(CallThreads, AreNotUsedAgainWhenTheyMustNotBe) {
    CallThreads threads(1);
    std::thread::id first;
    std::thread::id second;
    run(
        threads, [&](const auto&) { first = std::this_thread::get_id(); }, false);
    // Handed over while the first one is on its way out.
    std::promise<void> done;
    ASSERT_TRUE(threads
                    .run([&](const ThreadState&) {
                        second = std::this_thread::get_id();
                        done.set_value();
                        return true;
                    })
                    .ok());
    done.get_future().wait();
    EXPECT_EQ(threads.count(), 1u);
    static_cast<void>(first);
    EXPECT_NE(second, std::this_thread::get_id());
}

TEST(CallThreads, HaveADirectoryAndAUmaskOfTheirOwn) {
    char before[4096];
    ASSERT_NE(::getcwd(before, sizeof before), nullptr);
    const auto mask = ::umask(0022);
    CallThreads threads(1);
    run(threads, [](const ThreadState& state) {
        EXPECT_EQ(::chdir("/"), 0);
        ::umask(0777);
        char here[4096];
        EXPECT_STREQ(::getcwd(here, sizeof here), "/");
        const auto changed = state.restore(false);
        EXPECT_TRUE(changed.has_value());
        if (!changed) return;
        EXPECT_EQ(changed->what, "the working directory and the umask");
        EXPECT_TRUE(changed->restored);
        EXPECT_FALSE(state.restore(false).has_value());
    });
    char after[4096];
    ASSERT_NE(::getcwd(after, sizeof after), nullptr);
    EXPECT_STREQ(before, after);
    EXPECT_EQ(::umask(mask), 0022u);
}

}  // namespace
}  // namespace knd::plugin
