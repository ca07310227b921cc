// SPDX-License-Identifier: Apache-2.0
//
// kill -9 at every marked point, restarts, and a long random walk: the device ends either in the
// pod, working, or at home, as the claim says; never in between.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "tests/fakes/claims_world.hpp"

namespace knd {
namespace {

using fake::ClaimsWorld;
using fake::Killed;

class RecoveryTest : public testing::Test {
  protected:
    void SetUp() override { world.start(); }
    void restart() {
        world.kill();
        world.start();
    }
    ClaimsWorld world;
    ClaimRef ref = world.add(ClaimsWorld::claim("a", {"dra0"}));
};

TEST_F(RecoveryTest, LeavesAnAttachedDeviceWhereItIs) {
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.prepare(ref).ok());
    ASSERT_TRUE(world.run(pod).ok());
    const auto commits = world.disk.commits;
    restart();
    ASSERT_TRUE(world.synchronize({pod}).ok());
    EXPECT_TRUE(world.node.is_in("dra0", pod.netns));
    EXPECT_EQ(world.disk.commits, commits);
    EXPECT_EQ(world.marker("s1", "a"), "attached\n");
}

TEST_F(RecoveryTest, PublishesTheStatusThatAPredecessorOwed) {
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.prepare(ref).ok());
    ASSERT_TRUE(world.run(pod).ok());
    restart();
    ASSERT_TRUE(world.synchronize({pod}).ok());
    EXPECT_TRUE(world.process->source.statuses.at("default/a").at(0).ready);
    world.process->source.statuses.clear();
    ASSERT_TRUE(world.synchronize({pod}).ok());
    EXPECT_TRUE(world.process->source.statuses.empty()) << "once is enough";
}

TEST_F(RecoveryTest, BringsHomeWhatIsInASandboxThatIsGone) {
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.prepare(ref).ok());
    ASSERT_TRUE(world.run(pod).ok());
    world.kill();
    world.node.kill_netns(pod.netns);
    world.start();
    ASSERT_TRUE(world.synchronize({}).ok());
    EXPECT_TRUE(world.node.is_home("dra0"));
    EXPECT_EQ(world.state("a", "dra0"), "prepared");
    EXPECT_EQ(world.marker("s1", "a"), "");
}

TEST_F(RecoveryTest, KeepsTheNamespaceOfADeviceThatIsAway) {
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.prepare(ref).ok());
    ASSERT_TRUE(world.run(pod).ok());
    EXPECT_EQ(world.namespaces.kept, std::set<std::string>{"s1"});
    // Stopped without a word, and its name is gone: what keeps it alive is ours.
    world.kill();
    world.node.kernel.unlink_netns(pod.netns);
    world.start();
    ASSERT_TRUE(world.synchronize({}).ok());
    EXPECT_TRUE(world.node.is_home("dra0"));
    EXPECT_TRUE(world.namespaces.kept.empty());
}

TEST_F(RecoveryTest, KeepsNoNamespaceThatIsOfNoUse) {
    world.namespaces.kept = {"ghost"};
    restart();
    EXPECT_TRUE(world.namespaces.kept.empty());
    ASSERT_TRUE(world.prepare(ref).ok());
    world.node.kernel.fault = [](std::string_view step, const std::string&) {
        return step == "address" ? std::optional(Error(Code::kUnavailable, "link is busy"))
                                 : std::nullopt;
    };
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    EXPECT_TRUE(world.namespaces.kept.empty());
}

TEST_F(RecoveryTest, ANamespaceThatCannotBeKeptIsNoReasonToFail) {
    world.namespaces.forbidden = true;
    ASSERT_TRUE(world.prepare(ref).ok());
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    EXPECT_EQ(world.marker("s1", "a"), "attached\n");
}

