// SPDX-License-Identifier: Apache-2.0
//
// DRAResourceHealth as the kubelet sees it.
#include "host/dra/health_service.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>

#include "host/dra/server.hpp"
#include "tests/fakes/nri_loop.hpp"

namespace knd::dra {
namespace {

using Ms = std::chrono::milliseconds;

class NoClaims final : public ClaimService {
  public:
    void prepare(ClaimRef, std::chrono::steady_clock::time_point,
                 Done<std::vector<PreparedDevice>> done) override {
        done(Error(Code::kNotFound, "there are no claims"));
    }
    void unprepare(ClaimRef, std::chrono::steady_clock::time_point, Done<> done) override {
        done({});
    }
};

/// A kubelet that watches, with a thread of its own.
template <class Api, class Stub>
class Watcher {
  public:
    explicit Watcher(std::unique_ptr<Stub> stub) : stub_(std::move(stub)) {
        thread_ = std::thread([this] {
            typename Api::Response response;
            const auto reader = stub_->NodeWatchResources(&context_, typename Api::Request());
            while (reader->Read(&response)) {
                const std::lock_guard lock(mutex_);
                for (const auto& device : response.devices())
                    seen_[device.device().pool_name() + "/" + device.device().device_name()] =
                        device;
                largest_ = std::max(largest_, response.devices_size());
                ++messages_;
            }
            status_ = reader->Finish();
            ended_ = true;
        });
    }
    ~Watcher() {
        context_.TryCancel();
        thread_.join();
    }
    using Device = std::decay_t<decltype(typename Api::Response().devices(0))>;
    Device device(const std::string& name) {
        const std::lock_guard lock(mutex_);
        return seen_[name];
    }
    bool has(const std::string& name) {
        const std::lock_guard lock(mutex_);
        return seen_.contains(name);
    }
    int messages() {
        const std::lock_guard lock(mutex_);
        return messages_;
    }
    int largest() {
        const std::lock_guard lock(mutex_);
        return largest_;
    }
    bool ended() const { return ended_; }
    grpc::Status status() const { return status_; }

  private:
    std::unique_ptr<Stub> stub_;
    grpc::ClientContext context_;
    std::mutex mutex_;
    std::map<std::string, Device> seen_;
    int messages_ = 0;
    int largest_ = 0;
    grpc::Status status_;
    std::atomic<bool> ended_{false};
    std::thread thread_;
};
using WatcherV1 = Watcher<HealthV1, ::v1::DRAResourceHealth::Stub>;
using WatcherV1alpha1 = Watcher<HealthV1alpha1, ::v1alpha1::DRAResourceHealth::Stub>;

class HealthServiceTest : public testing::Test {
  protected:
    HealthServiceTest()
        : server(io, claims,
                 Server::Options{.driver = "knd.dev",
                                 .plugin_dir = dir.file("plugins/knd.dev"),
                                 .registry_dir = dir.file("registry"),
                                 .renew_health = Ms(50)}) {
        const auto started = server.start();
        EXPECT_TRUE(started.ok()) << started.error().message();
    }
    std::shared_ptr<grpc::Channel> dial() {
        return grpc::CreateChannel("unix:" + server.plugin_socket().string(),
                                   grpc::InsecureChannelCredentials());
    }
    std::unique_ptr<WatcherV1> watch() {
        return std::make_unique<WatcherV1>(::v1::DRAResourceHealth::NewStub(dial()));
    }
    template <class Predicate>
    bool until(Predicate happened) {
        return fakes::run_until(io, std::move(happened));
    }

