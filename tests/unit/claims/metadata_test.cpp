// SPDX-License-Identifier: Apache-2.0
//
// What containers read about their devices: where the files are, what is in them, and when.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "host/claims/metadata.hpp"
#include "tests/fakes/claims_world.hpp"

namespace knd {
namespace {

using fake::ClaimsWorld;
namespace fs = std::filesystem;

constexpr char kInContainer[] = "/var/run/kubernetes.io/dra-device-attributes/";

ino_t inode(const std::string& path) {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_ino;
}

class MetadataTest : public testing::Test {
  protected:
    void SetUp() override { world.start(); }
    void restart() {
        world.kill();
        world.start();
    }
    /// The newest object of a request.
    Json object(const std::string& claim, const std::string& request = "nic") {
        const auto objects = world.metadata(claim, request);
        return objects.empty() ? Json() : objects.front();
    }
    std::int64_t generation(const std::string& claim, const std::string& request = "nic") {
        return json_int(json_at(object(claim, request), "metadata"), "generation");
    }
    /// The mounts of the claim's CDI spec: device name -> mount.
    std::map<std::string, Json> mounts(const std::string& claim) {
        std::map<std::string, Json> found;
        const auto spec = parse_json(ClaimsWorld::read(world.cdi_path(claim)));
        if (!spec) return found;
        for (const auto& device : json_at(*spec, "devices"))
            for (const auto& mount : json_path(device, {"containerEdits", "mounts"}))
                found[json_string(device, "name")] = mount;
        return found;
    }
    std::string place(const std::string& claim, const std::string& request = "nic") {
        return json_string(mounts(claim)["uid-" + claim + "_" + request], "containerPath");
    }
    ClaimsWorld world;
    ClaimRef ref = world.add(ClaimsWorld::claim("a", {"dra0"}));
};

// --- what is in them -----------------------------------------------------------------------------

TEST_F(MetadataTest, IsAnObjectPerVersionNewestFirst) {
    ASSERT_TRUE(world.prepare(ref).ok());
    const auto objects = world.metadata("a");
    ASSERT_EQ(objects.size(), 2u);
    EXPECT_EQ(json_string(objects[0], "apiVersion"), "metadata.resource.k8s.io/v1beta1");
    EXPECT_EQ(json_string(objects[1], "apiVersion"), "metadata.resource.k8s.io/v1alpha1");
    auto same = objects[1];
    same["apiVersion"] = objects[0]["apiVersion"];
    EXPECT_EQ(same, objects[0]);
}

TEST_F(MetadataTest, SaysWhichDeviceItIsBeforeMoreIsKnown) {
    ASSERT_TRUE(world.prepare(ref).ok());
    const auto expected = parse_json(R"({
        "apiVersion": "metadata.resource.k8s.io/v1beta1", "kind": "DeviceMetadata",
        "metadata": {"name": "a", "namespace": "default", "uid": "uid-a", "generation": 1},
        "requests": [{"name": "nic", "devices": [
            {"driver": "knd.dev", "pool": "node", "name": "dra0"}]}]})");
    EXPECT_EQ(object("a"), *expected);
}

TEST_F(MetadataTest, HasTheAttributesOfTheSlice) {
    auto& device = world.process->devices.devices[{"node", "dra0"}];
    device.attributes = {{"knd.dev/ifName", std::string("dra0")},
                         {"knd.dev/mtu", std::int64_t{1500}},
                         {"knd.dev/rdma", false},
                         {"knd.dev/firmware", Version{"1.2.3"}},
                         {"knd.dev/queues", std::vector<std::int64_t>{1, 2}},
                         {"knd.dev/flags", std::vector<bool>{true, false}},
                         {"knd.dev/peers", std::vector<std::string>{"x"}},
                         {"knd.dev/versions", std::vector<Version>{{"1.0.0"}}}};
    ASSERT_TRUE(world.prepare(ref).ok());
    const auto expected = parse_json(R"({
        "knd.dev/ifName": {"string": "dra0"}, "knd.dev/mtu": {"int": 1500},
        "knd.dev/rdma": {"bool": false}, "knd.dev/firmware": {"version": "1.2.3"},
        "knd.dev/queues": {"ints": [1, 2]}, "knd.dev/flags": {"bools": [true, false]},
        "knd.dev/peers": {"strings": ["x"]}, "knd.dev/versions": {"versions": ["1.0.0"]}})");
    EXPECT_EQ(json_at(world.device_metadata("a", "dra0"), "attributes"), *expected);
}

