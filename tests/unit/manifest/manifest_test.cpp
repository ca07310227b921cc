// SPDX-License-Identifier: Apache-2.0
#include "host/manifest/manifest.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

namespace knd::manifest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// "line kind name" of each object, and the error if there is one.
std::vector<std::string> objects_of(const std::string& text) {
    std::vector<std::string> seen;
    const auto done = for_each_object(
        Source{"f", text}, [&](const Json& object, const Origin& origin) -> Result<void> {
            seen.push_back(std::to_string(origin.line) + " " + json_string(object, "apiVersion") +
                           " " + json_string(object, "kind") + " " +
                           json_string(json_at(object, "metadata"), "name"));
            return {};
        });
    if (!done.ok()) seen.push_back(done.error().message());
    return seen;
}

TEST(Manifest, ReadsDocumentsOfYaml) {
    EXPECT_THAT(objects_of("# c\n---\napiVersion: v1\nkind: Node\nmetadata: {name: a}\n---\n"
                           "kind: Pod\n---\n# nothing\n"),
                ElementsAre("3 v1 Node a", "7  Pod "));
}

TEST(Manifest, ReadsDocumentsOfJson) {
    EXPECT_THAT(objects_of("{\"kind\": \"Node\"}\n\n  {\"kind\": \"Pod\"}"),
                ElementsAre("1  Node ", "3  Pod "));
}

TEST(Manifest, GoesOnWithYamlAfterJson) {
    EXPECT_THAT(objects_of("{\"kind\": \"Node\"}\n---\nkind: Pod\n"),
                ElementsAre("1  Node ", "3  Pod "));
}

TEST(Manifest, ReadsListsAsKubectlWritesThem) {
    EXPECT_THAT(objects_of(R"({
    "apiVersion": "v1",
    "items": [
        {
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": "a"}
        },
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b \" } ] \\"}}
    ],
    "kind": "List",
    "metadata": {"resourceVersion": ""}
})"),
                ElementsAre("4 v1 Node a", "8 v1 Pod b \" } ] \\"));
    EXPECT_THAT(objects_of("apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Node\n"
                           "- kind: Pod\nkind: List\n"),
                ElementsAre("3 v1 Node ", "5  Pod "));
}

TEST(Manifest, GivesElementsOfTypedListsTheirKind) {
    const auto* json = R"({"items": [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}],
                           "kind": "ResourceSliceList", "apiVersion": "resource.k8s.io/v1"})";
    EXPECT_THAT(objects_of(json), ElementsAre("1 resource.k8s.io/v1 ResourceSlice a",
                                              "1 resource.k8s.io/v1 ResourceSlice b"));
    EXPECT_THAT(objects_of("items:\n- metadata: {name: a}\nkind: NodeList\napiVersion: v1\n"),
                ElementsAre("2 v1 Node a"));
}

TEST(Manifest, ReadsAnEmptyList) {
    EXPECT_THAT(objects_of(R"({"kind": "List", "items": []})"), ElementsAre());
    EXPECT_THAT(objects_of("kind: List\nitems: []\n"), ElementsAre());
}

/// A list of so many pods, two lines each, of some 2 MB: read in several pieces by several threads.
std::string long_list(int pods, const std::string& last = "") {
    const std::string padding(2000, 'x');
    std::string text = "{\"items\": [\n";
    for (int i = 0; i < pods; ++i)
        text +=
            (i == 0 ? "" : ",\n") + ("{\"kind\": \"Pod\", \"metadata\": {\"name\": \"" +
                                     std::to_string(i) + "\"},\n\"padding\": \"" + padding + "\"}");
    return text + last + "], \"kind\": \"List\"}";
}

TEST(Manifest, KeepsTheOrderAndTheLinesOfALongList) {
    constexpr int kPods = 1000;
    const auto seen = objects_of(long_list(kPods));
    ASSERT_EQ(seen.size(), std::size_t{kPods});
    for (int i = 0; i < kPods; ++i)
        EXPECT_EQ(seen[static_cast<std::size_t>(i)],
                  std::to_string(2 + 2 * i) + "  Pod " + std::to_string(i));
}

TEST(Manifest, TellsOfAnErrorAfterTheElementsBeforeIt) {
    const auto seen = objects_of(long_list(1000, ",\n{\"kind\": }"));
    ASSERT_EQ(seen.size(), 1001U);
    EXPECT_EQ(seen[999], "2000  Pod 999");
    EXPECT_THAT(seen.back(), HasSubstr("f:2002: column 10: invalid JSON: "));
}

TEST(Manifest, LeavesALongListAtTheFirstThatIsRefused) {
    int taken = 0;
    const auto done = for_each_object(Source{"f", long_list(1000)}, [&](auto&&, auto&) {
        return ++taken < 3 ? Result<void>() : Error(Code::kAborted, "enough");
    });
    ASSERT_FALSE(done.ok());
    EXPECT_EQ(done.error().message(), "f:6: enough");
    EXPECT_EQ(taken, 3);
}

