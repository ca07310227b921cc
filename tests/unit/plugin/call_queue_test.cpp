// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/call_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

namespace knd::plugin {
namespace {

using std::chrono::milliseconds;

/// Runs jobs that note when they begin and end.
class CallQueueTest : public ::testing::Test {
  protected:
    void make(bool concurrent) {
        const auto nothing = [](const Call&) {};
        queue_ = std::make_shared<CallQueue>(
            io_, "q", CallQueue::Options{.concurrent = concurrent},
            CallQueue::Observer{[](const Call&, const auto&, auto) {}, nothing, nothing, nothing,
                                nothing, nothing});
    }
    void submit(std::string device, milliseconds time, std::string label) {
        queue_->submit({.operation = "prepare",
                        .device = std::move(device),
                        .work =
                            [this, time, label](const Call&) {
                                note("+" + label);
                                std::this_thread::sleep_for(time);
                                note("-" + label);
                                return Result<void>();
                            },
                        .done = [this](const auto&) { ++answers_; }});
    }
    void note(const std::string& text) {
        const std::lock_guard lock(mutex_);
        log_.push_back(text);
    }
    /// Position in the log.
    auto at(const std::string& text) const {
        return std::find(log_.begin(), log_.end(), text) - log_.begin();
    }

    boost::asio::io_context io_;
    std::shared_ptr<CallQueue> queue_;
    std::mutex mutex_;
    std::vector<std::string> log_;
    int answers_ = 0;
};

TEST_F(CallQueueTest, RunsOneJobAtATime) {
    make(false);
    submit("a", milliseconds(20), "a");
    submit("b", milliseconds(1), "b");
    submit("", milliseconds(1), "all");
    io_.run();
    EXPECT_EQ(log_, (std::vector<std::string>{"+a", "-a", "+b", "-b", "+all", "-all"}));
    EXPECT_EQ(answers_, 3);
}

TEST_F(CallQueueTest, OverlapsDevicesOfAConcurrentBackend) {
    make(true);
    submit("a", milliseconds(100), "a");
    submit("b", milliseconds(100), "b");
    io_.run();
    EXPECT_LT(at("+b"), at("-a"));
    EXPECT_LT(at("+a"), at("-b"));
}

TEST_F(CallQueueTest, NeverOverlapsCallsAboutOneDevice) {
    make(true);
    submit("a", milliseconds(30), "a1");
    submit("a", milliseconds(1), "a2");
    submit("b", milliseconds(1), "b");
    io_.run();
    EXPECT_LT(at("-a1"), at("+a2"));
    EXPECT_LT(at("+b"), at("-a1"));
}

TEST_F(CallQueueTest, RunsACallAboutEverythingAlone) {
    make(true);
    submit("a", milliseconds(30), "a");
    submit("", milliseconds(10), "all");
    submit("b", milliseconds(1), "b");
    io_.run();
    EXPECT_EQ(log_, (std::vector<std::string>{"+a", "-a", "+all", "-all", "+b", "-b"}));
}

TEST_F(CallQueueTest, LetsOthersPassWhileAJobWaitsForItsNextTry) {
    make(false);
    int tries = 0;
    queue_->submit({.operation = "prepare",
                    .device = "a",
                    .retry = true,
                    .work = [&](const Call&) -> Result<void> {
                        note("try");
                        if (++tries < 2) return Error(Code::kUnavailable, "busy");
                        return {};
                    },
                    .done = [this](const auto&) { ++answers_; }});
    submit("a", milliseconds(0), "a");
    submit("b", milliseconds(0), "b");
    io_.run();
    EXPECT_EQ(log_, (std::vector<std::string>{"try", "+b", "-b", "try", "+a", "-a"}));
    EXPECT_EQ(answers_, 3);
}

TEST_F(CallQueueTest, RunsFourJobsOfAConcurrentBackendAtATime) {
    make(true);
    std::atomic<int> running = 0;
    std::atomic<int> most = 0;
    for (int i = 0; i < 12; ++i) {
        queue_->submit({.operation = "prepare",
                        .device = "d" + std::to_string(i),
                        .work =
                            [&](const Call&) {
                                const int now = ++running;
                                for (int seen = most; seen < now;)
                                    most.compare_exchange_weak(seen, now);
                                std::this_thread::sleep_for(milliseconds(20));
                                --running;
                                return Result<void>();
                            },
                        .done = [this](const auto&) { ++answers_; }});
    }
    io_.run();
    EXPECT_EQ(most, 4);
    EXPECT_EQ(answers_, 12);
}

TEST_F(CallQueueTest, WaitsForAJobThatHoldsTheOthersUntilItIsDone) {
    make(true);
    int tries = 0;
    queue_->submit({.operation = "reconcile",
                    .retry = true,
                    .holds = true,
                    .work = [&](const Call&) -> Result<void> {
                        note("reconcile");
                        if (++tries < 3) return Error(Code::kUnavailable, "busy");
                        return {};
                    },
                    .done = [this](const auto&) { ++answers_; }});
    submit("a", milliseconds(0), "a");
    io_.run();
    EXPECT_EQ(log_, (std::vector<std::string>{"reconcile", "reconcile", "reconcile", "+a", "-a"}));
    EXPECT_EQ(answers_, 2);
}

TEST_F(CallQueueTest, GoesOnAfterAHoldingJobThatRanOutOfTime) {
    make(false);
    queue_->submit(
        {.operation = "reconcile",
         .deadline = CallQueue::Clock::now() + milliseconds(120),
         .retry = true,
         .holds = true,
         .work = [](const Call&) -> Result<void> { return Error(Code::kUnavailable, "busy"); },
         .done =
             [this](const auto& result) {
                 EXPECT_EQ(result.code(), Code::kUnavailable);
                 note("gave up");
             }});
    submit("a", milliseconds(0), "a");
    io_.run();
    EXPECT_THAT(log_, ::testing::UnorderedElementsAre("gave up", "+a", "-a"));
}

TEST_F(CallQueueTest, TellsTheBackendThatACallIsCancelled) {
    make(false);
    bool saw_it = false;
    queue_->submit({.operation = "prepare",
                    .device = "a",
                    .deadline = CallQueue::Clock::now() + milliseconds(20),
                    .work = [&](const Call& call) -> Result<void> {
                        EXPECT_EQ(call.face()->size, sizeof(knd_call));
                        EXPECT_STREQ(call.face()->id, "q-1");
                        while (!call.face()->cancelled(call.face())) {
                            std::this_thread::sleep_for(milliseconds(1));
                        }
                        saw_it = true;
                        return Error(Code::kCancelled, "as you wish");
                    },
                    .done =
                        [this](const Result<>& result) {
                            EXPECT_EQ(result.code(), Code::kDeadlineExceeded);
                            ++answers_;
                        }});
    io_.run();
    EXPECT_TRUE(saw_it);
    EXPECT_EQ(answers_, 1);
}

}  // namespace
}  // namespace knd::plugin
