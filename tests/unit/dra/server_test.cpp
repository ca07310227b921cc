// SPDX-License-Identifier: Apache-2.0
#include "host/dra/server.hpp"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <boost/asio/executor_work_guard.hpp>
#include <future>
#include <map>
#include <set>
#include <thread>

#include "host/model/socket_path.hpp"
#include "host/proto/kubelet/dra_health_v1.grpc.pb.h"
#include "host/proto/kubelet/dra_health_v1alpha1.grpc.pb.h"
#include "host/proto/kubelet/dra_v1.grpc.pb.h"
#include "host/proto/kubelet/dra_v1beta1.grpc.pb.h"
#include "host/proto/kubelet/registration_v1.grpc.pb.h"
#include "tests/fakes/nri_loop.hpp"

#include <knd/cpp/fd.hpp>

namespace knd::dra {
namespace {

namespace fs = std::filesystem;
namespace v1 = k8s::io::kubelet::pkg::apis::dra::v1;
namespace v1beta1 = k8s::io::kubelet::pkg::apis::dra::v1beta1;
namespace reg = pluginregistration;
using Ms = std::chrono::milliseconds;

/// Answers at once, or when told to.
class FakeClaims final : public ClaimService {
  public:
    void prepare(ClaimRef claim, std::chrono::steady_clock::time_point until,
                 Done<std::vector<PreparedDevice>> done) override {
        asked.push_back(claim);
        deadline = until;
        if (hold) return held.push_back([=, this] { answer(claim, done); });
        answer(claim, done);
    }
    void unprepare(ClaimRef claim, std::chrono::steady_clock::time_point, Done<> done) override {
        asked.push_back(claim);
        if (claim.name == "bad") return done(Error(Code::kInternal, "cannot undo"));
        done({});
    }
    void release() {
        for (const auto& answer_one : std::exchange(held, {}))
            answer_one();
    }

    std::vector<ClaimRef> asked;
    std::vector<std::function<void()>> held;
    std::chrono::steady_clock::time_point deadline;
    bool hold = false;

  private:
    static void answer(const ClaimRef& claim, const Done<std::vector<PreparedDevice>>& done) {
        if (claim.name == "bad") return done(Error(Code::kNotFound, "device eth1 is gone"));
        done(std::vector<PreparedDevice>{
            {{"req"}, "n1", "eth1", "share", {"knd.dev/claim=" + claim.uid}}});
    }
};

class ServerTest : public ::testing::Test {
  protected:
    ServerTest() {
        server = std::make_unique<Server>(io, claims,
                                          Server::Options{.driver = "knd.dev",
                                                          .plugin_dir = dir.file("plugins/knd.dev"),
                                                          .registry_dir = dir.file("registry"),
                                                          .register_again = Ms(20),
                                                          .hang_up_patience = Ms(100)});
        const auto started = server->start();
        EXPECT_TRUE(started.ok()) << started.error().message();
    }

    std::shared_ptr<grpc::Channel> dial(const fs::path& socket) {
        return grpc::CreateChannel("unix:" + socket.string(), grpc::InsecureChannelCredentials());
    }

    /// Runs a blocking call beside the loop that answers it.
    template <class Call>
    auto while_running(Call call) {
        auto result = std::async(std::launch::async, std::move(call));
        EXPECT_TRUE(fakes::run_until(
            io, [&] { return result.wait_for(Ms(0)) == std::future_status::ready; }));
        return result.get();
    }

    template <class Request>
    static void add(Request& request, const std::string& name, const std::string& uid) {
        auto& claim = *request.add_claims();
        claim.set_namespace_("ns");
        claim.set_name(name);
        claim.set_uid(uid);
    }

