// SPDX-License-Identifier: Apache-2.0
#include "tools/local/api/protobuf.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "tests/unit/local/api_fixture.hpp"
#include "tools/local/api/messages.hpp"
#include "tools/local/api/rest.hpp"

namespace knd::api {
namespace {

using testing::HasSubstr;

constexpr const char* kProtobuf = "application/vnd.kubernetes.protobuf";

std::string bytes_of_hex(std::string_view hex) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
    return bytes;
}

/// A field with bytes, of a number below 16 and a length below 128.
std::string field(int number, const std::string& bytes) {
    return std::string(1, static_cast<char>(number << 3 | 2)) +
           std::string(1, static_cast<char>(bytes.size())) + bytes;
}

std::string envelope(const std::string& kind, const std::string& raw) {
    return std::string("k8s\0", 4) + field(1, field(1, "v1") + field(2, kind)) + field(2, raw);
}

Json whole_slice() {
    return *parse_json(R"({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice",
        "metadata": {"name": "s", "generation": 3, "creationTimestamp": "2023-11-14T22:13:20Z",
            "labels": {"a": "b", "empty": ""}, "finalizers": ["x/y"],
            "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u",
                                 "controller": true}],
            "managedFields": [{"manager": "m", "operation": "Apply", "fieldsType": "FieldsV1",
                               "fieldsV1": {"f:spec": {"f:driver": {}}}}]},
        "spec": {"driver": "dra.net", "nodeName": "n1",
            "pool": {"name": "n1", "generation": 0, "resourceSliceCount": 1},
            "sharedCounters": [{"name": "set", "counters": {"ports": {"value": "8"}}}],
            "devices": [{"name": "dra0", "allowMultipleAllocations": true, "bindsToNode": false,
                "attributes": {"bool": {"bool": false}, "int": {"int": -1}, "text": {"string": ""},
                               "version": {"version": "1.2.3"}},
                "capacity": {"bandwidth": {"value": "10Gi", "requestPolicy": {"default": "1Gi",
                    "validRange": {"min": "1Gi", "max": "10Gi", "step": "1Gi"}}}},
                "consumesCounters": [{"counterSet": "set", "counters": {"ports": {"value": "1"}}}],
                "taints": [{"key": "bad", "effect": "NoSchedule",
                            "timeAdded": "2023-11-14T22:13:20Z"}],
                "nodeSelector": {"nodeSelectorTerms": [{"matchExpressions": [
                    {"key": "k", "operator": "In", "values": ["v", "w"]}]}]}}]}})");
}

Json claim_with_status() {
    return *parse_json(R"({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim",
        "metadata": {"name": "c", "namespace": "default"},
        "spec": {"devices": {
            "requests": [{"name": "nic", "exactly": {"deviceClassName": "net", "count": 2,
                "allocationMode": "ExactCount", "adminAccess": false,
                "tolerations": [{"key": "bad", "operator": "Exists", "tolerationSeconds": 0}]}}],
            "constraints": [{"requests": ["nic"], "matchAttribute": "dra.net/root"}],
            "config": [{"requests": ["nic"], "opaque": {"driver": "dra.net",
                "parameters": {"mtu": 9000, "list": [1, 2.5, null, "x"]}}}]}},
        "status": {
            "allocation": {"devices": {
                "results": [{"request": "nic", "driver": "dra.net", "pool": "n1", "device": "dra0",
                             "shareID": "s", "consumedCapacity": {"bandwidth": "1Gi"}}],
                "config": [{"source": "FromClaim", "opaque": {"driver": "dra.net",
                                                              "parameters": {}}}]}},
            "reservedFor": [{"resource": "pods", "name": "p", "uid": "u"}],
            "devices": [{"driver": "dra.net", "pool": "n1", "device": "dra0",
                "data": {"anything": [true]},
                "conditions": [{"type": "Ready", "status": "True", "reason": "Ok", "message": "",
                                "lastTransitionTime": "2023-11-14T22:13:20Z"}],
                "networkData": {"interfaceName": "net1", "ips": ["10.0.0.1/24"]}}]}})");
}

