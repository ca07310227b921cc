// SPDX-License-Identifier: Apache-2.0
//
// A plugin host around one or more of the libraries in tests/bad_backends: the loop is run until an
// answer is there.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/plugin/registry.hpp"

namespace knd::plugin {

class PluginFixture {
  public:
    using Milliseconds = std::chrono::milliseconds;

    PluginFixture() {
#ifdef KND_BAD_BACKENDS
        options.directory = KND_BAD_BACKENDS;
#endif
        options.grace = Milliseconds(100);
        options.probe_timeout = Milliseconds(20000);  // a loaded machine is no hang
    }
    ~PluginFixture() {
        // Calls come to their end before what they use goes away.
        registry.reset();
    }

    /// Loads `library`, which has the instance name "bad".
    Backend& load(const std::string& library, Json config = Json::object()) {
        return load_all({{"bad", library, "", std::move(config)}});
    }
    /// The first of several.
    Backend& load_all(std::vector<BackendConfig> configs) {
        // Each library is tried in a fork, where a sanitizer's lock that a thread of ours held just
        // then is held for ever: there is no thread yet.
        auto libraries = load_libraries(configs, options);
        registry.emplace(io, options, std::move(libraries));
        return *registry->backends().front();
    }
    /// Loads and starts.
    Backend& run(const std::string& library, Json config = Json::object()) {
        auto& backend = load(library, std::move(config));
        const auto started = start(backend);
        EXPECT_TRUE(started.ok()) << (started.ok() ? "" : started.error().message());
        return backend;
    }

    template <class T, class Ask>
    Result<T> wait(Ask ask) {
        std::optional<Result<T>> answer;
        ask([&](Result<T> result) { answer = std::move(result); });
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!answer && std::chrono::steady_clock::now() < end) {
            io.restart();
            io.run_for(Milliseconds(5));
        }
        if (!answer) return Error(Code::kInternal, "the test got no answer");
        return *std::move(answer);
    }
    void run_for(Milliseconds time) {
        const auto end = std::chrono::steady_clock::now() + time;
        while (std::chrono::steady_clock::now() < end) {
            io.restart();
            io.run_for(Milliseconds(5));
        }
    }

    Result<> start(Backend& b) {
        return wait<void>([&](Done<> done) { b.start(std::move(done)); });
    }
    Result<> stop(Backend& b) {
        return wait<void>([&](Done<> done) { b.stop(std::move(done)); });
    }
    Result<DeviceListing> listing(Backend& b) {
        return wait<DeviceListing>([&](Done<DeviceListing> done) { b.list(std::move(done)); });
    }
    Result<std::vector<Device>> list(Backend& b) {
        KND_TRY_ASSIGN(auto all, listing(b));
        return std::move(all.devices);
    }
    Result<Effects> prepare(Backend& b, Json config = Json::object(),
                            Milliseconds time = Milliseconds(5000)) {
        return prepare_request(b, request(std::move(config)), time);
    }
    Result<Effects> prepare_request(Backend& b, Backend::PrepareRequest request,
                                    Milliseconds time = Milliseconds(5000)) {
        return wait<Effects>([&](Done<Effects> done) {
            b.prepare(std::move(request), std::chrono::steady_clock::now() + time, std::move(done));
        });
    }
    Result<std::vector<Backend::Lost>> reconcile(Backend& b, std::vector<Backend::Binding> live) {
        return wait<std::vector<Backend::Lost>>([&](Done<std::vector<Backend::Lost>> done) {
            b.reconcile(std::move(live), std::chrono::steady_clock::now() + Milliseconds(5000),
                        std::move(done));
        });
    }
    Result<> unprepare(Backend& b) {
        return wait<void>([&](Done<> done) {
            b.unprepare(binding(), std::chrono::steady_clock::now() + Milliseconds(5000),
                        std::move(done));
        });
    }
    static Backend::Binding binding(std::string device = "good-0") {
        return {{"uid-1", std::move(device)}, "default/claim", ""};
    }
    static Backend::PrepareRequest request(Json config = Json::object(),
                                           std::string device = "good-0") {
        return {.binding = binding(std::move(device)),
                .config = std::move(config),
                .class_config = Json::object()};
    }

    boost::asio::io_context io;
    PluginOptions options;
    std::optional<Registry> registry;
};

inline std::string message_of(const auto& result) {
    return result.ok() ? "(no error)" : result.error().message();
}

}  // namespace knd::plugin