    grpc::Status prepare(const v1::NodePrepareResourcesRequest& request,
                         v1::NodePrepareResourcesResponse& response, Ms timeout = Ms(5'000)) {
        return while_running([&] {
            grpc::ClientContext context;
            context.set_deadline(std::chrono::system_clock::now() + timeout);
            return v1::DRAPlugin::NewStub(dial(server->plugin_socket()))
                ->NodePrepareResources(&context, request, &response);
        });
    }

    /// What a kubelet from 1.34 on has open to the driver's socket while it knows us.
    Fd connect() {
        Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const auto address = socket_address(server->plugin_socket());
        EXPECT_EQ(
            ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address), 0);
        EXPECT_TRUE(fakes::run_until(io, [&] { return server->registration().connected; }));
        return fd;
    }
    bool registered() { return server->registration().registered; }
    /// When the kubelet would see the registration socket created.
    std::pair<time_t, long> shown_at() {
        struct stat info {};
        ::stat(server->registration_socket().c_str(), &info);
        return {info.st_ctim.tv_sec, info.st_ctim.tv_nsec};
    }

    void notify(bool registered, const std::string& error) {
        const auto status = while_running([&] {
            grpc::ClientContext context;
            reg::RegistrationStatus message;
            message.set_plugin_registered(registered);
            message.set_error(error);
            reg::RegistrationStatusResponse response;
            return reg::Registration::NewStub(dial(server->registration_socket()))
                ->NotifyRegistrationStatus(&context, message, &response);
        });
        EXPECT_TRUE(status.ok()) << status.error_message();
    }

