// SPDX-License-Identifier: Apache-2.0
#include "host/kube/client.hpp"

#include <fstream>

#include "tests/fakes/kube_fixture.hpp"

namespace knd::kube {
namespace {

const Resource kNodes{"v1", "nodes", ""};
const std::string kNodesPath = "/api/v1/nodes";

class ClientTest : public fakes::KubeFixture {
  protected:
    Json node(const std::string& name) { return {{"metadata", {{"name", name}}}}; }
    Result<Json> get_node(const std::string& name) {
        return wait_for<Json>([&](auto done) { client->get(kNodes, name, done); });
    }
};

TEST_F(ClientTest, GetsAnObject) {
    server.put(kNodesPath, node("n1"));
    const auto got = get_node("n1");
    ASSERT_TRUE(got.ok()) << got.error().message();
    EXPECT_EQ(json_string(json_at(*got, "metadata"), "name"), "n1");
}

TEST_F(ClientTest, ShowsTheServersOwnWordsWithMethodAndPath) {
    const auto got = get_node("nix");
    EXPECT_EQ(got.code(), Code::kNotFound);
    EXPECT_EQ(got.error().message(), "GET /api/v1/nodes/nix: \"nix\" not found");
}

TEST_F(ClientTest, EscapesNamesSoThatTheyStayOneSegment) {
    EXPECT_EQ(kNodes.path("../a b"), "/api/v1/nodes/..%2Fa%20b");
}

TEST_F(ClientTest, PutsGroupsAndNamespacesIntoPaths) {
    const Resource claims{"resource.k8s.io/v1", "resourceclaims", "ns"};
    EXPECT_EQ(claims.path("c", "status"),
              "/apis/resource.k8s.io/v1/namespaces/ns/resourceclaims/c/status");
}

TEST_F(ClientTest, IntroducesItself) {
    (void)get_node("n1");
    EXPECT_TRUE(server.requests().front().user_agent.starts_with("kndd/"));
}

TEST_F(ClientTest, RepeatsAGetWhoseConnectionBroke) {
    server.put(kNodesPath, node("n1"));
    server.inject({.path_prefix = kNodesPath, .hang_up = true, .times = 2});
    EXPECT_TRUE(get_node("n1").ok());
}

TEST_F(ClientTest, DoesNotRepeatACreateThatFailed) {
    server.inject({.method = "POST", .status = 500, .times = 5});
    const auto made =
        wait_for<Json>([&](auto done) { client->create(kNodes, to_text(node("n1")), done); });
    EXPECT_EQ(made.code(), Code::kUnavailable);
    EXPECT_EQ(server.count("POST"), 1u);
}

TEST_F(ClientTest, WaitsAsLongAsRetryAfterSays) {
    server.put(kNodesPath, node("n1"));
    server.inject({.status = 429, .reason = "TooManyRequests", .retry_after_s = 1});
    const auto start = std::chrono::steady_clock::now();
    EXPECT_TRUE(get_node("n1").ok());
    EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(950));
}

TEST_F(ClientTest, DoesNotWaitBeyondTheDeadline) {
    server.inject({.status = 429, .retry_after_s = 60});
    EXPECT_EQ(get_node("n1").code(), Code::kResourceExhausted);
}

TEST_F(ClientTest, KeepsTheDeadlineOfACall) {
    server.inject({.delay = std::chrono::seconds(2)});
    const auto got = wait_for<Json>(
        [&](auto done) { client->get(kNodes, "n1", done, std::chrono::milliseconds(100)); });
    EXPECT_EQ(got.code(), Code::kDeadlineExceeded);
}

TEST_F(ClientTest, TriesANewTokenAfterUnauthorized) {
    fakes::TempDir dir;
    const auto file = dir.file("token");
    std::ofstream(file) << "old";
    connect({}, {.file = file});
    server.put(kNodesPath, node("n1"));
    server.accept_token("new");
    EXPECT_EQ(get_node("n1").code(), Code::kUnauthenticated);
    std::ofstream(file) << "new";
    EXPECT_TRUE(get_node("n1").ok());
}

TEST_F(ClientTest, DistinguishesConflictFromAlreadyExists) {
    EXPECT_EQ(code_of_status(409, "Conflict"), Code::kAborted);
    EXPECT_EQ(code_of_status(409, "AlreadyExists"), Code::kAlreadyExists);
}

TEST_F(ClientTest, ListsAllPages) {
    connect({.page_size = 2});
    for (const auto* name : {"a", "b", "c", "d", "e"})
        server.put(kNodesPath, node(name));
    const auto list = wait_for<List>([&](auto done) { client->list(kNodes, {}, done); });
    ASSERT_TRUE(list.ok());
    EXPECT_EQ(list->items.size(), 5u);
    EXPECT_EQ(server.count("GET", kNodesPath), 3u);
}

TEST_F(ClientTest, StartsOverWhenAPageExpires) {
    connect({.page_size = 2});
    for (const auto* name : {"a", "b", "c"})
        server.put(kNodesPath, node(name));
    // The first page is served, the second finds its token expired.
    bool first = true;
    client->set_observer([&](const CallReport&) {
        if (std::exchange(first, false)) server.expire_continue_tokens();
    });
    const auto list = wait_for<List>([&](auto done) { client->list(kNodes, {}, done); });
    ASSERT_TRUE(list.ok()) << list.error().message();
    EXPECT_EQ(list->items.size(), 3u);
}

TEST_F(ClientTest, IsReachableOnceAnythingWasAnswered) {
    EXPECT_FALSE(client->reachability().reachable);
    (void)get_node("nix");
    EXPECT_TRUE(client->reachability().reachable);
}

TEST_F(ClientTest, SaysWhyTheServerIsNotReachable) {
    server.go_away();
    const auto got = wait_for<Json>(
        [&](auto done) { client->get(kNodes, "n1", done, std::chrono::milliseconds(300)); });
    EXPECT_FALSE(got.ok());
    EXPECT_NE(client->reachability().error.find(server.url()), std::string::npos);
    EXPECT_EQ(client->reachability().error.find(" ms"), std::string::npos)
        << "or the same failure would be another each time";
    server.resume();
}

TEST_F(ClientTest, ReportsEachExchange) {
    std::vector<std::string> seen;
    client->set_observer([&](const CallReport& report) {
        seen.push_back(std::string(report.method) + " " + std::string(report.plural) + " " +
                       std::to_string(report.status));
    });
    (void)get_node("nix");
    EXPECT_EQ(seen, std::vector<std::string>{"GET nodes 404"});
}

TEST_F(ClientTest, DeletesOnlyWhatThePreconditionsMean) {
    const auto stored = server.put(kNodesPath, node("n1"));
    const auto wrong =
        wait_for<void>([&](auto done) { client->remove(kNodes, "n1", "another-uid", "", done); });
    EXPECT_EQ(wrong.code(), Code::kAborted);
    const auto right = wait_for<void>([&](auto done) {
        client->remove(kNodes, "n1", json_string(stored["metadata"], "uid"), "", done);
    });
    EXPECT_TRUE(right.ok());
    EXPECT_TRUE(server.objects(kNodesPath).empty());
}

TEST_F(ClientTest, IsSilentAfterItsDestruction) {
    bool called = false;
    server.inject({.delay = std::chrono::milliseconds(50)});
    client->get(kNodes, "n1", [&](const Result<Json>&) { called = true; });
    api.reset();
    client.reset();
    fakes::run_for(io, std::chrono::milliseconds(100));
    EXPECT_FALSE(called);
}

TEST_F(ClientTest, MayBeDestroyedByAnAnswer) {
    bool first = false, second = false;
    server.inject({.path_prefix = kNodesPath + "/n2", .delay = std::chrono::milliseconds(50)});
    client->get(kNodes, "n1", [&](const Result<Json>&) {
        first = true;
        api.reset();
        client.reset();
    });
    client->get(kNodes, "n2", [&](const Result<Json>&) { second = true; });
    ASSERT_TRUE(until([&] { return first; }));
    fakes::run_for(io, std::chrono::milliseconds(100));
    EXPECT_FALSE(second);
}

TEST_F(ClientTest, AnswersManyRequestsThatAreMadeAtOnce) {
    int answers = 0;
    for (int i = 0; i < 40; ++i) {
        const auto name = "n" + std::to_string(i);
        server.put(kNodesPath, node(name));
        client->get(kNodes, name, [&answers, name](const Result<Json>& got) {
            ASSERT_TRUE(got.ok()) << got.error().message();
            EXPECT_EQ(json_string(json_at(*got, "metadata"), "name"), name);
            ++answers;
        });
    }
    EXPECT_TRUE(until([&] { return answers == 40; })) << answers;
}

class WatchTest : public ClientTest {
  protected:
    void start(const std::string& version = "0") {
        watch = client->watch(
            kNodes, {}, version, [this](WatchEvent event) { events.push_back(std::move(event)); },
            [this](Result<> result) { ended.emplace(std::move(result)); });
    }
    Watch watch;
    std::vector<WatchEvent> events;
    std::optional<Result<>> ended;
};

TEST_F(WatchTest, DeliversChangesInOrder) {
    start();
    server.put(kNodesPath, node("a"));
    server.replace(kNodesPath + "/a", [](Json& object) { object["x"] = 1; });
    server.erase(kNodesPath + "/a");
    ASSERT_TRUE(until([&] { return events.size() == 3; }));
    EXPECT_EQ(events[0].type, WatchEvent::Type::kAdded);
    EXPECT_EQ(events[1].type, WatchEvent::Type::kModified);
    EXPECT_EQ(events[2].type, WatchEvent::Type::kDeleted);
}

TEST_F(WatchTest, ReassemblesObjectsLargerThanABuffer) {
    start();
    auto big = node("big");
    big["data"] = std::string(300'000, 'x');
    server.put(kNodesPath, big);
    ASSERT_TRUE(until([&] { return !events.empty(); }));
    EXPECT_EQ(json_string(events[0].object, "data").size(), 300'000u);
}

TEST_F(WatchTest, EndsWithoutErrorWhenTheServerEndsIt) {
    start();
    server.put(kNodesPath, node("a"));
    ASSERT_TRUE(until([&] { return !events.empty(); }));
    server.end_watches();
    ASSERT_TRUE(until([&] { return ended.has_value(); }));
    EXPECT_TRUE(ended->ok()) << ended->error().message();
}

TEST_F(WatchTest, ReportsExpiryInsideTheStream) {
    start();
    server.put(kNodesPath, node("a"));
    ASSERT_TRUE(until([&] { return !events.empty(); }));
    server.expire_history();
    ASSERT_TRUE(until([&] { return ended.has_value(); }));
    EXPECT_EQ(ended->code(), Code::kOutOfRange);
}

TEST_F(WatchTest, ReportsExpiryAtItsStart) {
    server.expire_history();
    start("1");
    ASSERT_TRUE(until([&] { return ended.has_value(); }));
    EXPECT_EQ(ended->code(), Code::kOutOfRange);
}

TEST_F(WatchTest, EndsWhenTheConnectionBreaks) {
    start();
    server.put(kNodesPath, node("a"));
    ASSERT_TRUE(until([&] { return !events.empty(); }));
    server.go_away();
    ASSERT_TRUE(until([&] { return ended.has_value(); }));
    server.resume();
}

TEST_F(WatchTest, EndsAfterTooMuchSilence) {
    connect({.watch_idle = std::chrono::seconds(1)});
    start();
    ASSERT_TRUE(until([&] { return ended.has_value(); }));
    EXPECT_EQ(ended->code(), Code::kDeadlineExceeded);
    EXPECT_NE(ended->error().message().find("silent for 1 s"), std::string::npos);
}

TEST_F(WatchTest, MayBeStoppedByAnEvent) {
    int seen = 0;
    watch = client->watch(
        kNodes, {}, "0",
        [&](const WatchEvent&) {
            ++seen;
            watch.stop();
        },
        [](const Result<>&) { FAIL() << "a watch that was stopped is silent"; });
    server.put(kNodesPath, node("a"));
    server.put(kNodesPath, node("b"));
    ASSERT_TRUE(until([&] { return seen > 0; }));
    fakes::run_for(io, std::chrono::milliseconds(50));
    EXPECT_EQ(seen, 1);
}

TEST_F(WatchTest, IsSilentOnceStopped) {
    start();
    watch.stop();
    server.put(kNodesPath, node("a"));
    fakes::run_for(io, std::chrono::milliseconds(50));
    EXPECT_TRUE(events.empty());
    EXPECT_FALSE(ended.has_value());
}

}  // namespace
}  // namespace knd::kube