TEST(Manifest, ReadsNothingFromNothing) {
    EXPECT_THAT(objects_of(""), ElementsAre());
    EXPECT_THAT(objects_of(" \n\t\n"), ElementsAre());
}

TEST(Manifest, NamesThePlaceOfASyntaxError) {
    EXPECT_THAT(objects_of("{\"kind\": \"Node\"}\n{\"kind\":\n  tru}"),
                ElementsAre("1  Node ", HasSubstr("f:3: column 6: invalid JSON: syntax error")));
    EXPECT_THAT(objects_of("{\"items\": [{\"kind\": \"Pod\"},\n{\"kind\": }]}"),
                ElementsAre("1  Pod ", HasSubstr("f:2: column 10: invalid JSON: ")));
    EXPECT_THAT(objects_of("{\"items\": [],\n\"kind\": x}"),
                ElementsAre(HasSubstr("f:2: column 9: invalid JSON: ")));
    EXPECT_THAT(objects_of("{\"items\": [{}"), ElementsAre(HasSubstr("f:1: column 14: invalid")));
    EXPECT_THAT(objects_of("kind: Node\n---\na: [1\n"),
                ElementsAre("1  Node ", HasSubstr("f:4: column 1: invalid YAML: ")));
}

TEST(Manifest, NamesThePlaceOfWhatIsNoObject) {
    EXPECT_THAT(objects_of("kind: Pod\n---\nplain text\n"),
                ElementsAre("1  Pod ", "f:3: an API object is expected here, not a string"));
    EXPECT_THAT(objects_of("{\"items\": [\n1]}"),
                ElementsAre("f:2: an API object is expected here, not a number"));
    EXPECT_THAT(objects_of("\nmetadata: {}\n"),
                ElementsAre("f:2: kind: required, to tell what the object is"));
}

TEST(Manifest, NamesThePlaceOfAnObjectThatIsRefused) {
    const auto done =
        for_each_object(Source{"f", "kind: A\n---\nkind: B\n"}, [](const Json& object, auto&) {
            return json_string(object, "kind") == "A" ? Result<void>()
                                                      : Error(Code::kAborted, "no B");
        });
    ASSERT_FALSE(done.ok());
    EXPECT_EQ(done.error().message(), "f:3: no B");
}

TEST(Manifest, SurvivesEveryTruncation) {
    const std::string json = R"({"items": [{"kind": "Pod", "a": "\"\\"}, {"b": [1, {}]}], "k": 1})";
    const std::string yaml =
        "a: &x [1, 'q']\nb: {c: *x}\n---\nitems:\n- kind: Pod\n  s: |\n    x\n";
    for (const auto& text : {json, yaml}) {
        for (std::size_t size = 0; size < text.size(); ++size)
            objects_of(text.substr(0, size));
    }
}

class ManifestFiles : public testing::Test {
  protected:
    void SetUp() override {
        const auto* test = testing::UnitTest::GetInstance()->current_test_info();
        directory_ = testing::TempDir() + "manifest_" + test->name();
        std::filesystem::remove_all(directory_);
        std::filesystem::create_directories(directory_ + "/below");
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }
    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(directory_ + "/" + name) << text;
        return directory_ + "/" + name;
    }
    std::string directory_;
};

TEST_F(ManifestFiles, ReadsADirectoryByName) {
    write("b.yaml", "kind: B\n");
    write("a.json", R"({"kind": "A"})");
    write("c.yml", "kind: C\n");
    write("README.md", "no manifest");
    write("below/d.yaml", "kind: D\n");
    std::vector<std::string> seen;
    const auto done =
        for_each_object(std::vector{directory_}, [&](const Json& object, const Origin& origin) {
            seen.push_back(json_string(object, "kind") + " " + origin.text());
            return Result<void>();
        });
    ASSERT_TRUE(done.ok()) << done.error().message();
    EXPECT_THAT(seen, ElementsAre("A " + directory_ + "/a.json:1", "B " + directory_ + "/b.yaml:1",
                                  "C " + directory_ + "/c.yml:1"));
}

TEST_F(ManifestFiles, SaysWhatCannotBeRead) {
    const auto no_file = for_each_object(std::vector{directory_ + "/none.yaml"},
                                         [](auto, auto&) { return Result<void>(); });
    EXPECT_EQ(no_file.code(), Code::kNotFound);
    EXPECT_THAT(no_file.error().message(), HasSubstr("/none.yaml: No such file"));
    const auto empty =
        for_each_object(std::vector{directory_}, [](auto, auto&) { return Result<void>(); });
    EXPECT_THAT(empty.error().message(), HasSubstr("the directory has no *.json"));
}

}  // namespace
}  // namespace knd::manifest
