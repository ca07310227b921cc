// SPDX-License-Identifier: Apache-2.0
//
// The claims as the daemon runs them: a domain thread, four workers, SQLite's thread. Made for
// ThreadSanitizer as much as for its own checks.
#include <gtest/gtest.h>

#include <boost/asio/thread_pool.hpp>

#include <mutex>

#include "host/journal/sqlite_journal.hpp"
#include "tests/fakes/claims_world.hpp"

namespace knd {
namespace {

using fake::ClaimsWorld;

/// The fake node is for one thread at a time.
class LockedMover final : public DeviceMover {
  public:
    explicit LockedMover(fake::FakeNode& node) : mover_(node) {}
    Result<PodNetns> pin(const std::string& path) override {
        const std::lock_guard lock(mutex_);
        return mover_.pin(path);
    }
    Result<Survey> survey(const BindingRecord& record) override {
        const std::lock_guard lock(mutex_);
        return mover_.survey(record);
    }
    Result<std::vector<AttachedFacts>> attach(const BindingRecord& record, int fd,
                                              const StepHook& on_step) override {
        const std::lock_guard lock(mutex_);
        return mover_.attach(record, fd, on_step);
    }
    Result<std::vector<AttachedFacts>> configure_made(const BindingRecord& record, int fd,
                                                      const StepHook& on_step) override {
        const std::lock_guard lock(mutex_);
        return mover_.configure_made(record, fd, on_step);
    }
    Result<Detached> detach(const BindingRecord& record, int fd, const StepHook& on_step) override {
        const std::lock_guard lock(mutex_);
        return mover_.detach(record, fd, on_step);
    }
    Result<void> stop_container(const Container& container, const std::string& path) override {
        const std::lock_guard lock(mutex_);
        return mover_.stop_container(container, path);
    }

  private:
    std::mutex mutex_;
    fake::FakeMover mover_;
};

TEST(Threads, ManyPodsAtOnceEndWithEveryDeviceAtHome) {
    constexpr int kPods = 16;
    ClaimsWorld world;  // for its directory, claims and node; its process is not used
    boost::asio::io_context home;
    boost::asio::thread_pool workers(4);
    auto journal = SqliteJournal::open(world.directory + "/journal.db", home.get_executor());
    ASSERT_TRUE(journal.ok()) << journal.error().message();
    fake::FakeClaimSource source(home.get_executor());
    fake::FakeBackend backend("netdev", world.hardware, home.get_executor());
    fake::FakeDevices devices;
    devices.instances = {{"netdev", &backend}};
    LockedMover mover(world.node);
    const Markers markers(world.options.run_dir);
    const fake::FakeClock clock;
    StepObserver observer;
    Claims claims(world.options,
                  ClaimsPorts{home.get_executor(), workers.get_executor(), source, **journal,
                              devices, mover, markers, world.namespaces, clock, observer});
    ASSERT_TRUE(claims.load().ok());

    int ended = 0;
    const auto end_pod = [&](const PodSandbox& pod, const ClaimRef& ref) {
        claims.stop_pod_sandbox(pod, [](const Result<void>&) {});
        claims.unprepare(ref, ClaimsWorld::soon(), [&](const Result<void>& result) {
            EXPECT_TRUE(result.ok());
            ++ended;
        });
    };
    for (int i = 0; i < kPods; ++i) {
        const auto number = std::to_string(i);
        world.node.add_link("nic" + number);
        devices.add("nic" + number, "netdev");
        const auto claim = ClaimsWorld::claim("c" + number, {"nic" + number}, "pod-" + number);
        source.claims[claim.ref.text()] = claim;
        const auto pod = world.sandbox("s" + number, "pod-" + number);
        claims.prepare(claim.ref, ClaimsWorld::soon(), [&, pod, ref = claim.ref](const auto& got) {
            ASSERT_TRUE(got.ok());
            claims.run_pod_sandbox(pod, [](const Result<void>& r) { EXPECT_TRUE(r.ok()); });
            // Some are ended while the attach is on its way.
            boost::asio::post(home, [&, pod, ref] { end_pod(pod, ref); });
        });
    }
    auto work = boost::asio::make_work_guard(home);
    while (ended < kPods)
        home.run_one();
    workers.join();
    EXPECT_TRUE((*journal)->load()->empty());
    for (int i = 0; i < kPods; ++i)
        EXPECT_TRUE(world.node.is_home("nic" + std::to_string(i))) << i;
}

}  // namespace
}  // namespace knd
