// SPDX-License-Identifier: Apache-2.0
#include "host/kube/claim_reader.hpp"

#include "tests/fakes/kube_fixture.hpp"

namespace knd::kube {
namespace {

const ClaimRef kRef{"default", "a", "uid-1"};

Json allocated_claim() {
    return *parse_json(R"({
      "metadata": {"name": "a", "namespace": "default", "uid": "uid-1",
        "annotations": {"resource.kubernetes.io/pod-claim-name": "net"}},
      "status": {
        "reservedFor": [{"resource": "pods", "name": "p", "uid": "pod-1"},
                        {"apiGroup": "x", "resource": "podgroups", "uid": "g"}],
        "allocation": {"devices": {
          "results": [
            {"request": "fast/big", "driver": "knd.dev", "pool": "n1", "device": "eth1",
             "shareID": "s", "adminAccess": true},
            {"request": "gpu", "driver": "gpu.example", "pool": "n1", "device": "gpu0"},
            {"request": "slow", "driver": "knd.dev", "pool": "n1", "device": "eth2"}],
          "config": [
            {"source": "FromClaim", "requests": ["fast"],
             "opaque": {"driver": "knd.dev", "parameters": {"n": "claim-base"}}},
            {"source": "FromClass", "requests": [],
             "opaque": {"driver": "knd.dev", "parameters": {"n": "class-all"}}},
            {"source": "FromClass", "requests": ["fast/big"],
             "opaque": {"driver": "knd.dev", "parameters": {"n": "class-sub"}}},
            {"source": "FromClaim", "requests": ["slow"],
             "opaque": {"driver": "knd.dev", "parameters": {"n": "claim-slow"}}},
            {"source": "FromClaim",
             "opaque": {"driver": "gpu.example", "parameters": {"n": "foreign"}}}]}}}})");
}

std::vector<std::string> names_of(const std::vector<Json>& configs) {
    std::vector<std::string> names;
    for (const auto& config : configs)
        names.push_back(json_string(config, "n"));
    return names;
}

TEST(ParseClaim, KeepsOurResultsOnly) {
    const auto claim = parse_claim(allocated_claim(), kRef, "knd.dev");
    ASSERT_TRUE(claim.ok()) << claim.error().message();
    ASSERT_EQ(claim->devices.size(), 2u);
    EXPECT_EQ(claim->devices[0].device, "eth1");
    EXPECT_EQ(claim->devices[1].device, "eth2");
}

TEST(ParseClaim, ReadsShareIdAndAdminAccess) {
    const auto claim = parse_claim(allocated_claim(), kRef, "knd.dev");
    EXPECT_EQ(claim->devices[0].share_id, "s");
    EXPECT_TRUE(claim->devices[0].admin_access);
    EXPECT_FALSE(claim->devices[1].admin_access);
}

TEST(ParseClaim, AppliesConfigsOfTheWholeNameTheBaseAndAllClassAndClaimApart) {
    const auto claim = parse_claim(allocated_claim(), kRef, "knd.dev");
    const auto& fast = claim->devices[0];
    EXPECT_EQ(names_of(fast.class_configs), (std::vector<std::string>{"class-all", "class-sub"}));
    EXPECT_EQ(names_of(fast.configs), (std::vector<std::string>{"claim-base"}));
    const auto& slow = claim->devices[1];
    EXPECT_EQ(names_of(slow.class_configs), (std::vector<std::string>{"class-all"}));
    EXPECT_EQ(names_of(slow.configs), (std::vector<std::string>{"claim-slow"}));
}

TEST(ParseClaim, ReadsWhatOfASharedDeviceWasGiven) {
    auto object = allocated_claim();
    object["status"]["allocation"]["devices"]["results"][0]["consumedCapacity"] = {
        {"bandwidth", "10G"}, {"knd.dev/slots", "2"}};
    const auto claim = parse_claim(object, kRef, "knd.dev");
    EXPECT_EQ(claim->devices[0].consumed,
              (std::map<std::string, std::string>{{"bandwidth", "10G"}, {"knd.dev/slots", "2"}}));
    EXPECT_TRUE(claim->devices[1].consumed.empty());
}

TEST(ParseClaim, NamesTheDeviceClassOfEachRequest) {
    auto object = allocated_claim();
    object["spec"]["devices"]["requests"] = *parse_json(R"([
      {"name": "fast", "firstAvailable": [
        {"name": "huge", "deviceClassName": "huge-class"},
        {"name": "big", "deviceClassName": "big-class"}]},
      {"name": "slow", "exactly": {"deviceClassName": "slow-class"}}])");
    const auto claim = parse_claim(object, kRef, "knd.dev");
    EXPECT_EQ(claim->devices[0].device_class, "big-class");
    EXPECT_EQ(claim->devices[1].device_class, "slow-class");
}

