// SPDX-License-Identifier: Apache-2.0
#include "tools/local/kubelet/kubelet.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "kubelet_support.hpp"

namespace knd::local {
namespace {

using api::Resource;
using testing::ElementsAre;
using testing::HasSubstr;
using std::chrono_literals::operator""ms;

class KubeletTest : public testing::Test {
  protected:
    void SetUp() override {
        auto opened = api::Store::open(io_, directory_ / "store.db");
        ASSERT_TRUE(opened.ok()) << opened.error().message();
        store_ = *std::move(opened);
    }
    void start() {
        KubeletOptions options;
        options.node = "node-1";
        options.ip = "172.18.0.3";
        options.pod_cidr = "10.244.1.0/24";
        options.registry = directory_ / "reg";
        options.checkpoint = directory_ / "claims.json";
        options.retry = 20ms;
        options.crash_delay = 20ms;
        options.wipe_delay = 100ms;
        options.resync = 20ms;
        auto opened = Kubelet::open(io_, *store_, runtime_, options);
        ASSERT_TRUE(opened.ok()) << opened.error().message();
        kubelet_ = *std::move(opened);
    }
    Json stored(Resource resource, const std::string& name) {
        const auto found =
            store_->get(resource, resource == Resource::kNodes ? "" : "default", name);
        return found.ok() ? **found : Json();
    }
    Json pod() { return stored(Resource::kPods, "p"); }
    std::string phase() { return json_string(json_at(pod(), "status"), "phase"); }
    std::string waiting_reason() {
        const auto current = pod();
        const auto& statuses = json_path(current, {"status", "containerStatuses"});
        return statuses.empty()
                   ? ""
                   : json_string(json_path(statuses[0], {"state", "waiting"}), "reason");
    }
    std::string event(const std::string& reason) {
        for (const auto& found : store_->list(Resource::kEvents)) {
            if (json_string(*found, "reason") == reason) return json_string(*found, "message");
        }
        return {};
    }
    void create_pod(Json extra = Json::object(), const std::string& name = "p") {
        Json spec = {{"nodeName", "node-1"},
                     {"containers", Json::array({{{"name", "c"}, {"image", "i"}}})}};
        spec.update(extra);
        const auto created = store_->create(Resource::kPods, "default",
                                            {{"metadata", {{"name", name}}}, {"spec", spec}});
        ASSERT_TRUE(created.ok()) << created.error().message;
    }
    static Json with_claim() {
        const Json container = {{"name", "c"},
                                {"image", "i"},
                                {"resources", {{"claims", Json::array({{{"name", "net"}}})}}}};
        return {{"resourceClaims", Json::array({{{"name", "net"}, {"resourceClaimName", "c1"}}})},
                {"containers", Json::array({container})}};
    }
    void create_claim(const Json& metadata) {
        const Json request = {{"name", "req"}, {"exactly", {{"deviceClassName", "nic"}}}};
        const auto claim =
            store_->create(Resource::kResourceClaims, "default",
                           {{"metadata", metadata},
                            {"spec", {{"devices", {{"requests", Json::array({request})}}}}}});
        ASSERT_TRUE(claim.ok()) << claim.error().message;
    }
    /// An allocated claim "c1" that is reserved for pod "p", and a pod whose container lists it.
    void create_pod_with_claim() {
        create_claim({{"name", "c1"}});
        create_pod(with_claim());
        reserve({"p"});
    }
    /// A pod "p" whose template's claim is "c1" by its status; `owner`: the pod that it is of.
    void create_pod_with_template_claim(const std::string& owner) {
        create_pod({{"resourceClaims",
                     Json::array({{{"name", "net"}, {"resourceClaimTemplateName", "t"}}})}});
        Json metadata = {{"name", "c1"}};
        if (!owner.empty())
            metadata["ownerReferences"] =
                Json::array({{{"apiVersion", "v1"},
                              {"kind", "Pod"},
                              {"name", owner},
                              {"uid", stored(Resource::kPods, owner)["metadata"]["uid"]},
                              {"controller", true}}});
        create_claim(metadata);
        api::WriteOptions options;
        options.subresource = "status";
        const auto written = store_->modify(
            Resource::kPods, "default", "p",
            [](const Json& current) -> api::Answer<Json> {
                Json changed = current;
                changed["status"]["resourceClaimStatuses"] =
                    Json::array({{{"name", "net"}, {"resourceClaimName", "c1"}}});
                return changed;
            },
            options);
        ASSERT_TRUE(written.ok()) << written.error().message;
        reserve({"p"});
    }
    /// Allocates "c1" and reserves it for those pods.
    void reserve(const std::vector<std::string>& names) {
        Json consumers = Json::array();
        for (const auto& name : names)
            consumers.push_back({{"resource", "pods"},
                                 {"name", name},
                                 {"uid", stored(Resource::kPods, name)["metadata"]["uid"]}});
        api::WriteOptions options;
        options.subresource = "status";
        const auto written = store_->modify(
            Resource::kResourceClaims, "default", "c1",
            [&](const Json& current) -> api::Answer<Json> {
                Json changed = current;
                const Json result = {{"request", "req"},
                                     {"driver", "dra.net"},
                                     {"pool", "node-1"},
                                     {"device", "dra0"}};
                changed["status"] = {
                    {"allocation", {{"devices", {{"results", Json::array({result})}}}}},
                    {"reservedFor", consumers}};
                return changed;
            },
            options);
        ASSERT_TRUE(written.ok()) << written.error().message;
    }
    bool reaches_phase(const std::string& wanted) {
        return run_until(io_, [&] { return phase() == wanted; });
    }
    void delete_pod() { (void)store_->remove(Resource::kPods, "default", "p"); }

