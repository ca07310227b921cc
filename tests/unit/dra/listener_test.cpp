// SPDX-License-Identifier: Apache-2.0
#include "host/dra/listener.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <optional>
#include <vector>

#include "host/model/socket_path.hpp"
#include "tests/fakes/nri_loop.hpp"

namespace knd::dra {
namespace {

class ListenerTest : public ::testing::Test {
  protected:
    ListenerTest() {
        auto opened =
            Listener::open(io, path,
                           {[this](Fd connection) { accepted.push_back(std::move(connection)); },
                            [this](std::size_t now) { connections = now; }});
        EXPECT_TRUE(opened.ok()) << opened.error().message();
        listener = *std::move(opened);
        EXPECT_TRUE(listener->file().show().ok());
    }

    Fd connect() {
        const auto before = accepted.size();
        Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const auto address = socket_address(path);
        EXPECT_EQ(
            ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address), 0);
        EXPECT_TRUE(fakes::run_until(io, [&] { return accepted.size() > before; }));
        return fd;
    }
    bool until_there_are(std::size_t count) {
        return fakes::run_until(io, [&] { return connections == count; });
    }

    fakes::TempDir dir;
    const std::string path = dir.file("dra.sock");
    boost::asio::io_context io;
    std::vector<Fd> accepted;
    std::optional<std::size_t> connections;
    std::unique_ptr<Listener> listener;
};

TEST_F(ListenerTest, CountsConnections) {
    auto first = connect();
    const auto second = connect();
    EXPECT_EQ(connections, 2u);
    first.reset();
    EXPECT_TRUE(until_there_are(1));
}

TEST_F(ListenerTest, HandsOverConnectionsThatWork) {
    const auto far = connect();
    ASSERT_EQ(::send(far.get(), "x", 1, 0), 1);
    char byte = 0;
    EXPECT_EQ(::recv(accepted.at(0).get(), &byte, 1, 0), 1);
    EXPECT_EQ(byte, 'x');
    fakes::run_ready(io);
    EXPECT_EQ(connections, 1u) << "what is said on it is no end";
}

TEST_F(ListenerTest, CountsAConnectionUntilItIsShutDownHere) {
    const auto far = connect();
    ::shutdown(accepted.at(0).get(), SHUT_RDWR);
    accepted.clear();
    EXPECT_TRUE(until_there_are(0));
    char byte = 0;
    EXPECT_EQ(::recv(far.get(), &byte, 1, 0), 0) << "nothing holds it open";
}

TEST_F(ListenerTest, NoticesThatItsFileIsGone) {
    EXPECT_TRUE(listener->file().in_place());
    std::filesystem::remove(path);
    EXPECT_FALSE(listener->file().in_place());
}

TEST_F(ListenerTest, LeavesNothingBehind) {
    const auto far = connect();
    listener.reset();
    fakes::run_ready(io);
    EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace knd::dra
