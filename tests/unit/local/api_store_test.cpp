// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "tests/unit/local/api_fixture.hpp"
#include "tools/local/api/intake.hpp"

namespace knd::api {
namespace {

class ApiStore : public ApiTest {};

std::uint64_t revision_of(const Json& object) {
    return std::stoull(json_string(object["metadata"], "resourceVersion"));
}

Json with_label(const Json& object, const std::string& value) {
    auto after = object;
    after["metadata"]["labels"]["x"] = value;
    return after;
}

TEST_F(ApiStore, HasTheNamespacesOfEveryCluster) {
    for (const auto* name : {"default", "kube-system", "kube-public", "kube-node-lease"})
        EXPECT_TRUE(exists(Resource::kNamespaces, name)) << name;
}

TEST_F(ApiStore, KeepsObjectsOverARestart) {
    const auto pod = create(Resource::kPods, pod_json("a"));
    open();
    const auto again = store_->get(Resource::kPods, "default", "a");
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(**again, *pod);
}

TEST_F(ApiStore, NeverReusesARevisionAfterARestart) {
    create(Resource::kPods, pod_json("a"));
    ASSERT_TRUE(store_->remove(Resource::kPods, "default", "a").ok());
    const auto newest = store_->revision();
    open();
    EXPECT_GE(store_->revision(), newest);
    EXPECT_GT(revision_of(*create(Resource::kPods, pod_json("b"))), newest);
}

TEST_F(ApiStore, HasTheDatabaseToItself) {
    const auto second = Store::open(io_, directory_ / "objects.db");
    ASSERT_FALSE(second.ok());
    EXPECT_NE(second.error().message().find("another knd-local"), std::string::npos)
        << second.error().message();
}

TEST_F(ApiStore, MakesANameFromGenerateName) {
    auto pod = pod_json("");
    pod["metadata"] = {{"generateName", std::string(70, 'g')}};
    const auto name = object_name(*create(Resource::kPods, pod));
    EXPECT_EQ(name.size(), 63U);
    EXPECT_EQ(name.substr(0, 58), std::string(58, 'g'));
}

TEST_F(ApiStore, RefusesANamespaceThatDoesNotExist) {
    const auto refused = store_->create(Resource::kPods, "nowhere", pod_json("a"));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, 404);
    EXPECT_EQ(refused.error().message, "namespaces \"nowhere\" not found");
}

TEST_F(ApiStore, RefusesASecondObjectOfTheName) {
    create(Resource::kPods, pod_json("a"));
    const auto refused = store_->create(Resource::kPods, "default", pod_json("a"));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().reason, "AlreadyExists");
    EXPECT_EQ(refused.error().message, "pods \"a\" already exists");
}

TEST_F(ApiStore, RefusesAnUpdateOfAnOldVersion) {
    const auto first = create(Resource::kPods, pod_json("a"));
    ASSERT_TRUE(store_->update(Resource::kPods, "default", with_label(*first, "1")).ok());
    const auto refused = store_->update(Resource::kPods, "default", with_label(*first, "2"));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, 409);
    EXPECT_EQ(refused.error().message,
              "Operation cannot be fulfilled on pods \"a\": the object has been modified; please "
              "apply your changes to the latest version and try again");
}

TEST_F(ApiStore, KeepsTheRevisionOfAnUpdateThatChangesNothing) {
    const auto first = create(Resource::kPods, pod_json("a"));
    const auto second = store_->update(Resource::kPods, "default", *first);
    ASSERT_TRUE(second.ok());
    EXPECT_EQ(revision_of(**second), revision_of(*first));
}

TEST_F(ApiStore, IgnoresTheStatusInAWriteOfTheObject) {
    auto claim = *create(Resource::kResourceClaims, claim_json("a"));
    claim["status"]["allocation"] = allocation_json({"dra0"});
    const auto written = store_->update(Resource::kResourceClaims, "default", claim);
    ASSERT_TRUE(written.ok());
    EXPECT_EQ((**written)["status"], Json::object());
}

TEST_F(ApiStore, IgnoresTheRestInAWriteOfTheStatus) {
    auto pod = with_label(*create(Resource::kPods, pod_json("a")), "1");
    pod["status"]["phase"] = "Running";
    WriteOptions options;
    options.subresource = "status";
    const auto written = store_->update(Resource::kPods, "default", pod, options);
    ASSERT_TRUE(written.ok());
    EXPECT_FALSE((**written)["metadata"].contains("labels"));
    EXPECT_EQ((**written)["status"]["phase"], "Running");
}

TEST_F(ApiStore, CountsGenerationsOfTheSpecAlone) {
    auto slice = *create(Resource::kResourceSlices, slice_json("s"));
    auto relabeled = store_->update(Resource::kResourceSlices, "", with_label(slice, "1"));
    ASSERT_TRUE(relabeled.ok());
    EXPECT_EQ((**relabeled)["metadata"]["generation"], 1);
    auto changed = **relabeled;
    changed["spec"]["devices"] = Json::array();
    const auto written = store_->update(Resource::kResourceSlices, "", changed);
    ASSERT_TRUE(written.ok());
    EXPECT_EQ((**written)["metadata"]["generation"], 2);
}

