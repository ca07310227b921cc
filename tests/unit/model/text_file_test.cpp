// SPDX-License-Identifier: Apache-2.0
#include "host/model/text_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace knd {
namespace {

class TextFile : public testing::Test {
  protected:
    TextFile() {
        std::string name = (std::filesystem::temp_directory_path() / "knd-text-XXXXXX").string();
        directory_ = ::mkdtemp(name.data());
    }
    ~TextFile() override { std::filesystem::remove_all(directory_); }

    std::string path(const char* name) const { return directory_ / name; }
    std::size_t files() const {
        return static_cast<std::size_t>(
            std::distance(std::filesystem::directory_iterator(directory_),
                          std::filesystem::directory_iterator()));
    }

    std::filesystem::path directory_;
};

TEST_F(TextFile, IsReplacedAsAWhole) {
    ASSERT_TRUE(replace_text_file(path("a"), "long text").ok());
    ASSERT_TRUE(replace_text_file(path("a"), "short").ok());
    EXPECT_EQ(read_text_file(path("a")).value_or("unread"), "short");
    EXPECT_EQ(files(), 1u);
}

TEST_F(TextFile, HasTheModeThatIsAskedFor) {
    ASSERT_TRUE(replace_text_file(path("a"), "secret", 0600).ok());
    struct stat status {};
    ASSERT_EQ(::stat(path("a").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777u, 0600u);
}

TEST_F(TextFile, LeavesNothingBesideWhatCannotBeReplaced) {
    std::filesystem::create_directories(path("a/b"));
    EXPECT_FALSE(replace_text_file(path("a"), "text").ok());
    EXPECT_EQ(files(), 1u);
}

}  // namespace
}  // namespace knd