TEST_F(MetadataTest, HasTheNetworkDataOfAnAttachedDevice) {
    ASSERT_TRUE(world.prepare(ref).ok());
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    const auto expected = parse_json(R"({"interfaceName": "dra0", "ips": ["192.0.2.1/24"],
                                         "hardwareAddress": "02:00:00:00:00:01"})");
    EXPECT_EQ(json_at(world.device_metadata("a", "dra0"), "networkData"), *expected);
    EXPECT_EQ(world.metadata("a").size(), 2u);
}

TEST_F(MetadataTest, IsWrittenBeforeAGateOpens) {
    ASSERT_TRUE(world.prepare(ref).ok());
    world.process->observer.should_die = [](std::string_view step) {
        return step == "attach.metadata";
    };
    EXPECT_THROW(static_cast<void>(world.run(world.sandbox("s1"))), fake::Killed);
    EXPECT_TRUE(world.device_metadata("a", "dra0").contains("networkData"));
    EXPECT_EQ(world.marker("s1", "a"), "");
}

TEST_F(MetadataTest, HasNoNetworkDataOfADeviceThatIsNoInterface) {
    Effects nodes;
    nodes.nodes = {{"/dev/null", 0666}};
    world.process->backend.effects["dra0"] = nodes;
    ASSERT_TRUE(world.prepare(ref).ok());
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    EXPECT_EQ(world.state("a", "dra0"), "attached");
    EXPECT_FALSE(world.device_metadata("a", "dra0").contains("networkData"));
    EXPECT_EQ(generation("a"), 1) << "nothing has changed";
}

TEST_F(MetadataTest, IsOneFilePerRequest) {
    auto claim = ClaimsWorld::claim("b", {"dra0", "dra1", "dra2"});
    claim.devices[1].request = "storage";
    ASSERT_TRUE(world.prepare(world.add(claim)).ok());
    const auto names = [&](const std::string& request) {
        std::vector<std::string> found;
        const auto whole = object("b", request);
        for (const auto& device : whole.at("requests").at(0).at("devices"))
            found.push_back(json_string(device, "name"));
        return found;
    };
    EXPECT_EQ(names("nic"), (std::vector<std::string>{"dra0", "dra2"}));
    EXPECT_EQ(names("storage"), (std::vector<std::string>{"dra1"}));
}

TEST_F(MetadataTest, NamesTheSubrequestInTheFileOfItsRequest) {
    auto claim = ClaimsWorld::claim("b", {"dra0"});
    claim.devices[0].request = "nic/fast";
    ref = world.add(claim);
    ASSERT_TRUE(world.prepare(ref).ok());
    EXPECT_EQ(object("b").at("requests").at(0).at("name"), "nic/fast");
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    EXPECT_EQ(object("b").at("requests").at(0).at("name"), "nic/fast");
    EXPECT_TRUE(world.device_metadata("b", "dra0").contains("networkData"));
    EXPECT_EQ(generation("b"), 2);
    ASSERT_TRUE(world.unprepare(ref).ok());
    EXPECT_FALSE(fs::exists(world.metadata_path("b")));
}

TEST_F(MetadataTest, SaysWhatThePodCallsTheClaimOfATemplate) {
    ASSERT_TRUE(world.prepare(ref).ok());
    EXPECT_FALSE(object("a").contains("podClaimName"));
    auto claim = ClaimsWorld::claim("pod-net-x7", {"dra1"});
    claim.pod_claim_name = "net";
    ASSERT_TRUE(world.prepare(world.add(claim)).ok());
    EXPECT_EQ(json_string(object("pod-net-x7"), "podClaimName"), "net");
}