Json whole_pod() {
    return *parse_json(R"({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "i",
                "resources": {"limits": {"cpu": "500m"}, "claims": [{"name": "net"}]},
                "livenessProbe": {"httpGet": {"path": "/", "port": "web"}, "periodSeconds": 5},
                "readinessProbe": {"tcpSocket": {"port": 80}},
                "env": [{"name": "A", "value": "b"}, {"name": "C", "valueFrom": {
                    "configMapKeyRef": {"name": "map", "key": "k"}}}]}],
            "volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1Gi"}},
                        {"name": "w", "hostPath": {"path": "/dev"}}],
            "securityContext": {"supplementalGroups": [7, 300, -1]},
            "overhead": {"cpu": "1"}, "nodeSelector": {"a": "b"}},
        "status": {"phase": "Running", "startTime": "2023-11-14T22:13:20Z",
            "podIPs": [{"ip": "10.0.0.1"}],
            "containerStatuses": [{"name": "c", "ready": false, "restartCount": 0, "image": "i",
                "imageID": "", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}},
                "lastState": {}}]}})");
}

/// What comes back after the way to protobuf and home.
Json there_and_back(const Json& object) {
    const auto encoded = encode_protobuf(object);
    EXPECT_TRUE(encoded.has_value());
    auto decoded = decode_protobuf(encoded.value_or(""), "", "");
    EXPECT_TRUE(decoded.ok()) << decoded.error().message();
    return decoded.ok() ? *std::move(decoded) : Json();
}

TEST(Protobuf, BringsObjectsThereAndBack) {
    EXPECT_EQ(there_and_back(whole_slice()), whole_slice());
    EXPECT_EQ(there_and_back(claim_with_status()), claim_with_status());
    EXPECT_EQ(there_and_back(whole_pod()), whole_pod());
}

// The bytes are what Kubernetes' own serializer has written.
TEST(Protobuf, ReadsWhatGoWrites) {
    const auto slice = decode_protobuf(
        bytes_of_hex(
            "6b3873000a230a127265736f757263652e6b38732e696f2f7631120d5265736f75726365536c6963"
            "65125a0a190a017312001a0022002a003200380042080880e2cfaa061000123d0a016412070a016e"
            "100018011a016e322c0a016112070a01621202180012100a0169120b10ffffffffffffffffff011a"
            "0c0a016312070a050a033147691a002200"),
        "", "");
    ASSERT_TRUE(slice.ok()) << slice.error().message();
    EXPECT_EQ(*slice, *parse_json(R"({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice",
        "metadata": {"name": "s", "creationTimestamp": "2023-11-14T22:13:20Z"},
        "spec": {"driver": "d", "nodeName": "n",
            "pool": {"name": "n", "generation": 0, "resourceSliceCount": 1},
            "devices": [{"name": "a", "attributes": {"b": {"bool": false}, "i": {"int": -1}},
                         "capacity": {"c": {"value": "1Gi"}}}]}})"));
    const auto pod = decode_protobuf(
        bytes_of_hex(
            "6b3873000a090a0276311203506f64129a010a180a017012001a0022002a003200380042005a050a"
            "016c120012690a090a0176120412020a00123a0a016312002a004200521f0a1312110a0012090801"
            "10001a037765621a002200100018002005280030006a007200800100880100900100a201001a0032"
            "0042004a0052005800600068007204200720088201008a01009a0100c201001a130a001a0022002a"
            "0032004a005a0072008801001a002200"),
        "", "");
    ASSERT_TRUE(pod.ok()) << pod.error().message();
    EXPECT_EQ((*pod)["metadata"], Json({{"name", "p"}, {"labels", {{"l", ""}}}}));
    const auto& spec = (*pod)["spec"];
    EXPECT_EQ(spec["volumes"], *parse_json(R"([{"name": "v", "emptyDir": {}}])"));
    EXPECT_EQ(spec["containers"], *parse_json(R"([{"name": "c", "resources": {}, "livenessProbe":
        {"httpGet": {"port": "web"}, "periodSeconds": 5}}])"));
    EXPECT_EQ(spec["securityContext"], *parse_json(R"({"supplementalGroups": [7, 8]})"));
    const auto event = decode_protobuf(
        bytes_of_hex(
            "6b3873000a0b0a02763112054576656e7412500a110a016512001a0022002a00320038004200120e"
            "0a0012001a0022002a0032003a001a0022002a040a00120032080880e2cfaa0610003a0040014a00"
            "520b0880e2cfaa06108094ef3a620072007a001a002200"),
        "", "");
    ASSERT_TRUE(event.ok()) << event.error().message();
    EXPECT_EQ((*event)["eventTime"], "2023-11-14T22:13:20.123456Z");
    EXPECT_EQ((*event)["firstTimestamp"], "2023-11-14T22:13:20Z");
    EXPECT_FALSE(event->contains("lastTimestamp"));
}

