// SPDX-License-Identifier: Apache-2.0
//
// Events and polling as a backend asks for them, from its own threads.
#include "host/plugin/host_services.hpp"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <knd/cpp/backend.hpp>
#include <limits>
#include <thread>

namespace knd::plugin {
namespace {

using std::chrono::milliseconds;

class HostServicesTest : public ::testing::Test {
  protected:
    HostServicesTest() {
        services_->connect({.devices_changed = [this] { ++changes_; },
                            .health_changed = [this] { ++checks_; },
                            .event = [this](const BackendEvent& e) { reported_.push_back(e); },
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
    std::shared_ptr<HostServices> services_ = std::make_shared<HostServices>(
        io_, HostServices::Names{"test", "dra.net", "node-1"}, milliseconds(50));
    Host host_{services_->face()};
    // Without it the loop ends as soon as nothing is under way.
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_ =
        boost::asio::make_work_guard(io_);
    int changes_ = 0;
    int checks_ = 0;
    std::vector<BackendEvent> reported_;
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

TEST_F(HostServicesTest, TellsTheBackendWhoItIs) {
    EXPECT_EQ(host_.instance(), "test");
    EXPECT_EQ(host_.driver(), "dra.net");
    EXPECT_EQ(host_.node(), "node-1");
}

TEST_F(HostServicesTest, TellsChangedHealthApartFromChangedDevices) {
    for (int i = 0; i < 100; ++i)
        host_.health_changed();
    run(120);
    EXPECT_EQ(checks_, 1);
    EXPECT_EQ(changes_, 0);
    host_.devices_changed();
    run(120);
    EXPECT_EQ(checks_, 1);
    EXPECT_EQ(changes_, 1);
}

TEST_F(HostServicesTest, PassesAnEventOnFromAnotherThread) {
    std::thread([&] { host_.event("uid-1", true, "LinkDown", "the link\nis down"); }).join();
    EXPECT_TRUE(reported_.empty());
    run(20);
    ASSERT_EQ(reported_.size(), 1u);
    EXPECT_EQ(reported_[0].claim_uid, "uid-1");
    EXPECT_TRUE(reported_[0].warning);
    EXPECT_EQ(reported_[0].reason, "LinkDown");
    EXPECT_EQ(reported_[0].message, "the link is down");
}

TEST_F(HostServicesTest, DropsTheEleventhEventOfAMinuteAndCountsIt) {
    const auto& report = *static_cast<const knd_host_report*>(
        services_->face()->extension(services_->face(), KND_HOST_REPORT));
    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(report.event(host_.get(), "uid-1", 0, "Fine", "it is fine"), KND_OK);
    EXPECT_EQ(report.event(host_.get(), "uid-1", 0, "Fine", "again"), KND_RESOURCE_EXHAUSTED);
    run(20);
    EXPECT_EQ(reported_.size(), 10u);
    EXPECT_EQ(services_->dropped_reports(), 1u);
}

TEST(ReportsTest, TakesEventsAgainAMinuteLater) {
    Reports reports;
    const Reports::Clock::time_point start{};
    for (int i = 0; i < 10; ++i)
        ASSERT_TRUE(reports.event("uid", 0, "Fine", "it is fine", start).ok());
    EXPECT_FALSE(reports.event("uid", 0, "Fine", "f", start + std::chrono::seconds(59)).ok());
    EXPECT_TRUE(reports.event("uid", 0, "Fine", "f", start + std::chrono::seconds(60)).ok());
}

TEST(ReportsTest, RefusesWhatIsNoEvent) {
    Reports reports;
    EXPECT_EQ(reports.event("", 0, "Fine", "f").code(), Code::kInvalidArgument);
    EXPECT_EQ(reports.event("uid", 7, "Fine", "f").code(), Code::kInvalidArgument);
    EXPECT_EQ(reports.event("uid", 0, "not camel", "f").code(), Code::kInvalidArgument);
    EXPECT_EQ(reports.event("uid", 0, std::string(65, 'A'), "f").code(), Code::kInvalidArgument);
    EXPECT_EQ(reports.event("uid", 0, "Fine", "").code(), Code::kInvalidArgument);
}

TEST(ReportsTest, CutsALongMessageBetweenCharacters) {
    Reports reports;
    std::string text(1023, 'x');
    const auto event = reports.event("uid", 0, "Fine", text + "\xc3\xa9");
    ASSERT_TRUE(event.ok());
    EXPECT_EQ(event->message, text);
}

TEST_F(HostServicesTest, KeepsTheLastValueOfAMetric) {
    host_.metric("frames_total", 1);
    host_.metric("frames_total", 2);
    host_.metric("temperature", 41.5, "nic-0");
    const auto metrics = services_->metrics();
    ASSERT_EQ(metrics.size(), 2u);
    EXPECT_EQ(metrics[0].name, "frames_total");
    EXPECT_TRUE(metrics[0].is_counter);
    EXPECT_EQ(metrics[0].value, 2);
    EXPECT_EQ(metrics[1].device, "nic-0");
    EXPECT_FALSE(metrics[1].is_counter);
}

TEST_F(HostServicesTest, TakesAMetricAwayByNaN) {
    host_.metric("temperature", 41.5, "nic-0");
    host_.metric("temperature", std::numeric_limits<double>::quiet_NaN(), "nic-0");
    EXPECT_TRUE(services_->metrics().empty());
}

TEST(ReportsTest, RefusesMetricsThatNobodyCouldRead) {
    Reports reports;
    const auto code = [&](std::int32_t kind, std::string_view name, double value = 1,
                          std::string_view device = "") {
        return reports.metric(kind, name, device, value).code();
    };
    EXPECT_EQ(code(KND_METRIC_GAUGE, "not-a-name"), Code::kInvalidArgument);
    EXPECT_EQ(code(KND_METRIC_GAUGE, "Upper"), Code::kInvalidArgument);
    EXPECT_EQ(code(KND_METRIC_GAUGE, "up"), Code::kInvalidArgument) << "the host's own";
    EXPECT_EQ(code(KND_METRIC_COUNTER, "bugs_total"), Code::kInvalidArgument);
    EXPECT_EQ(code(KND_METRIC_COUNTER, "frames"), Code::kInvalidArgument);
    EXPECT_EQ(code(KND_METRIC_GAUGE, "frames_total"), Code::kInvalidArgument);
    EXPECT_EQ(code(KND_METRIC_COUNTER, "frames_total", -1), Code::kInvalidArgument);
    EXPECT_EQ(code(7, "frames"), Code::kInvalidArgument);
    EXPECT_EQ(code(KND_METRIC_GAUGE, "frames", 1, "Not A Label"), Code::kInvalidArgument);
    EXPECT_EQ(code(KND_METRIC_GAUGE, "frames", std::numeric_limits<double>::infinity()),
              Code::kInvalidArgument);
    EXPECT_TRUE(reports.metrics().empty());
}

TEST(ReportsTest, KeepsAThousandMetricsAndCountsTheRest) {
    Reports reports;
    for (int i = 0; i < 1024; ++i)
        ASSERT_TRUE(reports.metric(KND_METRIC_GAUGE, "m" + std::to_string(i), "", i).ok());
    EXPECT_EQ(reports.metric(KND_METRIC_GAUGE, "more", "", 1).code(), Code::kResourceExhausted);
    EXPECT_TRUE(reports.metric(KND_METRIC_GAUGE, "m7", "", 70).ok()) << "one that is there";
    EXPECT_EQ(reports.dropped(), 1u);
}

TEST_F(HostServicesTest, OffersNoUnknownExtension) {
    EXPECT_EQ(services_->face()->extension(services_->face(), "example.com/none/1"), nullptr);
}

}  // namespace
}  // namespace knd::plugin
