// SPDX-License-Identifier: Apache-2.0
//
// Every call to the kernel fails once, with an error of every kind, and every call is once the last
// one of the process. Whatever happens: the device ends in the pod, working, or on the host as it
// was, one more call is enough, and nothing of the pod's own is touched.
#include <cerrno>

#include "tests/unit/sandbox/sandbox_scene.hpp"

namespace knd {
namespace {

/// One of each kind. EEXIST is a lie of the kernel's here: nothing is there.
constexpr int kErrors[] = {EEXIST,    EIO,           EBUSY,  ENODEV, ENXIO,  ENOENT,
                           ESRCH,     EPERM,         EACCES, EINVAL, ENOMEM, EOPNOTSUPP,
                           ETIMEDOUT, EAGAIN,        EINTR,  ENOSPC, EMFILE, ENOBUFS,
                           ENETDOWN,  EADDRNOTAVAIL, ERANGE, EPROTO};

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
    /// For each error, `run(call, error)` for each call until it answers true.
    template <class Run>
    void sweep(Run run) {
        for (const int error : kErrors) {
            SCOPED_TRACE(std::string("error ") + std::to_string(error));
            int call = 1;
            while (call < kMost && !run(call, error)) {
                ++call;
                ++explored_;
            }
            ASSERT_LT(call, kMost);
            if (HasFailure()) return;
        }
        // Of a device that is made in the pod a return is short.
        EXPECT_GE(explored_, 2 * static_cast<int>(std::size(kErrors)));
    }

    bool has_rdma() const { return !plan_.effects.rdma_links.empty(); }
    void expect_home(int call) {
        EXPECT_EQ(host(), before_) << "call " << call;
        EXPECT_EQ(kernel_.rdma_name(kFakeHome, rdma_), "mlx5_0") << "call " << call;
        EXPECT_EQ(kernel_.links(kPod).size(), 1u) << "call " << call;
        EXPECT_TRUE(kernel_.has(kPod, "eth0")) << "call " << call;
    }
    void expect_in_pod(int call) {
        ASSERT_TRUE(kernel_.has(kPod, "net1")) << "call " << call;
        const auto& state = kernel_.at(kPod, "net1");
        EXPECT_TRUE(state.link.up()) << "call " << call;
        EXPECT_EQ(state.addresses.size(), 2u) << "call " << call;
        EXPECT_EQ(state.routes.size(), 2u) << "call " << call;
        EXPECT_EQ(kernel_.links(kPod).size(), plan_.effects.netdevs.size() + 1) << "call " << call;
        EXPECT_EQ(kernel_.rdma_name(kPod, rdma_), has_rdma() ? "mlx5_0" : "") << "call " << call;
    }
    void attach() {
        auto facts = attacher_.attach(plan_, state_);
        ASSERT_OK(facts);
        facts_ = *facts;
    }
    DetachPlan back() {
        auto plan = way_back(plan_, state_);
        plan.attached = facts_;
        return plan;
    }
    void bring_home(int call) {
        auto detached = attacher_.detach(back());
        EXPECT_TRUE(detached.ok()) << "call " << call << ": " << detached.error().message();
        EXPECT_TRUE(!detached.ok() || detached->lost.empty()) << "call " << call;
    }

    /// No sweep is longer; one that is has lost its end.
    static constexpr int kMost = 500;
    std::map<std::string, LinkState> before_;
    AttachPlan plan_;
    HostState state_;
    std::vector<AttachedFacts> facts_;  ///< what the journal knows
    int explored_ = 0;
};

TEST_P(Faults, OfInspectTouchNothing) {
    sweep([&](int call, int error) {
        kernel_.fail_call(call, error);
        const bool done = attacher_.inspect(plan_).ok();
        kernel_.no_faults();
        expect_home(call);
        // A name that is said not to be there is one that is free.
        const bool free = error == ENODEV || error == ENXIO || error == ENOENT || error == ESRCH;
        return done && (!free || call > 30);
    });
}

TEST_P(Faults, OfAttachLeaveTheHostAsItWas) {
    sweep([&](int call, int error) {
        kernel_.fail_call(call, error);
        const bool done = attacher_.attach(plan_, state_).ok();
        const int calls = kernel_.calls();
        kernel_.no_faults();
        if (!done) {
            expect_home(call);
            EXPECT_TRUE(kernel_.rules(kPod).empty()) << "call " << call;
            return false;
        }
        expect_in_pod(call);
        bring_home(call);
        expect_home(call);
        return calls < call;
    });
}

TEST_P(Faults, OfDetachAreMadeGoodByTheNextOne) {
    sweep([&](int call, int error) {
        attach();
        kernel_.fail_call(call, error);
        auto detached = attacher_.detach(back());
        const int calls = kernel_.calls();
        kernel_.no_faults();
        EXPECT_NE(detached.code(), Code::kNotFound) << "call " << call;
        EXPECT_TRUE(!detached.ok() || detached->lost.empty()) << "call " << call;
        if (!detached.ok()) bring_home(call);
        expect_home(call);
        return calls < call;
    });
}

TEST_P(Faults, OfAllCallsOfADetachFromOneOnAreMadeGoodByTheNextOne) {
    sweep([&](int call, int error) {
        attach();
        kernel_.fail_from(call, error);
        auto detached = attacher_.detach(back());
        const int calls = kernel_.calls();
        kernel_.no_faults();
        EXPECT_NE(detached.code(), Code::kNotFound) << "call " << call;
        if (!detached.ok()) bring_home(call);
        if (calls >= call && detached.ok() && !detached->warnings.empty()) return true;
        expect_home(call);
        return calls < call;
    });
}

TEST_P(Faults, OfAllCallsFromOneOnAreMadeGoodByTheNextDetach) {
    sweep([&](int call, int error) {
        kernel_.fail_from(call, error);
        const bool done = attacher_.attach(plan_, state_).ok();
        kernel_.no_faults();
        bring_home(call);
        expect_home(call);
        return done;
    });
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
        attach();
        kernel_.crash_at_call(call);
        const bool done = survives([&] { EXPECT_OK(attacher_.detach(back())); });
        bring_home(call);
        expect_home(call);
        if (done) return;
    }
    FAIL();
}

INSTANTIATE_TEST_SUITE_P(
    Devices, Faults,
    testing::Values(std::vector<std::string>{"eth1"}, std::vector<std::string>{"dra0"},
                    std::vector<std::string>{"mv0"}, std::vector<std::string>{"eth1", "dra0"},
                    std::vector<std::string>{"ve0"}, std::vector<std::string>{"eth1", "mlx5_0"},
                    std::vector<std::string>{"eth1", "dra0", "mv0", "mlx5_0"}),
    [](const auto& devices) {
        std::string name;
        for (const auto& device : devices.param)
            name += device.substr(0, device.find('_'));
        return name;
    });

/// The pod dies in the same moment as the daemon; only hardware comes back.
TEST_F(SandboxScene, CrashOfDaemonAndPodInAttachThenDetachIsAsBefore) {
    for (int call = 1; call < 500; ++call) {
        const auto before = host();
        const auto pod = "/run/netns/pod" + std::to_string(call);
        kernel_.add_netns(pod);
        auto plan = attach_plan({"eth1", "mv0", "mlx5_0"});
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
        EXPECT_EQ(kernel_.rdma_name(kFakeHome, rdma_), "mlx5_0") << "call " << call;
        if (done) return;
    }
    FAIL();
}

}  // namespace
}  // namespace knd