// --- where they are ------------------------------------------------------------------------------

TEST_F(MetadataTest, IsMountedReadOnlyFromTheNode) {
    ASSERT_TRUE(world.prepare(ref).ok());
    const Json expected = {
        {"hostPath", world.metadata_path("a")},
        {"containerPath", std::string(kInContainer) + "resourceclaims/a/nic/knd.dev-metadata.json"},
        {"options", {"ro", "bind"}}};
    EXPECT_EQ(mounts("a"), (std::map<std::string, Json>{{"uid-a_nic", expected}}));
}

TEST_F(MetadataTest, OfATemplatesClaimIsWhereThePodKnowsIt) {
    auto claim = ClaimsWorld::claim("pod-net-x7", {"dra1"});
    claim.pod_claim_name = "net";
    ASSERT_TRUE(world.prepare(world.add(claim)).ok());
    const auto expected =
        std::string(kInContainer) + "resourceclaimtemplates/net/nic/knd.dev-metadata.json";
    EXPECT_EQ(place("pod-net-x7"), expected);
    restart();
    fs::remove(world.cdi_path("pod-net-x7"));
    restart();
    EXPECT_EQ(place("pod-net-x7"), expected) << "the journal knows";
}

TEST_F(MetadataTest, OfASubrequestIsWhereItsRequestIs) {
    auto claim = ClaimsWorld::claim("b", {"dra0"});
    claim.devices[0].request = "nic/fast";
    ASSERT_TRUE(world.prepare(world.add(claim)).ok());
    EXPECT_EQ(place("b"), std::string(kInContainer) + "resourceclaims/b/nic/knd.dev-metadata.json");
}

TEST_F(MetadataTest, LeavesNoDirectory) {
    for (const std::string name : {"../../../etc", ".", "..", "a/b", "-a"}) {
        auto claim = ClaimsWorld::claim("b", {"dra1"});
        claim.pod_claim_name = name;
        EXPECT_EQ(world.refusal(claim),
                  "claim default/b: device metadata: annotation "
                  "resource.kubernetes.io/pod-claim-name: \"" +
                      name + "\" cannot be part of a path");
    }
    for (const std::string name : {"", ".", "..", "../nic", "-a"}) {
        auto claim = ClaimsWorld::claim("b", {"dra1"});
        claim.devices[0].request = name;
        EXPECT_TRUE(world.refusal(claim).ends_with(" cannot be part of a path")) << name;
    }
    EXPECT_EQ(world.state("b", "dra1"), "");
    EXPECT_FALSE(fs::exists(world.cdi_path("b")));
    EXPECT_FALSE(fs::exists(fs::path(world.metadata_path("b")).parent_path()));
}

TEST_F(MetadataTest, CanBeReadByUsersThatAreNotRoot) {
    const auto before = ::umask(0077);
    ASSERT_TRUE(world.prepare(ref).ok());
    ::umask(before);
    const auto mode = fs::status(world.metadata_path("a")).permissions();
    EXPECT_EQ(mode, fs::perms{0644});
}

// --- their life ----------------------------------------------------------------------------------

TEST_F(MetadataTest, KeepsTheInodeThatContainersHaveMounted) {
    ASSERT_TRUE(world.prepare(ref).ok());
    const auto before = inode(world.metadata_path("a"));
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.run(pod).ok());
    EXPECT_EQ(inode(world.metadata_path("a")), before);
    restart();
    ASSERT_TRUE(world.synchronize({pod}).ok());
    EXPECT_EQ(inode(world.metadata_path("a")), before);
}

