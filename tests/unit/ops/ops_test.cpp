// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "host/ops/control_client.hpp"
#include "host/ops/health.hpp"
#include "host/ops/http_server.hpp"
#include "host/ops/metrics.hpp"

namespace knd::ops {
namespace {

/// A server on a unix socket of its own, with its loop on a thread.
class UnixServer : public testing::Test {
  protected:
    void SetUp() override {
        directory_ = testing::TempDir() + "knd-ops-XXXXXX";
        ASSERT_NE(mkdtemp(directory_.data()), nullptr);
        path_ = directory_ + "/kndd.sock";
    }
    void TearDown() override {
        io_.stop();
        if (thread_.joinable()) thread_.join();
        server_.reset();
        std::filesystem::remove_all(directory_);
    }
    void serve(HttpHandler handler) {
        auto server = HttpServer::listen_unix(io_, path_, std::move(handler));
        ASSERT_TRUE(server.ok()) << server.error().message();
        server_ = *std::move(server);
        thread_ = std::thread([this] { io_.run(); });
    }

    std::string directory_;
    std::string path_;
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
        io_.get_executor()};
    std::unique_ptr<HttpServer> server_;
    std::thread thread_;
};

TEST_F(UnixServer, AnswersTheControlClient) {
    serve([](std::string_view target) -> HttpResponse {
        return {200, "{\"target\":\"" + std::string(target) + "\"}", "application/json"};
    });
    const auto json = control_get(path_, "/devices");
    ASSERT_TRUE(json.ok()) << json.error().message();
    EXPECT_EQ(json_string(*json, "target"), "/devices");
}

TEST_F(UnixServer, PassesErrorsOnAsTheyAre) {
    serve([](std::string_view) -> HttpResponse {
        return {404, "{\"error\":\"no device dra7\"}", "application/json"};
    });
    const auto json = control_get(path_, "/x");
    ASSERT_FALSE(json.ok());
    EXPECT_EQ(json.code(), Code::kNotFound);
    EXPECT_EQ(json.error().message(), "no device dra7");
}

TEST_F(UnixServer, IsForItsOwnerOnly) {
    serve([](std::string_view) { return HttpResponse(); });
    struct stat info {};
    ASSERT_EQ(::stat(path_.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(UnixServer, ReplacesTheSocketOfAKilledPredecessor) {
    {
        boost::asio::io_context dead;
        auto old =
            HttpServer::listen_unix(dead, path_, [](std::string_view) { return HttpResponse(); });
        ASSERT_TRUE(old.ok());
        std::filesystem::rename(path_, path_ + ".kept");  // as a crash would leave it
    }
    std::filesystem::rename(path_ + ".kept", path_);
    serve([](std::string_view) -> HttpResponse { return {200, "{}", "application/json"}; });
    EXPECT_TRUE(control_get(path_, "/").ok());
}

TEST_F(UnixServer, LeavesALivingPredecessorAlone) {
    serve([](std::string_view) { return HttpResponse(); });
    boost::asio::io_context other;
    const auto second =
        HttpServer::listen_unix(other, path_, [](std::string_view) { return HttpResponse(); });
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().message(), path_ + " is served by another process; stop that first");
}

TEST(ControlClient, SaysWhatToDoWhenNobodyAnswers) {
    const auto json = control_get("/nonexistent/kndd.sock", "/devices");
    ASSERT_FALSE(json.ok());
    EXPECT_NE(json.error().message().find("is it running, and are you root?"), std::string::npos);
}

TEST(HttpServer, RefusesAnAddressWithoutPort) {
    boost::asio::io_context io;
    for (const auto* address : {"localhost:80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999"}) {
        const auto server =
            HttpServer::listen_tcp(io, address, [](std::string_view) { return HttpResponse(); });
        EXPECT_FALSE(server.ok()) << address;
    }
}

TEST(HttpServer, TakesAnyFreePort) {
    boost::asio::io_context io;
    const auto server =
        HttpServer::listen_tcp(io, "127.0.0.1:0", [](std::string_view) { return HttpResponse(); });
    ASSERT_TRUE(server.ok());
    EXPECT_GT((*server)->port(), 0);
}

TEST(Health, IsReadyOnlyWhenEveryPartIs) {
    EXPECT_EQ(readiness({{"kubelet", true, "", false}, {"runtime", true, "", false}}).status, 200);
    const auto response =
        readiness({{"kubelet", true, "", false}, {"api", false, "refused", false}});
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(response.body, "[+]kubelet ok\n[-]api failed: refused\nreadyz check failed\n");
}

TEST(Health, IsAliveUntilOnlyARestartHelps) {
    EXPECT_EQ(liveness({{"api", false, "refused", false}}).status, 200);
    EXPECT_EQ(liveness({{"backend x", false, "it hangs", true}}).status, 503);
}

TEST(Metrics, CountsRequestsByMethodAndStatus) {
    Metrics metrics;
    metrics.nri_request("RunPodSandbox", "OK", Metrics::Seconds(0.0004));
    metrics.nri_request("RunPodSandbox", "OK", Metrics::Seconds(0.0004));
    const auto text = metrics.text();
    EXPECT_NE(text.find("knd_nri_requests_total{method=\"RunPodSandbox\",status=\"OK\"} 2"),
              std::string::npos);
    EXPECT_NE(text.find("knd_nri_request_seconds_count{method=\"RunPodSandbox\"} 2"),
              std::string::npos);
}

TEST(Metrics, FollowsACounterKeptElsewhere) {
    Metrics metrics;
    metrics.set_slice_writes("create", 3);
    metrics.set_slice_writes("create", 5);
    EXPECT_NE(metrics.text().find("knd_slice_writes_total{operation=\"create\"} 5"),
              std::string::npos);
}

}  // namespace
}  // namespace knd::ops
