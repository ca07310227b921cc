// SPDX-License-Identifier: Apache-2.0
//
// RuntimeTest: a node with a real container runtime, a kndd, and an interface nic0 whose peer is in
// a namespace of its own.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "host/model/text_file.hpp"
#include "sdk/support/netns.hpp"
#include "tests/host/node/runtime.hpp"
#include "tests/host/node/test_node.hpp"

namespace knd::testing {

struct RuntimeKind {
    const char* name;
    Result<RuntimeRecipe> (*recipe)(bool cdi);
};

/// How gtest calls it.
inline void PrintTo(const RuntimeKind& kind, std::ostream* out) {
    *out << kind.name;
}

class RuntimeTest : public ::testing::TestWithParam<RuntimeKind> {
  protected:
    void SetUp() override {
        auto recipe = GetParam().recipe(cdi());
        if (!recipe) GTEST_SKIP() << recipe.error().message();
        start_runtime(*std::move(recipe));
        start_node();
    }

    virtual bool cdi() const { return true; }
    /// Further TOML for kndd.
    virtual std::string settings() const { return ""; }
    virtual std::string nri_settings() const { return ""; }
    /// Where kndd's backends are, and their tables; empty: the built ones, netdev.
    virtual std::string backend_directory() const { return ""; }
    virtual std::string backends() const { return ""; }

    void start_runtime(RuntimeRecipe recipe) {
        auto made = Runtime::make(std::move(recipe), runtime_directory_.path());
        ASSERT_TRUE(made.ok()) << made.error().message();
        runtime_ = *std::move(made);
    }

    void start_node() {
        NodeOptions options;
        options.nri_socket = runtime_->nri_socket();
        options.cdi_directory = runtime_->cdi_directory();
        options.extra = settings();
        options.nri_settings = nri_settings();
        options.backend_directory = backend_directory();
        if (!backends().empty()) options.backends = backends();
        node_ = std::make_unique<TestNode>(options);
        peer_ = *netns::create();
        const auto nic = make_nic(TestNic(), peer_.get(), "192.0.2.1/24");
        ASSERT_TRUE(nic.ok()) << nic.error().message();
        before_ = describe_interface("nic0").value_or("?");
        start_daemon();
    }

    void start_daemon() {
        const auto log_before = node_->daemon_log().size();
        const auto started = node_->start_daemon();
        ASSERT_TRUE(started.ok()) << started.error().message();
        const auto ready = node_->wait_ready();
        ASSERT_TRUE(ready.ok()) << ready.error().message();
        ASSERT_TRUE(eventually([&] {
            return node_->daemon_log().find("connected to the container runtime", log_before) !=
                   std::string::npos;
        })) << node_->daemon_log();
    }

    void TearDown() override {
        if (runtime_ && HasFailure() && node_) {
            std::puts(node_->daemon_log().c_str());
            std::puts(read_text_file(runtime_->log_file()).value_or("").c_str());
        }
        node_.reset();
        runtime_.reset();
    }

    /// A prepared claim for `pod` on nic0; its CDI id.
    std::string prepare(const CriPod& pod) {
        auto claim = node_->make_claim("claim-" + pod.name, {"nic0"}, pod.uid);
        EXPECT_TRUE(claim.ok()) << claim.error().message();
        if (!claim) return "";
        claim_ = *claim;
        const auto prepared = node_->prepare(claim_);
        EXPECT_TRUE(prepared.ok()) << prepared.error().message();
        if (!prepared || prepared->empty() || prepared->front().cdi_ids.empty()) return "";
        return prepared->front().cdi_ids.front();
    }

    Result<void> start_container(const std::string& sandbox, const CriPod& pod,
                                 const CriContainer& container, std::string* id = nullptr) {
        KND_TRY_ASSIGN(const auto made, runtime_->cri().create(sandbox, pod, container));
        if (id != nullptr) *id = made;
        containers_.push_back(made);
        return runtime_->cri().start(made);
    }

    /// As a kubelet does it: CRI-O gives containers that it must stop itself as long as the caller
    /// waits.
    void end_pod(const std::string& sandbox) {
        auto& cri = runtime_->cri();
        for (const auto& container : containers_)
            EXPECT_TRUE(cri.stop(container).ok());
        EXPECT_TRUE(cri.stop_pod(sandbox).ok());
        EXPECT_TRUE(cri.remove_pod(sandbox).ok());
    }

    /// The peer answers through the device.
    void expect_ping(const std::string& container) {
        const auto ping =
            runtime_->cri().exec(container, {"/bin/ping", "-c", "1", "-W", "2", "192.0.2.1"});
        EXPECT_TRUE(ping.ok()) << ping.error().message();
    }

    /// From a new sandbox to its end, with the device in between.
    void expect_life(const CriPod& pod, const CriContainer& container) {
        auto sandbox = runtime_->cri().run_pod(pod);
        ASSERT_TRUE(sandbox.ok()) << sandbox.error().message();
        std::string id;
        const auto started = start_container(*sandbox, pod, container, &id);
        ASSERT_TRUE(started.ok()) << started.error().message();
        expect_ping(id);
        end_pod(*sandbox);
        expect_home();
    }

    void expect_home() {
        EXPECT_TRUE(eventually([&] { return describe_interface("nic0").value_or("") == before_; }))
            << "before: " << before_
            << "\nafter: " << describe_interface("nic0").value_or("nic0 is not on the host");
    }

    static bool on_host() { return describe_interface("nic0").ok(); }

    ShortDirectory runtime_directory_;
    std::unique_ptr<Runtime> runtime_;
    std::unique_ptr<TestNode> node_;
    Fd peer_;
    std::string before_;
    ClaimRef claim_;
    std::vector<std::string> containers_;
};

inline std::string kind_name(const ::testing::TestParamInfo<RuntimeKind>& info) {
    return info.param.name;
}

inline constexpr RuntimeKind kContainerd1{"containerd1",
                                          [](bool cdi) { return containerd_recipe(1, cdi); }};
inline constexpr RuntimeKind kContainerd2{"containerd2",
                                          [](bool cdi) { return containerd_recipe(2, cdi); }};
// CDI cannot be switched off in CRI-O.
inline constexpr RuntimeKind kCrio{"crio", [](bool) { return crio_recipe(); }};
inline const auto kAll = ::testing::Values(kContainerd1, kContainerd2, kCrio);
inline const auto kWithSwitchForCdi = ::testing::Values(kContainerd1, kContainerd2);

}  // namespace knd::testing