TEST(ParseClaim, NamesTheDeviceClassOfARequestOfV1beta1) {
    auto object = allocated_claim();
    object["spec"]["devices"]["requests"] =
        Json::array({{{"name", "slow"}, {"deviceClassName", "old-class"}}});
    const auto claim = parse_claim(object, kRef, "knd.dev");
    EXPECT_EQ(claim->devices[0].device_class, "") << "the request is not there";
    EXPECT_EQ(claim->devices[1].device_class, "old-class");
}

TEST(ParseClaim, GivesAResultTheConfigsThatSpeakToItsRequest) {
    struct Case {
        const char* requests;  ///< of the one config entry
        const char* request;   ///< of the result
        bool applies;
    };
    for (const auto& [requests, request, applies] :
         {Case{"null", "foo", true}, Case{"[]", "foo", true}, Case{R"(["foo"])", "foo", true},
          Case{R"(["foo"])", "foo/bar", true}, Case{R"(["foo/bar"])", "foo/bar", true},
          Case{R"(["foo/not-bar"])", "foo/bar", false}, Case{R"(["foo/bar"])", "foo", false},
          Case{R"(["bar"])", "foo/bar", false}, Case{R"(["fo"])", "foo", false},
          Case{R"(["other", "foo"])", "foo", true}}) {
        auto object = allocated_claim();
        auto& devices = object["status"]["allocation"]["devices"];
        devices["results"][0]["request"] = request;
        devices["config"] = Json::array({{{"source", "FromClass"},
                                          {"requests", *parse_json(requests)},
                                          {"opaque", {{"driver", "knd.dev"}}}}});
        const auto claim = parse_claim(object, kRef, "knd.dev");
        ASSERT_TRUE(claim.ok()) << claim.error().message();
        EXPECT_EQ(claim->devices[0].class_configs.size(), applies ? 1u : 0u) << requests << request;
    }
}

TEST(ParseClaim, PassesOverAConfigThatIsNotOpaque) {
    auto object = allocated_claim();
    object["status"]["allocation"]["devices"]["config"] =
        Json::array({{{"source", "FromClass"}, {"requests", Json::array()}}});
    EXPECT_TRUE(parse_claim(object, kRef, "knd.dev")->devices[0].class_configs.empty());
}

TEST(ParseClaim, ListsPodsThatReservedIt) {
    const auto claim = parse_claim(allocated_claim(), kRef, "knd.dev");
    EXPECT_EQ(claim->reserved_for, (std::vector<PodRef>{{"pod-1", "p"}}));
    EXPECT_EQ(claim->pod_claim_name, "net");
}

TEST(ParseClaim, RefusesAReplacedClaim) {
    const auto claim = parse_claim(allocated_claim(), {"default", "a", "uid-0"}, "knd.dev");
    EXPECT_EQ(claim.code(), Code::kFailedPrecondition);
    EXPECT_EQ(claim.error().message(),
              "it was deleted and made again under the same name (the kubelet asks for uid uid-0, "
              "the API server has uid-1)");
}

TEST(ParseClaim, TellsAnAnswerThatIsNoClaimFromAReplacedClaim) {
    const auto claim = parse_claim(Json{{"kind", "Status"}}, kRef, "knd.dev");
    EXPECT_EQ(claim.code(), Code::kDataLoss);
    EXPECT_EQ(claim.error().message(), "the API server's answer has no uid");
}

TEST(ParseClaim, RefusesAClaimWithoutAllocation) {
    auto object = allocated_claim();
    object["status"].erase("allocation");
    const auto claim = parse_claim(object, kRef, "knd.dev");
    EXPECT_EQ(claim.code(), Code::kFailedPrecondition);
    EXPECT_EQ(claim.error().message(), "it is not allocated");
}