TEST_F(ApiStore, StoresNothingInADryRun) {
    WriteOptions options;
    options.dry_run = true;
    const auto before = store_->revision();
    EXPECT_TRUE(store_->create(Resource::kPods, "default", pod_json("a"), options).ok());
    EXPECT_FALSE(exists(Resource::kPods, "a"));
    EXPECT_EQ(store_->revision(), before);
}

TEST_F(ApiStore, KeepsAnObjectUntilItsLastFinalizerIsGone) {
    auto claim = claim_json("a");
    claim["metadata"]["finalizers"] = {"example.com/a"};
    create(Resource::kResourceClaims, claim);
    ASSERT_TRUE(store_->remove(Resource::kResourceClaims, "default", "a").ok());
    ASSERT_TRUE(exists(Resource::kResourceClaims, "a"));
    const auto released = store_->modify(
        Resource::kResourceClaims, "default", "a", [](const Json& current) -> Answer<Json> {
            auto after = current;
            EXPECT_TRUE(after["metadata"]["deletionTimestamp"].is_string());
            after["metadata"].erase("finalizers");
            return after;
        });
    ASSERT_TRUE(released.ok());
    EXPECT_FALSE(exists(Resource::kResourceClaims, "a"));
}

TEST_F(ApiStore, DeletesAPodWithoutANodeAtOnce) {
    create(Resource::kPods, pod_json("a"));
    ASSERT_TRUE(store_->remove(Resource::kPods, "default", "a").ok());
    EXPECT_FALSE(exists(Resource::kPods, "a"));
}

TEST_F(ApiStore, LeavesAPodToItsKubelet) {
    create(Resource::kPods, pod_json("a"));
    ASSERT_TRUE(store_->bind("default", "a", "n1").ok());
    const auto leaving = store_->remove(Resource::kPods, "default", "a");
    ASSERT_TRUE(leaving.ok());
    EXPECT_EQ((**leaving)["metadata"]["deletionGracePeriodSeconds"], 30);
    DeleteOptions now;
    now.grace_seconds = 0;
    ASSERT_TRUE(store_->remove(Resource::kPods, "default", "a", now).ok());
    EXPECT_FALSE(exists(Resource::kPods, "a"));
}

TEST_F(ApiStore, BindsAPodOnce) {
    create(Resource::kPods, pod_json("a"));
    const auto bound = store_->bind("default", "a", "n1");
    ASSERT_TRUE(bound.ok());
    EXPECT_EQ((**bound)["spec"]["nodeName"], "n1");
    const auto again = store_->bind("default", "a", "n2");
    ASSERT_FALSE(again.ok());
    EXPECT_EQ(again.error().code, 409);
    EXPECT_NE(again.error().message.find("already assigned to node \"n1\""), std::string::npos);
}

TEST_F(ApiStore, ChecksThePreconditionsOfADelete) {
    create(Resource::kPods, pod_json("a"));
    DeleteOptions options;
    options.uid = "another";
    const auto refused = store_->remove(Resource::kPods, "default", "a", options);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, 409);
    EXPECT_NE(refused.error().message.find("UID in precondition: another"), std::string::npos);
}

Json owned_by(Json object, const Json& owner, const std::string& kind) {
    object["metadata"]["ownerReferences"] = Json::array({{{"apiVersion", "v1"},
                                                          {"kind", kind},
                                                          {"name", owner["metadata"]["name"]},
                                                          {"uid", owner["metadata"]["uid"]}}});
    return object;
}

TEST_F(ApiStore, RemovesSlicesWithTheirNode) {
    const auto node = create(Resource::kNodes, {{"metadata", {{"name", "n1"}}}}, "");
    create(Resource::kResourceSlices, owned_by(slice_json("s"), *node, "Node"), "");
    settle();
    ASSERT_TRUE(exists(Resource::kResourceSlices, "s", ""));
    ASSERT_TRUE(store_->remove(Resource::kNodes, "", "n1").ok());
    settle();
    EXPECT_FALSE(exists(Resource::kResourceSlices, "s", ""));
}

TEST_F(ApiStore, RemovesWhatIsCreatedForAnOwnerThatIsNotThere) {
    const Json owner = {{"metadata", {{"name", "n1"}, {"uid", "gone"}}}};
    create(Resource::kResourceSlices, owned_by(slice_json("s"), owner, "Node"), "");
    settle();
    EXPECT_FALSE(exists(Resource::kResourceSlices, "s", ""));
}

TEST_F(ApiStore, KeepsDependentsThatAreOrphaned) {
    const auto pod = create(Resource::kPods, pod_json("a"));
    create(Resource::kResourceClaims, owned_by(claim_json("c"), *pod, "Pod"));
    DeleteOptions options;
    options.propagation = "Orphan";
    ASSERT_TRUE(store_->remove(Resource::kPods, "default", "a", options).ok());
    settle();
    EXPECT_TRUE(exists(Resource::kResourceClaims, "c"));
}