TEST_F(MetadataTest, HasAGenerationOfItsOwnAfterEachRewrite) {
    ASSERT_TRUE(world.prepare(ref).ok());
    EXPECT_EQ(generation("a"), 1);
    const auto first = world.sandbox("s1");
    ASSERT_TRUE(world.run(first).ok());
    EXPECT_EQ(generation("a"), 2);
    ASSERT_TRUE(world.stop(first).ok());
    restart();
    EXPECT_EQ(generation("a"), 3) << "it is at home again";
    EXPECT_FALSE(world.device_metadata("a", "dra0").contains("networkData"));
    ASSERT_TRUE(world.run(world.sandbox("s2")).ok());
    EXPECT_EQ(generation("a"), 4);
}

TEST_F(MetadataTest, GrowsWithEachDeviceThatIsAttached) {
    ref = world.add(ClaimsWorld::claim("b", {"dra0", "dra1"}));
    ASSERT_TRUE(world.prepare(ref).ok());
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    EXPECT_GT(generation("b"), 1);
    EXPECT_TRUE(world.device_metadata("b", "dra0").contains("networkData"));
    EXPECT_TRUE(world.device_metadata("b", "dra1").contains("networkData"));
}

TEST_F(MetadataTest, StaysAsItIsWhenPreparedAgain) {
    ASSERT_TRUE(world.prepare(ref).ok());
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.run(pod).ok());
    const auto before = ClaimsWorld::read(world.metadata_path("a"));
    ASSERT_TRUE(world.prepare(ref).ok());
    EXPECT_EQ(ClaimsWorld::read(world.metadata_path("a")), before);
    restart();
    ASSERT_TRUE(world.synchronize({pod}).ok());
    ASSERT_TRUE(world.prepare(ref).ok());
    EXPECT_EQ(ClaimsWorld::read(world.metadata_path("a")), before);
}

TEST_F(MetadataTest, GoesWithUnprepare) {
    auto claim = ClaimsWorld::claim("b", {"dra0", "dra1"});
    claim.devices[1].request = "storage";
    ref = world.add(claim);
    ASSERT_TRUE(world.prepare(ref).ok());
    ASSERT_TRUE(world.unprepare(ref).ok());
    EXPECT_FALSE(fs::exists(fs::path(world.metadata_path("b")).parent_path()));
    EXPECT_FALSE(fs::exists(world.cdi_path("b")));
    EXPECT_TRUE(world.unprepare(ref).ok()) << "a second time";
    EXPECT_TRUE(world.unprepare({"default", "unknown", "uid-unknown"}).ok());
}

TEST_F(MetadataTest, OfAnUnknownClaimIsRemovedByTheNextStart) {
    ASSERT_TRUE(world.prepare(ref).ok());
    const auto ghost = world.metadata_path("ghost");
    fs::create_directories(fs::path(ghost).parent_path());
    std::ofstream(ghost) << "{}";
    restart();
    EXPECT_FALSE(fs::exists(fs::path(ghost).parent_path()));
    EXPECT_TRUE(fs::exists(world.metadata_path("a")));
}

TEST_F(MetadataTest, IsRepairedByTheNextStart) {
    ASSERT_TRUE(world.prepare(ref).ok());
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.run(pod).ok());
    const auto path = world.metadata_path("a");
    const auto whole = world.device_metadata("a", "dra0");
    for (const auto size : {200u, 0u}) {
        const auto node = inode(path);
        const auto before = generation("a");
        fs::resize_file(path, size);
        restart();
        ASSERT_TRUE(world.synchronize({pod}).ok());
        EXPECT_EQ(world.device_metadata("a", "dra0"), whole) << size;
        EXPECT_EQ(generation("a"), size == 0 ? 1 : before + 1);
        EXPECT_EQ(inode(path), node);
    }
    fs::remove_all(world.options.run_dir + "/metadata");
    ASSERT_TRUE(world.prepare(ref).ok());
    EXPECT_EQ(world.device_metadata("a", "dra0"), whole) << "by the kubelet's next call as well";
}

TEST_F(MetadataTest, IsCutOffWhereAShorterOneEnds) {
    ASSERT_TRUE(world.prepare(ref).ok());
    std::ofstream(world.metadata_path("a"), std::ios::app) << std::string(5000, 'x');
    restart();
    EXPECT_EQ(world.metadata("a").size(), 2u);
}