TEST_F(RecoveryTest, AttachesLateToAPodThatWasStartedMeanwhile) {
    ASSERT_TRUE(world.prepare(ref).ok());
    world.kill();
    const auto pod = world.sandbox("s1");
    world.start();
    ASSERT_TRUE(world.synchronize({pod}).ok());
    EXPECT_TRUE(world.node.is_in("dra0", pod.netns));
    EXPECT_EQ(world.marker("s1", "a"), "attached\n");
}

TEST_F(RecoveryTest, KillsContainersThatRunWithoutTheirDeviceWhenToldSo) {
    world.options.attach.missed = LateAttach::kFail;
    restart();
    ASSERT_TRUE(world.prepare(ref).ok());
    const auto pod = world.sandbox("s1");
    world.node.kernel.processes = {{77, world.node.netns_id(pod.netns)}};
    Container running;
    running.sandbox_id = "s1";
    running.running = true;
    running.pid = 77;
    ASSERT_TRUE(world.synchronize({pod}, {running}).ok());
    EXPECT_TRUE(world.node.kernel.processes.empty());
    EXPECT_TRUE(world.marker("s1", "a").starts_with("failed: "));
    ASSERT_EQ(world.process->source.events.size(), 1u);
    // The kubelet makes the container anew.
    ASSERT_TRUE(world.create(pod, Container{}).ok());
    EXPECT_TRUE(world.node.is_in("dra0", pod.netns));
    EXPECT_EQ(world.marker("s1", "a"), "attached\n");
}

TEST_F(RecoveryTest, SaysThatAContainerWithoutItsDeviceCannotBeKilled) {
    world.options.attach.missed = LateAttach::kFail;
    restart();
    ASSERT_TRUE(world.prepare(ref).ok());
    const auto pod = world.sandbox("s1");
    world.node.kernel.processes = {{77, "4:999"}};  // the number is that of a stranger by now
    Container running;
    running.name = "app";
    running.sandbox_id = "s1";
    running.running = true;
    running.pid = 77;
    ASSERT_TRUE(world.synchronize({pod}, {running}).ok());
    EXPECT_EQ(world.node.kernel.processes.size(), 1u);
    EXPECT_NE(world.marker("s1", "a").find("container app cannot be killed"), std::string::npos);
}

TEST_F(RecoveryTest, KeepsADeviceForAPodThatIsAboutToStart) {
    ASSERT_TRUE(world.prepare(ref).ok());
    restart();
    ASSERT_TRUE(world.synchronize({}).ok());
    EXPECT_EQ(world.state("a", "dra0"), "prepared");
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    EXPECT_EQ(world.state("a", "dra0"), "attached");
}

TEST_F(RecoveryTest, PrefersTheSandboxThatHasTheDevice) {
    const auto old_one = world.sandbox("s1");
    const auto new_one = world.sandbox("s2");
    ASSERT_TRUE(world.prepare(ref).ok());
    ASSERT_TRUE(world.run(new_one).ok());
    restart();
    ASSERT_TRUE(world.synchronize({new_one, old_one}).ok());
    EXPECT_TRUE(world.node.is_in("dra0", new_one.netns));
}

TEST_F(RecoveryTest, GivesTheDeviceOfASandboxThatEndedToTheOneThatLives) {
    const auto old_one = world.sandbox("s1");
    ASSERT_TRUE(world.prepare(ref).ok());
    ASSERT_TRUE(world.run(old_one).ok());
    world.kill();
    world.node.kill_netns(old_one.netns);
    const auto new_one = world.sandbox("s2");
    world.start();
    // The runtime lists it until the kubelet removes it.
    ASSERT_TRUE(world.synchronize({new_one, old_one}).ok());
    EXPECT_TRUE(world.node.is_in("dra0", new_one.netns));
    EXPECT_EQ(world.marker("s2", "a"), "attached\n");
}

TEST_F(RecoveryTest, TellsTheBackendsWhatIsLive) {
    ASSERT_TRUE(world.prepare(ref).ok());
    world.hardware.prepared[{"uid-leak", "dra1"}] = "netdev";
    restart();
    EXPECT_EQ(world.process->backend.count("reconcile 1"), 1);
    EXPECT_EQ(world.hardware.prepared.size(), 1u);
}

