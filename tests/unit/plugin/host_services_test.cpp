// SPDX-License-Identifier: Apache-2.0
//
// Events and polling as a backend asks for them, from its own threads.
#include "host/plugin/host_services.hpp"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <knd/cpp/backend.hpp>
#include <thread>

namespace knd::plugin {
namespace {

using std::chrono::milliseconds;

class HostServicesTest : public ::testing::Test {
  protected:
    HostServicesTest() {
        services_->connect({.devices_changed = [this] { ++changes_; },
                            .ready =
                                [this](int fd, std::uint64_t token) {
                                    ++readies_;
                                    fd_ = fd;
                                    token_ = token;
                                }});
    }
    ~HostServicesTest() override { services_->disconnect(); }
    void run(int ms) {
        io_.restart();
        io_.run_for(milliseconds(ms));
    }

    boost::asio::io_context io_;
    std::shared_ptr<HostServices> services_ =
        std::make_shared<HostServices>(io_, "test", milliseconds(50));
    Host host_{services_->face()};
    // Without it the loop ends as soon as nothing is under way.
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_ =
        boost::asio::make_work_guard(io_);
    int changes_ = 0;
    int readies_ = 0;
    int fd_ = -1;
    std::uint64_t token_ = 0;
};

TEST_F(HostServicesTest, PassesAnEventOnWhenItHasGatheredOthers) {
    host_.devices_changed();
    run(10);
    EXPECT_EQ(changes_, 0);
    run(120);
    EXPECT_EQ(changes_, 1);
}

TEST_F(HostServicesTest, MakesOneOfAStorm) {
    std::thread other([&] {
        for (int i = 0; i < 10000; ++i)
            host_.devices_changed();
    });
    other.join();
    run(120);
    EXPECT_EQ(changes_, 1);
    EXPECT_EQ(services_->events(), 10000u);
}

TEST_F(HostServicesTest, PassesOnWhatComesAfterAStorm) {
    host_.devices_changed();
    run(120);
    host_.devices_changed();
    run(120);
    EXPECT_EQ(changes_, 2);
}

TEST_F(HostServicesTest, SaysNothingAfterDisconnect) {
    host_.devices_changed();
    services_->disconnect();
    run(120);
    EXPECT_EQ(changes_, 0);
}

TEST_F(HostServicesTest, ReportsAReadableDescriptorOnceUntilRearmed) {
    const Fd event(::eventfd(1, EFD_CLOEXEC));
    ASSERT_TRUE(host_.watch(event.get()).ok());
    run(20);
    EXPECT_EQ(readies_, 1);
    EXPECT_EQ(fd_, event.get());
    services_->rearm(fd_, token_);
    run(20);
    EXPECT_EQ(readies_, 2);
}

TEST_F(HostServicesTest, WaitsWhileThereIsNothingToRead) {
    const Fd event(::eventfd(0, EFD_CLOEXEC));
    ASSERT_TRUE(host_.watch(event.get()).ok());
    run(20);
    EXPECT_EQ(readies_, 0);
    ::eventfd_write(event.get(), 1);
    run(20);
    EXPECT_EQ(readies_, 1);
}

TEST_F(HostServicesTest, ForgetsAnUnwatchedDescriptor) {
    const Fd event(::eventfd(1, EFD_CLOEXEC));
    ASSERT_TRUE(host_.watch(event.get()).ok());
    host_.unwatch(event.get());
    run(20);
    EXPECT_EQ(readies_, 0);
}

TEST_F(HostServicesTest, ToldApartADescriptorThatWasWatchedAnew) {
    const Fd event(::eventfd(1, EFD_CLOEXEC));
    ASSERT_TRUE(host_.watch(event.get()).ok());
    run(20);
    const auto old = token_;
    host_.unwatch(event.get());
    ASSERT_TRUE(host_.watch(event.get()).ok());
    EXPECT_FALSE(services_->watched(event.get(), old));
}

TEST_F(HostServicesTest, RefusesADescriptorThatIsClosed) {
    const auto watched = host_.watch(987);
    EXPECT_EQ(watched.error().os_error(), EBADF);
}

TEST_F(HostServicesTest, RefusesADescriptorTwice) {
    const Fd event(::eventfd(0, EFD_CLOEXEC));
    ASSERT_TRUE(host_.watch(event.get()).ok());
    EXPECT_EQ(host_.watch(event.get()).code(), Code::kAlreadyExists);
}

TEST_F(HostServicesTest, SurvivesABackendThatClosesWithoutUnwatching) {
    Fd event(::eventfd(0, EFD_CLOEXEC));
    ASSERT_TRUE(host_.watch(event.get()).ok());
    run(5);
    event.reset();
    run(20);
    EXPECT_EQ(readies_, 0);
}

TEST_F(HostServicesTest, OffersNoUnknownExtension) {
    EXPECT_EQ(services_->face()->extension(services_->face(), "example.com/none/1"), nullptr);
}

}  // namespace
}  // namespace knd::plugin