    fakes::TempDir dir;
    boost::asio::io_context io;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
        io.get_executor()};
    FakeClaims claims;
    std::unique_ptr<Server> server;
};

TEST_F(ServerTest, IntroducesItselfToTheKubelet) {
    reg::PluginInfo info;
    const auto status = while_running([&] {
        grpc::ClientContext context;
        return reg::Registration::NewStub(dial(server->registration_socket()))
            ->GetInfo(&context, {}, &info);
    });
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(info.type(), "DRAPlugin");
    EXPECT_EQ(info.name(), "knd.dev");
    EXPECT_EQ(info.endpoint(), server->plugin_socket().string());
    EXPECT_EQ(std::vector<std::string>(info.supported_versions().begin(),
                                       info.supported_versions().end()),
              (std::vector<std::string>{"v1.DRAPlugin", "v1beta1.DRAPlugin", "v1.DRAResourceHealth",
                                        "v1alpha1.DRAResourceHealth"}));
    EXPECT_TRUE(fakes::run_until(io, [&] { return server->registration().asked; }));
}

TEST_F(ServerTest, PutsItsSocketsWhereTheKubeletLooks) {
    EXPECT_EQ(server->plugin_socket(), dir.file("plugins/knd.dev/dra.sock"));
    EXPECT_EQ(server->registration_socket(), dir.file("registry/knd.dev-reg.sock"));
    for (const auto& path : {server->plugin_socket(), server->registration_socket()}) {
        struct stat info {};
        ASSERT_EQ(::stat(path.c_str(), &info), 0);
        EXPECT_EQ(info.st_mode & 0777, 0600u);
    }
}

TEST_F(ServerTest, IsRegisteredOnceTheKubeletSaysSo) {
    EXPECT_FALSE(server->registration().registered);
    notify(true, "");
    EXPECT_TRUE(fakes::run_until(io, [&] { return server->registration().registered; }));
}

TEST_F(ServerTest, OffersItselfAnewWhenTheKubeletRefuses) {
    const auto before = shown_at();
    notify(false, "endpoint already registered");
    ASSERT_TRUE(fakes::run_until(io, [&] { return !server->registration().error.empty(); }));
    EXPECT_EQ(server->registration().error, "endpoint already registered");
    EXPECT_TRUE(fakes::run_until(io, [&] { return shown_at() != before; }));
    notify(true, "");
    EXPECT_TRUE(fakes::run_until(io, [&] { return registered(); }));
}

TEST_F(ServerTest, IsNotRegisteredWhenTheKubeletHasHungUp) {
    auto kubelet = connect();
    notify(true, "");
    ASSERT_TRUE(fakes::run_until(io, [&] { return registered(); }));
    const auto before = shown_at();
    kubelet.reset();
    EXPECT_TRUE(fakes::run_until(io, [&] { return !registered(); }));
    EXPECT_EQ(server->registration().error,
              "it has closed its connection: it has ended, or forgotten this driver");
    EXPECT_TRUE(fakes::run_until(io, [&] { return shown_at() != before; }))
        << "it is offered again to one that has forgotten it";
    kubelet = connect();
    EXPECT_TRUE(registered());
    EXPECT_EQ(server->registration().error, "");
}

TEST_F(ServerTest, StaysRegisteredWhileTheKubeletConnectsAnew) {
    auto kubelet = connect();
    notify(true, "");
    ASSERT_TRUE(fakes::run_until(io, [&] { return registered(); }));
    bool lost = false;
    server->set_registration_observer([&](const Registration& now) { lost |= !now.registered; });
    kubelet.reset();
    ASSERT_TRUE(fakes::run_until(io, [&] { return !server->registration().connected; }));
    fakes::run_for(io, Ms(10));
    kubelet = connect();
    fakes::run_for(io, Ms(200));
    EXPECT_FALSE(lost);
}

TEST_F(ServerTest, StaysRegisteredWithTheSuccessorOfAKubeletThatEnded) {
    auto kubelet = connect();
    notify(true, "");
    ASSERT_TRUE(fakes::run_until(io, [&] { return registered(); }));
    kubelet.reset();
    ASSERT_TRUE(fakes::run_until(io, [&] { return !server->registration().connected; }));
    notify(true, "");
    fakes::run_for(io, Ms(200));
    EXPECT_TRUE(registered());
}

TEST_F(ServerTest, StaysRegisteredWithAKubeletThatHoldsNoConnection) {
    notify(true, "");
    const auto status = while_running([&] {
        grpc::ClientContext context;
        v1beta1::NodePrepareResourcesRequest request;
        add(request, "good", "u1");
        v1beta1::NodePrepareResourcesResponse response;
        return v1beta1::DRAPlugin::NewStub(dial(server->plugin_socket()))
            ->NodePrepareResources(&context, request, &response);
    });
    ASSERT_TRUE(status.ok()) << status.error_message();
    ASSERT_TRUE(fakes::run_until(io, [&] { return !server->registration().connected; }));
    fakes::run_for(io, Ms(200));
    EXPECT_TRUE(registered()) << "1.33 hangs up after half an hour without calls";
}

TEST_F(ServerTest, ComesBackWhenTheKubeletsDirectoriesWereEmptied) {
    auto kubelet = connect();
    notify(true, "");
    fs::remove_all(dir.file("plugins"));
    fs::remove_all(dir.file("registry"));
    kubelet.reset();
    ASSERT_TRUE(fakes::run_until(io, [&] { return fs::exists(server->registration_socket()); }));
    EXPECT_FALSE(registered());
    notify(true, "");
    EXPECT_TRUE(fakes::run_until(io, [&] { return registered(); }));
    v1::NodePrepareResourcesRequest request;
    add(request, "good", "u1");
    v1::NodePrepareResourcesResponse response;
    EXPECT_TRUE(prepare(request, response).ok());
}

TEST_F(ServerTest, AnswersEachClaimOfACall) {
    v1::NodePrepareResourcesRequest request;
    add(request, "good", "u1");
    add(request, "bad", "u2");
    v1::NodePrepareResourcesResponse response;
    const auto status = prepare(request, response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    ASSERT_EQ(response.claims_size(), 2);
    EXPECT_EQ(response.claims().at("u2").error(), "device eth1 is gone");
    const auto& good = response.claims().at("u1");
    EXPECT_EQ(good.error(), "");
    ASSERT_EQ(good.devices_size(), 1);
    EXPECT_EQ(good.devices(0).request_names(0), "req");
    EXPECT_EQ(good.devices(0).pool_name(), "n1");
    EXPECT_EQ(good.devices(0).device_name(), "eth1");
    EXPECT_EQ(good.devices(0).cdi_device_ids(0), "knd.dev/claim=u1");
    EXPECT_EQ(good.devices(0).share_id(), "share");
}

TEST_F(ServerTest, SpeaksV1beta1) {
    v1beta1::NodePrepareResourcesRequest request;
    add(request, "good", "u1");
    v1beta1::NodePrepareResourcesResponse response;
    const auto status = while_running([&] {
        grpc::ClientContext context;
        return v1beta1::DRAPlugin::NewStub(dial(server->plugin_socket()))
            ->NodePrepareResources(&context, request, &response);
    });
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.claims().at("u1").devices(0).device_name(), "eth1");
}

TEST_F(ServerTest, AnswersUnprepareForEachClaim) {
    v1::NodeUnprepareResourcesRequest request;
    add(request, "good", "u1");
    add(request, "bad", "u2");
    v1::NodeUnprepareResourcesResponse response;
    const auto status = while_running([&] {
        grpc::ClientContext context;
        return v1::DRAPlugin::NewStub(dial(server->plugin_socket()))
            ->NodeUnprepareResources(&context, request, &response);
    });
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.claims().at("u1").error(), "");
    EXPECT_EQ(response.claims().at("u2").error(), "cannot undo");
}