TEST_F(RecoveryTest, RestoresMarkersThatWereLost) {
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.prepare(ref).ok());
    ASSERT_TRUE(world.run(pod).ok());
    std::filesystem::remove_all(world.options.run_dir + "/gate");
    restart();
    ASSERT_TRUE(world.synchronize({pod}).ok());
    EXPECT_EQ(world.marker("s1", "a"), "attached\n");
}

TEST_F(RecoveryTest, RemovesCdiFilesOfClaimsThatItDoesNotKnow) {
    ASSERT_TRUE(world.prepare(ref).ok());
    const auto foreign = world.options.cdi_dir + "/other.json";
    std::ofstream(foreign) << "{}";
    std::ofstream(world.cdi_path("ghost")) << "{}";
    std::ofstream(world.options.cdi_dir + "/.knd.dev-claim-x.tmp") << "{";
    std::filesystem::remove(world.cdi_path("a"));
    restart();
    EXPECT_FALSE(std::filesystem::exists(world.cdi_path("ghost")));
    EXPECT_FALSE(std::filesystem::exists(world.options.cdi_dir + "/.knd.dev-claim-x.tmp"));
    EXPECT_TRUE(std::filesystem::exists(foreign));
    EXPECT_TRUE(std::filesystem::exists(world.cdi_path("a"))) << "made again";
}

TEST_F(RecoveryTest, ForgetsPlacesThatARebootHasSweptAway) {
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.prepare(ref).ok());
    ASSERT_TRUE(world.run(pod).ok());
    world.kill();
    world.node.kill_netns(pod.netns);
    world.node.add_link("dra0");
    world.options.boot_id = "boot-2";
    world.start();
    EXPECT_EQ(world.claims().snapshot()[0].state, BindingState::kPrepared);
    const auto again = world.sandbox("s2");
    const auto early = world.run(again);
    ASSERT_FALSE(early.ok());
    EXPECT_NE(early.error().message().find("before the node's last boot"), std::string::npos);
    ASSERT_TRUE(world.prepare(ref).ok());
    ASSERT_TRUE(world.run(again).ok());
    EXPECT_TRUE(world.node.is_in("dra0", again.netns));
}

TEST_F(RecoveryTest, GoesOnReleasingAClaimThatWasHalfReleased) {
    const auto both = world.add(ClaimsWorld::claim("b", {"dra1", "dra2"}));
    ASSERT_TRUE(world.prepare(both).ok());
    world.process->other.fault = [](std::string_view, const std::string&) {
        return std::optional(Error(Code::kUnavailable, "firmware is busy"));
    };
    EXPECT_FALSE(world.unprepare(both).ok());
    EXPECT_EQ(world.state("b", "dra1"), "");
    EXPECT_EQ(world.state("b", "dra2"), "releasing");
    restart();
    EXPECT_TRUE(world.disk.records.empty());
    EXPECT_TRUE(world.hardware.prepared.empty());
}

TEST_F(RecoveryTest, SaysWhyItCannotStartFromADamagedJournal) {
    ASSERT_TRUE(world.prepare(ref).ok());
    world.kill();
    world.disk.records.begin()->second["state"] = "flying";
    world.boot();
    EXPECT_EQ(world.claims().load().code(), Code::kDataLoss);
}

TEST_F(RecoveryTest, DrainsWhenNoStepIsUnderWay) {
    ASSERT_TRUE(world.prepare(ref).ok());
    world.claims().run_pod_sandbox(world.sandbox("s1"), [](const Result<void>&) {});
    bool drained = false;
    world.claims().drain([&] { drained = true; });
    EXPECT_FALSE(drained);
    world.settle();
    EXPECT_TRUE(drained);
    EXPECT_EQ(world.state("a", "dra0"), "attached");
}

