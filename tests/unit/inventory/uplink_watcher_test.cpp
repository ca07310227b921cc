// SPDX-License-Identifier: Apache-2.0
//
// The watch over uplinks in the network namespace of the test.
#include "host/inventory/uplink_watcher.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <knd/cpp/fd.hpp>
#include <thread>

#include "host/model/log.hpp"

namespace knd {
namespace {

/// No descriptor can be opened while it lives.
class NoDescriptors {
  public:
    NoDescriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        // The lowest free number is the first one that is forbidden.
        const Fd lowest(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        auto none = before_;
        none.rlim_cur = static_cast<rlim_t>(lowest.get());
        ::setrlimit(RLIMIT_NOFILE, &none);
    }
    ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    NoDescriptors(const NoDescriptors&) = delete;
    NoDescriptors& operator=(const NoDescriptors&) = delete;

  private:
    rlimit before_{};
};

class UplinkWatcherTest : public testing::Test {
  protected:
    void TearDown() override {
        watcher.stop();
        workers.join();
    }
    /// Runs the loop until `happened`, for ten seconds at most.
    template <class Predicate>
    bool until(Predicate happened) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!happened() && std::chrono::steady_clock::now() < end)
            io.run_for(std::chrono::milliseconds(20));
        return happened();
    }

    boost::asio::io_context io;
    boost::asio::thread_pool workers{1};
    int told = 0;
    UplinkWatcher watcher{io, workers.get_executor(), [this](const auto&) { ++told; }};
};

TEST_F(UplinkWatcherTest, KnowsTheUplinksAtOnce) {
    watcher.start();
    EXPECT_TRUE(watcher.known());
    EXPECT_EQ(watcher.error(), "");
    EXPECT_EQ(told, 1) << "also that there are none";
}

TEST_F(UplinkWatcherTest, SaysThatItCannotWatchAndTriesAgain) {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "UBSan opens a pipe to see whether memory can be read, and takes no for bad";
#endif
    log::set_level("off");
    {
        const NoDescriptors none;
        watcher.start();
    }
    EXPECT_FALSE(watcher.known());
    EXPECT_NE(watcher.error().find("watch routes and addresses"), std::string::npos)
        << watcher.error();
    EXPECT_EQ(told, 0);
    EXPECT_TRUE(until([&] { return watcher.known(); }));
    EXPECT_EQ(watcher.error(), "");
    EXPECT_EQ(told, 1);
}

TEST_F(UplinkWatcherTest, KnowsNothingUntilItHasJudgedWithTheNodesAddresses) {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "UBSan opens a pipe to see whether memory can be read, and takes no for bad";
#endif
    log::set_level("off");
    watcher.start();
    {
        const NoDescriptors none;
        watcher.set_node_ips({"192.0.2.7"});
    }
    EXPECT_FALSE(watcher.known()) << "what it told before may lack the interface with the address";
    EXPECT_TRUE(until([&] { return watcher.known(); }));
    EXPECT_EQ(told, 2);
}

TEST_F(UplinkWatcherTest, ReadsOnAWorkerOnceItHasStarted) {
    watcher.start();
    boost::asio::post(workers, [] { std::this_thread::sleep_for(std::chrono::milliseconds(50)); });
    watcher.set_node_ips({"192.0.2.7"});
    EXPECT_FALSE(watcher.known()) << "the worker has had no time for a read";
    EXPECT_TRUE(until([&] { return watcher.known(); }));
    EXPECT_EQ(told, 2);
}

}  // namespace
}  // namespace knd