TEST(ParseClaim, SurvivesWrongTypesEverywhere) {
    for (const auto* path :
         {"/metadata", "/spec", "/spec/devices", "/spec/devices/requests", "/status",
          "/status/reservedFor", "/status/allocation", "/status/allocation/devices",
          "/status/allocation/devices/results", "/status/allocation/devices/results/0",
          "/status/allocation/devices/config", "/status/allocation/devices/config/0",
          "/status/allocation/devices/config/0/requests"}) {
        for (const auto& wrong : {Json(5), Json("x"), Json::array({1}), Json()}) {
            auto object = allocated_claim();
            object[Json::json_pointer(path)] = wrong;
            (void)parse_claim(object, kRef, "knd.dev");
        }
    }
}

class ClaimReaderTest : public fakes::KubeFixture {
  protected:
    static inline const std::string kClaims =
        "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims";
    static inline const std::string kEvents = "/api/v1/namespaces/default/events";

    ClaimReaderTest() : reader(*client, *api, {.driver = "knd.dev", .node = "n1"}) {
        server.put(kClaims, allocated_claim());
    }
    Result<Claim> read(const ClaimRef& ref = kRef) {
        return wait_for<Claim>([&](auto done) { reader.get_claim(ref, done); });
    }
    std::vector<DeviceStatus> status(bool ready) {
        return {{.pool = "n1",
                 .device = "eth1",
                 .ready = ready,
                 .reason = ready ? "Attached" : "Prepared",
                 .message = "m",
                 .interface_name = "net1",
                 .ips = {"10.0.0.1/24"},
                 .hardware_address = "02:00:00:00:00:01"}};
    }
    Json stored_devices() {
        return json_path(server.objects(kClaims).front(), {"status", "devices"});
    }
    std::size_t patches() { return server.count("PATCH", kClaims); }

    ClaimReader reader;
};

TEST_F(ClaimReaderTest, ReadsAClaim) {
    const auto claim = read();
    ASSERT_TRUE(claim.ok()) << claim.error().message();
    EXPECT_EQ(claim->devices.size(), 2u);
}

TEST_F(ClaimReaderTest, SaysWhichClaimIsMissing) {
    const auto claim = read({"default", "gone", "u"});
    EXPECT_EQ(claim.code(), Code::kNotFound);
    EXPECT_NE(claim.error().message().find("\"gone\" not found"), std::string::npos)
        << claim.error().message();
}

TEST_F(ClaimReaderTest, BelievesNobodyButAnApiServerThatAClaimIsGone) {
    ASSERT_TRUE(read().ok());
    for (const auto* text : {"", "<html>404 Not Found</html>", "default backend - 404", "{}",
                             R"({"kind": "Status", "reason": "NotFound",
                                 "details": {"name": "c-1", "kind": "clusters"}})"}) {
        server.inject(
            {.method = "GET", .path_prefix = kClaims, .status = 404, .times = 5, .text = text});
        const auto claim = read();
        EXPECT_EQ(claim.code(), Code::kUnavailable) << text;
        EXPECT_NE(claim.error().message().find("load balancer"), std::string::npos)
            << claim.error().message();
    }
}

TEST_F(ClaimReaderTest, TakesAPathThatIsNotServedForNoClaimThatIsGone) {
    ASSERT_TRUE(read().ok());
    for (const auto* text :
         {"404 page not found\n", R"({"kind": "Status", "reason": "NotFound", "details": {}})"}) {
        server.inject({.path_prefix = kClaims, .status = 404, .times = 2, .text = text});
        EXPECT_EQ(read().code(), Code::kUnimplemented) << text;
    }
}

TEST_F(ClaimReaderTest, ReadsAgainWhenAnotherServerAnsweredOnce) {
    server.inject({.path_prefix = kClaims, .status = 404, .text = "no such host"});
    EXPECT_TRUE(read().ok());
}

TEST_F(ClaimReaderTest, TakesAFailedPreconditionOfAProxyForNoReplacedClaim) {
    server.inject({.path_prefix = kClaims, .status = 412, .times = 5});
    EXPECT_EQ(read().code(), Code::kUnavailable);
}

TEST_F(ClaimReaderTest, ProbesTheApiVersionOnce) {
    (void)read();
    (void)read();
    EXPECT_EQ(server.count("GET", "/apis/resource.k8s.io/v1"), 3u) << "one probe, two claims";
}

TEST_F(ClaimReaderTest, FallsBackToOlderVersions) {
    server.serve_versions({"v1beta1"});
    server.put("/apis/resource.k8s.io/v1beta1/namespaces/default/resourceclaims",
               allocated_claim());
    EXPECT_TRUE(read().ok());
}

