// SPDX-License-Identifier: Apache-2.0
//
// Each kind of effect in real containers: of containerd 1.7 and 2.x, with CDI on and off, and of
// CRI-O. What a claim has for containers is in those that list it, and in no other.
#include <sys/stat.h>

#include "tests/host/node/runtime_fixture.hpp"

namespace knd::testing {
namespace {

class EffectsTest : public RuntimeTest {
  protected:
    std::string backend_directory() const override { return KND_BINARY_DIR "/host_backends"; }
    std::string backends() const override {
        return "[[backend]]\nname = \"effects\"\nlibrary = \"knd-effects.so\"\n"
               "[backend.config]\nparent = \"nic0\"\ndirectory = \"{dir}/shared\"\n";
    }
    void SetUp() override {
        RuntimeTest::SetUp();
        if (node_) std::filesystem::create_directories(node_->directory() / "shared");
    }

    /// A prepared claim for `pod` on eff0; its CDI ids.
    std::vector<std::string> prepare_effects(const CriPod& pod, const std::string& link,
                                             const Json& network = Json::object()) {
        Json parameters = network;
        parameters["link"] = link;
        auto claim = node_->make_claim("claim-" + pod.name, {"eff0"}, pod.uid, parameters);
        EXPECT_TRUE(claim.ok()) << claim.error().message();
        if (!claim) return {};
        claim_ = *claim;
        const auto prepared = node_->prepare(claim_);
        EXPECT_TRUE(prepared.ok()) << prepared.error().message();
        return prepared && !prepared->empty() ? prepared->front().cdi_ids
                                              : std::vector<std::string>();
    }
    std::string in(const std::string& container, const std::string& command) {
        const auto seen = runtime_->cri().exec(container, {"/bin/sh", "-c", command});
        return seen ? *seen : "error: " + seen.error().message();
    }
    std::string start(const std::string& sandbox, const CriPod& pod, CriContainer container) {
        std::string id;
        const auto started = start_container(sandbox, pod, container, &id);
        EXPECT_TRUE(started.ok()) << started.error().message();
        return started ? id : "";
    }
    void expect_all(const std::string& container) {
        EXPECT_EQ(in(container, "stat -c '%t %T %a %u %g' /dev/effect0"), "1 3 640 1000 1001\n");
        EXPECT_EQ(in(container, "echo x >/dev/effect0 && echo open"), "open\n");
        EXPECT_EQ(in(container, "stat -c '%u %g' /effect"), "1000 1001\n");
        const auto mount = in(container, "grep ' /effect ' /proc/self/mountinfo");
        EXPECT_NE(mount.find("nosuid"), std::string::npos) << mount;
        EXPECT_NE(mount.find("noexec"), std::string::npos) << mount;
        EXPECT_EQ(in(container, "echo $EFFECT_PORT"), "eff0 of default/claim-p1\n");
        // Of the container's process: what is executed in it later has limits of its own.
        EXPECT_EQ(in(container, "awk '/Max locked memory/ {print $4, $5}' /proc/1/limits"),
                  "65536 1048576\n");
    }
    void expect_nothing(const std::string& container) {
        EXPECT_EQ(in(container, "ls -d /dev/effect0 /effect 2>/dev/null; echo \"[$EFFECT_PORT]\""),
                  "[]\n");
    }
    /// The object that a container reads of its device.
    Json metadata(const std::string& container) {
        const auto text = in(container,
                             "head -n 1 /var/run/kubernetes.io/dra-device-attributes/"
                             "resourceclaims/claim-p1/nic/dra.net-metadata.json");
        const auto object = parse_json(text);
        EXPECT_TRUE(object.ok()) << text;
        return object ? json_at(*object, "requests").at(0).at("devices").at(0) : Json::object();
    }
};

TEST_P(EffectsTest, AreInTheContainersThatListTheClaimAlone) {
    const CriPod pod{"p1", "uid-1"};
    const auto cdi = prepare_effects(pod, "none");
    auto sandbox = runtime_->cri().run_pod(pod);
    ASSERT_TRUE(sandbox.ok()) << sandbox.error().message();
    const auto lists = start(*sandbox, pod, {.name = "lists", .cdi_ids = cdi});
    const auto other = start(*sandbox, pod, {.name = "other"});
    expect_all(lists);
    expect_nothing(other);
    const auto device = metadata(lists);
    EXPECT_EQ(json_path(device, {"attributes", "dra.net/guid", "string"}), "0002:c903");
    EXPECT_EQ(json_path(device, {"networkData", "interfaceName"}), "ib9");
    const auto object = node_->claim_object(claim_);
    ASSERT_TRUE(object.ok());
    EXPECT_EQ(json_string(json_path(*object, {"status", "devices"}).at(0).at("networkData"),
                          "interfaceName"),
              "ib9");
    end_pod(*sandbox);
    EXPECT_TRUE(node_->unprepare(claim_).ok());
}

TEST_P(EffectsTest, AnInterfaceIsMadeInThePodAndGoneWithTheClaim) {
    const CriPod pod{"p1", "uid-1"};
    const auto cdi = prepare_effects(
        pod, "macvlan", {{"interface", {{"addresses", {"192.0.2.20/24"}}, {"mtu", 1300}}}});
    auto sandbox = runtime_->cri().run_pod(pod);
    ASSERT_TRUE(sandbox.ok()) << sandbox.error().message();
    const auto id = start(*sandbox, pod, {.cdi_ids = cdi});
    const auto seen = in(id, "ip addr show made0");
    EXPECT_NE(seen.find("192.0.2.20/24"), std::string::npos) << seen;
    EXPECT_NE(seen.find("mtu 1300"), std::string::npos) << seen;
    EXPECT_NE(seen.find("02:00:00:00:0e:01"), std::string::npos) << seen;
    expect_ping(id);
    EXPECT_TRUE(on_host()) << "its parent stays";
    EXPECT_EQ(json_path(metadata(id), {"networkData", "interfaceName"}), "made0");
    // Given up while the pod lives: the interface goes, the pod's own stay.
    EXPECT_TRUE(node_->unprepare(claim_).ok());
    EXPECT_NE(in(id, "ip link show made0 2>&1").find("error"), std::string::npos);
    EXPECT_NE(in(id, "ip link show eth0").find("eth0"), std::string::npos);
    end_pod(*sandbox);
    expect_home();
}

TEST_P(EffectsTest, AnInterfaceThatItsBackendMakesIsConfigured) {
    const CriPod pod{"p1", "uid-1"};
    const auto cdi = prepare_effects(
        pod, "backend", {{"interface", {{"name", "made0"}, {"addresses", {"198.51.100.7/24"}}}}});
    auto sandbox = runtime_->cri().run_pod(pod);
    ASSERT_TRUE(sandbox.ok()) << sandbox.error().message();
    const auto id = start(*sandbox, pod, {.cdi_ids = cdi});
    const auto seen = in(id, "ip addr show made0");
    EXPECT_NE(seen.find("198.51.100.7/24"), std::string::npos) << seen;
    EXPECT_EQ(json_path(metadata(id), {"networkData", "ips"}), Json::array({"198.51.100.7/24"}));
    end_pod(*sandbox);
    EXPECT_TRUE(node_->unprepare(claim_).ok());
}

class EffectsWithoutCdi : public EffectsTest {
  protected:
    bool cdi() const override { return false; }
    std::string nri_settings() const override { return "cdi = \"off\"\n"; }
};

TEST_P(EffectsWithoutCdi, AreRefusedWithAReason) {
    const CriPod pod{"p1", "uid-1"};
    const auto cdi = prepare_effects(pod, "none");
    auto sandbox = runtime_->cri().run_pod(pod);
    ASSERT_TRUE(sandbox.ok()) << sandbox.error().message();
    const auto refused = start_container(*sandbox, pod, {.cdi_ids = cdi});
    if (refused.ok()) {
        // NRI 0.12 tells which container lists what, CDI or not.
        expect_all(containers_.back());
    } else {
        EXPECT_NE(refused.error().message().find("nri.without_cdi"), std::string::npos)
            << refused.error().message();
    }
    end_pod(*sandbox);
    EXPECT_TRUE(node_->unprepare(claim_).ok());
}

class EffectsForAll : public EffectsTest {
  protected:
    bool cdi() const override { return false; }
    std::string nri_settings() const override { return "cdi = \"off\"\nwithout_cdi = \"all\"\n"; }
};

TEST_P(EffectsForAll, AreInEveryContainerAndAnEventSaysSo) {
    const CriPod pod{"p1", "uid-1"};
    const auto cdi = prepare_effects(pod, "none");
    auto sandbox = runtime_->cri().run_pod(pod);
    ASSERT_TRUE(sandbox.ok()) << sandbox.error().message();
    const auto id = start(*sandbox, pod, {.cdi_ids = cdi});
    expect_all(id);
    const auto events = node_->events("p1");
    const bool told = std::any_of(events.begin(), events.end(), [](const std::string& event) {
        return event.find("ClaimNotConfined") != std::string::npos;
    });
    // Not where the runtime tells which container lists it.
    EXPECT_EQ(told, node_->daemon_log().find("cannot be confined") != std::string::npos)
        << node_->daemon_log();
    end_pod(*sandbox);
    EXPECT_TRUE(node_->unprepare(claim_).ok());
}

INSTANTIATE_TEST_SUITE_P(Real, EffectsTest, kAll, kind_name);
INSTANTIATE_TEST_SUITE_P(Real, EffectsWithoutCdi, kWithSwitchForCdi, kind_name);
INSTANTIATE_TEST_SUITE_P(Real, EffectsForAll, kWithSwitchForCdi, kind_name);

}  // namespace
}  // namespace knd::testing
