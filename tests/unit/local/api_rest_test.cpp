// SPDX-License-Identifier: Apache-2.0
#include "tools/local/api/rest.hpp"

#include "tests/unit/local/api_fixture.hpp"

namespace knd::api {
namespace {

constexpr const char* kTable = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

class ApiRest : public ApiTest {
  protected:
    ApiRest() : rest_(*store_) {}

    Reply ask(const std::string& method, const std::string& target, const Json& body = {},
              const std::string& type = "application/json", const std::string& accept = "") {
        Request request;
        request.method = method;
        request.set_target(target);
        request.content_type = type;
        request.accept = accept;
        if (!body.is_null()) request.body = to_text(body);
        return rest_.handle(request);
    }
    /// For requests that are no watch: the body, which carries the code when it is a Status.
    Json get(const std::string& target, const std::string& accept = "") {
        return *parse_json(std::get<Response>(ask("GET", target, {}, "", accept)).body);
    }
    int code(const std::string& method, const std::string& target, const Json& body = {},
             const std::string& type = "application/json") {
        return std::get<Response>(ask(method, target, body, type)).status;
    }

    Rest rest_;
};

TEST_F(ApiRest, CreatesReadsAndDeletes) {
    const std::string pods = "/api/v1/namespaces/default/pods";
    EXPECT_EQ(code("POST", pods, pod_json("a")), 201);
    EXPECT_EQ(get(pods + "/a")["metadata"]["name"], "a");
    EXPECT_EQ(code("DELETE", pods + "/a"), 200);
    EXPECT_EQ(code("GET", pods + "/a"), 404);
}

TEST_F(ApiRest, AnswersNotFoundForWhatIsNotServed) {
    for (const auto* path : {"/apis/apps/v1/deployments", "/api/v1/namespaces/default/services",
                             "/api/v1/pods/a", "/api/v1/nodes/a/proxy", "/nowhere", "/"})
        EXPECT_EQ(code("GET", path), 404) << path;
}

TEST_F(ApiRest, RefusesAMethodThatDoesNotFit) {
    EXPECT_EQ(code("POST", "/api/v1/namespaces/default/pods/a"), 405);
    EXPECT_EQ(code("PUT", "/api/v1/namespaces/default/pods"), 405);
}

TEST_F(ApiRest, RefusesBodiesThatItCannotRead) {
    const std::string pods = "/api/v1/namespaces/default/pods";
    Request request;
    request.method = "POST";
    request.set_target(pods);
    request.content_type = "application/json";
    request.body = "{\"metadata\":";
    EXPECT_EQ(std::get<Response>(rest_.handle(request)).status, 400);
    request.content_type = "application/cbor";
    EXPECT_EQ(std::get<Response>(rest_.handle(request)).status, 415);
    EXPECT_EQ(code("PATCH", pods + "/a", Json::object(), "text/plain"), 415);
}

TEST_F(ApiRest, SelectsByLabelAndField) {
    auto pod = pod_json("a");
    pod["metadata"]["labels"] = {{"app", "x"}};
    create(Resource::kPods, pod);
    create(Resource::kPods, pod_json("b"));
    ASSERT_TRUE(store_->bind("default", "b", "n1").ok());
    const auto names = [&](const std::string& query) {
        std::string text;
        const auto list = get("/api/v1/pods?" + query);
        for (const auto& item : list["items"])
            text += json_string(item["metadata"], "name");
        return text;
    };
    EXPECT_EQ(names("labelSelector=app%3Dx"), "a");
    EXPECT_EQ(names("labelSelector=app%20notin%20(x,y)"), "b");
    EXPECT_EQ(names("labelSelector=!app"), "b");
    EXPECT_EQ(names("labelSelector=app"), "a");
    EXPECT_EQ(names("fieldSelector=spec.nodeName%3Dn1"), "b");
    EXPECT_EQ(names("fieldSelector=spec.nodeName%3D"), "a");
    EXPECT_EQ(names("fieldSelector=metadata.name!%3Da,status.phase%3DPending"), "b");
    EXPECT_EQ(names("fieldSelector=spec.hostNetwork%3Dfalse"), "ab");
    EXPECT_EQ(get("/api/v1/pods?fieldSelector=spec.foo%3D1")["message"],
              "field label not supported: spec.foo");
}

TEST_F(ApiRest, ListsInPages) {
    for (const auto* name : {"a", "b", "c"})
        create(Resource::kPods, pod_json(name));
    const auto first = get("/api/v1/pods?limit=2");
    EXPECT_EQ(first["items"].size(), 2U);
    EXPECT_EQ(first["metadata"]["remainingItemCount"], 1);
    create(Resource::kPods, pod_json("d"));
    const auto token = json_string(first["metadata"], "continue");
    const auto second = get("/api/v1/pods?limit=2&continue=" + token);
    EXPECT_EQ(second["items"].size(), 2U);
    EXPECT_EQ(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    EXPECT_FALSE(second["metadata"].contains("continue"));
}

TEST_F(ApiRest, ListsEveryObjectOnceOverItsPages) {
    // "-" sorts before "/", so that joined keys have another order than namespaces and names.
    create(Resource::kNamespaces, {{"metadata", {{"name", "default-2"}}}}, "");
    for (const auto* ns : {"default", "default-2"}) {
        for (const auto* name : {"a", "a-b"})
            create(Resource::kPods, pod_json(name), ns);
    }
    std::vector<std::string> seen;
    std::string token;
    do {
        const auto page = get("/api/v1/pods?limit=1&continue=" + token);
        for (const auto& item : page["items"]) {
            const auto& metadata = item["metadata"];
            seen.push_back(json_string(metadata, "namespace") + " " +
                           json_string(metadata, "name"));
        }
        token = json_string(page["metadata"], "continue");
    } while (!token.empty() && seen.size() < 9);
    EXPECT_EQ(seen, (std::vector<std::string>{"default a", "default a-b", "default-2 a",
                                              "default-2 a-b"}));
}

TEST_F(ApiRest, AnswersGoneForAPageOfAnOldList) {
    create(Resource::kPods, pod_json("a"));
    open();
    Rest rest(*store_);
    Request request;
    request.method = "GET";
    request.set_target("/api/v1/pods?limit=1&continue=1:default/a");
    const auto reply = std::get<Response>(rest.handle(request));
    EXPECT_EQ(reply.status, 410);
    EXPECT_EQ(json_string(*parse_json(reply.body), "reason"), "Expired");
}

TEST_F(ApiRest, PrintsTheColumnsThatKubectlShows) {
    const auto columns = [&](const std::string& path) {
        std::string text;
        const auto table = get(path, kTable);
        for (const auto& column : table["columnDefinitions"]) {
            if (column["priority"] == 0) text += json_string(column, "name") + " ";
        }
        return text;
    };
    EXPECT_EQ(columns("/api/v1/pods"), "Name Ready Status Restarts Age ");
    EXPECT_EQ(columns("/api/v1/nodes"), "Name Status Roles Age Version ");
    EXPECT_EQ(columns("/apis/resource.k8s.io/v1/resourceslices"), "Name Node Driver Pool Age ");
    EXPECT_EQ(columns("/apis/resource.k8s.io/v1/resourceclaims"), "Name State Age ");
    EXPECT_EQ(columns("/api/v1/events"), "Last Seen Type Reason Object Message ");
}

TEST_F(ApiRest, PrintsTheStateOfAPod) {
    create(Resource::kPods, pod_json("a"));
    const Json running = {{"name", "c"},
                          {"ready", true},
                          {"restartCount", 2},
                          {"state", {{"running", Json::object()}}}};
    const Json status = {
        {"phase", "Running"}, {"podIP", "10.0.0.1"}, {"containerStatuses", Json::array({running})}};
    ASSERT_EQ(code("PATCH", "/api/v1/namespaces/default/pods/a/status", {{"status", status}},
                   "application/merge-patch+json"),
              200);
    const auto table = get("/api/v1/pods", kTable);
    const auto& cells = table["rows"][0]["cells"];
    EXPECT_EQ(cells[1], "1/1");
    EXPECT_EQ(cells[2], "Running");
    EXPECT_EQ(cells[3], "2");
    EXPECT_EQ(cells[5], "10.0.0.1");
    EXPECT_EQ(cells[6], "<none>");
}

TEST_F(ApiRest, PrintsTheStateOfAClaim) {
    create(Resource::kResourceClaims, claim_json("c"));
    const auto state = [&] {
        const auto table = get("/apis/resource.k8s.io/v1/resourceclaims", kTable);
        return table["rows"][0]["cells"][1];
    };
    EXPECT_EQ(state(), "pending");
    const Json pod = {{"resource", "pods"}, {"name", "p"}, {"uid", "u"}};
    ASSERT_TRUE(set_status("c", {{"allocation", allocation_json({"dra0"})},
                                 {"reservedFor", Json::array({pod})}})
                    .ok());
    EXPECT_EQ(state(), "allocated,reserved");
}

TEST_F(ApiRest, AppliesYaml) {
    Request request;
    request.method = "PATCH";
    request.set_target("/apis/resource.k8s.io/v1/deviceclasses/net?fieldManager=me");
    request.content_type = "application/apply-patch+yaml";
    request.body =
        "apiVersion: resource.k8s.io/v1\nkind: DeviceClass\nmetadata: {name: net}\n"
        "spec:\n  selectors:\n  - cel: {expression: 'device.driver == \"dra.net\"'}\n";
    EXPECT_EQ(std::get<Response>(rest_.handle(request)).status, 201);
    EXPECT_EQ(std::get<Response>(rest_.handle(request)).status, 200);
    request.query.clear();
    EXPECT_EQ(std::get<Response>(rest_.handle(request)).status, 422);
}

TEST_F(ApiRest, WarnsOfUnknownFields) {
    auto pod = pod_json("a");
    pod["spec"]["nonsense"] = 1;
    const auto reply = std::get<Response>(ask("POST", "/api/v1/namespaces/default/pods", pod));
    EXPECT_EQ(reply.status, 201);
    ASSERT_EQ(reply.warnings.size(), 1U);
    EXPECT_EQ(reply.warnings[0], "unknown field \"spec.nonsense\"");
}

TEST_F(ApiRest, StoresNothingInADryRun) {
    const std::string slices = "/apis/resource.k8s.io/v1/resourceslices";
    const auto before = store_->revision();
    const auto shown = std::get<Response>(ask("POST", slices + "?dryRun=All", slice_json("s")));
    EXPECT_EQ(shown.status, 201);
    EXPECT_FALSE(json_string((*parse_json(shown.body))["metadata"], "uid").empty());
    EXPECT_EQ(code("GET", slices + "/s"), 404);
    EXPECT_EQ(store_->revision(), before);

    create(Resource::kResourceSlices, slice_json("s"));
    create(Resource::kPods, pod_json("p"));
    const auto stored = store_->revision();
    auto changed = slice_json("s");
    changed["spec"]["pool"]["generation"] = 7;
    const auto replaced = std::get<Response>(ask("PUT", slices + "/s?dryRun=All", changed));
    EXPECT_EQ((*parse_json(replaced.body))["spec"]["pool"]["generation"], 7);
    for (const auto* type : {"application/merge-patch+json", "application/apply-patch+yaml",
                             "application/strategic-merge-patch+json"})
        EXPECT_EQ(code("PATCH", slices + "/s?dryRun=All&fieldManager=m&force=true", changed, type),
                  200)
            << type;
    EXPECT_EQ(code("PATCH", slices + "/t?dryRun=All&fieldManager=m", slice_json("t"),
                   "application/apply-patch+yaml"),
              201);
    EXPECT_EQ(code("POST", "/api/v1/namespaces/default/pods/p/binding?dryRun=All",
                   {{"target", {{"name", "n1"}}}}),
              201);
    EXPECT_EQ(code("DELETE", slices + "/s?dryRun=All"), 200);
    EXPECT_EQ(code("DELETE", slices, {{"dryRun", {"All"}}}), 200);
    EXPECT_EQ(code("DELETE", "/api/v1/namespaces/default?dryRun=All"), 403);
    EXPECT_EQ(store_->revision(), stored);
}

TEST_F(ApiRest, JudgesInADryRunAsElse) {
    const std::string slices = "/apis/resource.k8s.io/v1/resourceslices";
    auto wrong = slice_json("s");
    wrong["spec"]["driver"] = "Not A Driver";
    EXPECT_EQ(code("POST", slices + "?dryRun=All", wrong), 422);
    create(Resource::kResourceSlices, slice_json("s"));
    EXPECT_EQ(code("POST", slices + "?dryRun=All", slice_json("s")), 409);
    EXPECT_EQ(code("POST", slices + "?dryRun=Some", slice_json("t")), 422);
    EXPECT_EQ(code("DELETE", slices + "/s", {{"dryRun", {"Some"}}}), 422);
    EXPECT_EQ(code("DELETE", slices + "/s", {{"dryRun", "All"}}), 400);
}

// A driver asks by a dry run which fields of a slice are kept. What 1.36 has on is; lists of
// values, which it has off, are not.
TEST_F(ApiRest, ShowsInADryRunWhichFieldsItKeeps) {
    auto slice = slice_json("s");
    auto& device = slice["spec"]["devices"][0];
    device = *parse_json(R"({"name": "dra0", "allowMultipleAllocations": true,
        "attributes": {"a": {"int": 1, "ints": [1, 2]}},
        "capacity": {"c": {"value": "10", "requestPolicy": {"default": "1",
            "validRange": {"min": "1", "max": "10"}}}},
        "consumesCounters": [{"counterSet": "set", "counters": {"ports": {"value": "1"}}}],
        "taints": [{"key": "bad", "effect": "NoSchedule"}]})");
    const auto target = "/apis/resource.k8s.io/v1/resourceslices?dryRun=All";
    const auto shown = std::get<Response>(ask("POST", target, slice));
    ASSERT_EQ(shown.status, 201) << shown.body;
    auto kept = (*parse_json(shown.body))["spec"]["devices"][0];
    kept["taints"][0].erase("timeAdded");
    device["attributes"]["a"].erase("ints");
    EXPECT_EQ(kept, device);
    EXPECT_TRUE(shown.warnings.empty());

    auto counters = slice_json("t");
    counters["spec"].erase("devices");
    counters["spec"]["sharedCounters"] =
        Json::array({{{"name", "set"}, {"counters", {{"ports", {{"value", "8"}}}}}}});
    const auto set = std::get<Response>(ask("POST", target, counters));
    EXPECT_EQ((*parse_json(set.body))["spec"]["sharedCounters"],
              counters["spec"]["sharedCounters"]);
}

TEST_F(ApiRest, TellsAWatcherOnlyOfWhatItSelects) {
    const auto reply = ask("GET", "/api/v1/pods?watch=1&fieldSelector=spec.nodeName%3Dn1");
    const auto& watch = std::get<WatchRequest>(reply);
    std::string types;
    const auto handle = store_->watch(Resource::kPods, store_->revision(), [&](const Event& event) {
        const auto text = watch.text(event);
        if (!text.empty()) types += json_string(*parse_json(text), "type") + " ";
    });
    create(Resource::kPods, pod_json("a"));
    ASSERT_TRUE(store_->bind("default", "a", "n1").ok());
    DeleteOptions now;
    now.grace_seconds = 0;
    ASSERT_TRUE(store_->remove(Resource::kPods, "default", "a", now).ok());
    settle();
    EXPECT_EQ(types, "ADDED DELETED ");
}

TEST_F(ApiRest, MarksTheEndOfInitialEvents) {
    const auto reply = ask("GET",
                           "/api/v1/pods?watch=1&sendInitialEvents=true&"
                           "resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true");
    const auto& watch = std::get<WatchRequest>(reply);
    EXPECT_TRUE(watch.mark_initial_end);
    const auto bookmark = *parse_json(watch.bookmark(7, true));
    EXPECT_EQ(bookmark["type"], "BOOKMARK");
    EXPECT_EQ(bookmark["object"]["metadata"]["resourceVersion"], "7");
    EXPECT_EQ(bookmark["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
}

TEST_F(ApiRest, DiscoversEveryKindInBothForms) {
    const auto old = get("/apis/resource.k8s.io/v1");
    EXPECT_EQ(old["kind"], "APIResourceList");
    const auto aggregated = get("/apis",
                                "application/json;g=apidiscovery.k8s.io;v=v2;"
                                "as=APIGroupDiscoveryList,application/json");
    EXPECT_EQ(aggregated["apiVersion"], "apidiscovery.k8s.io/v2");
    std::size_t resources = 0;
    for (const auto& row : old["resources"])
        resources += json_string(row, "name").find('/') == std::string::npos ? 1 : 0;
    ASSERT_EQ(aggregated["items"].size(), 2U);
    EXPECT_EQ(aggregated["items"][1]["versions"][0]["resources"].size(), resources);
    EXPECT_EQ(resources, 4U);
}

TEST_F(ApiRest, DescribesEveryReferencedTypeInOpenApi) {
    for (const auto* path : {"/openapi/v3/api/v1", "/openapi/v3/apis/resource.k8s.io/v1"}) {
        const auto document = get(path);
        const auto& schemas = document["components"]["schemas"];
        const auto text = to_text(document);
        constexpr std::string_view kPrefix = "#/components/schemas/";
        for (auto at = text.find(kPrefix); at != text.npos; at = text.find(kPrefix, at + 1)) {
            const auto begin = at + kPrefix.size();
            const auto name = text.substr(begin, text.find('"', begin) - begin);
            EXPECT_TRUE(schemas.contains(name)) << name;
        }
    }
}

}  // namespace
}  // namespace knd::api