TEST_F(ServerTest, AnswersAnEmptyCall) {
    v1::NodePrepareResourcesResponse response;
    EXPECT_TRUE(prepare({}, response).ok());
    EXPECT_EQ(response.claims_size(), 0);
}

TEST_F(ServerTest, AsksOnceForAClaimThatIsNamedTwice) {
    v1::NodePrepareResourcesRequest request;
    add(request, "good", "u1");
    add(request, "good", "u1");
    v1::NodePrepareResourcesResponse response;
    ASSERT_TRUE(prepare(request, response).ok());
    EXPECT_EQ(claims.asked.size(), 1u);
    EXPECT_EQ(response.claims_size(), 1);
}

TEST_F(ServerTest, RefusesAClaimWithoutUidAlone) {
    v1::NodePrepareResourcesRequest request;
    add(request, "good", "");
    add(request, "good", "u1");
    v1::NodePrepareResourcesResponse response;
    ASSERT_TRUE(prepare(request, response).ok());
    EXPECT_NE(response.claims().at("").error(), "");
    EXPECT_EQ(response.claims().at("u1").error(), "");
}

TEST_F(ServerTest, RunsTheClaimsOfACallAtTheSameTime) {
    claims.hold = true;
    v1::NodePrepareResourcesRequest request;
    add(request, "a", "u1");
    add(request, "b", "u2");
    v1::NodePrepareResourcesResponse response;
    auto call = std::async(std::launch::async, [&] {
        grpc::ClientContext context;
        return v1::DRAPlugin::NewStub(dial(server->plugin_socket()))
            ->NodePrepareResources(&context, request, &response);
    });
    ASSERT_TRUE(fakes::run_until(io, [&] { return claims.held.size() == 2; }));
    claims.release();
    EXPECT_TRUE(call.get().ok());
}

