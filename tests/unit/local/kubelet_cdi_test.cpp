// SPDX-License-Identifier: Apache-2.0
#include "tools/local/kubelet/cdi.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "kubelet_support.hpp"

namespace knd::local {
namespace {

constexpr const char* kSpec = R"({
  "cdiVersion": "0.5.0", "kind": "knd.dev/claim",
  "devices": [{"name": "a", "containerEdits": {
    "env": ["KND_A=1"],
    "hooks": [{"hookName": "createRuntime", "path": "/gate", "args": ["knd-gate", "a"],
               "env": ["KND_GATE=1"], "timeout": 7}]}},
    {"name": "b", "containerEdits": {"env": ["KND_B=2"]}}],
  "containerEdits": {"env": ["KND_ALL=3"]}})";

class Cdi : public testing::Test {
  protected:
    void write(const std::string& name, const std::string& content) {
        std::ofstream(directory_ / name) << content;
    }
    Result<ContainerEdits> resolve(const std::vector<std::string>& ids) {
        return resolve_cdi({directory_.path()}, ids);
    }
    Directory directory_;
};

TEST_F(Cdi, AddsTheHookOfADevice) {
    write("claim.json", kSpec);
    const auto edits = resolve({"knd.dev/claim=a"});
    ASSERT_TRUE(edits.ok()) << edits.error().message();
    ASSERT_EQ(edits->create_runtime_hooks.size(), 1u);
    EXPECT_EQ(edits->create_runtime_hooks[0].timeout_s, 7);
}

TEST_F(Cdi, AddsTheEditsOfTheWholeFile) {
    write("claim.json", kSpec);
    EXPECT_EQ(resolve({"knd.dev/claim=b"})->env.at("KND_ALL"), "3");
}

TEST_F(Cdi, CountsADeviceOnceThatComesTwice) {
    write("claim.json", kSpec);
    EXPECT_EQ(resolve({"knd.dev/claim=a", "knd.dev/claim=a"})->create_runtime_hooks.size(), 1u);
}

TEST_F(Cdi, NamesAllDevicesThatItDoesNotKnow) {
    write("claim.json", kSpec);
    EXPECT_EQ(resolve({"knd.dev/claim=x", "knd.dev/claim=a", "v/c=y"}).error().message(),
              "unresolvable CDI devices knd.dev/claim=x, v/c=y");
}

TEST_F(Cdi, DoesNotResolveADeviceThatTwoFilesHave) {
    write("one.json", kSpec);
    write("two.json", kSpec);
    EXPECT_FALSE(resolve({"knd.dev/claim=a"}).ok());
}

TEST_F(Cdi, LeavesOutAFileThatIsHalfWritten) {
    write("claim.json", kSpec);
    write("broken.json", "{\"kind\": \"v/");
    EXPECT_TRUE(resolve({"knd.dev/claim=a"}).ok());
}

TEST_F(Cdi, SeesAFileThatCameLater) {
    EXPECT_FALSE(resolve({"knd.dev/claim=a"}).ok());
    write("claim.json", kSpec);
    EXPECT_TRUE(resolve({"knd.dev/claim=a"}).ok());
}

}  // namespace
}  // namespace knd::local
