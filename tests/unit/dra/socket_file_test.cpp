// SPDX-License-Identifier: Apache-2.0
#include "host/dra/socket_file.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <fstream>

#include "tests/fakes/nri_loop.hpp"

namespace knd::dra {
namespace {

namespace fs = std::filesystem;

Fd listen_at(const std::string& path) {
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0) << path;
    EXPECT_EQ(::listen(fd.get(), 1), 0);
    return fd;
}

class SocketFileTest : public ::testing::Test {
  protected:
    fakes::TempDir dir;
    const std::string path = dir.file("deeper/dra.sock");
};

TEST_F(SocketFileTest, AppearsOnlyWhenShown) {
    auto file = SocketFile::claim(path);
    ASSERT_TRUE(file.ok()) << file.error().message();
    const auto socket = file->listen();
    EXPECT_FALSE(fs::exists(path));
    EXPECT_EQ(fs::path(file->hidden()).filename().string().front(), '.');
    ASSERT_TRUE(file->show().ok());
    EXPECT_TRUE(fs::is_socket(path));
}

TEST_F(SocketFileTest, IsForRootAlone) {
    auto file = SocketFile::claim(path);
    const auto socket = file->listen();
    ASSERT_TRUE(file->show().ok());
    struct stat info {};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST_F(SocketFileTest, TakesTheFileAwayAtItsEnd) {
    {
        auto file = SocketFile::claim(path);
        const auto socket = file->listen();
        ASSERT_TRUE(file->show().ok());
    }
    EXPECT_FALSE(fs::exists(path));
}

TEST_F(SocketFileTest, TakesTheFileAwayThatWasNeverShown) {
    {
        auto file = SocketFile::claim(path);
        ASSERT_TRUE(file->listen().ok());
        EXPECT_TRUE(fs::exists(file->hidden()));
    }
    EXPECT_TRUE(fs::is_empty(fs::path(path).parent_path()));
}

TEST_F(SocketFileTest, ReplacesWhatADeadProcessLeft) {
    fs::create_directories(fs::path(path).parent_path());
    { const auto dead = listen_at(path); }
    ASSERT_TRUE(fs::is_socket(path));
    EXPECT_TRUE(SocketFile::claim(path).ok());
    EXPECT_FALSE(fs::exists(path));
}

TEST_F(SocketFileTest, DoesNotTakeItFromALivingProcess) {
    fs::create_directories(fs::path(path).parent_path());
    const auto alive = listen_at(path);
    const auto file = SocketFile::claim(path);
    ASSERT_FALSE(file.ok());
    EXPECT_EQ(file.error().message(), path + " is served by another process; stop that first");
    EXPECT_TRUE(fs::is_socket(path));
}

TEST_F(SocketFileTest, DoesNotRemoveWhatIsNoSocket) {
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path) << "data";
    EXPECT_EQ(SocketFile::claim(path).code(), Code::kFailedPrecondition);
    EXPECT_TRUE(fs::exists(path));
}

TEST_F(SocketFileTest, LeavesTheSocketOfItsSuccessorAlone) {
    fs::create_directories(fs::path(path).parent_path());
    Fd successor;
    {
        auto file = SocketFile::claim(path);
        const auto socket = file->listen();
        ASSERT_TRUE(file->show().ok());
        fs::remove(path);
        successor = listen_at(path);
    }
    EXPECT_TRUE(fs::is_socket(path));
}

TEST_F(SocketFileTest, SaysWhenThePathIsTooLongForTheKernel) {
    const auto file = SocketFile::claim(dir.file(std::string(120, 'x')));
    ASSERT_FALSE(file.ok());
    EXPECT_NE(file.error().message().find("bytes, the kernel takes 107"), std::string::npos);
}

TEST_F(SocketFileTest, AppearsAnewWithTheSameSocket) {
    auto file = SocketFile::claim(path);
    const auto socket = file->listen();
    ASSERT_TRUE(file->show().ok());
    ASSERT_TRUE(file->show_again().ok());
    EXPECT_TRUE(fs::is_socket(path));
    EXPECT_FALSE(fs::exists(file->hidden()));
}

}  // namespace
}  // namespace knd::dra