TEST(Protobuf, WritesTimesWithFractions) {
    const Json event = {
        {"apiVersion", "v1"}, {"kind", "Event"}, {"eventTime", "2023-11-14T23:13:20.000001+01:00"}};
    EXPECT_EQ(there_and_back(event)["eventTime"], "2023-11-14T22:13:20.000001Z");
}

TEST(Protobuf, LeavesOutWhatDoesNotFitItsField) {
    auto pod = pod_json("p");
    pod["apiVersion"] = "v1";
    pod["kind"] = "Pod";
    pod["spec"]["affinity"] = "near";
    pod["spec"]["nodeSelector"] = {{"a", 1}};
    pod["spec"]["unheard"] = {{"of", 1}};
    pod["spec"]["priority"] = 1.5;
    const auto back = there_and_back(pod);
    for (const auto* gone : {"affinity", "nodeSelector", "unheard", "priority"})
        EXPECT_FALSE(back["spec"].contains(gone)) << gone;
    EXPECT_EQ(back["spec"]["containers"], pod["spec"]["containers"]);
}

TEST(Protobuf, DropsFieldsThatItDoesNotKnow) {
    const auto unknown = field(15, "x") + std::string("\x79\1\2\3\4\5\6\7\x8", 9) +
                         std::string("\x7d\1\2\3\4", 5) + std::string("\x78\x7f", 2);
    const auto pod = decode_protobuf(
        envelope("Pod", unknown + field(1, field(1, "p") + unknown) + unknown), "", "");
    ASSERT_TRUE(pod.ok()) << pod.error().message();
    EXPECT_EQ((*pod)["metadata"], Json({{"name", "p"}}));
}

TEST(Protobuf, TakesTheLastOfAValueThatComesTwice) {
    const auto pod = decode_protobuf(
        envelope("Pod", field(1, field(1, "a") + field(3, "ns")) + field(1, field(1, "b"))), "",
        "");
    ASSERT_TRUE(pod.ok());
    EXPECT_EQ((*pod)["metadata"], Json({{"name", "b"}, {"namespace", "ns"}}));
}

TEST(Protobuf, TakesTheKindOfTheUrlWhenTheBodyNamesNone) {
    const auto raw = std::string("k8s\0", 4) + field(2, field(1, field(1, "p")));
    const auto pod = decode_protobuf(raw, "v1", "Pod");
    ASSERT_TRUE(pod.ok());
    EXPECT_EQ((*pod)["kind"], "Pod");
    EXPECT_EQ((*pod)["metadata"]["name"], "p");
}

TEST(Protobuf, SaysWhereABodyIsBroken) {
    const auto why = [](const std::string& bytes) {
        const auto read = decode_protobuf(bytes, "", "");
        return read.ok() ? "" : read.error().message();
    };
    const std::string start = "the protobuf body cannot be decoded: ";
    EXPECT_EQ(why("k8s"), start + "does not begin with k8s and a zero byte");
    EXPECT_EQ(why(envelope("Pod", field(1, std::string("\x0a\x7fx", 3)))),
              start + "Pod: metadata: has a length beyond its end");
    EXPECT_EQ(why(envelope("Pod", std::string("\x08\1", 2))),
              start + "Pod: metadata: has another wire type than its field");
    EXPECT_EQ(why(envelope("Pod", std::string("\x0b", 1))),
              start + "Pod: has a field of a wire type that is not in use");
    EXPECT_EQ(why(envelope("Pod", field(1, field(1, "\xff")))),
              start + "Pod: metadata: name: is not UTF-8");
    EXPECT_EQ(why(envelope("Pod", field(1, field(8, "\x08" + std::string(10, '\xff') + "\1")))),
              start + "Pod: metadata: creationTimestamp: ends in the middle of a number");
    EXPECT_EQ(why(envelope("Gadget", "")), R"(no kind "Gadget" is known for version "v1")");
}

TEST(Protobuf, RefusesJsonInsideThatIsNestedTooDeep) {
    auto claim = claim_with_status();
    auto deep = Json(1);
    for (int i = 0; i < 200; ++i)
        deep = Json::array({std::move(deep)});
    claim["spec"]["devices"]["config"][0]["opaque"]["parameters"] = deep;
    const auto read = decode_protobuf(*encode_protobuf(claim), "", "");
    ASSERT_FALSE(read.ok());
    EXPECT_THAT(read.error().message(), HasSubstr("nested over 128 levels"));
}