// --- failures ------------------------------------------------------------------------------------

TEST_F(MetadataTest, ThatCannotBeWrittenFailsThePrepare) {
    std::ofstream(world.options.run_dir + "/metadata") << "in the way";
    const auto refused = world.prepare(ref);
    ASSERT_FALSE(refused.ok());
    EXPECT_TRUE(refused.error().message().starts_with("claim default/a: device metadata: create " +
                                                      world.options.run_dir + "/metadata/knd.dev/"))
        << refused.error().message();
    EXPECT_EQ(world.state("a", "dra0"), "");
    EXPECT_TRUE(world.hardware.prepared.empty());
    fs::remove(world.options.run_dir + "/metadata");
    EXPECT_TRUE(world.prepare(ref).ok()) << "and the next one may succeed";
}

TEST_F(MetadataTest, ThatCannotBeWrittenFailsTheAttach) {
    ASSERT_TRUE(world.prepare(ref).ok());
    const auto path = world.metadata_path("a");
    fs::remove(path);
    fs::create_directory(path);
    const auto pod = world.sandbox("s1");
    ASSERT_TRUE(world.run(pod).ok());
    EXPECT_EQ(world.state("a", "dra0"), "failed");
    EXPECT_TRUE(world.node.is_home("dra0"));
    const auto marker = world.marker("s1", "a");
    EXPECT_TRUE(marker.starts_with("failed: ")) << marker;
    EXPECT_NE(marker.find("device dra0: device metadata: open " + path), std::string::npos)
        << marker;
    fs::remove(path);
    EXPECT_FALSE(world.create(pod, Container{}).ok()) << "tells why, and tries again";
    EXPECT_EQ(world.marker("s1", "a"), "attached\n");
    EXPECT_TRUE(world.device_metadata("a", "dra0").contains("networkData"));
}

TEST(MetadataFiles, HaveNothingOfAnUnknownRequestOrClaim) {
    ClaimsWorld world;
    const MetadataFiles files("knd.dev", world.options.run_dir);
    BindingRecord record;
    record.claim = {"default", "a", "uid-a"};
    record.request = "nic";
    EXPECT_EQ(files.write({&record}, "other").code(), Code::kNotFound);
    EXPECT_EQ(files.write({}, "nic").code(), Code::kNotFound);
    EXPECT_FALSE(files.exist("uid-a"));
    EXPECT_TRUE(files.remove("uid-a").ok());
    EXPECT_FALSE(files.remove("..").ok());
}

// --- the switch ----------------------------------------------------------------------------------

TEST_F(MetadataTest, CanBeSwitchedOff) {
    world.options.metadata = false;
    restart();
    const auto devices = world.prepare(ref);
    ASSERT_TRUE(devices.ok());
    EXPECT_EQ(devices->front().cdi_ids, std::vector<std::string>{"knd.dev/claim=uid-a"});
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    EXPECT_EQ(world.state("a", "dra0"), "attached");
    EXPECT_FALSE(fs::exists(world.options.run_dir + "/metadata"));
    EXPECT_TRUE(mounts("a").empty());
}

TEST_F(MetadataTest, StaysWithAClaimThatHasIt) {
    const auto before = world.prepare(ref);
    world.options.metadata = false;
    restart();
    EXPECT_EQ(mounts("a").size(), 1u) << "the kubelet asks for the id when a container restarts";
    const auto again = world.prepare(ref);
    ASSERT_TRUE(before.ok() && again.ok());
    EXPECT_EQ(*before, *again);
    ASSERT_TRUE(world.run(world.sandbox("s1")).ok());
    EXPECT_TRUE(world.device_metadata("a", "dra0").contains("networkData"));
    ASSERT_TRUE(world.unprepare(ref).ok());
    EXPECT_FALSE(fs::exists(world.metadata_path("a")));
}

}  // namespace
}  // namespace knd
