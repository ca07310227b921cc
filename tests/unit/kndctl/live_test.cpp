// SPDX-License-Identifier: Apache-2.0
//
// A cluster asked over HTTPS, as kndctl does without -f.
#include "tools/kndctl/live.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "tests/unit/local/api_fixture.hpp"
#include "tools/kndctl/simulate/simulate.hpp"
#include "tools/local/api/server.hpp"

namespace knd::ctl {
namespace {

class LiveCluster : public api::ApiTest {
  protected:
    LiveCluster() {
        create(api::Resource::kNodes, {{"metadata", {{"name", "n1"}}}}, "");
        create(api::Resource::kResourceSlices, api::slice_json("s1"), "");
        create(api::Resource::kDeviceClasses,
               {{"metadata", {{"name", "net"}}}, {"spec", Json::object()}}, "");
        create(api::Resource::kResourceClaims, api::claim_json("x"));
        auto server = api::Server::create(io_, *store_, {directory_ / "api", {}});
        EXPECT_TRUE(server.ok()) << server.error().message();
        server_ = *std::move(server);
        const auto port = server_->listen("127.0.0.1", 0);
        EXPECT_TRUE(port.ok()) << port.error().message();
        kubeconfig_ = directory_ / "kubeconfig";
        const auto url = "https://127.0.0.1:" + std::to_string(*port);
        EXPECT_TRUE(server_->write_kubeconfig(kubeconfig_, url).ok());
        thread_ = std::thread([this] { io_.run(); });
    }
    ~LiveCluster() override {
        io_.stop();
        thread_.join();
        server_.reset();
    }

    std::filesystem::path kubeconfig_;

  private:
    std::unique_ptr<api::Server> server_;
    std::thread thread_;
};

TEST_F(LiveCluster, HasWhatTheAllocatorNeeds) {
    simulate::Collector collector;
    const auto live = collect_live({kubeconfig_, ""}, collector, simulate::Role::kAsked);
    ASSERT_TRUE(live.ok()) << live.error().message();
    const auto cluster = simulate::Cluster::make(collector.take(), {*Gates::make()});
    const auto workload = simulate::waiting((*cluster)->objects(), (*cluster)->settings().gates);
    const auto outcomes = simulate::simulate(**cluster, *workload);
    ASSERT_EQ(outcomes.size(), 1u);
    EXPECT_EQ(outcomes[0].node, "n1");
    ASSERT_EQ(outcomes[0].claims.size(), 1u);
    EXPECT_EQ(outcomes[0].claims[0].allocation.results[0].device, "dra0");
}

TEST_F(LiveCluster, SaysItsVersion) {
    simulate::Collector collector;
    const auto live = collect_live({kubeconfig_, ""}, collector, simulate::Role::kAsked);
    ASSERT_TRUE(live.ok()) << live.error().message();
    EXPECT_GE(live->kubernetes_minor, kOldestMinor);
    EXPECT_LE(live->kubernetes_minor, kNewestMinor);
}

TEST_F(LiveCluster, LeavesItsOwnClaimsAloneInTheBackground) {
    simulate::Collector collector;
    ASSERT_TRUE(collect_live({kubeconfig_, ""}, collector, simulate::Role::kBackground).ok());
    const auto objects = collector.take();
    EXPECT_EQ(objects.claims.items().size(), 1u);
    EXPECT_TRUE(simulate::waiting(objects, *Gates::make())->open.empty());
}

TEST_F(LiveCluster, IsRefusedForAContextThatIsNotThere) {
    simulate::Collector collector;
    const auto live = collect_live({kubeconfig_, "other"}, collector, simulate::Role::kAsked);
    ASSERT_FALSE(live.ok());
    EXPECT_NE(live.error().message().find("contexts has no entry \"other\""), std::string::npos);
}

}  // namespace
}  // namespace knd::ctl