TEST(Explain, SaysWhereADeviceIsAndWhy) {
    BindingRecord record;
    record.claim = {"default", "a", "uid-a"};
    record.pod = "default/web";
    record.attached = {{"net1", "", {}, 7}};
    record.state = BindingState::kAttached;
    EXPECT_EQ(explain(record), "in pod default/web as net1 for claim default/a");
    record.state = BindingState::kFailed;
    record.reason = "link is busy";
    EXPECT_EQ(explain(record),
              "on the node, held by claim default/a; its attach to pod default/web "
              "failed: link is busy");
}

// --- kill -9 at each marked point ----------------------------------------------------------------

class KillTest : public testing::TestWithParam<const char*> {
  protected:
    /// The whole life of a pod, up to its death at the marked point. False: it was not reached.
    bool live_until(std::string_view point) {
        world.start();
        world.process->observer.should_die = [=](std::string_view step) { return step == point; };
        try {
            static_cast<void>(world.prepare(ref));
            live.insert("s1");
            static_cast<void>(world.run(pod));
            if (!point.starts_with("detach") && !point.starts_with("release")) return false;
            live.clear();
            static_cast<void>(world.stop(pod));
            static_cast<void>(world.unprepare(ref));
        } catch (const Killed&) {
            return true;
        }
        return false;
    }
    std::vector<PodSandbox> live_pods() {
        return live.empty() ? std::vector<PodSandbox>{} : std::vector<PodSandbox>{pod};
    }
    ClaimsWorld world;
    ClaimRef ref = world.add(ClaimsWorld::claim("a", {"dra0"}));
    PodSandbox pod = world.sandbox("s1");
    std::set<std::string> live;
};

TEST_P(KillTest, LeavesTheDeviceInThePodOrAtHome) {
    ASSERT_TRUE(live_until(GetParam())) << "the point is never reached";
    world.kill();
    world.start();
    ASSERT_TRUE(world.synchronize(live_pods()).ok());
    const bool prepared = !world.disk.records.empty();
    if (prepared && !live.empty())
        EXPECT_TRUE(world.node.is_in("dra0", pod.netns));
    else
        EXPECT_TRUE(world.node.is_home("dra0"));
    // What the kubelet does next: it asks again for what was not answered.
    if (!live.empty()) {
        ASSERT_TRUE(world.prepare(ref).ok());
        ASSERT_TRUE(world.run(pod).ok());
        EXPECT_TRUE(world.node.is_in("dra0", pod.netns));
        EXPECT_EQ(world.marker("s1", "a"), "attached\n");
        ASSERT_TRUE(world.stop(pod).ok());
    }
    ASSERT_TRUE(world.unprepare(ref).ok());
    EXPECT_TRUE(world.node.is_home("dra0"));
    EXPECT_TRUE(world.disk.records.empty());
    EXPECT_TRUE(world.hardware.prepared.empty());
    EXPECT_FALSE(std::filesystem::exists(world.cdi_path("a")));
    EXPECT_FALSE(std::filesystem::exists(world.metadata_path("a")));
}

INSTANTIATE_TEST_SUITE_P(AtEachPoint, KillTest,
                         testing::Values("prepare.effects", "prepare.journalled", "prepare.cdi",
                                         "attach.begin", "attach.surveyed", "attach.journalled",
                                         "attach.moved", "attach.configured", "attach.metadata",
                                         "attach.done", "detach.begin", "detach.journalled",
                                         "detach.moved", "detach.renamed", "detach.home",
                                         "detach.done", "release.begin", "release.journalled",
                                         "release.unprepared", "release.done"));

// --- a random walk -------------------------------------------------------------------------------

/// A kubelet and a runtime that do everything they may do, at any time, with a daemon that is
/// killed and a kernel that fails in between.
class RandomWalk {
  public:
    explicit RandomWalk(unsigned seed) : random_(seed) {
        users_ = {{world_.add(ClaimsWorld::claim("a", {"dra0"}, "pod-a")), "pod-a"},
                  {world_.add(ClaimsWorld::claim("b", {"dra1", "dra2"}, "pod-b")), "pod-b"},
                  {world_.add(ClaimsWorld::claim("c", {"dra0", "dra2"}, "pod-c")), "pod-c"}};
        start();
    }

