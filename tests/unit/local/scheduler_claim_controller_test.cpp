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
    void add_template_and_pod(const std::vector<std::string>& claims = {"net"}) {
        create(Resource::kResourceClaimTemplates,
               {{"metadata", {{"name", "t"}}}, {"spec", {{"spec", claim_spec()}}}});
        add_pod_of_template("p", claims);
    }
    /// The claim that the pod's status names.
    std::string generated(const std::string& entry = "net") {
        const auto current = pod("p");
        for (const auto& status : json_path(current, {"status", "resourceClaimStatuses"}))
            if (json_string(status, "name") == entry)
                return json_string(status, "resourceClaimName");
        return {};
    }
    /// Lets the controller look at everything once more.
    void look_again() {
        add_claim("c" + std::to_string(store_->list(Resource::kResourceClaims).size()));
        run_for(io_, std::chrono::milliseconds(50));
    }
    Json version(const std::string& name) { return pod(name)["metadata"]["resourceVersion"]; }
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

TEST_F(ClaimControllerTest, WritesTheStatusOfAPodOnce) {
    add_template_and_pod({"net", "storage"});
    add_pod("bare");
    const auto bare = version("bare");
    start();
    ASSERT_TRUE(run_until(io_, [&] { return !generated("storage").empty(); }));
    auto written = version("p");
    look_again();
    EXPECT_EQ(version("p"), written);
    set_claims("p", {{"storage", generated("storage")}, {"net", generated("net")}});
    written = version("p");
    look_again();
    EXPECT_EQ(version("p"), written) << "the order says nothing";
    EXPECT_EQ(version("bare"), bare);
}

TEST_F(ClaimControllerTest, AddsWhatTheStatusOfAPodLacks) {
    add_template_and_pod({"net", "storage"});
    start();
    ASSERT_TRUE(run_until(io_, [&] { return !generated("storage").empty(); }));
    const auto made = generated("net");
    set_claims("p", {{"storage", generated("storage")}});
    ASSERT_TRUE(run_until(io_, [&] { return !generated("net").empty(); }));
    EXPECT_EQ(generated("net"), made);
}

TEST_F(ClaimControllerTest, MakesAClaimAgainThatWasDeleted) {
    add_template_and_pod();
    start();
    ASSERT_TRUE(run_until(io_, [&] { return !generated().empty(); }));
    const auto first = generated();
    ASSERT_TRUE(store_->remove(Resource::kResourceClaims, "default", first).ok());
    ASSERT_TRUE(run_until(io_, [&] { return generated() != first; }));
    EXPECT_FALSE(claim(generated()).is_null());
    EXPECT_EQ(pod("p")["status"]["resourceClaimStatuses"].size(), 1u);
}

TEST_F(ClaimControllerTest, MakesAClaimInPlaceOfOneThatIsNotThePods) {
    add_template_and_pod();
    add_pod("q");
    add_claim("others", "q");
    set_claims("p", {{"net", "others"}});
    start();
    ASSERT_TRUE(run_until(io_, [&] { return generated().starts_with("p-net-"); }));
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
