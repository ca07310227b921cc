// SPDX-License-Identifier: Apache-2.0
//
// The claims as the daemon runs them: a domain thread, four workers, SQLite's thread. Made for
// ThreadSanitizer as much as for its own checks.
#include <gtest/gtest.h>

#include <boost/asio/thread_pool.hpp>

#include "host/journal/sqlite_journal.hpp"
#include "tests/fakes/claims_world.hpp"

namespace knd {
namespace {

using fake::ClaimsWorld;

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
    const Markers markers(world.options.run_dir);
    const fake::FakeClock clock;
    StepObserver observer;
    Claims claims(world.options, ClaimsPorts{home.get_executor(), workers.get_executor(), source,
                                             **journal, devices, world.node.attacher, markers,
                                             world.namespaces, clock, observer});
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