    void walk(int moves) {
        faults_ = 5;
        for (int i = 0; i < moves && !testing::Test::HasFatalFailure(); ++i) {
            try {
                move();
            } catch (const Killed&) {
                restart();
            }
            check_always();
        }
    }

    /// Everything works from here on: whatever was begun must come to its end.
    void calm_down() {
        faults_ = 0;
        world_.settle_until([this] { return world_.is_at_rest(); });
        restart();
        world_.settle_until([this] { return world_.is_at_rest(); });
        check_settled();
    }

  private:
    struct User {
        ClaimRef claim;
        std::string pod_uid;
        bool prepared = false;                ///< the kubelet got its answer
        bool releasing = false;               ///< unprepare was called and has not succeeded
        std::optional<PodSandbox> sandbox{};  ///< it lives
    };

    int below(int limit) { return std::uniform_int_distribution<>(0, limit - 1)(random_); }

    std::optional<Error> fault() {
        if (below(100) >= faults_) return std::nullopt;
        return Error(Code::kUnavailable, "not now");
    }

    void start() {
        world_.boot();
        auto& process = *world_.process;
        // What cannot be put back after two tries is a warning, and no fault of the claims.
        world_.node.kernel.fault = [this](std::string_view call, const auto&) {
            return call == "restore" ? std::nullopt : fault();
        };
        process.backend.fault = process.other.fault = [this](auto, const auto&) { return fault(); };
        ASSERT_TRUE(process.claims.load().ok());
        process.claims.recover([] {});
        world_.settle();
        std::vector<PodSandbox> live;
        for (const auto& user : users_)
            if (user.sandbox) live.push_back(*user.sandbox);
        ASSERT_TRUE(world_.synchronize(live).ok());
        // From here on it may die at any step.
        process.observer.should_die = [this](std::string_view) {
            return faults_ > 0 && below(40) == 0;
        };
    }

    void restart() {
        world_.kill();
        start();
    }

    void move() {
        auto& user = users_[static_cast<std::size_t>(below(static_cast<int>(users_.size())))];
        switch (below(10)) {
            case 0:
            case 1:
                return prepare(user);
            case 2:
            case 3:
                return run(user);
            case 4:
                return create(user);
            case 5:
                return stop(user);
            case 6:
                return vanish(user);
            case 7:
                return unprepare(user);
            case 8:
                return throw Killed{};
            default:
                return world_.settle_for(std::chrono::milliseconds(2));
        }
    }

    void some_steps() {
        world_.process->home.restart();
        for (int i = below(30); i > 0; --i)
            world_.process->home.poll_one();
    }

    void prepare(User& user) {
        if (user.releasing) return;
        world_.claims().prepare(user.claim, ClaimsWorld::soon(), [&user](const auto& result) {
            if (result.ok()) user.prepared = true;
        });
        some_steps();
    }

    void run(User& user) {
        if (!user.prepared || user.releasing) return;
        if (!user.sandbox)
            user.sandbox = world_.sandbox("s" + std::to_string(++count_), user.pod_uid);
        world_.claims().run_pod_sandbox(*user.sandbox, [](const Result<void>&) {});
        some_steps();
    }

    void create(User& user) {
        if (!user.sandbox) return;
        world_.claims().create_container(*user.sandbox, Container{}, [](const auto&) {});
        some_steps();
    }

    void stop(User& user) {
        if (!user.sandbox) return;
        const auto pod = *std::exchange(user.sandbox, std::nullopt);
        world_.claims().stop_pod_sandbox(pod, [](const Result<void>&) {});
        some_steps();
        world_.node.kill_netns(pod.netns);
        if (below(2) == 0) world_.claims().remove_pod_sandbox(pod, [](const Result<void>&) {});
    }

