// SPDX-License-Identifier: Apache-2.0
//
// Every call to the kernel fails once, and every call is once the last one of the process. Whatever
// happens: the device ends in the pod, working, or at home as it was, and one more call is enough.
#include "tests/unit/sandbox/sandbox_scene.hpp"

namespace knd {
namespace {

/// The names of the devices of the binding.
class Faults : public SandboxScene, public testing::WithParamInterface<std::vector<std::string>> {
  protected:
    void SetUp() override {
        before_ = host();
        plan_ = attach_plan(GetParam());
        auto state = attacher_.inspect(plan_);
        ASSERT_OK(state);
        state_ = *state;
    }

    /// Runs `work`; false when the process "died" in it.
    template <class Work>
    bool survives(Work work) {
        try {
            work();
        } catch (const FakeCrash&) {
            kernel_.no_faults();
            return false;
        }
        kernel_.no_faults();
        return true;
    }

    void expect_home(int call) { EXPECT_EQ(host(), before_) << "call " << call; }
    void expect_in_pod(int call) {
        ASSERT_TRUE(kernel_.has(kPod, "net1")) << "call " << call;
        const auto& state = kernel_.at(kPod, "net1");
        EXPECT_TRUE(state.link.up()) << "call " << call;
        EXPECT_EQ(state.addresses.size(), 2u) << "call " << call;
        EXPECT_EQ(state.routes.size(), 2u) << "call " << call;
    }
    void bring_home(int call) {
        auto detached = attacher_.detach(way_back(plan_, state_));
        EXPECT_TRUE(detached.ok()) << "call " << call << ": " << detached.error().message();
    }

    /// No sweep is longer; one that is has lost its end.
    static constexpr int kMost = 500;
    std::map<std::string, LinkState> before_;
    AttachPlan plan_;
    HostState state_;
};

TEST_P(Faults, OfInspectTouchNothing) {
    for (int call = 1; call < kMost; ++call) {
        kernel_.fail_call(call, EIO);
        const bool done = attacher_.inspect(plan_).ok();
        kernel_.no_faults();
        expect_home(call);
        if (done) return;
    }
    FAIL();
}

TEST_P(Faults, OfAttachLeaveTheHostAsItWas) {
    for (int call = 1; call < kMost; ++call) {
        kernel_.fail_call(call, EIO);
        const bool done = attacher_.attach(plan_, state_).ok();
        kernel_.no_faults();
        if (done) return expect_in_pod(call);
        expect_home(call);
        EXPECT_TRUE(kernel_.rules(kPod).empty()) << "call " << call;
    }
    FAIL();
}

TEST_P(Faults, OfDetachAreMadeGoodByTheNextOne) {
    for (int call = 1; call < kMost; ++call) {
        ASSERT_OK(attacher_.attach(plan_, state_));
        kernel_.fail_call(call, EIO);
        auto detached = attacher_.detach(way_back(plan_, state_));
        const int calls = kernel_.calls();
        kernel_.no_faults();
        if (!detached.ok()) bring_home(call);
        expect_home(call);
        if (calls < call) return;
    }
    FAIL();
}

TEST_P(Faults, OfAllCallsFromOneOnAreMadeGoodByTheNextDetach) {
    for (int call = 1; call < kMost; ++call) {
        kernel_.fail_from(call, EIO);
        const bool done = attacher_.attach(plan_, state_).ok();
        kernel_.no_faults();
        bring_home(call);
        expect_home(call);
        if (done) return;
    }
    FAIL();
}

TEST_P(Faults, CrashInAttachThenDetachIsAsBefore) {
    for (int call = 1; call < kMost; ++call) {
        kernel_.crash_at_call(call);
        const bool done = survives([&] { EXPECT_OK(attacher_.attach(plan_, state_)); });
        bring_home(call);
        expect_home(call);
        if (done) return;
    }
    FAIL();
}

TEST_P(Faults, CrashInAttachThenAttachWorks) {
    for (int call = 1; call < kMost; ++call) {
        kernel_.crash_at_call(call);
        const bool done = survives([&] { EXPECT_OK(attacher_.attach(plan_, state_)); });
        auto again = attacher_.attach(plan_, state_);
        EXPECT_TRUE(again.ok()) << "call " << call << ": " << again.error().message();
        expect_in_pod(call);
        bring_home(call);
        expect_home(call);
        if (done) return;
    }
    FAIL();
}

TEST_P(Faults, CrashInDetachThenDetachIsAsBefore) {
    for (int call = 1; call < kMost; ++call) {
        ASSERT_OK(attacher_.attach(plan_, state_));
        kernel_.crash_at_call(call);
        const bool done = survives([&] { EXPECT_OK(attacher_.detach(way_back(plan_, state_))); });
        bring_home(call);
        expect_home(call);
        if (done) return;
    }
    FAIL();
}

INSTANTIATE_TEST_SUITE_P(Devices, Faults,
                         testing::Values(std::vector<std::string>{"eth1"},
                                         std::vector<std::string>{"dra0"},
                                         std::vector<std::string>{"eth1", "dra0"}),
                         [](const auto& devices) {
                             std::string name;
                             for (const auto& device : devices.param)
                                 name += device;
                             return name;
                         });

/// The pod dies in the same moment as the daemon; only hardware comes back.
TEST_F(SandboxScene, CrashOfDaemonAndPodInAttachThenDetachIsAsBefore) {
    for (int call = 1; call < 500; ++call) {
        const auto before = host();
        const auto pod = "/run/netns/pod" + std::to_string(call);
        kernel_.add_netns(pod);
        auto plan = attach_plan();
        plan.netns.path = pod;
        auto state = attacher_.inspect(plan);
        ASSERT_OK(state);
        bool done = true;
        kernel_.crash_at_call(call);
        try {
            EXPECT_OK(attacher_.attach(plan, *state));
        } catch (const FakeCrash&) {
            done = false;
        }
        kernel_.no_faults();
        kernel_.kill_netns(pod);
        ASSERT_OK(attacher_.detach(way_back(plan, *state)));
        EXPECT_EQ(host(), before) << "call " << call;
        if (done) return;
    }
    FAIL();
}

}  // namespace
}  // namespace knd