    Directory directory_;
    boost::asio::io_context io_;
    std::unique_ptr<api::Store> store_;
    FakeRuntime runtime_;
    std::unique_ptr<Kubelet> kubelet_;
};

TEST_F(KubeletTest, RegistersItsNodeAsReady) {
    start();
    const auto node = stored(Resource::kNodes, "node-1");
    EXPECT_EQ(node["status"]["conditions"][0]["status"], "True");
}

TEST_F(KubeletTest, RunsAPod) {
    start();
    create_pod();
    EXPECT_TRUE(reaches_phase("Running"));
}

TEST_F(KubeletTest, ReportsTheAddressOfAPod) {
    start();
    create_pod();
    ASSERT_TRUE(reaches_phase("Running"));
    EXPECT_EQ(pod()["status"]["podIP"], "10.244.1.2");
}

TEST_F(KubeletTest, TakesDownADeletedPodInOrder) {
    start();
    create_pod();
    ASSERT_TRUE(reaches_phase("Running"));
    delete_pod();
    ASSERT_TRUE(run_until(io_, [&] { return pod().is_null(); }));
    EXPECT_THAT(runtime_.calls,
                ElementsAre("run", "create", "start", "stop", "stop-sandbox", "remove-sandbox"));
}

TEST_F(KubeletTest, RetriesASandboxThatFailed) {
    runtime_.sandbox_error = "no network";
    start();
    create_pod();
    ASSERT_TRUE(run_until(io_, [&] { return !event("FailedCreatePodSandBox").empty(); }));
    runtime_.sandbox_error.clear();
    EXPECT_TRUE(reaches_phase("Running"));
}

TEST_F(KubeletTest, CountsAnEventThatComesAgain) {
    runtime_.sandbox_error = "no network";
    start();
    create_pod();
    EXPECT_TRUE(run_until(io_, [&] {
        const auto events = store_->list(Resource::kEvents);
        return events.size() == 1 && json_int(*events.front(), "count") >= 3;
    }));
}

TEST_F(KubeletTest, ShowsWhyAContainerCannotBeCreated) {
    runtime_.create_error = "unresolvable CDI devices a/b=c";
    start();
    create_pod();
    EXPECT_TRUE(run_until(io_, [&] { return waiting_reason() == "CreateContainerError"; }));
}

TEST_F(KubeletTest, CreatesAgainUnderRestartPolicyNever) {
    runtime_.create_error = "unresolvable CDI devices a/b=c";
    start();
    create_pod({{"restartPolicy", "Never"}});
    ASSERT_TRUE(run_until(io_, [&] { return waiting_reason() == "CreateContainerError"; }));
    runtime_.create_error.clear();
    EXPECT_TRUE(reaches_phase("Running"));
}

TEST_F(KubeletTest, ShowsWhyAContainerCannotBeStarted) {
    runtime_.start_error = "error running hook #0";
    start();
    create_pod();
    EXPECT_TRUE(run_until(io_, [&] { return waiting_reason() == "RunContainerError"; }));
}

TEST_F(KubeletTest, FailsAPodWhoseOnlyStartFailsUnderRestartPolicyNever) {
    runtime_.start_error = "error running hook #0";
    start();
    create_pod({{"restartPolicy", "Never"}});
    EXPECT_TRUE(reaches_phase("Failed"));
}

TEST_F(KubeletTest, RestartsAContainerThatEnds) {
    start();
    create_pod();
    ASSERT_TRUE(reaches_phase("Running"));
    runtime_.container_exits(1);
    EXPECT_TRUE(run_until(io_, [&] {
        return pod()["status"]["containerStatuses"][0]["restartCount"] == 1 && phase() == "Running";
    }));
}

TEST_F(KubeletTest, CompletesAPodUnderRestartPolicyOnFailure) {
    start();
    create_pod({{"restartPolicy", "OnFailure"}});
    ASSERT_TRUE(reaches_phase("Running"));
    runtime_.container_exits(0);
    EXPECT_TRUE(reaches_phase("Succeeded"));
}

TEST_F(KubeletTest, LeavesAPodFailedThatAControllerHasFailed) {
    start();
    create_pod();
    ASSERT_TRUE(reaches_phase("Running"));
    api::WriteOptions options;
    options.subresource = "status";
    const auto fail = [](const Json& stored) -> api::Answer<Json> {
        auto changed = stored;
        changed["status"]["phase"] = "Failed";
        changed["status"]["reason"] = "Evicted";
        return changed;
    };
    ASSERT_TRUE(store_->modify(Resource::kPods, "default", "p", fail, options).ok());
    ASSERT_TRUE(run_until(io_, [&] { return !runtime_.pods.begin()->second.ready; }));
    run_for(io_, 50ms);
    EXPECT_EQ(phase(), "Failed");
    EXPECT_EQ(pod()["status"]["reason"], "Evicted");
    EXPECT_EQ(std::count(runtime_.calls.begin(), runtime_.calls.end(), "run"), 1);
}

TEST_F(KubeletTest, LeavesAPodFailedThatNeverRan) {
    runtime_.sandbox_error = "no network";
    start();
    create_pod();
    ASSERT_TRUE(run_until(io_, [&] { return phase() == "Pending"; }));
    api::WriteOptions options;
    options.subresource = "status";
    const auto fail = [](const Json& stored) -> api::Answer<Json> {
        auto changed = stored;
        changed["status"]["phase"] = "Failed";
        return changed;
    };
    ASSERT_TRUE(store_->modify(Resource::kPods, "default", "p", fail, options).ok());
    run_for(io_, 100ms);
    EXPECT_EQ(phase(), "Failed");
}

TEST_F(KubeletTest, MakesANewSandboxForAPodWhoseNetworkHasGone) {
    start();
    create_pod();
    ASSERT_TRUE(reaches_phase("Running"));
    runtime_.pods.begin()->second.ready = false;
    ASSERT_TRUE(run_until(io_, [&] {
        return runtime_.pods.size() == 1 && runtime_.pods.begin()->second.ready &&
               phase() == "Running";
    }));
    EXPECT_THAT(runtime_.calls, ElementsAre("run", "create", "start", "stop", "stop-sandbox",
                                            "remove-sandbox", "run", "create", "start"));
    EXPECT_EQ(event("SandboxChanged"), "Pod sandbox changed, it will be killed and re-created.");
}

TEST_F(KubeletTest, TakesOverARunningPodAfterARestart) {
    start();
    create_pod();
    ASSERT_TRUE(reaches_phase("Running"));
    kubelet_.reset();
    start();
    run_for(io_, 50ms);
    EXPECT_THAT(runtime_.calls, ElementsAre("run", "create", "start"));
}

TEST_F(KubeletTest, TakesDownAPodThatWasDeletedWhileItWasAway) {
    start();
    create_pod();
    ASSERT_TRUE(reaches_phase("Running"));
    kubelet_.reset();
    api::DeleteOptions now;
    now.grace_seconds = 0;
    ASSERT_TRUE(store_->remove(Resource::kPods, "default", "p", now).ok());
    start();
    EXPECT_TRUE(run_until(io_, [&] { return runtime_.pods.empty(); }));
}

TEST_F(KubeletTest, RegistersADriver) {
    FakeDriver driver(directory_.path());
    start();
    driver.start();
    EXPECT_TRUE(run_until(io_, [&] { return driver.registered(); }));
}

TEST_F(KubeletTest, RegistersADriverThatWasThereFirst) {
    FakeDriver driver(directory_.path());
    driver.start();
    start();
    EXPECT_TRUE(run_until(io_, [&] { return driver.registered(); }));
}

TEST_F(KubeletTest, RefusesADriverWithoutAKnownVersion) {
    FakeDriver driver(directory_.path());
    driver.info().clear_supported_versions();
    driver.info().add_supported_versions("v9.DRAPlugin");
    start();
    driver.start();
    ASSERT_TRUE(run_until(io_, [&] { return driver.refused(); }));
    EXPECT_THAT(driver.refusal(), HasSubstr("v9.DRAPlugin"));
}

TEST_F(KubeletTest, PreparesAClaimBeforeTheSandbox) {
    FakeDriver driver(directory_.path());
    driver.start();
    start();
    ASSERT_TRUE(run_until(io_, [&] { return driver.registered(); }));
    create_pod_with_claim();
    ASSERT_TRUE(reaches_phase("Running"));
    EXPECT_THAT(driver.calls(), ElementsAre("v1 prepare c1"));
}

TEST_F(KubeletTest, SpeaksV1beta1WithADriverThatPrefersIt) {
    FakeDriver driver(directory_.path());
    driver.info().clear_supported_versions();
    driver.info().add_supported_versions("v1beta1.DRAPlugin");
    driver.start();
    start();
    ASSERT_TRUE(run_until(io_, [&] { return driver.registered(); }));
    create_pod_with_claim();
    ASSERT_TRUE(reaches_phase("Running"));
    EXPECT_THAT(driver.calls(), ElementsAre("v1beta1 prepare c1"));
}

TEST_F(KubeletTest, HandsCdiIdsToTheContainerThatListsTheClaim) {
    FakeDriver driver(directory_.path());
    driver.start();
    start();
    ASSERT_TRUE(run_until(io_, [&] { return driver.registered(); }));
    create_pod_with_claim();
    ASSERT_TRUE(reaches_phase("Running"));
    const auto uid = stored(Resource::kResourceClaims, "c1")["metadata"]["uid"].get<std::string>();
    EXPECT_THAT(runtime_.cdi_ids, ElementsAre("dra.net/claim=" + uid));
}

TEST_F(KubeletTest, UnpreparesAfterTheSandboxIsStopped) {
    FakeDriver driver(directory_.path());
    driver.start();
    start();
    ASSERT_TRUE(run_until(io_, [&] { return driver.registered(); }));
    create_pod_with_claim();
    ASSERT_TRUE(reaches_phase("Running"));
    delete_pod();
    ASSERT_TRUE(run_until(io_, [&] { return pod().is_null(); }));
    EXPECT_THAT(driver.calls(), ElementsAre("v1 prepare c1", "v1 unprepare c1"));
}

TEST_F(KubeletTest, PreparesAgainForAPodThatComesDuringUnprepare) {
    FakeDriver driver(directory_.path());
    driver.be_slow(200ms);
    driver.start();
    start();
    ASSERT_TRUE(run_until(io_, [&] { return driver.registered(); }));
    create_pod_with_claim();
    ASSERT_TRUE(reaches_phase("Running"));
    delete_pod();
    ASSERT_TRUE(run_until(io_, [&] { return driver.calls().size() == 2; }));
    create_pod(with_claim(), "q");
    reserve({"p", "q"});
    ASSERT_TRUE(run_until(io_, [&] { return driver.calls().size() == 3; }));
    EXPECT_EQ(driver.calls().back(), "v1 prepare c1");
}

TEST_F(KubeletTest, PreparesASharedClaimOnce) {
    FakeDriver driver(directory_.path());
    driver.start();
    start();
    ASSERT_TRUE(run_until(io_, [&] { return driver.registered(); }));
    create_pod_with_claim();
    create_pod(with_claim(), "q");
    reserve({"p", "q"});
    ASSERT_TRUE(run_until(io_, [&] { return runtime_.pods.size() == 2; }));
    EXPECT_THAT(driver.calls(), ElementsAre("v1 prepare c1"));
}

TEST_F(KubeletTest, TellsTheUserWhatTheDriverSays) {
    FakeDriver driver(directory_.path());
    driver.fail_with("device dra0 is on fire");
    driver.start();
    start();
    ASSERT_TRUE(run_until(io_, [&] { return driver.registered(); }));
    create_pod_with_claim();
    const std::string reason = "FailedPrepareDynamicResources";
    ASSERT_TRUE(run_until(io_, [&] { return !event(reason).empty(); }));
    EXPECT_EQ(
        event(reason),
        "Failed to prepare dynamic resources: prepare dynamic resources: NodePrepareResources "
        "failed for ResourceClaim c1: device dra0 is on fire");
}

TEST_F(KubeletTest, TriesAgainUntilTheDriverSucceeds) {
    FakeDriver driver(directory_.path());
    driver.fail_with("not yet");
    driver.start();
    start();
    ASSERT_TRUE(run_until(io_, [&] { return driver.registered(); }));
    create_pod_with_claim();
    ASSERT_TRUE(run_until(io_, [&] { return driver.calls().size() >= 2; }));
    driver.fail_with("");
    EXPECT_TRUE(reaches_phase("Running"));
}

TEST_F(KubeletTest, SaysThatTheDriverIsNotRegistered) {
    start();
    create_pod_with_claim();
    ASSERT_TRUE(run_until(io_, [&] { return !event("FailedPrepareDynamicResources").empty(); }));
    EXPECT_THAT(event("FailedPrepareDynamicResources"),
                HasSubstr("DRA driver dra.net is not registered"));
}

TEST_F(KubeletTest, RefusesAClaimThatIsNotReservedForThePod) {
    FakeDriver driver(directory_.path());
    driver.start();
    start();
    ASSERT_TRUE(run_until(io_, [&] { return driver.registered(); }));
    create_pod_with_claim();
    api::WriteOptions options;
    options.subresource = "status";
    ASSERT_TRUE(store_
                    ->modify(
                        Resource::kResourceClaims, "default", "c1",
                        [](const Json& current) -> api::Answer<Json> {
                            Json changed = current;
                            changed["status"].erase("reservedFor");
                            return changed;
                        },
                        options)
                    .ok());
    ASSERT_TRUE(run_until(io_, [&] { return !event("FailedPrepareDynamicResources").empty(); }));
    EXPECT_THAT(event("FailedPrepareDynamicResources"), HasSubstr("is not allowed to use"));
}

TEST_F(KubeletTest, RefusesAClaimThatIsReservedForOthersOnly) {
    FakeDriver driver(directory_.path());
    driver.start();
    start();
    ASSERT_TRUE(run_until(io_, [&] { return driver.registered(); }));
    create_pod_with_claim();
    create_pod(Json::object(), "q");
    create_pod(Json::object(), "r");
    reserve({"q", "r"});
    ASSERT_TRUE(run_until(io_, [&] { return !event("FailedPrepareDynamicResources").empty(); }));
    EXPECT_THAT(event("FailedPrepareDynamicResources"), HasSubstr("is not allowed to use"));
}

TEST_F(KubeletTest, PreparesAClaimThatWasMadeForThePod) {
    FakeDriver driver(directory_.path());
    driver.start();
    start();
    ASSERT_TRUE(run_until(io_, [&] { return driver.registered(); }));
    create_pod_with_template_claim("p");
    EXPECT_TRUE(reaches_phase("Running"));
}

TEST_F(KubeletTest, RefusesAClaimThatWasMadeForAnotherPod) {
    start();
    create_pod(Json::object(), "q");
    create_pod_with_template_claim("q");
    ASSERT_TRUE(run_until(io_, [&] { return !event("FailedPrepareDynamicResources").empty(); }));
    EXPECT_THAT(event("FailedPrepareDynamicResources"),
                HasSubstr("ResourceClaim default/c1 was not created for Pod default/p"));
}

TEST_F(KubeletTest, RefusesAClaimOfATemplateThatWasMadeForNobody) {
    start();
    create_pod_with_template_claim("");
    ASSERT_TRUE(run_until(io_, [&] { return !event("FailedPrepareDynamicResources").empty(); }));
    EXPECT_THAT(event("FailedPrepareDynamicResources"), HasSubstr("was not created for Pod"));
}

TEST_F(KubeletTest, UnpreparesAClaimOfAnEarlierRun) {
    FakeDriver driver(directory_.path());
    driver.start();
    start();
    ASSERT_TRUE(run_until(io_, [&] { return driver.registered(); }));
    create_pod_with_claim();
    ASSERT_TRUE(reaches_phase("Running"));
    kubelet_.reset();
    start();
    delete_pod();
    ASSERT_TRUE(run_until(io_, [&] { return pod().is_null(); }));
    EXPECT_EQ(driver.calls().back(), "v1 unprepare c1");
}

class KubeletSlices : public KubeletTest {
  protected:
    void create_slice(const std::string& node) {
        const auto created = store_->create(
            Resource::kResourceSlices, "",
            {{"metadata", {{"name", "slice-" + node}}},
             {"spec",
              {{"driver", "dra.net"},
               {"nodeName", node},
               {"pool", {{"name", node}, {"generation", 1}, {"resourceSliceCount", 1}}}}}});
        ASSERT_TRUE(created.ok()) << created.error().message;
    }
    std::size_t slices() { return store_->list(Resource::kResourceSlices).size(); }
};

TEST_F(KubeletSlices, OfItsNodeAreDeletedAtStart) {
    create_slice("node-1");
    create_slice("node-2");
    start();
    EXPECT_EQ(slices(), 1u);
}

TEST_F(KubeletSlices, AreDeletedSomeTimeAfterTheDriverHasGone) {
    FakeDriver driver(directory_.path());
    driver.start();
    start();
    ASSERT_TRUE(run_until(io_, [&] { return driver.registered(); }));
    create_slice("node-1");
    driver.stop();
    EXPECT_TRUE(run_until(io_, [&] { return slices() == 0; }));
}

TEST_F(KubeletSlices, AreDeletedWhenTheConnectionEnds) {
    FakeDriver driver(directory_.path());
    driver.start();
    start();
    ASSERT_TRUE(run_until(io_, [&] { return driver.registered(); }));
    run_for(io_, 300ms);  // the connection is made in the background
    create_slice("node-1");
    driver.die();
    EXPECT_TRUE(run_until(io_, [&] { return slices() == 0; }));
}

TEST_F(KubeletSlices, StayWhenTheDriverIsBackInTime) {
    FakeDriver driver(directory_.path());
    driver.start();
    start();
    ASSERT_TRUE(run_until(io_, [&] { return driver.registered(); }));
    create_slice("node-1");
    driver.stop();
    driver.start();
    run_for(io_, 400ms);
    EXPECT_EQ(slices(), 1u);
}

}  // namespace
}  // namespace knd::local
