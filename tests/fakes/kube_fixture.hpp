// SPDX-License-Identifier: Apache-2.0
//
// For tests that speak to an API server: the fake one, a client for it, and the loop both answer
// on.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>

#include "host/kube/client.hpp"
#include "host/kube/resource_api.hpp"
#include "tests/fakes/api_server.hpp"
#include "tests/fakes/nri_loop.hpp"

namespace knd::fakes {

class KubeFixture : public ::testing::Test {
  protected:
    KubeFixture() { connect({}); }

    /// Makes the client anew.
    void connect(kube::Client::Options options, kube::Secret token = {}) {
        api.reset();
        client.reset();
        kube::Config config;
        config.server = server.url();
        config.token = std::move(token);
        auto opened = kube::Client::open(io, config, std::move(options));
        EXPECT_TRUE(opened.ok()) << opened.error().message();
        client = *std::move(opened);
        api = std::make_unique<kube::ResourceApi>(*client);
    }

    template <class Predicate>
    bool until(Predicate happened) {
        return run_until(io, std::move(happened));
    }

    /// Calls `start` with a Done and runs the loop until it is called.
    template <class T, class Start>
    Result<T> wait_for(Start start) {
        std::optional<Result<T>> answer;
        start(Done<T>([&](Result<T> result) { answer.emplace(std::move(result)); }));
        EXPECT_TRUE(until([&] { return answer.has_value(); })) << "no answer";
        return answer ? *std::move(answer) : Result<T>(Error(Code::kUnknown, "no answer"));
    }

    FakeApiServer server;
    boost::asio::io_context io;
    /// What is under way at the server is no work of the loop's own.
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
        io.get_executor()};
    std::unique_ptr<kube::Client> client;
    std::unique_ptr<kube::ResourceApi> api;
};

}  // namespace knd::fakes