TEST_F(ClaimReaderTest, FollowsAServerThatIsUpgraded) {
    server.serve_versions({"v1beta1"});
    server.put("/apis/resource.k8s.io/v1beta1/namespaces/default/resourceclaims",
               allocated_claim());
    ASSERT_TRUE(read().ok());
    server.serve_versions({"v1"});
    EXPECT_TRUE(read().ok());
}

TEST_F(ClaimReaderTest, TellsAnApiThatIsServedNoMoreFromAClaimThatIsGone) {
    ASSERT_TRUE(read().ok());
    server.serve_versions({});
    EXPECT_EQ(read().code(), Code::kUnimplemented);
}

TEST_F(ClaimReaderTest, SaysWhatToEnableWhenNoVersionIsServed) {
    server.serve_versions({});
    const auto claim = read();
    EXPECT_EQ(claim.code(), Code::kUnimplemented);
    EXPECT_NE(claim.error().message().find("DynamicResourceAllocation"), std::string::npos);
}

TEST_F(ClaimReaderTest, WritesItsStatusByServerSideApply) {
    reader.publish_status(kRef, status(true));
    ASSERT_TRUE(until([&] { return stored_devices().size() == 1; }));
    const auto device = stored_devices()[0];
    EXPECT_EQ(json_string(device, "driver"), "knd.dev");
    EXPECT_EQ(json_path(device, {"networkData", "interfaceName"}), "net1");
    EXPECT_EQ(json_path(device, {"networkData", "ips"}), Json::array({"10.0.0.1/24"}));
    EXPECT_EQ(json_string(device["conditions"][0], "status"), "True");
    EXPECT_EQ(json_string(device["conditions"][0], "reason"), "Attached");
    EXPECT_FALSE(json_string(device["conditions"][0], "lastTransitionTime").empty());
    const auto request = server.requests().back();
    EXPECT_EQ(request.content_type, "application/apply-patch+yaml");
    EXPECT_NE(request.query.find("fieldManager=knd.dev"), std::string::npos);
}

const Json& condition_of(const Json& device, std::string_view type) {
    static const Json kNone;
    for (const auto& condition : json_at(device, "conditions"))
        if (json_string(condition, "type") == type) return condition;
    return kNone;
}

TEST_F(ClaimReaderTest, SaysNetworkReadyForThoseWhoWaitForThat) {
    reader.publish_status(kRef, status(false));
    ASSERT_TRUE(until([&] { return stored_devices().size() == 1; }));
    EXPECT_EQ(json_string(condition_of(stored_devices()[0], "NetworkReady"), "status"), "False");
    reader.publish_status(kRef, status(true));
    EXPECT_TRUE(until([&] {
        const auto devices = stored_devices();
        return json_string(condition_of(devices[0], "NetworkReady"), "status") == "True";
    }));
}

TEST_F(ClaimReaderTest, WritesDataAndConditionsOfABackend) {
    auto devices = status(true);
    devices[0].data = {{"vf", "3"}};
    devices[0].conditions = {{"RDMALinkReady", true, "Moved", "mlx5_3"}};
    reader.publish_status(kRef, devices);
    ASSERT_TRUE(until([&] { return stored_devices().size() == 1; }));
    const auto stored = stored_devices()[0];
    EXPECT_EQ(json_at(stored, "data"), (Json{{"vf", "3"}}));
    EXPECT_EQ(json_string(condition_of(stored, "RDMALinkReady"), "message"), "mlx5_3");
}

