// SPDX-License-Identifier: Apache-2.0
#include "host/sandbox/markers.hpp"

#include <filesystem>

#include "host/model/text_file.hpp"
#include "host/sandbox/marker_layout.h"
#include "tests/unit/sandbox/sandbox_scene.hpp"

namespace knd {
namespace {

namespace fs = std::filesystem;
using testing::EndsWith;
using testing::StartsWith;

class MarkersTest : public testing::Test {
  protected:
    void SetUp() override {
        run_dir_ = testing::TempDir() + "knd-markers-XXXXXX";
        ASSERT_NE(::mkdtemp(run_dir_.data()), nullptr);
    }
    void TearDown() override { fs::remove_all(run_dir_); }
    std::string content(const std::string& path) const {
        return read_text_file(run_dir_ + "/gate/" + path).value_or("");
    }
    std::string run_dir_;
};

TEST_F(MarkersTest, SayThatAClaimIsAttached) {
    EXPECT_OK(Markers(run_dir_).attached("sandbox", "uid"));
    EXPECT_EQ(content("sandbox/uid"), KND_MARKER_ATTACHED);
}

TEST_F(MarkersTest, SayInOneLineWhyAClaimFailed) {
    EXPECT_OK(Markers(run_dir_).failed("sandbox", "uid", "no such\ndevice"));
    EXPECT_EQ(content("sandbox/uid"), "failed: no such device\n");
}

TEST_F(MarkersTest, ReplaceEachOther) {
    const Markers markers(run_dir_);
    EXPECT_OK(markers.failed("sandbox", "uid", "not yet"));
    EXPECT_OK(markers.attached("sandbox", "uid"));
    EXPECT_EQ(content("sandbox/uid"), KND_MARKER_ATTACHED);
}

TEST_F(MarkersTest, CutALongReasonBetweenCharacters) {
    std::string why;
    for (int i = 0; i < 1000; ++i)
        why += "\xc3\xa4";
    EXPECT_OK(Markers(run_dir_).failed("sandbox", "uid", why));
    const auto text = content("sandbox/uid");
    EXPECT_LE(text.size(), std::size_t{KND_MARKER_MAX});
    EXPECT_THAT(text, StartsWith(KND_MARKER_FAILED));
    EXPECT_THAT(text, EndsWith("\xc3\xa4\n"));
}

TEST_F(MarkersTest, GoOneByOneOrWithTheirSandbox) {
    const Markers markers(run_dir_);
    EXPECT_OK(markers.attached("sandbox", "a"));
    EXPECT_OK(markers.attached("sandbox", "b"));
    EXPECT_OK(markers.remove("sandbox", "a"));
    EXPECT_OK(markers.remove("sandbox", "a"));
    EXPECT_FALSE(fs::exists(markers.directory() + "/sandbox/a"));
    EXPECT_TRUE(fs::exists(markers.directory() + "/sandbox/b"));
    EXPECT_OK(markers.remove_sandbox("sandbox"));
    EXPECT_OK(markers.remove_sandbox("sandbox"));
    EXPECT_FALSE(fs::exists(markers.directory() + "/sandbox"));
}

TEST_F(MarkersTest, RefuseAnIdThatLeavesTheDirectory) {
    const Markers markers(run_dir_);
    for (const char* id : {"", ".", "..", "a/b", "../x", ".hidden"}) {
        EXPECT_EQ(markers.attached(id, "uid").code(), Code::kInvalidArgument) << id;
        EXPECT_EQ(markers.remove_sandbox(id).code(), Code::kInvalidArgument) << id;
        EXPECT_EQ(markers.attached("sandbox", id).code(), Code::kInvalidArgument) << id;
    }
}

TEST_F(MarkersTest, TellWhyTheyCannotBeWritten) {
    EXPECT_EQ(Markers(run_dir_ + "/none").attached("sandbox", "uid").code(), Code::kNotFound);
}

}  // namespace
}  // namespace knd
