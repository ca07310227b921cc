// SPDX-License-Identifier: Apache-2.0
#include "host/kube/reflector.hpp"

#include <set>

#include "tests/fakes/kube_fixture.hpp"

namespace knd::kube {
namespace {

const Resource kNodes{"v1", "nodes", ""};
const std::string kPath = "/api/v1/nodes";

class ReflectorTest : public fakes::KubeFixture {
  protected:
    void start() {
        reflector = std::make_unique<Reflector>(
            *client, kNodes, Query{},
            Reflector::Handlers{
                .changed =
                    [this](const Json& object) {
                        ++changes;
                        present.insert(object_key(object));
                    },
                .deleted = [this](const std::string& key,
                                  const std::string&) { present.erase(key); },
                .synced = [this] { ++syncs; },
                .failed = [this](const Error& error) { failures.push_back(error.message()); }});
        reflector->start();
    }
    void put(const std::string& name) { server.put(kPath, {{"metadata", {{"name", name}}}}); }
    bool holds(const std::set<std::string>& names) {
        return until([&] { return present == names; });
    }

    std::unique_ptr<Reflector> reflector;
    std::set<std::string> present;
    std::vector<std::string> failures;
    int changes = 0;
    int syncs = 0;
};

TEST_F(ReflectorTest, ReportsWhatExistsAndThenSynced) {
    put("a");
    put("b");
    start();
    ASSERT_TRUE(until([&] { return syncs == 1; }));
    EXPECT_EQ(present, (std::set<std::string>{"a", "b"}));
}

TEST_F(ReflectorTest, FollowsChanges) {
    start();
    ASSERT_TRUE(until([&] { return syncs == 1; }));
    put("a");
    EXPECT_TRUE(holds({"a"}));
    server.erase(kPath + "/a");
    EXPECT_TRUE(holds({}));
}

TEST_F(ReflectorTest, NoticesDeletesThatItsWatchMissed) {
    put("a");
    put("b");
    start();
    ASSERT_TRUE(holds({"a", "b"}));
    server.stall_watches(true);
    server.erase(kPath + "/a");
    server.expire_history();
    server.stall_watches(false);
    EXPECT_TRUE(holds({"b"}));
    EXPECT_EQ(reflector->counters().lists, 2u);
}

TEST_F(ReflectorTest, ContinuesWhereAnEndedWatchWas) {
    put("a");
    start();
    ASSERT_TRUE(holds({"a"}));
    server.end_watches();
    put("b");
    EXPECT_TRUE(holds({"a", "b"}));
    EXPECT_EQ(changes, 2) << "nothing is told twice";
    EXPECT_EQ(reflector->counters().lists, 1u);
}

TEST_F(ReflectorTest, TakesItsVersionFromBookmarks) {
    start();
    ASSERT_TRUE(until([&] { return reflector->counters().watches == 1; }));
    ASSERT_TRUE(until([&] { return server.count("GET", kPath) == 2; }));
    server.send_bookmarks();
    fakes::run_for(io, std::chrono::milliseconds(50));
    server.end_watches();
    ASSERT_TRUE(until([&] { return server.count("GET", kPath) == 3; }));
    EXPECT_NE(server.requests().back().query.find("resourceVersion=101"), std::string::npos);
    EXPECT_EQ(changes, 0);
}

TEST_F(ReflectorTest, TellsAReplacedObjectFromAChangedOne) {
    std::vector<std::string> deleted;
    put("a");
    reflector = std::make_unique<Reflector>(
        *client, kNodes, Query{},
        Reflector::Handlers{
            .changed = [this](const Json&) { ++changes; },
            .deleted = [&](const std::string&, const std::string& uid) { deleted.push_back(uid); },
            .synced = [this] { ++syncs; },
            .failed = {}});
    reflector->start();
    ASSERT_TRUE(until([&] { return syncs == 1; }));
    server.stall_watches(true);
    server.erase(kPath + "/a");
    put("a");
    server.expire_history();
    server.stall_watches(false);
    ASSERT_TRUE(until([&] { return syncs == 2; }));
    EXPECT_EQ(deleted, std::vector<std::string>{"uid-101"});
}

TEST_F(ReflectorTest, KeepsTryingWhileTheServerIsAway) {
    start();
    ASSERT_TRUE(until([&] { return syncs == 1; }));
    server.go_away();
    ASSERT_TRUE(until([&] { return !failures.empty(); }));
    put("a");
    server.resume();
    EXPECT_TRUE(holds({"a"}));
}

TEST_F(ReflectorTest, ReportsWhyListingFails) {
    server.inject({.path_prefix = kPath, .status = 403, .reason = "Forbidden", .message = "no"});
    start();
    ASSERT_TRUE(until([&] { return syncs == 1; }));
    ASSERT_EQ(failures.size(), 1u);
    EXPECT_EQ(failures[0], "GET /api/v1/nodes?resourceVersion=0&limit=500: no");
}

TEST_F(ReflectorTest, StopsFromInsideAHandler) {
    put("a");
    put("b");
    reflector = std::make_unique<Reflector>(*client, kNodes, Query{},
                                            Reflector::Handlers{.changed =
                                                                    [this](const Json&) {
                                                                        ++changes;
                                                                        reflector->stop();
                                                                    },
                                                                .deleted = {},
                                                                .synced = [this] { ++syncs; },
                                                                .failed = {}});
    reflector->start();
    ASSERT_TRUE(until([&] { return changes == 1; }));
    fakes::run_for(io, std::chrono::milliseconds(50));
    EXPECT_EQ(changes, 1);
    EXPECT_EQ(syncs, 0);
}

}  // namespace
}  // namespace knd::kube