TEST_F(ServerTest, PassesTheKubeletsDeadlineOn) {
    v1::NodePrepareResourcesRequest request;
    add(request, "good", "u1");
    v1::NodePrepareResourcesResponse response;
    const auto now = std::chrono::steady_clock::now();
    ASSERT_TRUE(prepare(request, response, Ms(3'000)).ok());
    EXPECT_LE(claims.deadline, now + Ms(3'100));
    EXPECT_GE(claims.deadline, now + Ms(1'000));
}

TEST_F(ServerTest, ForgetsACallThatTheKubeletGaveUp) {
    claims.hold = true;
    std::vector<RpcReport> reports;
    server->set_rpc_observer([&](const RpcReport& report) { reports.push_back(report); });
    v1::NodePrepareResourcesRequest request;
    add(request, "a", "u1");
    v1::NodePrepareResourcesResponse response;
    EXPECT_EQ(prepare(request, response, Ms(100)).error_code(),
              grpc::StatusCode::DEADLINE_EXCEEDED);
    ASSERT_TRUE(fakes::run_until(io, [&] { return reports.size() == 1; }));
    EXPECT_TRUE(reports[0].cancelled);
    claims.release();
    claims.hold = false;
    EXPECT_TRUE(prepare(request, response).ok()) << "and answers its repetition";
}

TEST_F(ServerTest, ReportsCallsForMetrics) {
    std::vector<RpcReport> reports;
    server->set_rpc_observer([&](const RpcReport& report) { reports.push_back(report); });
    v1::NodePrepareResourcesRequest request;
    add(request, "good", "u1");
    add(request, "bad", "u2");
    v1::NodePrepareResourcesResponse response;
    ASSERT_TRUE(prepare(request, response).ok());
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].method, "NodePrepareResources");
    EXPECT_EQ(reports[0].claims, 2u);
    EXPECT_EQ(reports[0].failed, 1u);
}

TEST_F(ServerTest, AnswersRunningCallsWhenItStops) {
    claims.hold = true;
    v1::NodePrepareResourcesRequest request;
    add(request, "a", "u1");
    v1::NodePrepareResourcesResponse response;
    auto call = std::async(std::launch::async, [&] {
        grpc::ClientContext context;
        return v1::DRAPlugin::NewStub(dial(server->plugin_socket()))
            ->NodePrepareResources(&context, request, &response);
    });
    ASSERT_TRUE(fakes::run_until(io, [&] { return claims.held.size() == 1; }));
    server->stop();
    EXPECT_EQ(call.get().error_code(), grpc::StatusCode::UNAVAILABLE);
    claims.release();
}

TEST_F(ServerTest, TakesItsSocketsAwayWhenItStops) {
    const auto plugin = server->plugin_socket();
    const auto registration = server->registration_socket();
    server.reset();
    EXPECT_FALSE(fs::exists(plugin));
    EXPECT_FALSE(fs::exists(registration));
    EXPECT_TRUE(fs::is_empty(plugin.parent_path()));
}

TEST_F(ServerTest, OffersNothingAfterAStop) {
    notify(false, "endpoint already registered");
    ASSERT_TRUE(fakes::run_until(io, [&] { return !server->registration().error.empty(); }));
    boost::asio::steady_timer stop(io, Ms(1));
    stop.async_wait([&](const boost::system::error_code&) { server->stop(); });
    // Both timers are over when the loop looks: the second can be cancelled no more.
    std::this_thread::sleep_for(Ms(50));
    fakes::run_for(io, Ms(50));
    EXPECT_FALSE(fs::exists(server->plugin_socket()));
    EXPECT_FALSE(fs::exists(server->registration_socket()));
}

TEST_F(ServerTest, ServesAgainAfterAStop) {
    server->stop();
    const auto started = server->start();
    ASSERT_TRUE(started.ok()) << started.error().message();
    v1::NodePrepareResourcesRequest request;
    add(request, "good", "u1");
    v1::NodePrepareResourcesResponse response;
    EXPECT_TRUE(prepare(request, response).ok());
    EXPECT_TRUE(response.claims().contains("u1"));
}

TEST_F(ServerTest, StartsWhenWhatWasInTheWayIsGone) {
    Server second(io, claims,
                  {.driver = "knd.dev",
                   .plugin_dir = dir.file("plugins/knd.dev"),
                   .registry_dir = dir.file("registry")});
    ASSERT_FALSE(second.start().ok());
    server->stop();
    EXPECT_TRUE(second.start().ok());
    EXPECT_TRUE(fs::is_socket(second.registration_socket()));
}

TEST_F(ServerTest, RefusesToStartBesideALivingInstance) {
    Server second(io, claims,
                  {.driver = "knd.dev",
                   .plugin_dir = dir.file("plugins/knd.dev"),
                   .registry_dir = dir.file("registry")});
    const auto started = second.start();
    ASSERT_FALSE(started.ok());
    EXPECT_NE(started.error().message().find("is served by another process"), std::string::npos);
    second.stop();
    EXPECT_TRUE(fs::is_socket(server->plugin_socket())) << "and leaves its sockets alone";
}

TEST_F(ServerTest, AcceptsAnAuthorityThatIsAPath) {
    grpc::ChannelArguments arguments;
    arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, "/var/lib/kubelet/plugins/dra.sock");
    const auto channel = grpc::CreateCustomChannel("unix:" + server->plugin_socket().string(),
                                                   grpc::InsecureChannelCredentials(), arguments);
    v1::NodePrepareResourcesRequest request;
    add(request, "good", "u1");
    v1::NodePrepareResourcesResponse response;
    const auto status = while_running([&] {
        grpc::ClientContext context;
        return v1::DRAPlugin::NewStub(channel)->NodePrepareResources(&context, request, &response);
    });
    EXPECT_TRUE(status.ok()) << status.error_message();
}

}  // namespace
}  // namespace knd::dra
