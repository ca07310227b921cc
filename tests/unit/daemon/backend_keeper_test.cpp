// SPDX-License-Identifier: Apache-2.0
//
// Backends that start late, fail, hang and come back, and who waits for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/daemon/backend_keeper.hpp"
#include "host/inventory/inventory.hpp"
#include "tests/fakes/claims_world.hpp"

namespace knd {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Answers when the test says so.
class SlowBackend final : public Backend {
  public:
    explicit SlowBackend(std::string name) : name_(std::move(name)) {}

    const std::string& name() const override { return name_; }
    BackendInfo info() const override {
        BackendInfo info;
        info.name = name_;
        info.state = state_;
        info.reason = state_ == BackendState::kStuck ? "stuck in start" : "";
        return info;
    }
    void start(Done<> done) override {
        calls.emplace_back("start");
        starting_ = std::move(done);
    }
    void stop(Done<> done) override { done({}); }
    void list(Done<DeviceListing> done) override {
        calls.emplace_back("list");
        if (holds_list) {
            listing_ = std::move(done);
            return;
        }
        done(devices());
    }
    void prepare(PrepareRequest, Deadline, Done<Effects> done) override { done(Effects{}); }
    void unprepare(Binding, Deadline, Done<> done) override { done({}); }
    void attach(Attachment, Deadline, Done<> done) override { done({}); }
    void detach(Attachment, Deadline, Done<> done) override { done({}); }
    void reconcile(std::vector<Binding>, Deadline, Done<std::vector<Lost>> done) override {
        calls.emplace_back("reconcile");
        done(std::vector<Lost>());
    }

    const std::optional<std::map<std::string, HealthReport>>& health() const override {
        return health_;
    }

    // --- as the plugin host does it ---
    void start_ends_well() {
        become(BackendState::kRunning);
        if (auto done = std::exchange(starting_, nullptr)) done({});
    }
    void start_ends_kept_out() {
        become(BackendState::kFailed);
        if (auto done = std::exchange(starting_, nullptr)) done({});
    }
    void start_fails(Code code) {
        if (auto done = std::exchange(starting_, nullptr))
            done(Error(code, "backend " + name_ + ": no hardware"));
    }
    void become(BackendState state) {
        state_ = state;
        if (on_state_changed) on_state_changed();
    }
    void list_ends() {
        if (auto done = std::exchange(listing_, nullptr)) done(devices());
    }

    std::vector<std::string> calls;
    bool holds_list = false;

  private:
    DeviceListing devices() const {
        Device device;
        device.backend = name_;
        device.name = name_ + "-0";
        return {{device}, {}};
    }

    std::string name_;
    BackendState state_ = BackendState::kLoaded;
    Done<> starting_;
    Done<DeviceListing> listing_;
    std::optional<std::map<std::string, HealthReport>> health_;
};

class BackendKeeperTest : public ::testing::Test {
  protected:
    BackendKeeperTest() {
        world.boot();
        keeper.emplace(world.process->home,
                       BackendKeeper::Options{milliseconds(50), milliseconds(20), milliseconds(40)},
                       backends, inventory, world.claims());
        keeper->on_ready = [this] { happened.emplace_back("ready"); };
        keeper->on_listed = [this] { happened.emplace_back("listed"); };
    }
    void run_for(milliseconds time) { world.settle_for(time); }
    std::vector<std::string> offered() {
        std::vector<std::string> names;
        for (const auto& entry : inventory.entries())
            if (entry.offered) names.push_back(entry.device->name);
        return names;
    }