    /// The namespace dies and nobody says a word.
    void vanish(User& user) {
        if (!user.sandbox) return;
        world_.node.kill_netns(user.sandbox->netns);
        user.sandbox.reset();
    }

    void unprepare(User& user) {
        if (user.sandbox) return;  // the kubelet stops the pod first
        user.releasing = true;
        world_.claims().unprepare(user.claim, ClaimsWorld::soon(),
                                  [&user](const Result<void>& result) {
                                      if (!result.ok()) return;
                                      user.prepared = user.releasing = false;
                                  });
        some_steps();
    }

    /// No gate is open unless every device of its claim is in that very pod, and its containers can
    /// read so.
    void check_always() {
        for (const auto& user : users_) {
            if (!user.sandbox) continue;
            const auto& pod = *user.sandbox;
            if (world_.marker(pod.id, user.claim.name) != "attached\n") continue;
            for (const auto& device : world_.api.at(user.claim.text()).devices) {
                EXPECT_TRUE(world_.node.is_in(device.device, pod.netns))
                    << device.device << " is not in the pod whose gate is open";
                const auto told = world_.device_metadata(user.claim.name, device.device);
                EXPECT_TRUE(told.contains("networkData")) << device.device << ": " << told;
            }
        }
    }

    void check_settled() {
        std::map<std::string, std::string> holders;  // device -> claim uid
        for (const auto& [key, json] : world_.disk.records) {
            EXPECT_TRUE(holders.emplace(key.device, key.claim_uid).second)
                << key.device << " is in two hands";
            check_record(key, json);
        }
        for (const auto& [device, link] : world_.node.cards())
            EXPECT_TRUE(holders.contains(device) || world_.node.is_home(device))
                << device << " is lost";
        for (const auto& [device, claim_uid] : holders)
            EXPECT_TRUE(world_.hardware.prepared.contains({claim_uid, device})) << device;
        for (const auto& [key, owner] : world_.hardware.prepared)
            EXPECT_TRUE(holders.contains(key.device) && holders[key.device] == key.claim_uid)
                << key.device << " is prepared for nobody";
        for (const auto& user : users_)
            if (user.prepared && !user.releasing) check_user(user);
    }

    void check_record(const RecordKey& key, const Json& json) {
        const auto state = json_string(json, "state");
        const auto user = std::find_if(users_.begin(), users_.end(),
                                       [&](const User& u) { return u.claim.uid == key.claim_uid; });
        if (user->sandbox) {
            EXPECT_EQ(state, "attached") << key.device << " " << json_string(json, "reason");
            EXPECT_TRUE(world_.node.is_in(key.device, user->sandbox->netns)) << key.device;
        } else {
            EXPECT_TRUE(state == "prepared" || state == "failed") << key.device << " " << state;
            EXPECT_TRUE(world_.node.is_home(key.device)) << key.device;
        }
    }

    void check_user(const User& user) {
        for (const auto& device : world_.api.at(user.claim.text()).devices)
            EXPECT_NE(world_.state(user.claim.name, device.device), "") << "answered and forgotten";
        EXPECT_TRUE(std::filesystem::exists(world_.cdi_path(user.claim.name)));
        const auto marker =
            user.sandbox ? world_.marker(user.sandbox->id, user.claim.name) : "attached\n";
        EXPECT_EQ(marker, "attached\n");
    }

    std::mt19937 random_;
    int faults_ = 0;  ///< percent
    int count_ = 0;
    ClaimsWorld world_;
    std::vector<User> users_;
};

class RandomWalkTest : public testing::TestWithParam<unsigned> {};

TEST_P(RandomWalkTest, EndsWithEveryDeviceWhereItsClaimSays) {
    RandomWalk walk(GetParam());
    for (int round = 0; round < 5 && !testing::Test::HasFailure(); ++round) {
        walk.walk(80);
        walk.calm_down();
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomWalkTest, testing::Range(1u, 25u));

}  // namespace
}  // namespace knd