TEST(Protobuf, RefusesABodyOfVeryManyValues) {
    std::string raw;
    for (int i = 0; i < 1'050'000; ++i)
        raw += std::string("\x12\0", 2);  // items
    std::string size;
    for (auto left = raw.size(); left > 0; left >>= 7)
        size.push_back(static_cast<char>((left & 0x7f) | (left > 0x7f ? 0x80 : 0)));
    const auto read =
        decode_protobuf(std::string("k8s\0", 4) + field(1, field(1, "v1") + field(2, "PodList")) +
                            "\x12" + size + raw,
                        "", "");
    ASSERT_FALSE(read.ok());
    EXPECT_THAT(read.error().message(), HasSubstr("too many values"));
}

TEST(Protobuf, SurvivesWhateverComes) {
    std::minstd_rand random(1);
    for (const auto& object : {whole_slice(), claim_with_status(), whole_pod()}) {
        const auto good = *encode_protobuf(object);
        std::size_t refused = 0;
        for (std::size_t size = 0; size < good.size(); ++size)
            refused += decode_protobuf(good.substr(0, size), "", "").ok() ? 0 : 1;
        EXPECT_GT(refused, good.size() - 8);
        for (int round = 0; round < 1000; ++round) {
            auto spoiled = good;
            for (auto changes = random() % 4 + 1; changes > 0; --changes)
                spoiled[4 + random() % (good.size() - 4)] = static_cast<char>(random());
            const auto read = decode_protobuf(spoiled, "", "");
            // What can be read can be written, and is then read alike.
            if (!read.ok() || !encode_protobuf(*read)) continue;
            EXPECT_TRUE(decode_protobuf(*encode_protobuf(*read), "", "").ok());
        }
    }
}

/// How deep messages are nested below `message`; 100 and more means: without end.
int depth_of(const Message& message, int above = 0) {
    int deepest = above;
    if (above > 100) return above;
    for (const auto& one : message.fields) {
        if (one.message != nullptr) deepest = std::max(deepest, depth_of(*one.message, above + 1));
    }
    return deepest;
}

TEST(Messages, AreNestedToAFixedDepth) {
    for (const auto* kind : {"PodList", "NodeList", "EventList", "ResourceSliceList",
                             "ResourceClaimList", "ResourceClaimTemplateList", "Status"}) {
        const auto* message = Messages::instance().find(kind);
        ASSERT_NE(message, nullptr) << kind;
        EXPECT_LT(depth_of(*message), 20) << kind;
    }
}

TEST(Messages, SayWhichWordOfTheirTextIsWrong) {
    const auto why = [](std::string_view text) { return Messages::read(text).error().message(); };
    EXPECT_EQ(why("A x=1"), "A: 'x=1' is not name=NUMBER:type");
    EXPECT_EQ(why("A x=0:int"), "A: 'x=0:int' is not name=NUMBER:type");
    EXPECT_EQ(why("A x=1:B"), "x: no message B");
    EXPECT_EQ(why(" x=1:int"), "' x=1:int' is of no message");
}

class ApiProtobuf : public ApiTest {
  protected:
    ApiProtobuf() : rest_(*store_) {}

    Reply ask(const std::string& method, const std::string& target, const Json& body,
              const std::string& accept = kProtobuf) {
        Request request;
        request.method = method;
        request.set_target(target);
        request.content_type = kProtobuf;
        request.accept = accept;
        if (!body.is_null()) request.body = encode_protobuf(body).value_or("");
        return rest_.handle(request);
    }
    Response answer(const std::string& method, const std::string& target, const Json& body = {},
                    const std::string& accept = kProtobuf) {
        return std::get<Response>(ask(method, target, body, accept));
    }
    static Json read(const Response& response) {
        EXPECT_EQ(response.content_type, kProtobuf);
        auto json = decode_protobuf(response.body, "", "");
        EXPECT_TRUE(json.ok()) << json.error().message();
        return json.ok() ? *json : Json();
    }

    const std::string slices_ = "/apis/resource.k8s.io/v1/resourceslices";
    const std::string pods_ = "/api/v1/namespaces/default/pods";
    Rest rest_;
};

