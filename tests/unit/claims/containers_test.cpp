// SPDX-License-Identifier: Apache-2.0
//
// Which containers get what a claim has for those that list it, with CDI on and off.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/fakes/claims_world.hpp"

namespace knd {
namespace {

using fake::ClaimsWorld;

class ContainersTest : public testing::Test {
  protected:
    void SetUp() override { start({"containerd", "2.1.9", ""}); }
    void start(const RuntimeInfo& runtime) {
        world.start();
        world.claims().runtime_connected(runtime);
    }
    void restart(const RuntimeInfo& runtime) {
        world.kill();
        start(runtime);
        give(effects);
    }
    void give(const Effects& wanted) {
        effects = wanted;
        world.process->backend.effects["dra0"] = wanted;
    }
    static Effects nodes() {
        Effects effects;
        effects.nodes = {{"/dev/null", 0666, "/dev/nic0", "rwm", 1000, -1}};
        effects.env = {{"PORT", "1"}};
        return effects;
    }
    /// A pod with the claim, attached.
    PodSandbox pod() {
        EXPECT_TRUE(world.prepare(ref).ok());
        const auto sandbox = world.sandbox("s1");
        EXPECT_TRUE(world.run(sandbox).ok());
        return sandbox;
    }
    Container container(bool hooked = false) const {
        Container c;
        c.id = "c1";
        c.sandbox_id = "s1";
        c.name = "main";
        if (hooked)
            c.create_runtime_hooks = {
                {world.options.gate.path, {"knd-gate", "--claim", "uid-a"}, {}, 0}};
        return c;
    }
    bool gets_all(const PodSandbox& sandbox, const Container& c) {
        const auto edits = world.create(sandbox, c);
        EXPECT_TRUE(edits.ok()) << edits.error().message();
        return edits.ok() && edits->devices.size() == 1 && edits->env == effects.env;
    }
    bool gets_nothing(const PodSandbox& sandbox, const Container& c) {
        const auto edits = world.create(sandbox, c);
        EXPECT_TRUE(edits.ok()) << edits.error().message();
        return edits.ok() && edits->devices.empty() && edits->env.empty();
    }