TEST_F(ClaimReaderTest, LeavesOutDataThatTheServerWouldRefuse) {
    auto devices = status(true);
    devices[0].data = {{"long", std::string(11'000, 'x')}};
    for (int i = 0; i < 20; ++i)
        devices[0].conditions.push_back({"More" + std::to_string(i), true, "R", ""});
    reader.publish_status(kRef, devices);
    ASSERT_TRUE(until([&] { return stored_devices().size() == 1; }));
    EXPECT_FALSE(stored_devices()[0].contains("data"));
    EXPECT_EQ(stored_devices()[0]["conditions"].size(), 8u);
}

TEST_F(ClaimReaderTest, WritesAChangeOfHealthBesideWhatElseIsTrue) {
    auto devices = status(true);
    const auto write = [&](Health health, const std::string& message) {
        const auto writes = reader.status_counters().writes + 1;
        devices[0].health = HealthReport{health, message};
        reader.publish_status(kRef, devices);
        EXPECT_TRUE(until([&] { return reader.status_counters().writes == writes; }));
        return stored_devices().at(0);
    };
    const auto healthy = write(Health::kHealthy, "");
    EXPECT_EQ(json_string(condition_of(healthy, "Healthy"), "status"), "True");

    const auto sick = write(Health::kUnhealthy, "no carrier");
    EXPECT_EQ(json_string(condition_of(sick, "Healthy"), "status"), "False");
    EXPECT_EQ(json_string(condition_of(sick, "Healthy"), "reason"), "Unhealthy");
    EXPECT_EQ(json_string(condition_of(sick, "Healthy"), "message"), "no carrier");
    EXPECT_EQ(json_string(condition_of(sick, "Ready"), "lastTransitionTime"),
              json_string(condition_of(healthy, "Ready"), "lastTransitionTime"));

    const auto unknown = write(Health::kUnknown, "not answered");
    EXPECT_EQ(json_string(condition_of(unknown, "Healthy"), "status"), "Unknown");
}

TEST_F(ClaimReaderTest, LeavesOtherDriversEntriesAlone) {
    server.replace(kClaims + "/a", [](Json& claim) {
        claim["status"]["devices"] = Json::array({{{"driver", "gpu.example"}}});
    });
    reader.publish_status(kRef, status(true));
    EXPECT_TRUE(until([&] { return stored_devices().size() == 2; }));
}

TEST_F(ClaimReaderTest, WritesTheLatestStatusWhenTheyPileUp) {
    server.inject({.method = "PATCH", .delay = std::chrono::milliseconds(100)});
    reader.publish_status(kRef, status(false));
    for (int i = 0; i < 10; ++i)
        reader.publish_status(kRef, status(i % 2 != 0));
    ASSERT_TRUE(until([&] { return reader.status_counters().writes == 2; }));
    EXPECT_EQ(json_string(stored_devices()[0]["conditions"][0], "reason"), "Attached");
    EXPECT_EQ(patches(), 2u);
}

TEST_F(ClaimReaderTest, DoesNotRepeatAnEqualStatus) {
    reader.publish_status(kRef, status(true));
    ASSERT_TRUE(until([&] { return reader.status_counters().writes == 1; }));
    reader.publish_status(kRef, status(true));
    EXPECT_EQ(reader.status_counters().skipped, 1u);
    EXPECT_EQ(patches(), 1u);
}

TEST_F(ClaimReaderTest, RetriesWhenTheServerIsBusy) {
    server.inject({.method = "PATCH", .status = 500});
    reader.publish_status(kRef, status(true));
    EXPECT_TRUE(until([&] { return reader.status_counters().writes == 1; }));
    EXPECT_EQ(patches(), 2u);
}

TEST_F(ClaimReaderTest, GivesUpOnAClaimThatIsGone) {
    reader.publish_status({"default", "gone", "u"}, status(true));
    ASSERT_TRUE(until([&] { return reader.status_counters().failures == 1; }));
    fakes::run_for(io, std::chrono::milliseconds(50));
    EXPECT_EQ(patches(), 1u);
}

TEST_F(ClaimReaderTest, WritesItsStatusToAServerThatWasUpgraded) {
    const std::string old = "/apis/resource.k8s.io/v1beta1/namespaces/default/resourceclaims";
    server.serve_versions({"v1beta1"});
    server.put(old, allocated_claim());
    ASSERT_TRUE(read().ok());
    server.serve_versions({"v1"});
    reader.publish_status(kRef, status(true));
    EXPECT_TRUE(until([&] { return stored_devices().size() == 1; }));
}

TEST_F(ClaimReaderTest, DoesNotWriteToAReplacementOfItsClaim) {
    reader.publish_status({"default", "a", "uid-0"}, status(true));
    ASSERT_TRUE(until([&] { return reader.status_counters().failures == 1; }));
    EXPECT_TRUE(stored_devices().is_null());
}

TEST_F(ClaimReaderTest, StopsWritingWhenTheServerDropsTheField) {
    server.set_admission([](const std::string&, Json& object) {
        if (object.contains("status")) object["status"].erase("devices");
    });
    reader.publish_status(kRef, status(false));
    ASSERT_TRUE(until([&] { return reader.status_counters().writes == 1; }));
    reader.publish_status(kRef, status(true));
    EXPECT_EQ(reader.status_counters().skipped, 1u);
}

TEST_F(ClaimReaderTest, TakesItsEntriesAway) {
    reader.publish_status(kRef, status(true));
    ASSERT_TRUE(until([&] { return stored_devices().size() == 1; }));
    reader.publish_status(kRef, {});
    EXPECT_TRUE(until([&] { return stored_devices().empty(); }));
}

TEST_F(ClaimReaderTest, RecordsAnEventAboutTheClaim) {
    reader.claim_event(kRef, true, "PrepareFailed", "device eth1 is gone");
    ASSERT_TRUE(until([&] { return reader.event_counters().created == 1; }));
    const auto event = server.objects(kEvents).front();
    EXPECT_EQ(json_path(event, {"involvedObject", "kind"}), "ResourceClaim");
    EXPECT_EQ(json_path(event, {"involvedObject", "uid"}), "uid-1");
    EXPECT_EQ(json_string(event, "type"), "Warning");
    EXPECT_EQ(json_string(event, "message"), "device eth1 is gone");
    EXPECT_EQ(json_path(event, {"source", "host"}), "n1");
}

TEST_F(ClaimReaderTest, RecordsAnEventAboutThePod) {
    reader.pod_event({.id = "s", .uid = "u", .ns = "default", .name = "p"}, false, "Attached", "m");
    ASSERT_TRUE(until([&] { return reader.event_counters().created == 1; }));
    const auto event = server.objects(kEvents).front();
    EXPECT_EQ(json_path(event, {"involvedObject", "kind"}), "Pod");
    EXPECT_EQ(json_string(event, "type"), "Normal");
}

class EventRecorderTest : public fakes::KubeFixture {
  protected:
    const EventTarget target{"v1", "Pod", "default", "p", "u"};
    const std::string path = "/api/v1/namespaces/default/events";
};

TEST_F(EventRecorderTest, CountsRepeatsInsteadOfCreatingMore) {
    EventRecorder events(*client,
                         {.component = "c", .node = "n", .update_every = std::chrono::seconds(0)});
    for (int i = 0; i < 20; ++i)
        events.record(target, true, "R", "message " + std::to_string(i));
    ASSERT_TRUE(until([&] { return events.counters().updated == 1; }));
    ASSERT_EQ(server.objects(path).size(), 1u);
    EXPECT_EQ(json_int(server.objects(path)[0], "count"), 20);
    EXPECT_EQ(json_string(server.objects(path)[0], "message"), "message 19");
}

TEST_F(EventRecorderTest, KeepsReasonsApart) {
    EventRecorder events(*client, {.component = "c", .node = "n"});
    events.record(target, true, "One", "m");
    events.record(target, true, "Two", "m");
    EXPECT_TRUE(until([&] { return events.counters().created == 2; }));
}

TEST_F(EventRecorderTest, ForgetsTheOldestWhenThereAreTooMany) {
    EventRecorder events(*client, {.component = "c", .node = "n", .max_open = 2});
    for (const auto* reason : {"A", "B", "C"})
        events.record(target, true, reason, "m");
    ASSERT_TRUE(until([&] { return events.counters().created == 3; }));
    events.record(target, true, "A", "again");
    EXPECT_TRUE(until([&] { return events.counters().created == 4; }));
}

TEST_F(EventRecorderTest, CutsLongMessagesBetweenCharacters) {
    EventRecorder events(*client, {.component = "c", .node = "n"});
    std::string text;
    for (int i = 0; i < 600; ++i)
        text += "\xc3\xa9";
    events.record(target, true, "R", text);
    ASSERT_TRUE(until([&] { return events.counters().created == 1; }));
    const auto message = json_string(server.objects(path)[0], "message");
    EXPECT_LE(message.size(), 1024u);
    EXPECT_TRUE(message.ends_with("\xc3\xa9..."));
}

TEST_F(EventRecorderTest, LosesEventsQuietly) {
    server.inject({.method = "POST", .status = 403, .reason = "Forbidden"});
    EventRecorder events(*client, {.component = "c", .node = "n"});
    events.record(target, true, "R", "m");
    EXPECT_TRUE(until([&] { return events.counters().lost == 1; }));
}

}  // namespace
}  // namespace knd::kube