TEST_F(ApiProtobuf, TakesAndGivesASlice) {
    auto slice = whole_slice();
    slice["metadata"] = {{"name", "s"}};
    slice["spec"]["devices"][0].erase("nodeSelector");
    // Counters are in slices of their own.
    auto counters = slice;
    counters["metadata"]["name"] = "counters";
    counters["spec"].erase("devices");
    slice["spec"].erase("sharedCounters");
    EXPECT_EQ(read(answer("POST", slices_, counters))["spec"]["sharedCounters"],
              counters["spec"]["sharedCounters"]);
    const auto created = answer("POST", slices_, slice);
    ASSERT_EQ(created.status, 201) << read(created);
    EXPECT_TRUE(created.warnings.empty());
    const auto stored = read(created);
    for (const auto* kept : {"capacity", "consumesCounters", "allowMultipleAllocations", "taints"})
        EXPECT_TRUE(stored["spec"]["devices"][0].contains(kept)) << kept;
    EXPECT_EQ(**store_->get(Resource::kResourceSlices, "", "s"), stored);
    auto next = stored;
    next["spec"]["pool"]["generation"] = 2;
    EXPECT_EQ(answer("PUT", slices_ + "/s", next).status, 200);
    EXPECT_EQ(read(answer("GET", slices_))["items"][1]["spec"]["pool"]["generation"], 2);
}

TEST_F(ApiProtobuf, WritesTheStatusOfAClaim) {
    create(Resource::kResourceClaims, claim_json("c"));
    const auto claims = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims/c";
    auto claim = read(answer("GET", claims));
    claim["status"] = {
        {"allocation", allocation_json({"dra0"})},
        {"reservedFor", Json::array({{{"resource", "pods"}, {"name", "p"}, {"uid", "u"}}})}};
    ASSERT_EQ(answer("PUT", std::string(claims) + "/status", claim).status, 200);
    claim = read(answer("GET", claims));
    claim["status"]["devices"] = Json::array({{{"driver", "dra.net"},
                                               {"pool", "n1"},
                                               {"device", "dra0"},
                                               {"data", {{"a", 1}}},
                                               {"networkData", {{"ips", {"10.0.0.1/8"}}}}}});
    const auto written = answer("PUT", std::string(claims) + "/status", claim);
    EXPECT_EQ(written.status, 200) << written.body;
    EXPECT_EQ(read(written)["status"]["devices"][0]["data"]["a"], 1);
}

TEST_F(ApiProtobuf, SaysNoInTheFormatThatWasAskedFor) {
    const auto missing = answer("GET", pods_ + "/nobody");
    EXPECT_EQ(missing.status, 404);
    EXPECT_EQ(read(missing)["details"]["name"], "nobody");
    auto slice = whole_slice();
    slice["spec"]["driver"] = "Not A Driver";
    const auto refused = answer("POST", slices_, slice);
    EXPECT_EQ(refused.status, 422);
    EXPECT_EQ(read(refused)["reason"], "Invalid");
}

TEST_F(ApiProtobuf, RefusesBodiesOfAnotherKind) {
    EXPECT_EQ(answer("POST", pods_, whole_slice()).status, 400);
    Request request;
    request.method = "POST";
    request.set_target(pods_);
    request.content_type = kProtobuf;
    request.body = "k8s";
    EXPECT_EQ(std::get<Response>(rest_.handle(request)).status, 400);
}

TEST_F(ApiProtobuf, ChoosesTheFormatByTheAcceptHeader) {
    create(Resource::kPods, pod_json("a"));
    const auto type = [&](const std::string& accept) {
        const auto response = answer("GET", pods_, {}, accept);
        return response.status == 200 ? response.content_type : std::to_string(response.status);
    };
    const std::string json = "application/json";
    EXPECT_EQ(type(""), json);
    EXPECT_EQ(type("*/*"), json);
    EXPECT_EQ(type("application/yaml"), "application/yaml");
    EXPECT_EQ(type(std::string(kProtobuf) + ",application/json"), kProtobuf);
    EXPECT_EQ(type("application/json," + std::string(kProtobuf)), json);
    EXPECT_EQ(type("application/json;q=0.5, " + std::string(kProtobuf) + ";q=0.9"), kProtobuf);
    EXPECT_EQ(type("application/cbor,application/json"), json);
    EXPECT_EQ(type("application/cbor"), "406");
    EXPECT_EQ(type("text/html"), "406");
    const std::string table = ";as=Table;v=v1;g=meta.k8s.io";
    EXPECT_EQ(type(kProtobuf + table), "406");
    EXPECT_EQ(type(kProtobuf + table + ",application/json" + table), json);
}

