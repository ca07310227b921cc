// SPDX-License-Identifier: Apache-2.0
#include "tools/local/cluster/cluster.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

namespace knd::local {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kHead = "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n";

Result<KindConfig> parse(const std::string& rest, const std::string& name = "") {
    return parse_kind_config(std::string(kHead) + rest, "kind.yaml", name);
}

std::vector<std::string> names(const KindConfig& config) {
    std::vector<std::string> result;
    for (const auto& node : config.nodes)
        result.push_back(node.name);
    return result;
}

TEST(KindConfig, NamesNodesAsKindDoes) {
    const auto config = parse("nodes:\n- role: control-plane\n- role: worker\n- role: worker\n");
    ASSERT_TRUE(config.ok()) << config.error().message();
    EXPECT_THAT(names(*config), ElementsAre("kind-control-plane", "kind-worker", "kind-worker2"));
}

TEST(KindConfig, HasOneNodeWithoutAList) {
    EXPECT_THAT(names(*parse("")), ElementsAre("kind-control-plane"));
}

TEST(KindConfig, UsesTheNameOfTheCommandLine) {
    EXPECT_THAT(names(*parse("name: a\n", "b")), ElementsAre("b-control-plane"));
}

TEST(KindConfig, ReadsLabels) {
    const auto config = parse("nodes:\n- role: control-plane\n  labels:\n    zone: a\n");
    EXPECT_EQ(config->nodes[0].labels.at("zone"), "a");
}

TEST(KindConfig, ReportsUnknownFieldsWithTheirPlace) {
    const auto config = parse("colour: red\nnodes:\n- role: control-plane\n  size: 3\n");
    EXPECT_THAT(config->unknown, ElementsAre("colour", "nodes[0].size"));
}

TEST(KindConfig, ReportsKnownFieldsThatMeanNothingHere) {
    EXPECT_THAT(parse("networking:\n  ipFamily: ipv6\n")->ignored, ElementsAre("networking"));
}

TEST(KindConfig, RefusesAnotherKindOfFile) {
    const auto config = parse_kind_config("kind: Pod\napiVersion: v1\n", "pod.yaml", "");
    EXPECT_EQ(config.error().message(), "pod.yaml: kind is \"Pod\", Cluster is expected");
}

TEST(KindConfig, RefusesAnUnknownRole) {
    EXPECT_THAT(parse("nodes:\n- role: master\n").error().message(),
                HasSubstr("nodes[0].role is \"master\""));
}

TEST(KindConfig, RefusesAClusterWithoutControlPlane) {
    EXPECT_THAT(parse("nodes:\n- role: worker\n").error().message(),
                HasSubstr("no node has the role control-plane"));
}

TEST(KindConfig, RefusesANameThatIsNoLabel) {
    EXPECT_FALSE(parse("", "../etc").ok());
}

TEST(KindConfig, SurvivesBrokenYaml) {
    EXPECT_FALSE(parse("nodes: [\n").ok());
    EXPECT_FALSE(parse_kind_config("", "empty.yaml", "").ok());
    EXPECT_FALSE(parse("nodes: 3\n").ok());
    EXPECT_FALSE(parse("nodes:\n- role: [a]\n").ok());
    EXPECT_FALSE(parse("? [a, b]\n: c\n").ok());
}

TEST(NodeConfig, ReplacesEveryName) {
    EXPECT_EQ(render_config("@A@/x @B@ @A@ {node} @C@", {{"A", "1"}, {"B", "2"}}),
              "1/x 2 1 {node} @C@");
}

TEST(Layout, IsSpelledAsTheKernelSpellsIt) {
    const auto here = std::filesystem::canonical(std::filesystem::current_path());
    EXPECT_EQ(canonical_root("st/kind"), here / "st/kind");
    EXPECT_EQ(canonical_root("./st/../st/kind"), here / "st/kind");
    std::string pattern = (std::filesystem::temp_directory_path() / "knd-layout-XXXXXX").string();
    const std::filesystem::path directory = ::mkdtemp(pattern.data());
    std::filesystem::create_directory(directory / "real");
    std::filesystem::create_directory_symlink(directory / "real", directory / "link");
    EXPECT_EQ(canonical_root(directory / "link" / "kind"),
              std::filesystem::canonical(directory / "real") / "kind");
    std::filesystem::remove_all(directory);
}

TEST(Layout, RefusesARootWithoutRoomForSockets) {
    const Layout layout{std::filesystem::path("/tmp") / std::string(80, 'a')};
    EXPECT_THAT(make_directories(layout.node("kind-worker")).error().message(),
                HasSubstr("choose a shorter --state"));
}

}  // namespace
}  // namespace knd::local