    fake::ClaimsWorld world;
    SlowBackend a{"a"};
    SlowBackend b{"b"};
    std::vector<Backend*> backends{&a, &b};
    Inventory inventory{{"node", {"a", "b"}, {}}};
    std::optional<BackendKeeper> keeper;
    std::vector<std::string> happened;
};

TEST_F(BackendKeeperTest, IsReadyWhenAllAreListed) {
    b.holds_list = true;
    keeper->start();
    a.start_ends_well();
    EXPECT_THAT(a.calls, ElementsAre("start"));  // one recovery for all
    b.start_ends_well();
    run_for(milliseconds(1));
    EXPECT_THAT(a.calls, ElementsAre("start", "list"));
    EXPECT_THAT(happened, IsEmpty());
    b.list_ends();
    EXPECT_THAT(happened, ElementsAre("listed", "ready"));
    EXPECT_THAT(offered(), ElementsAre("a-0", "b-0"));
    run_for(milliseconds(100));
    EXPECT_EQ(happened.size(), 2u);
}

TEST_F(BackendKeeperTest, IsReadyWithoutBackends) {
    backends.clear();
    BackendKeeper alone(world.process->home, {}, backends, inventory, world.claims());
    alone.on_ready = [this] { happened.emplace_back("ready"); };
    alone.start();
    run_for(milliseconds(1));
    EXPECT_THAT(happened, ElementsAre("ready"));
}

TEST_F(BackendKeeperTest, LosesPatienceWithABackendThatStartsForLong) {
    keeper->start();
    a.start_ends_well();
    run_for(milliseconds(80));
    // Slices still wait: those of before the restart may have its devices.
    EXPECT_THAT(happened, ElementsAre("ready"));
    EXPECT_THAT(offered(), ElementsAre("a-0"));
    b.start_ends_well();
    EXPECT_THAT(b.calls, ElementsAre("start", "reconcile", "list"));
    EXPECT_THAT(happened, ElementsAre("ready", "listed"));
    EXPECT_THAT(offered(), ElementsAre("a-0", "b-0"));
}

TEST_F(BackendKeeperTest, LosesPatienceWithABackendThatListsForLong) {
    b.holds_list = true;
    keeper->start();
    a.start_ends_well();
    b.start_ends_well();
    run_for(milliseconds(80));
    EXPECT_THAT(happened, ElementsAre("ready"));
    b.list_ends();
    EXPECT_THAT(happened, ElementsAre("ready", "listed"));
}

TEST_F(BackendKeeperTest, DoesNotWaitForOneThatCannotStart) {
    keeper->start();
    a.start_ends_well();
    b.start_fails(Code::kInvalidArgument);
    run_for(milliseconds(1));
    EXPECT_THAT(happened, ElementsAre("listed", "ready"));
    run_for(milliseconds(100));
    EXPECT_THAT(b.calls, ElementsAre("start"));  // what is wrong stays wrong
}

TEST_F(BackendKeeperTest, SaysOnceWhichBackendDoesNotServe) {
    keeper->start();
    a.start_ends_well();
    b.start_ends_well();
    run_for(milliseconds(1));
    const auto held = inventory.entries();  // b-0 stays known when its backend goes
    ASSERT_EQ(held.size(), 2u);
    inventory.set_unavailable("b", "");
    BackendKeeper other(world.process->home, {}, {&b}, inventory, world.claims());
    other.start();
    b.start_fails(Code::kInvalidArgument);
    EXPECT_EQ(inventory.entries().back().reason, "backend b does not serve: no hardware");
}

TEST_F(BackendKeeperTest, StartsAgainWhatMayHeal) {
    keeper->start();
    a.start_ends_well();
    b.start_fails(Code::kUnavailable);
    run_for(milliseconds(30));
    EXPECT_THAT(b.calls, ElementsAre("start", "start"));
    b.start_ends_well();
    EXPECT_THAT(b.calls, ElementsAre("start", "start", "reconcile", "list"));
    EXPECT_THAT(offered(), ElementsAre("a-0", "b-0"));
}

TEST_F(BackendKeeperTest, TakesInAStartThatCameBackAfterItsDeadline) {
    keeper->start();
    a.start_ends_well();
    b.start_fails(Code::kDeadlineExceeded);
    b.become(BackendState::kStuck);
    run_for(milliseconds(30));
    b.start_fails(Code::kUnavailable);  // the queue refuses a second one
    EXPECT_THAT(happened, ElementsAre("listed", "ready"));
    EXPECT_THAT(offered(), ElementsAre("a-0"));
    b.become(BackendState::kRunning);
    EXPECT_THAT(offered(), ElementsAre("a-0", "b-0"));
    run_for(milliseconds(100));
    EXPECT_THAT(b.calls, ElementsAre("start", "start", "reconcile", "list"));
}

TEST_F(BackendKeeperTest, HearsNoFailureOfAStartThatIsNotNeededAnyMore) {
    keeper->start();
    a.start_ends_well();
    b.start_fails(Code::kDeadlineExceeded);
    run_for(milliseconds(30));
    b.become(BackendState::kRunning);
    b.start_fails(Code::kFailedPrecondition);  // "has been started already"
    EXPECT_THAT(offered(), ElementsAre("a-0", "b-0"));
}

TEST_F(BackendKeeperTest, WithdrawsWhatIsStuckAndTakesItInAgain) {
    keeper->start();
    a.start_ends_well();
    b.start_ends_well();
    run_for(milliseconds(1));
    b.become(BackendState::kStuck);
    EXPECT_THAT(offered(), ElementsAre("a-0"));
    const auto entries = inventory.entries();
    EXPECT_THAT(entries.back().reason, HasSubstr("stuck in start"));
    b.become(BackendState::kDegraded);
    EXPECT_THAT(offered(), ElementsAre("a-0", "b-0"));
    EXPECT_THAT(b.calls, ElementsAre("start", "list", "reconcile", "list"));
}

TEST_F(BackendKeeperTest, TakesInABackendThatComesBackIntoService) {
    keeper->start();
    a.start_ends_well();
    b.start_ends_well();
    run_for(milliseconds(1));
    b.become(BackendState::kFailed);
    EXPECT_THAT(offered(), ElementsAre("a-0"));
    b.become(BackendState::kRunning);
    EXPECT_THAT(offered(), ElementsAre("a-0", "b-0"));
    EXPECT_THAT(b.calls, ElementsAre("start", "list", "reconcile", "list"));
}

TEST_F(BackendKeeperTest, DoesNotWaitForOneThatIsStartedAndKeptOut) {
    keeper->start();
    a.start_ends_well();
    b.start_ends_kept_out();
    run_for(milliseconds(1));
    EXPECT_THAT(happened, ElementsAre("listed", "ready"));
    EXPECT_THAT(offered(), ElementsAre("a-0"));
    b.become(BackendState::kRunning);
    EXPECT_THAT(offered(), ElementsAre("a-0", "b-0"));
    EXPECT_THAT(b.calls, ElementsAre("start", "reconcile", "list"));
}

TEST_F(BackendKeeperTest, DoesNothingAfterItsStop) {
    keeper->start();
    a.start_ends_well();
    b.start_fails(Code::kUnavailable);
    keeper->stop();
    a.become(BackendState::kStopped);
    run_for(milliseconds(100));
    EXPECT_THAT(b.calls, ElementsAre("start"));
    EXPECT_THAT(happened, IsEmpty());
}

}  // namespace
}  // namespace knd