TEST_F(ApiProtobuf, GivesMetadataAlone) {
    create(Resource::kPods, pod_json("a"));
    const auto list =
        read(answer("GET", pods_, {},
                    std::string(kProtobuf) + ";as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"));
    EXPECT_EQ(list["kind"], "PartialObjectMetadataList");
    EXPECT_EQ(list["items"][0]["metadata"]["name"], "a");
}

TEST_F(ApiProtobuf, DeletesWithOptions) {
    create(Resource::kPods, pod_json("a"));
    const auto remove = [&](const std::string& uid) {
        return answer("DELETE", pods_ + "/a",
                      {{"apiVersion", "v1"},
                       {"kind", "DeleteOptions"},
                       {"preconditions", {{"uid", uid}}}})
            .status;
    };
    EXPECT_EQ(remove("another"), 409);
    EXPECT_EQ(
        remove(json_string((**store_->get(Resource::kPods, "default", "a"))["metadata"], "uid")),
        200);
}

TEST_F(ApiProtobuf, DescribesItsGroups) {
    EXPECT_EQ(read(answer("GET", "/apis"))["groups"].size(), 2U);
    EXPECT_EQ(read(answer("GET", "/api/v1"))["kind"], "APIResourceList");
    EXPECT_EQ(answer("GET", "/version").content_type, "application/json");
}

TEST_F(ApiProtobuf, ShowsEventsInBothGroups) {
    const std::string name = "/namespaces/default/events";
    const auto now = "/apis/events.k8s.io/v1" + name;
    const auto core = "/api/v1" + name;
    const Json event = {{"apiVersion", "events.k8s.io/v1"},
                        {"kind", "Event"},
                        {"metadata", {{"name", "e"}}},
                        {"eventTime", "2023-11-14T22:13:20.123456Z"},
                        {"regarding", {{"kind", "Pod"}, {"namespace", "default"}}},
                        {"note", "text"},
                        {"reportingController", "knd"},
                        {"deprecatedCount", 3}};
    const auto created = answer("POST", now, event);
    ASSERT_EQ(created.status, 201) << created.body;
    EXPECT_TRUE(created.warnings.empty());
    EXPECT_EQ(read(created)["note"], "text");
    const auto same = read(answer("GET", core + "/e"));
    EXPECT_EQ(same["message"], "text");
    EXPECT_EQ(same["involvedObject"], event["regarding"]);
    EXPECT_EQ(same["count"], 3);
    EXPECT_EQ(same["eventTime"], event["eventTime"]);
    Request request;
    request.method = "PATCH";
    request.set_target(now + "/e");
    request.content_type = "application/merge-patch+json";
    request.body = R"({"note": "other", "series": {"count": 2}})";
    const auto patched = std::get<Response>(rest_.handle(request));
    EXPECT_EQ((*parse_json(patched.body))["note"], "other");
    const auto list = read(answer("GET", now));
    EXPECT_EQ(list["apiVersion"], "events.k8s.io/v1");
    EXPECT_EQ(list["items"][0]["note"], "other");
    EXPECT_EQ(list["items"][0]["series"]["count"], 2);
    EXPECT_EQ(answer("POST", now, same).status, 400);
}

TEST_F(ApiProtobuf, FramesTheEventsOfAWatch) {
    const auto reply = ask("GET", "/api/v1/pods?watch=1", {});
    const auto& watch = std::get<WatchRequest>(reply);
    std::string stream;
    const auto handle = store_->watch(Resource::kPods, store_->revision(),
                                      [&](const Event& event) { stream += watch.text(event); });
    create(Resource::kPods, pod_json("a"));
    settle();
    ASSERT_GT(stream.size(), 4U);
    const auto size = static_cast<std::size_t>(static_cast<unsigned char>(stream[2])) << 8 |
                      static_cast<unsigned char>(stream[3]);
    EXPECT_EQ(stream.substr(0, 2), std::string(2, '\0'));
    EXPECT_EQ(size, stream.size() - 4);
    EXPECT_EQ(stream.substr(4, 7), std::string("\x0a\5ADDED"));
    const auto begin = stream.find(std::string("k8s\0", 4));
    const auto object = decode_protobuf(std::string_view(stream).substr(begin), "", "");
    ASSERT_TRUE(object.ok()) << object.error().message();
    EXPECT_EQ((*object)["metadata"]["name"], "a");
    EXPECT_THAT(error_event(MediaType::kProtobuf, expired("too old")), HasSubstr("ERROR"));
}

}  // namespace
}  // namespace knd::api
