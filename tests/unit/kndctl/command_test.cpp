// SPDX-License-Identifier: Apache-2.0
//
// Runs kndctl on the example input, as a user would.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "host/model/yaml.hpp"

namespace knd {
namespace {

struct Outcome {
    int status = -1;
    std::string output;  ///< stdout
    std::string errors;  ///< stderr
};

class Command : public testing::Test {
  protected:
    Command() {
        char name[] = "/tmp/kndctl-test-XXXXXX";
        directory_ = mkdtemp(name);
    }
    ~Command() override { std::filesystem::remove_all(directory_); }

    std::string file(const std::string& name, const std::string& text) const {
        const auto path = directory_ + "/" + name;
        std::ofstream(path) << text;
        return path;
    }

    Outcome run(const std::string& arguments) const {
        const auto errors = directory_ + "/stderr";
        const auto command =
            "env -u KUBECONFIG HOME=" + directory_ + " " KNDCTL " " + arguments + " 2>" + errors;
        Outcome out;
        FILE* pipe = popen(command.c_str(), "r");
        char buffer[4096];
        for (std::size_t size; (size = fread(buffer, 1, sizeof buffer, pipe)) > 0;)
            out.output.append(buffer, size);
        out.status = WEXITSTATUS(pclose(pipe));
        std::ifstream stream(errors);
        out.errors.assign(std::istreambuf_iterator<char>(stream), {});
        return out;
    }

    static std::string example(const std::string& name) { return EXAMPLES "/" + name; }
    static std::string with_cluster(const std::string& name) {
        return "-f " + example("cluster.yaml") + " -f " + example(name) + " ";
    }

