// SPDX-License-Identifier: Apache-2.0
//
// Requests that are nearly right: valid bodies in which parts were swapped, dropped or replaced by
// values of other types. Whatever comes, the answer is a status and the store stays usable.
#include <random>

#include "tests/unit/local/api_fixture.hpp"
#include "tools/local/api/rest.hpp"

namespace knd::api {
namespace {

constexpr int kRounds = 300;

class ApiHostile : public ApiTest {
  protected:
    ApiHostile() : rest_(*store_) {}

    std::size_t pick(std::size_t count) { return random_() % count; }

    Json strange_value() {
        const Json values[] = {nullptr,
                               0,
                               -1,
                               1e300,
                               true,
                               "",
                               "x",
                               "a/b",
                               "\xf0\x9f\x98\x80",
                               Json::array(),
                               Json::object(),
                               Json::array({nullptr, 1, "y"}),
                               {{"$patch", "delete"}},
                               {{"$retainKeys", 5}},
                               {{"name", Json::array()}},
                               std::string(300, 'z')};
        return values[pick(std::size(values))];
    }

    /// Replaces, removes or doubles one value somewhere below.
    void mutate(Json& json) {
        if (!json.is_structured() || json.empty() || pick(4) == 0) {
            json = strange_value();
            return;
        }
        auto it = json.begin();
        std::advance(it, static_cast<std::ptrdiff_t>(pick(json.size())));
        if (pick(8) == 0)
            json.erase(it);
        else if (json.is_array() && pick(8) == 0)
            json.push_back(Json(*it));
        else
            mutate(*it);
    }

    int send(const std::string& method, const std::string& target, const Json& body,
             const std::string& type) {
        Request request;
        request.method = method;
        request.set_target(target);
        request.content_type = type;
        request.accept = pick(2) == 0 ? "application/json" : "application/json;as=Table;v=v1";
        request.body = to_text(body);
        const auto response = std::get<Response>(rest_.handle(request));
        if (response.status == 500) last_failure_ = method + " " + target + ": " + response.body;
        return response.status;
    }

    Rest rest_;
    std::string last_failure_;    ///< what a 500 said
    std::minstd_rand random_{1};  // the same sequence in every run
};

struct Subject {
    const char* collection;
    Resource resource;
    Json object;
};

TEST_F(ApiHostile, BodiesAreAnsweredWithAStatus) {
    auto claim = claim_json("x");
    claim["spec"]["devices"]["config"] =
        Json::array({{{"opaque", {{"driver", "dra.net"}, {"parameters", {{"mtu", 9000}}}}}}});
    claim["status"] = {{"allocation", allocation_json({"dra0"})},
                       {"devices", Json::array({{{"driver", "dra.net"},
                                                 {"pool", "n1"},
                                                 {"device", "dra0"},
                                                 {"networkData", {{"ips", {"10.0.0.1/8"}}}}}})}};
    auto slice = slice_json("x");
    slice["spec"]["devices"][0]["attributes"]["a"] = {{"version", "1.0.0"}};
    slice["spec"]["devices"][0]["taints"] = Json::array({{{"key", "a"}, {"effect", "NoSchedule"}}});
    const Subject subjects[] = {
        {"/api/v1/namespaces/default/pods", Resource::kPods, pod_json("x")},
        {"/apis/resource.k8s.io/v1/namespaces/default/resourceclaims", Resource::kResourceClaims,
         claim},
        {"/apis/resource.k8s.io/v1/resourceslices", Resource::kResourceSlices, slice}};
    const char* types[] = {"application/json-patch+json", "application/merge-patch+json",
                           "application/strategic-merge-patch+json",
                           "application/apply-patch+yaml"};
    for (int round = 0; round < kRounds; ++round) {
        const auto& subject = subjects[pick(std::size(subjects))];
        auto body = subject.object;
        for (auto i = pick(3); i > 0; --i)
            mutate(body);
        const std::string one = std::string(subject.collection) + "/x";
        send("POST", subject.collection, subject.object, "application/json");
        const auto* type = types[pick(std::size(types))];
        const auto part = pick(2) == 0 ? one + "/status" : one;
        for (const auto code :
             {send("POST", subject.collection, body, "application/json"),
              send("PUT", part, body, "application/json"),
              send("PATCH", part + "?fieldManager=f&force=true", body, type),
              send("GET", subject.collection, nullptr, ""),
              send("DELETE", one, pick(2) == 0 ? body : Json(), "application/json")}) {
            ASSERT_NE(code, 500) << last_failure_ << "\n" << to_text(body);
            ASSERT_GE(code, 200);
        }
        settle();
    }
    EXPECT_TRUE(exists(Resource::kNamespaces, "default"));
}

TEST_F(ApiHostile, TargetsAreAnsweredWithAStatus) {
    const std::string valid =
        "/api/v1/namespaces/default/pods/x?labelSelector=a%20in%20(b),!c&fieldSelector="
        "metadata.name%3Dx&limit=1&continue=1:a/b&resourceVersion=0&timeoutSeconds=-1";
    for (int round = 0; round < kRounds; ++round) {
        auto target = valid;
        for (auto i = pick(6); i > 0; --i) {
            constexpr std::string_view kBytes = "%/?&=,()!\\:-0 \xff";
            target[pick(target.size())] = kBytes[pick(kBytes.size())];
        }
        target.resize(pick(target.size()) + 1);
        Request request;
        request.method = "GET";
        request.set_target(target);
        const auto reply = rest_.handle(request);
        const auto* response = std::get_if<Response>(&reply);
        EXPECT_TRUE(response == nullptr || response->status != 500) << target;
    }
}

}  // namespace
}  // namespace knd::api