TEST_F(ApiStore, EmptiesANamespaceBeforeItGoes) {
    create(Resource::kNamespaces, {{"metadata", {{"name", "ns"}}}}, "");
    create(Resource::kPods, pod_json("a"), "ns");
    ASSERT_TRUE(store_->bind("ns", "a", "n1").ok());
    ASSERT_TRUE(store_->remove(Resource::kNamespaces, "", "ns").ok());
    settle();
    ASSERT_TRUE(exists(Resource::kNamespaces, "ns", ""));
    EXPECT_EQ(store_->create(Resource::kPods, "ns", pod_json("b")).error().code, 403);
    DeleteOptions now;
    now.grace_seconds = 0;
    ASSERT_TRUE(store_->remove(Resource::kPods, "ns", "a", now).ok());
    settle();
    EXPECT_FALSE(exists(Resource::kNamespaces, "ns", ""));
}

TEST_F(ApiStore, DeliversChangesInOrderAfterTheWrite) {
    std::vector<std::uint64_t> seen;
    const auto watch = store_->watch(Resource::kPods, store_->revision(), [&](const Event& event) {
        seen.push_back(event.revision);
        // A write from within a callback is delivered later, not in the middle.
        if (seen.size() == 1) create(Resource::kPods, pod_json("c"));
    });
    ASSERT_TRUE(watch.ok());
    create(Resource::kPods, pod_json("a"));
    create(Resource::kPods, pod_json("b"));
    EXPECT_TRUE(seen.empty());
    settle();
    ASSERT_EQ(seen.size(), 3U);
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST_F(ApiStore, DeliversWhatExistsFirstWhenAsked) {
    create(Resource::kPods, pod_json("a"));
    std::vector<std::string> seen;
    const auto watch = store_->watch(Resource::kPods, 0, [&](const Event& event) {
        seen.push_back(object_name(*event.object));
    });
    create(Resource::kPods, pod_json("b"));
    settle();
    EXPECT_EQ(seen, (std::vector<std::string>{"a", "b"}));
}

TEST_F(ApiStore, ResumesAWatchFromTheHistory) {
    const auto first = create(Resource::kPods, pod_json("a"));
    create(Resource::kPods, pod_json("b"));
    std::vector<std::string> seen;
    const auto watch = store_->watch(Resource::kPods, revision_of(*first), [&](const Event& event) {
        seen.push_back(object_name(*event.object));
    });
    settle();
    EXPECT_EQ(seen, std::vector<std::string>{"b"});
}

TEST_F(ApiStore, AnswersGoneForAWatchFromBeforeItsHistory) {
    const auto old = create(Resource::kPods, pod_json("a"));
    create(Resource::kPods, pod_json("b"));
    open();
    const auto refused =
        store_->watch(Resource::kPods, revision_of(*old), [](const Event&) { FAIL(); });
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, 410);
    EXPECT_EQ(refused.error().reason, "Expired");
}

TEST_F(ApiStore, EndsAWatchWithItsHandle) {
    {
        const auto watch =
            store_->watch(Resource::kPods, store_->revision(), [](const Event&) { FAIL(); });
        create(Resource::kPods, pod_json("a"));
    }
    settle();
    EXPECT_TRUE(exists(Resource::kPods, "a"));
}

TEST_F(ApiStore, AppliesForTwoManagersSideBySide) {
    create(Resource::kResourceClaims, claim_json("a"));
    ASSERT_TRUE(set_status("a", {{"allocation", allocation_json({"dra0", "dra1"})}}).ok());
    const auto apply = [&](const std::string& manager, const Json& devices) {
        WriteOptions options;
        options.subresource = "status";
        options.field_manager = manager;
        return store_->apply(Resource::kResourceClaims, "default", "a",
                             {{"apiVersion", "resource.k8s.io/v1"},
                              {"kind", "ResourceClaim"},
                              {"status", {{"devices", devices}}}},
                             options);
    };
    const auto entry = [](const std::string& device, const std::string& mac) -> Json {
        return {{"driver", "dra.net"},
                {"pool", "n1"},
                {"device", device},
                {"networkData", {{"hardwareAddress", mac}}}};
    };
    ASSERT_TRUE(apply("one", Json::array({entry("dra0", "aa")})).ok());
    ASSERT_TRUE(apply("two", Json::array({entry("dra1", "bb")})).ok());
    const auto again = apply("one", Json::array({entry("dra0", "cc")}));
    ASSERT_TRUE(again.ok());
    EXPECT_EQ((*again->first)["status"]["devices"],
              Json::array({entry("dra0", "cc"), entry("dra1", "bb")}));
    const auto withdrawn = apply("one", Json::array());
    ASSERT_TRUE(withdrawn.ok());
    EXPECT_EQ((*withdrawn->first)["status"]["devices"], Json::array({entry("dra1", "bb")}));
}

}  // namespace
}  // namespace knd::api
