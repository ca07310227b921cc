// SPDX-License-Identifier: Apache-2.0
#include "tools/local/scheduler/scheduler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler_support.hpp"

namespace knd::local {
namespace {

using api::Resource;
using testing::HasSubstr;

class SchedulerTest : public SchedulingTest {
  protected:
    void start() {
        auto started = Scheduler::start(io_, *store_);
        ASSERT_TRUE(started.ok()) << started.error().message();
        scheduler_ = *std::move(started);
    }
    bool scheduled(const std::string& name) {
        return run_until(io_, [&] { return !node_of(name).empty(); });
    }
    /// The scheduler's explanation, once it has given one.
    std::string explanation(const std::string& name) {
        std::string text;
        run_until(io_, [&] {
            const auto current = pod(name);
            for (const auto& condition : json_path(current, {"status", "conditions"})) {
                if (json_string(condition, "type") == "PodScheduled")
                    text = json_string(condition, "message");
            }
            return !text.empty();
        });
        return text;
    }
    Json consumers(const std::vector<std::string>& names) {
        Json list = Json::array();
        for (const auto& name : names)
            list.push_back(
                {{"resource", "pods"}, {"name", name}, {"uid", pod(name)["metadata"]["uid"]}});
        return list;
    }
    std::unique_ptr<Scheduler> scheduler_;
};

TEST_F(SchedulerTest, BindsAPodWithoutClaims) {
    add_node("n1");
    add_pod("p");
    start();
    EXPECT_TRUE(scheduled("p"));
}

TEST_F(SchedulerTest, AvoidsTheTaintedNode) {
    add_node("n1", {{"taints", Json::array({{{"key", "k"}, {"effect", "NoSchedule"}}})}});
    add_node("n2");
    add_pod("p");
    start();
    ASSERT_TRUE(scheduled("p"));
    EXPECT_EQ(node_of("p"), "n2");
}

TEST_F(SchedulerTest, SpreadsPods) {
    add_node("n1");
    add_node("n2");
    add_pod("p1");
    add_pod("p2");
    start();
    ASSERT_TRUE(scheduled("p1") && scheduled("p2"));
    EXPECT_NE(node_of("p1"), node_of("p2"));
}

TEST_F(SchedulerTest, PutsAPodWhereItsDeviceIs) {
    add_node("n1");
    add_node("n2");
    add_class();
    add_device("n2");
    add_claim("c1");
    add_pod("p", "c1");
    start();
    ASSERT_TRUE(scheduled("p"));
    EXPECT_EQ(node_of("p"), "n2");
}

TEST_F(SchedulerTest, WritesTheAllocation) {
    add_node("n1");
    add_class();
    add_device("n1");
    add_claim("c1");
    add_pod("p", "c1");
    start();
    ASSERT_TRUE(scheduled("p"));
    EXPECT_EQ(claim("c1")["status"]["allocation"]["devices"]["results"][0]["device"], "dra0");
    EXPECT_EQ(claim("c1")["status"]["allocation"]["nodeSelector"],
              Json::parse(R"({"nodeSelectorTerms":[{"matchFields":[
                  {"key":"metadata.name","operator":"In","values":["n1"]}]}]})"));
}

TEST_F(SchedulerTest, ReservesTheClaimForThePod) {
    add_node("n1");
    add_class();
    add_device("n1");
    add_claim("c1");
    add_pod("p", "c1");
    start();
    ASSERT_TRUE(scheduled("p"));
    EXPECT_EQ(claim("c1")["status"]["reservedFor"], consumers({"p"}));
    EXPECT_THAT(claim("c1")["metadata"]["finalizers"][0],
                "resource.kubernetes.io/delete-protection");
}

TEST_F(SchedulerTest, ReservesTheClaimThatWasMadeForThePod) {
    add_node("n1");
    add_class();
    add_device("n1");
    add_pod_of_template("p", {"net"});
    start();
    EXPECT_THAT(explanation("p"), HasSubstr("waiting for dynamic resource controller to create"));
    add_claim("made", "p");
    set_claims("p", {{"net", "made"}});
    ASSERT_TRUE(scheduled("p"));
    EXPECT_EQ(claim("made")["status"]["reservedFor"], consumers({"p"}));
}

TEST_F(SchedulerTest, RefusesAClaimThatWasMadeForAnotherPod) {
    add_node("n1");
    add_class();
    add_device("n1");
    add_pod("q", "", {{"nodeName", "n1"}});
    add_claim("others", "q");
    add_claim("nobodys");
    for (const std::string name : {"others", "nobodys"}) {
        add_pod_of_template("for-" + name, {"net"});
        set_claims("for-" + name, {{"net", name}});
    }
    start();
    for (const std::string name : {"others", "nobodys"})
        EXPECT_THAT(explanation("for-" + name),
                    HasSubstr("ResourceClaim default/" + name +
                              " was not created for Pod default/for-" + name));
}

TEST_F(SchedulerTest, DoesNotGiveADeviceTwice) {
    add_node("n1");
    add_class();
    add_device("n1");
    add_claim("c1");
    add_claim("c2");
    add_pod("p1", "c1");
    start();
    ASSERT_TRUE(scheduled("p1"));
    add_pod("p2", "c2");
    EXPECT_THAT(explanation("p2"),
                HasSubstr("0/1 nodes are available: 1 cannot allocate all claims."));
}

TEST_F(SchedulerTest, SharesAClaimBetweenPods) {
    add_node("n1");
    add_class();
    add_device("n1");
    add_claim("c1");
    add_pod("p1", "c1");
    add_pod("p2", "c1");
    start();
    ASSERT_TRUE(scheduled("p1") && scheduled("p2"));
    EXPECT_EQ(claim("c1")["status"]["reservedFor"], consumers({"p1", "p2"}));
}

TEST_F(SchedulerTest, SaysThatTheClassIsMissing) {
    add_node("n1");
    add_claim("c1");
    add_pod("p", "c1");
    start();
    EXPECT_EQ(explanation("p"),
              "0/1 nodes are available: request req: device class nic does not exist.");
}

TEST_F(SchedulerTest, SaysThatTheClaimIsMissing) {
    add_node("n1");
    add_pod("p", "c9");
    start();
    EXPECT_THAT(explanation("p"), HasSubstr("\"c9\" not found"));
}

TEST_F(SchedulerTest, TriesAgainWhenADeviceComes) {
    add_node("n1");
    add_class();
    add_claim("c1");
    add_pod("p", "c1");
    start();
    ASSERT_FALSE(explanation("p").empty());
    add_device("n1");
    EXPECT_TRUE(scheduled("p"));
}

TEST_F(SchedulerTest, RecordsOneEventForAPodThatWaits) {
    add_node("n1", {{"unschedulable", true}});
    add_pod("p");
    start();
    ASSERT_FALSE(explanation("p").empty());
    add_pod("q");
    ASSERT_FALSE(explanation("q").empty());
    int events = 0;
    for (const auto& event : store_->list(Resource::kEvents)) {
        if ((*event)["involvedObject"]["name"] == "p") events += json_int(*event, "count");
    }
    EXPECT_EQ(events, 1);
}

}  // namespace
}  // namespace knd::local
