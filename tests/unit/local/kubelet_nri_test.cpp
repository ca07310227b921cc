// SPDX-License-Identifier: Apache-2.0
//
// What a plugin may rely on, as critest checks it of container runtimes (pkg/validate/nri).
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "kubelet_support.hpp"
#include "tests/fakes/nri_fake_plugin.hpp"
#include "tools/local/kubelet/node_runtime.hpp"

namespace knd::local {
namespace {

using fakes::NriFakePlugin;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

class NoNetwork final : public PodNetwork {
  public:
    int added = 0, removed = 0;
    Result<Attachment> add(const std::string& sandbox) override {
        ++added;
        return Attachment{"/run/netns/" + sandbox, "10.244.1.2"};
    }
    Result<> remove(const std::string&, const std::string&) override {
        ++removed;
        return {};
    }
    bool adopt(const std::string&, const std::string&) override { return true; }
};

class NriContract : public testing::Test {
  protected:
    NriContract() {
        NodeRuntimeOptions options;
        options.sandboxes = directory_ / "sandboxes";
        options.cdi = directory_ / "cdi";
        options.nri.socket_path = directory_ / "nri.sock";
        options.nri.request_timeout = 300ms;
        runtime_ = *NodeRuntime::open(io_, options, network_);
        plugin_ = std::make_unique<NriFakePlugin>(io_, options.nri.socket_path,
                                                  NriFakePlugin::Manners{.fail_request = true});
        EXPECT_TRUE(run_until(io_, [&] { return runtime_->nri_plugins().size() == 1; }));
    }
    ~NriContract() override {
        for (const auto& sandbox : runtime_->sandboxes()) {
            for (const auto& container : sandbox.containers)
                end_process(container.process, 1s);
        }
    }
    template <class T, class Start>
    Result<T> wait(Start start) {
        std::optional<Result<T>> answer;
        start([&](Result<T> result) { answer = std::move(result); });
        if (!run_until(io_, [&] { return answer.has_value(); }))
            return Error(Code::kDeadlineExceeded, "no answer");
        return *std::move(answer);
    }
    Result<std::string> run() {
        return wait<std::string>([&](auto done) {
            runtime_->run_sandbox({"uid-1", "default", "p", false}, done);
        });
    }
    Result<std::string> create(const std::string& sandbox) {
        return wait<std::string>([&](auto done) {
            runtime_->create_container(sandbox, {"c", "image", 0, {}}, done);
        });
    }
    Result<> stop(const std::string& sandbox) {
        return wait<void>([&](auto done) { runtime_->stop_sandbox(sandbox, done); });
    }
    auto heard(const std::string& call) {
        return std::count(plugin_->calls.begin(), plugin_->calls.end(), call);
    }

    Directory directory_;
    boost::asio::io_context io_;
    NoNetwork network_;
    std::unique_ptr<NodeRuntime> runtime_;
    std::unique_ptr<NriFakePlugin> plugin_;
};

TEST_F(NriContract, ShowsNoSandboxAndTakesNoContainerBeforePluginsHaveAnswered) {
    plugin_->answer_with({}, true);
    std::optional<Result<std::string>> ran;
    runtime_->run_sandbox({"uid-1", "default", "p", false}, [&](auto r) { ran = std::move(r); });
    ASSERT_TRUE(run_until(io_, [&] { return heard("RunPodSandbox") == 1; }));
    EXPECT_TRUE(runtime_->sandboxes().empty());
    EXPECT_FALSE(create("anything").ok());
    EXPECT_EQ(heard("CreateContainer"), 0);
    ASSERT_TRUE(run_until(io_, [&] { return ran.has_value(); }));
    EXPECT_FALSE(ran->ok());
}

TEST_F(NriContract, LeavesNothingOfASandboxThatAPluginRefusedAndTakesTheNext) {
    plugin_->answer_with(Error(Code::kUnknown, "no"));
    EXPECT_FALSE(run().ok());
    EXPECT_TRUE(runtime_->sandboxes().empty());
    EXPECT_TRUE(std::filesystem::is_empty(directory_ / "sandboxes"));
    EXPECT_EQ(network_.removed, network_.added);
    plugin_->answer_with({});
    EXPECT_TRUE(run().ok());
    EXPECT_TRUE(runtime_->sandboxes()[0].ready);
}

TEST_F(NriContract, TellsOfAStopOnceAndMakesNoContainerAfterIt) {
    const auto sandbox = run();
    EXPECT_TRUE(stop(*sandbox).ok());
    EXPECT_TRUE(stop(*sandbox).ok());
    EXPECT_EQ(heard("StopPodSandbox"), 1);
    EXPECT_FALSE(create(*sandbox).ok());
    EXPECT_EQ(heard("CreateContainer"), 0);
}

TEST_F(NriContract, StopsContainersAndKeepsTheNetworkWhilePluginsHearOfAStop) {
    const auto sandbox = run();
    const auto container = create(*sandbox);
    ASSERT_TRUE(container.ok()) << container.error().message();
    plugin_->answer_with({}, true);
    std::optional<Result<>> stopped;
    runtime_->stop_sandbox(*sandbox, [&](auto r) { stopped = std::move(r); });
    ASSERT_TRUE(run_until(io_, [&] { return heard("StopPodSandbox") == 1; }));
    ASSERT_EQ(runtime_->sandboxes().size(), 1U);
    EXPECT_EQ(runtime_->sandboxes()[0].containers[0].state, ContainerState::kExited);
    EXPECT_EQ(network_.removed, 0);
    ASSERT_TRUE(run_until(io_, [&] { return stopped.has_value(); }));
    EXPECT_TRUE(stopped->ok());  // a plugin that is late does not keep a pod
    EXPECT_EQ(network_.removed, 1);
}

TEST_F(NriContract, LeavesNothingOfAContainerThatAPluginRefusedAndTakesTheNext) {
    const auto sandbox = run();
    plugin_->answer_with(Error(Code::kUnknown, "no"));
    EXPECT_FALSE(create(*sandbox).ok());
    EXPECT_TRUE(runtime_->sandboxes()[0].containers.empty());
    plugin_->answer_with({});
    EXPECT_TRUE(create(*sandbox).ok());
}

}  // namespace
}  // namespace knd::local