    std::string directory_;
};

TEST_F(Command, SimulateExitsWith0WhenANodeFits) {
    const auto outcome = run("simulate " + with_cluster("pair.yaml"));
    EXPECT_EQ(outcome.status, 0) << outcome.errors;
    EXPECT_EQ(outcome.output,
              "NODE     FITS   DEVICES OR REASON\n"
              "node-a   yes    default/pair: nic=eth1,eth2\n"
              "node-b   no     request nic gets 0 of 2 devices (request selector: 2, in use: 1, "
              "taint: 1)\n"
              "1 of 2 nodes fit\n");
    EXPECT_EQ(outcome.errors, "");
}

TEST_F(Command, SimulateExitsWith1WhenNoneDoes) {
    EXPECT_EQ(run("simulate " + with_cluster("trio.yaml")).status, 1);
}

TEST_F(Command, SimulateExitsWith2AndThePlaceForBadInput) {
    const auto bad = file("bad.yaml",
                          "# a comment\n\napiVersion: resource.k8s.io/v1\nkind: "
                          "ResourceClaim\nmetadata: {name: x}\nspec: {devices: 3}\n");
    const auto outcome = run("simulate -f " + bad);
    EXPECT_EQ(outcome.status, 2);
    EXPECT_EQ(outcome.output, "");
    EXPECT_NE(outcome.errors.find(bad + ":3: "), std::string::npos) << outcome.errors;
    EXPECT_NE(outcome.errors.find("spec.devices"), std::string::npos) << outcome.errors;
}

TEST_F(Command, SimulateTellsOfWhatAnApiServerWouldNotTake) {
    const auto bad = file("bad.yaml",
                          "apiVersion: resource.k8s.io/v1\nkind: DeviceClass\n"
                          "metadata: {name: bad}\n"
                          "spec: {selectors: [{cel: {expression: device.nonsense}}]}\n");
    const auto warned = run("simulate " + with_cluster("pair.yaml") + " -f " + bad);
    EXPECT_EQ(warned.status, 0) << warned.errors;
    EXPECT_NE(warned.errors.find(bad + ":1: "), std::string::npos) << warned.errors;
    EXPECT_NE(warned.errors.find("spec.selectors[0].cel.expression: Invalid value"),
              std::string::npos)
        << warned.errors;
    EXPECT_EQ(run("simulate --validate strict " + with_cluster("pair.yaml") + " -f " + bad).status,
              2);
    EXPECT_EQ(run("simulate --validate ignore " + with_cluster("pair.yaml") + " -f " + bad).errors,
              "");
}

TEST_F(Command, SimulateSaysWhereYamlIsBroken) {
    const auto bad = file("bad.yaml", "kind: Pod\nmetadata: [\n");
    const auto outcome = run("simulate -f " + bad);
    EXPECT_EQ(outcome.status, 2);
    EXPECT_NE(outcome.errors.find(bad + ":"), std::string::npos) << outcome.errors;
}

TEST_F(Command, SimulateReadsStdinAndDirectories) {
    const auto all =
        run("simulate -f " + example("cluster.yaml") + " -f - < " + example("pair.yaml"));
    EXPECT_EQ(all.status, 0) << all.errors;
    std::filesystem::create_directory(directory_ + "/input");
    std::filesystem::copy(example("cluster.yaml"), directory_ + "/input");
    std::filesystem::copy(example("pair.yaml"), directory_ + "/input");
    const auto same = run("simulate -f " + directory_ + "/input");
    EXPECT_EQ(same.output, all.output);
}

TEST_F(Command, SimulatePrintsTheSameInJsonAndYaml) {
    const auto json = run("simulate -o json " + with_cluster("pair.yaml"));
    const auto yaml = run("simulate -o yaml " + with_cluster("pair.yaml"));
    const auto document = parse_json(json.output);
    ASSERT_TRUE(document.ok()) << json.output;
    EXPECT_EQ(*parse_yaml(yaml.output), *document);
    EXPECT_EQ((*document)["nodes"][0]["node"], "node-a");
    EXPECT_EQ((*document)["nodes"][0]["error"], nullptr);
    EXPECT_EQ((*document)["nodes"][1]["fits"], false);
}

TEST_F(Command, SimulateTakesFeaturesWithAMinusInFront) {
    for (const auto* spelling : {"--features -DRADeviceTaints", "--features=-DRADeviceTaints",
                                 "--features +DRAListTypeAttributes,-DRADeviceTaints"}) {
        const auto outcome =
            run(std::string("simulate --node node-b ") + spelling + " " + with_cluster("pod.yaml"));
        EXPECT_EQ(outcome.status, 0) << outcome.errors;
        EXPECT_NE(outcome.output.find("nic=eth2"), std::string::npos) << spelling;
    }
}

TEST_F(Command, SimulateExitsWith2ForAnUnknownFeature) {
    const auto outcome = run("simulate --features +DRAAdminAcces " + with_cluster("pair.yaml"));
    EXPECT_EQ(outcome.status, 2);
    EXPECT_NE(outcome.errors.find("did you mean `DRAAdminAccess`"), std::string::npos);
}

TEST_F(Command, SimulateExitsWith2ForBadFlags) {
    for (const auto* flags : {"simulate --kubernetes 1.12", "simulate --count 0", "simulate -o xml",
                              "simulate --nonsense", "nonsense", ""})
        EXPECT_EQ(run(flags + std::string(" -f ") + example("cluster.yaml")).status, 2) << flags;
}

TEST_F(Command, SimulateExitsWith2WhenThereIsNothingToLookAt) {
    const auto outcome = run("simulate");
    EXPECT_EQ(outcome.status, 2);
    EXPECT_NE(outcome.errors.find("give manifests with -f"), std::string::npos) << outcome.errors;
}

TEST_F(Command, SimulatePacksCopies) {
    const auto outcome = run("simulate --count 10 -o json " + with_cluster("pod.yaml"));
    EXPECT_EQ(outcome.status, 0);
    const auto document = parse_json(outcome.output);
    ASSERT_TRUE(document.ok());
    EXPECT_EQ((*document)["count"]["asked"], 10);
    EXPECT_EQ((*document)["count"]["fit"], 2);
}

TEST_F(Command, ExplainClaimExitsWith0WhenItFitsAnd1WhenNot) {
    const auto pair = run("explain claim pair " + with_cluster("pair.yaml"));
    EXPECT_EQ(pair.status, 0) << pair.errors;
    EXPECT_NE(pair.output.find("claim default/pair fits on 1 of 2 nodes"), std::string::npos);
    const auto trio = run("explain claim trio " + with_cluster("trio.yaml"));
    EXPECT_EQ(trio.status, 1);
    EXPECT_NE(trio.output.find("in use: by claim team-a/database"), std::string::npos);
    EXPECT_NE(trio.output.find("Smallest change that makes it fit: ask for 2 instead of 3 devices"),
              std::string::npos)
        << trio.output;
}

TEST_F(Command, ExplainClaimPrintsJson) {
    const auto outcome = run("explain claim trio -o json " + with_cluster("trio.yaml"));
    const auto document = parse_json(outcome.output);
    ASSERT_TRUE(document.ok()) << outcome.output;
    EXPECT_EQ((*document)["fits"], false);
    EXPECT_EQ((*document)["nodes"].size(), 2u);
    EXPECT_EQ((*document)["change"]["node"], "node-a");
}

TEST_F(Command, ExplainClaimSaysThatAClaimHasItsDevices) {
    const auto outcome = run("explain claim database -n team-a -f " + example("cluster.yaml"));
    EXPECT_EQ(outcome.status, 0);
    EXPECT_NE(outcome.output.find("has its devices already"), std::string::npos);
}

TEST_F(Command, ExplainClaimExitsWith2ForAnUnknownClaim) {
    const auto outcome = run("explain claim pari " + with_cluster("pair.yaml"));
    EXPECT_EQ(outcome.status, 2);
    EXPECT_NE(outcome.errors.find("pair"), std::string::npos) << outcome.errors;
}

TEST_F(Command, ExplainClaimTakesTheNameThatItPrints) {
    EXPECT_EQ(run("explain claim " + with_cluster("trio.yaml") + " trio").output,
              run("explain claim trio " + with_cluster("trio.yaml")).output);
    EXPECT_EQ(run("explain claim default/trio " + with_cluster("trio.yaml")).output,
              run("explain claim trio -n default " + with_cluster("trio.yaml")).output);
}

TEST_F(Command, SimulateTellsOfWhatMakesPodsItself) {
    const auto deployment = file(
        "d.yaml",
        "---\n{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}}\n");
    const auto outcome = run("simulate -f " + example("cluster.yaml") + " -f " + deployment);
    EXPECT_NE(outcome.errors.find("of Deployment shop/web no pod is made here"), std::string::npos)
        << outcome.errors;
}

TEST_F(Command, SimulateNamesTheFirstOfManyCopies) {
    std::string devices;
    for (int i = 0; i < 12; ++i)
        devices += (i == 0 ? "{name: d" : ", {name: d") + std::to_string(i) + "}";
    const auto cluster = file(
        "many.yaml",
        "---\n{apiVersion: resource.k8s.io/v1, kind: DeviceClass, metadata: {name: c}, spec: {}}\n"
        "---\n{apiVersion: resource.k8s.io/v1, kind: ResourceSlice, metadata: {name: s}, "
        "spec: {driver: d.example, nodeName: n1, pool: {name: n1, generation: 1, "
        "resourceSliceCount: 1}, devices: [" +
            devices +
            "]}}\n---\n{apiVersion: resource.k8s.io/v1, kind: ResourceClaim, metadata: {name: "
            "x, namespace: ns}, spec: {devices: {requests: [{name: r, exactly: "
            "{deviceClassName: c}}]}}}\n");
    const auto outcome = run("simulate --count 12 -f " + cluster);
    EXPECT_NE(outcome.output.find("; ns/x-8: r=d7; and 4 more\n"), std::string::npos)
        << outcome.output << outcome.errors;
}

TEST_F(Command, CelExitsWithTheVerdict) {
    const auto device = file("device.yaml", "name: eth3\nattributes: {speed: {int: 25000}}\n");
    const auto cel = [&](const std::string& expression) {
        return run("cel --driver knd.dev --device " + device + " --expression '" + expression +
                   "'");
    };
    EXPECT_EQ(cel("device.attributes[\"knd.dev\"].speed == 25000").status, 0);
    EXPECT_EQ(cel("device.attributes[\"knd.dev\"].speed > 25000").status, 1);
    EXPECT_EQ(cel("device.attributes[\"knd.dev\"].missing > 25000").status, 2);
    EXPECT_EQ(cel("device.attributes[").status, 2);
    EXPECT_EQ(cel("dyn(device).map(x, x).size() == 4").status, 0);
    EXPECT_EQ(cel("dyn(device).map(x, x).size() == 3' --kubernetes '1.33").status, 0);
    EXPECT_EQ(cel("device.attributes[\"knd.dev\"].speed").status, 0);
}

TEST_F(Command, CelPrintsResultErrorAndCost) {
    const auto outcome =
        run("cel -o json --name eth4 -e 'device.driver' -d " + example("cluster.yaml"));
    EXPECT_EQ(outcome.status, 2) << "two nodes have an eth4: " << outcome.output;
    const auto device = file("device.yaml", "{name: a, attributes: {size: {int: 3}}}");
    const auto json =
        run("cel -o json --driver d -e 'device.attributes.d.size + 1' -d " + device).output;
    const auto document = parse_json(json);
    ASSERT_TRUE(document.ok()) << json;
    EXPECT_EQ((*document)["result"], 4);
    EXPECT_EQ((*document)["error"], nullptr);
    EXPECT_GT((*document)["cost"], 0);
}

TEST_F(Command, CommandsOfTheNodeSayWhenNoDaemonIsThere) {
    for (const auto* command : {"devices", "claims", "journal", "explain device x"}) {
        const auto outcome = run(std::string(command) + " --socket " + directory_ + "/none.sock");
        EXPECT_EQ(outcome.status, 1) << command;
        EXPECT_NE(outcome.errors.find("kndctl: "), std::string::npos) << command;
    }
}

TEST_F(Command, HelpNamesEveryCommand) {
    const auto outcome = run("--help");
    EXPECT_EQ(outcome.status, 0);
    for (const auto* command : {"simulate", "explain", "cel", "devices", "journal", "backends"})
        EXPECT_NE(outcome.output.find(command), std::string::npos) << command;
}

}  // namespace
}  // namespace knd