    fakes::TempDir dir;
    boost::asio::io_context io;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
        io.get_executor()};
    NoClaims claims;
    Server server;
};

TEST_F(HealthServiceTest, TellsWhoComesOfAllDevices) {
    server.set_health({{"n1", "eth1", Health::kUnhealthy, "no carrier"},
                       {"n1", "eth2", Health::kHealthy, ""},
                       {"n1", "eth3", Health::kUnknown, ""}});
    const auto before = std::time(nullptr);
    const auto kubelet = watch();
    ASSERT_TRUE(until([&] { return kubelet->has("n1/eth3"); }));
    const auto ill = kubelet->device("n1/eth1");
    EXPECT_EQ(ill.health(), ::v1::UNHEALTHY);
    EXPECT_EQ(ill.message(), "no carrier");
    EXPECT_GE(ill.last_updated_time(), before);
    EXPECT_EQ(ill.health_check_timeout_seconds(), 30);
    EXPECT_EQ(kubelet->device("n1/eth2").health(), ::v1::HEALTHY);
    EXPECT_EQ(kubelet->device("n1/eth3").health(), ::v1::UNKNOWN);
}

TEST_F(HealthServiceTest, TellsAChangeAtOnceToAllInBothVersions) {
    const auto first = watch();
    const auto second = watch();
    WatcherV1alpha1 old(::v1alpha1::DRAResourceHealth::NewStub(dial()));
    ASSERT_TRUE(
        until([&] { return first->messages() + second->messages() > 1 && old.messages() > 0; }));
    server.set_health({{"n1", "eth1", Health::kUnhealthy, "no carrier"}});
    EXPECT_TRUE(until(
        [&] { return first->has("n1/eth1") && second->has("n1/eth1") && old.has("n1/eth1"); }));
    EXPECT_EQ(old.device("n1/eth1").health(), ::v1alpha1::UNHEALTHY);
}

TEST_F(HealthServiceTest, SaysTheSameAgainBeforeThePatienceOfTheKubeletIsOver) {
    server.set_health({{"n1", "eth1", Health::kHealthy, ""}});
    const auto kubelet = watch();
    EXPECT_TRUE(until([&] { return kubelet->messages() >= 4; }));
}

TEST_F(HealthServiceTest, SaysNothingAgainWhenThereIsNothingToSay) {
    const auto kubelet = watch();
    ASSERT_TRUE(until([&] { return kubelet->messages() == 1; }));
    fakes::run_for(io, Ms(200));
    EXPECT_EQ(kubelet->messages(), 1);
}

TEST_F(HealthServiceTest, EndsItsStreamsWhenItStops) {
    const auto kubelet = watch();
    ASSERT_TRUE(until([&] { return kubelet->messages() > 0; }));
    server.stop();
    ASSERT_TRUE(until([&] { return kubelet->ended(); }));
    EXPECT_TRUE(kubelet->status().ok()) << "no error for the kubelet's log";
}

TEST_F(HealthServiceTest, OutlivesAKubeletThatHangsUp) {
    for (int i = 0; i < 40; ++i) {
        const auto kubelet = watch();
        ASSERT_TRUE(until([&] { return kubelet->messages() > 0; })) << i;
        server.set_health({{"n1", "eth" + std::to_string(i), Health::kHealthy, ""}});
    }
}

TEST_F(HealthServiceTest, SplitsAListThatAMessageCannotHold) {
    std::vector<DeviceHealth> many;
    for (int i = 0; i < 5'000; ++i)
        many.push_back({"n1", "eth" + std::to_string(i), Health::kHealthy, ""});
    server.set_health(many);
    const auto kubelet = watch();
    ASSERT_TRUE(until([&] { return kubelet->has("n1/eth0") && kubelet->has("n1/eth4999"); }));
    EXPECT_LE(kubelet->largest(), 2'000);
}

TEST_F(HealthServiceTest, RefusesMoreWatchesThanKubeletsHave) {
    std::vector<std::unique_ptr<WatcherV1>> kubelets;
    for (std::size_t i = 0; i < kMaxHealthStreams; ++i) {
        kubelets.push_back(watch());
        ASSERT_TRUE(until([&] { return kubelets.back()->messages() > 0; }));
    }
    const auto late = watch();
    ASSERT_TRUE(until([&] { return late->ended(); }));
    EXPECT_EQ(late->status().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST(HealthMessage, IsCutBetweenCharacters) {
    EXPECT_EQ(health_message("short"), "short");
    std::string text;
    for (int i = 0; i < 600; ++i)
        text += "\xc3\xa9";
    const auto cut = health_message(text);
    EXPECT_LE(cut.size(), 1024u);
    EXPECT_TRUE(cut.ends_with("\xc3\xa9..."));
}

/// Takes lists and does not read on.
class SlowStream final : public HealthHub::Stream {
  public:
    void offer(HealthList list) override { last = std::move(list); }
    void close() override { closed = true; }
    HealthList last;
    bool closed = false;
};

TEST(HealthHub, GivesAStreamTheNewestListAlone) {
    HealthHub hub;
    SlowStream stream;
    EXPECT_FALSE(hub.add(&stream)) << "it is not open";
    hub.open();
    ASSERT_TRUE(hub.add(&stream));
    std::weak_ptr<const std::vector<DeviceHealth>> old;
    for (int i = 0; i < 3; ++i) {
        old = stream.last;
        hub.publish(std::make_shared<const std::vector<DeviceHealth>>(
            std::vector<DeviceHealth>{{"n1", std::to_string(i), Health::kHealthy, ""}}));
        EXPECT_TRUE(old.expired());
    }
    hub.close();
    EXPECT_TRUE(stream.closed);
    hub.remove(&stream);
}

}  // namespace
}  // namespace knd::dra