    ClaimsWorld world;
    Effects effects;
    ClaimRef ref = world.add(ClaimsWorld::claim("a", {"dra0"}));
};

TEST_F(ContainersTest, ANodeHasItsPathOwnerAndAccess) {
    give(nodes());
    const auto edits = world.create(pod(), container(true));
    ASSERT_TRUE(edits.ok()) << edits.error().message();
    ASSERT_EQ(edits->devices.size(), 1u);
    const auto& node = edits->devices[0];
    EXPECT_EQ(node.path, "/dev/nic0");
    EXPECT_EQ(node.uid, 1000u);
    EXPECT_EQ(node.gid, 0u);
    EXPECT_EQ(node.access, "rwm");
}

TEST_F(ContainersTest, ANodeNamedInSysfsIsWhatTheKernelCallsItNow) {
    Effects wanted;
    wanted.nodes = {{"/sys/class/mem/nul*", 0666}, {"/sys/class/mem/zero", 0600}};
    give(wanted);
    const auto edits = world.create(pod(), container(true));
    ASSERT_TRUE(edits.ok()) << edits.error().message();
    ASSERT_EQ(edits->devices.size(), 2u);
    EXPECT_EQ(edits->devices[0].path, "/dev/null");
    EXPECT_EQ(edits->devices[0].minor, 3u);
    EXPECT_EQ(edits->devices[1].path, "/dev/zero");
    EXPECT_EQ(edits->devices[1].mode, 0600u);
}

TEST_F(ContainersTest, AContainerIsRefusedWhereSysfsHasNoSuchDevice) {
    Effects wanted;
    wanted.nodes = {{"/sys/class/mem/nosuch*", 0666}};
    give(wanted);
    const auto edits = world.create(pod(), container(true));
    ASSERT_FALSE(edits.ok());
    EXPECT_NE(edits.error().message().find("no device node belongs to /sys/class/mem/nosuch*"),
              std::string::npos)
        << edits.error().message();
}

TEST_F(ContainersTest, WithCdiOnThoseWithoutTheHookDoNotListTheClaim) {
    for (const auto& runtime : {RuntimeInfo{"containerd", "v2.1.9", ""},
                                RuntimeInfo{"cri-o", "1.34.1", ""}, RuntimeInfo{"x", "1", "0.9"}}) {
        SCOPED_TRACE(runtime.name);
        world.kill();
        start(runtime);
        give(nodes());
        const auto sandbox = pod();
        EXPECT_TRUE(gets_all(sandbox, container(true)));
        EXPECT_TRUE(gets_nothing(sandbox, container()));
        EXPECT_EQ(world.claims().blind_spot(), "");
        ASSERT_TRUE(world.remove(sandbox).ok());
        ASSERT_TRUE(world.unprepare(ref).ok());
    }
}

TEST_F(ContainersTest, WithCdiOffTheContainerIsRefused) {
    restart({"containerd", "1.7.24", ""});
    give(nodes());
    const auto edits = world.create(pod(), container());
    ASSERT_FALSE(edits.ok());
    EXPECT_EQ(edits.error().message(),
              "pod default/pod-1: claim default/a: device dra0: it has device nodes, mounts, "
              "variables or limits for the containers that list it, and containerd 1.7.24 has CDI "
              "off and does not tell which containers list a claim; switch CDI on there "
              "(enable_cdi = true), or let all containers of the pod have them (nri.without_cdi = "
              "\"all\")");
    EXPECT_NE(world.claims().blind_spot(), "");
}

TEST_F(ContainersTest, WithCdiOffAllGetItWhereTomlSaysSoAndThePodIsToldOnce) {
    world.options.nri.without_cdi = WithoutCdi::kAll;
    restart({"containerd", "1.7.24", ""});
    give(nodes());
    const auto sandbox = pod();
    EXPECT_TRUE(gets_all(sandbox, container()));
    EXPECT_TRUE(gets_all(sandbox, container()));
    ASSERT_EQ(world.process->source.events.size(), 1u);
    EXPECT_TRUE(world.process->source.events[0].starts_with(
        "Warning ClaimNotConfined pod default/pod-1: every container gets"))
        << world.process->source.events[0];
}

TEST_F(ContainersTest, WithCdiOffADeviceThatOnlyMovesIsNoTrouble) {
    restart({"containerd", "1.7.24", ""});
    world.process->backend.effects.clear();
    const auto edits = world.create(pod(), container());
    ASSERT_TRUE(edits.ok()) << edits.error().message();
    EXPECT_EQ(edits->create_runtime_hooks.size(), 1u);
}

TEST_F(ContainersTest, AHookThatCdiInjectedShowsThatItIsOn) {
    restart({"containerd", "1.7.24", ""});
    give(nodes());
    const auto sandbox = pod();
    EXPECT_TRUE(gets_all(sandbox, container(true)));
    EXPECT_TRUE(gets_nothing(sandbox, container()));
    EXPECT_EQ(world.claims().blind_spot(), "");
}

TEST_F(ContainersTest, ARuntimeThatTellsCdiDevicesNeedsNoHook) {
    world.options.nri.cdi = CdiMode::kOff;
    restart({"containerd", "2.4.0", "0.12.3"});
    give(nodes());
    const auto sandbox = pod();
    auto listing = container();
    listing.cdi_devices = {"knd.dev/claim=uid-a", "knd.dev/claim=uid-a_nic"};
    EXPECT_TRUE(gets_all(sandbox, listing));
    EXPECT_TRUE(gets_nothing(sandbox, container()));
    auto other = container();
    other.cdi_devices = {"knd.dev/claim=uid-ab"};
    EXPECT_TRUE(gets_nothing(sandbox, other));
}

TEST_F(ContainersTest, LimitsOfTwoDevicesAddUpToTheHigherOne) {
    Effects some;
    some.rlimits = {{"RLIMIT_MEMLOCK", 10, 20}, {"RLIMIT_MEMLOCK", 30, UINT64_MAX}};
    some.rdma_limits = {{"mlx5_0", 2, -1}};
    give(some);
    const auto edits = world.create(pod(), container(true));
    ASSERT_TRUE(edits.ok()) << edits.error().message();
    EXPECT_EQ(edits->rlimits, (std::vector<Rlimit>{{"RLIMIT_MEMLOCK", 30, UINT64_MAX}}));
    EXPECT_EQ(edits->unified.at("rdma.max"), "mlx5_0 hca_handle=2 hca_object=max");
}

TEST_F(ContainersTest, LimitsOfTwoRdmaDevicesAreRefused) {
    Effects some;
    some.rdma_limits = {{"mlx5_0", 2, -1}, {"mlx5_1", 2, -1}};
    give(some);
    const auto edits = world.create(pod(), container(true));
    ASSERT_FALSE(edits.ok());
    EXPECT_NE(edits.error().message().find("limits of two RDMA devices"), std::string::npos);
}

TEST_F(ContainersTest, TheSourceOfAMountGetsItsOwner) {
    if (::getuid() != 0) GTEST_SKIP() << "only root may give files away";
    const auto source = world.directory + "/socket";
    std::ofstream(source) << "x";
    Effects some;
    some.mounts = {{{source, "/run/socket", false, {"nosuid"}}, 1000, 1001}};
    give(some);
    const auto edits = world.create(pod(), container(true));
    ASSERT_TRUE(edits.ok()) << edits.error().message();
    struct stat info {};
    ASSERT_EQ(::stat(source.c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, 1000u);
    EXPECT_EQ(info.st_gid, 1001u);
    EXPECT_EQ(edits->mounts.at(0).options, std::vector<std::string>{"nosuid"});
}

TEST_F(ContainersTest, TheSourceOfAMountIsNoLinkToSomethingElse) {
    const auto source = world.directory + "/link";
    std::filesystem::create_symlink("/etc/passwd", source);
    Effects some;
    some.mounts = {{{source, "/x", false, {}}, 1000, 1000}};
    give(some);
    const auto edits = world.create(pod(), container(true));
    ASSERT_FALSE(edits.ok());
    EXPECT_NE(edits.error().message().find("is a symbolic link"), std::string::npos);
}

TEST_F(ContainersTest, TwoDevicesDoNotMountDifferentThingsInOnePlace) {
    Effects some;
    some.mounts = {{{"/a", "/x", false, {}}, -1, -1}, {{"/b", "/x", false, {}}, -1, -1}};
    give(some);
    const auto edits = world.create(pod(), container(true));
    ASSERT_FALSE(edits.ok());
    EXPECT_NE(edits.error().message().find("two devices want different things at /x"),
              std::string::npos);
}

/// A predecessor's "no" is of an attempt that is over: the gate of a container must not read it.
TEST_F(ContainersTest, AMarkerOfFailureDoesNotOutliveTheDaemonThatWroteIt) {
    world.node.kernel.fault = [](std::string_view step, const std::string&) {
        return step == "address" ? std::optional(Error(Code::kUnavailable, "link is busy"))
                                 : std::nullopt;
    };
    const auto sandbox = pod();
    ASSERT_TRUE(world.marker("s1", "a").starts_with("failed: "));
    world.kill();
    world.node.kernel.no_faults();
    world.boot();
    ASSERT_TRUE(world.claims().load().ok());
    world.claims().recover([] {});
    world.settle();
    world.claims().synchronize({sandbox}, {}, [](const Result<void>&) {});
    EXPECT_EQ(world.marker("s1", "a"), "") << "while the attach is under way";
    world.settle();
    EXPECT_EQ(world.marker("s1", "a"), "attached\n");
}

}  // namespace
}  // namespace knd
