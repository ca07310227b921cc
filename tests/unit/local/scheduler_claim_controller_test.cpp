// SPDX-License-Identifier: Apache-2.0
#include "tools/local/scheduler/claim_controller.hpp"

#include <gtest/gtest.h>

#include "scheduler_support.hpp"

namespace knd::local {
namespace {

using api::Resource;

class ClaimControllerTest : public SchedulingTest {
  protected:
    void start() {
        auto started = ClaimController::start(io_, *store_);
        ASSERT_TRUE(started.ok()) << started.error().message();
        controller_ = *std::move(started);
    }
    void add_template_and_pod() {
        create(Resource::kResourceClaimTemplates,
               {{"metadata", {{"name", "t"}}}, {"spec", {{"spec", claim_spec()}}}});
        add_pod("p", "",
                {{"resourceClaims",
                  Json::array({{{"name", "net"}, {"resourceClaimTemplateName", "t"}}})}});
    }
    std::string generated() {
        const auto current = pod("p");
        const auto& statuses = json_path(current, {"status", "resourceClaimStatuses"});
        return statuses.empty() ? "" : json_string(statuses[0], "resourceClaimName");
    }
    /// "c1", allocated and reserved for pod "p", as the scheduler leaves it.
    void add_used_claim() {
        add_claim("c1");
        add_pod("p", "c1", {{"nodeName", "node-1"}});
        ASSERT_TRUE(store_
                        ->modify(Resource::kResourceClaims, "default", "c1",
                                 [](const Json& current) -> api::Answer<Json> {
                                     Json changed = current;
                                     changed["metadata"]["finalizers"] = {kClaimFinalizer};
                                     return changed;
                                 })
                        .ok());
        const Json result = {
            {"request", "req"}, {"driver", "dra.net"}, {"pool", "n"}, {"device", "d"}};
        const auto uid = pod("p")["metadata"]["uid"];
        set_status(
            Resource::kResourceClaims, "default", "c1",
            {{"allocation", {{"devices", {{"results", Json::array({result})}}}}},
             {"reservedFor", Json::array({{{"resource", "pods"}, {"name", "p"}, {"uid", uid}}})}});
    }
    bool allocated() { return json_at(claim("c1"), "status").contains("allocation"); }
    bool held() { return !json_path(claim("c1"), {"metadata", "finalizers"}).empty(); }

    std::unique_ptr<ClaimController> controller_;
};

TEST_F(ClaimControllerTest, MakesAClaimFromATemplate) {
    add_template_and_pod();
    start();
    ASSERT_TRUE(run_until(io_, [&] { return !generated().empty(); }));
    EXPECT_TRUE(generated().starts_with("p-net-"));
}

TEST_F(ClaimControllerTest, MarksAGeneratedClaimWithItsNameInThePod) {
    add_template_and_pod();
    start();
    ASSERT_TRUE(run_until(io_, [&] { return !generated().empty(); }));
    EXPECT_EQ(
        claim(generated())["metadata"]["annotations"]["resource.kubernetes.io/pod-claim-name"],
        "net");
}

TEST_F(ClaimControllerTest, MakesOneClaimOnly) {
    add_template_and_pod();
    start();
    ASSERT_TRUE(run_until(io_, [&] { return !generated().empty(); }));
    run_for(io_, std::chrono::milliseconds(50));
    EXPECT_EQ(store_->list(Resource::kResourceClaims).size(), 1u);
}

TEST_F(ClaimControllerTest, DeletesAGeneratedClaimWithItsPod) {
    add_template_and_pod();
    start();
    ASSERT_TRUE(run_until(io_, [&] { return !generated().empty(); }));
    remove_pod("p");
    EXPECT_TRUE(run_until(io_, [&] { return store_->list(Resource::kResourceClaims).empty(); }));
}

TEST_F(ClaimControllerTest, KeepsAClaimThatIsInUse) {
    add_used_claim();
    start();
    run_for(io_, std::chrono::milliseconds(50));
    EXPECT_TRUE(allocated());
}

TEST_F(ClaimControllerTest, TakesTheDevicesBackAfterTheLastPod) {
    add_used_claim();
    start();
    remove_pod("p");
    EXPECT_TRUE(run_until(io_, [&] { return !allocated() && !held(); }));
}

TEST_F(ClaimControllerTest, TakesTheDevicesBackFromAPodThatHasFinished) {
    add_used_claim();
    start();
    set_status(Resource::kPods, "default", "p", {{"phase", "Succeeded"}});
    EXPECT_TRUE(run_until(io_, [&] { return !allocated() && !held(); }));
}

TEST_F(ClaimControllerTest, LetsADeletedClaimGoWhenItsPodIsGone) {
    add_used_claim();
    start();
    ASSERT_TRUE(store_->remove(Resource::kResourceClaims, "default", "c1").ok());
    run_for(io_, std::chrono::milliseconds(50));
    ASSERT_FALSE(claim("c1").is_null());
    remove_pod("p");
    EXPECT_TRUE(run_until(io_, [&] { return claim("c1").is_null(); }));
}

}  // namespace
}  // namespace knd::local
