// SPDX-License-Identifier: Apache-2.0
#include "host/nri/mux.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "tests/fakes/nri_go_reader.hpp"
#include "tests/fakes/nri_loop.hpp"
#include "tests/unit/nri/wire_text.hpp"

namespace knd::nri {
namespace {

using fakes::run_for;
using fakes::run_ready;
using fakes::run_until;

struct MuxTest : ::testing::Test {
    boost::asio::io_context io;
    std::array<Fd, 2> sockets = fakes::socket_pair();
    std::shared_ptr<Mux> mux = Mux::create(io, std::move(sockets[0]));
    Fd& peer = sockets[1];
    std::string received;
    std::optional<Error> closed;

    ~MuxTest() override { mux->close(); }
    void start() {
        mux->receive(StreamId::kPlugin, [this](std::string_view bytes) { received += bytes; });
        mux->start([this](const Error& error) { closed = error; });
    }
    void write(std::string_view bytes) {
        ASSERT_EQ(::write(peer.get(), bytes.data(), bytes.size()),
                  static_cast<ssize_t>(bytes.size()));
    }
    /// Reads what the Mux sends until `enough`, into a reader as a Go peer has it.
    template <class Enough>
    Result<> read_as_go(fakes::NriGoReader& reader, Enough enough) {
        std::string buffer(1 << 16, '\0');
        for (int i = 0; i < 10000 && !enough(); ++i) {
            run_ready(io);
            const auto size = ::read(peer.get(), buffer.data(), buffer.size());
            if (size <= 0) continue;
            KND_TRY(
                reader.feed(std::string_view(buffer).substr(0, static_cast<std::size_t>(size))));
        }
        return {};
    }
};

struct MuxFrames : MuxTest, ::testing::WithParamInterface<std::size_t> {};

TEST_P(MuxFrames, AreTakenByAGoReaderAtEverySizeAndNeverMoreThanTwo) {
    start();
    const auto message = test::ttrpc_message(GetParam());
    mux->send(StreamId::kRuntime, message);
    mux->send(StreamId::kRuntime, message);
    fakes::NriGoReader reader;
    std::vector<fakes::NriGoReader::Message> got;
    const auto result = read_as_go(reader, [&] {
        for (auto& m : reader.take())
            got.push_back(std::move(m));
        return got.size() == 2;
    });
    ASSERT_TRUE(result.ok()) << result.error().message();
    ASSERT_EQ(got.size(), 2u);
    for (const auto& m : got) {
        EXPECT_EQ(m.stream, 2u);
        EXPECT_LE(m.frames, 2);
        EXPECT_TRUE(m.bytes == message);
    }
}

INSTANTIATE_TEST_SUITE_P(Sizes, MuxFrames,
                         ::testing::Values(0, 1, 4085, 4086, 4087, 8181, 8182, 8183, 65536,
                                           4u << 20));

TEST(NriGoReader, LosesTheConnectionOverAFrameLongerThanItsBuffer) {
    fakes::NriGoReader reader;
    const auto message = test::ttrpc_message(4087);
    const auto result = reader.feed(test::frame(1, message));
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().os_error(), ENOMEM);
}

TEST_F(MuxTest, PutsAStreamTogetherFromFramesCutAnywhere) {
    start();
    const std::string text = test::frame(1, "abc") + test::frame(1, "") + test::frame(1, "defgh");
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        received.clear();
        write(text.substr(0, cut));
        run_for(io, std::chrono::milliseconds(1));
        write(text.substr(cut));
        ASSERT_TRUE(run_until(io, [&] { return received.size() >= 8; }));
        EXPECT_EQ(received, "abcdefgh") << "cut at " << cut;
    }
    EXPECT_FALSE(closed);
}

TEST_F(MuxTest, SkipsStreamsThatNobodyReceives) {
    start();
    write(test::frame(7, "noise") + test::frame(0, "more") + test::frame(1, "x"));
    ASSERT_TRUE(run_until(io, [&] { return !received.empty(); }));
    EXPECT_EQ(received, "x");
}

TEST_F(MuxTest, EndsTheConnectionAtAFrameBeyondTheLimit) {
    start();
    write(std::string("\0\0\0\1\xff\xff\xff\xff", 8));
    ASSERT_TRUE(run_until(io, [&] { return closed.has_value(); }));
    EXPECT_EQ(closed->os_error(), EPROTO);
    EXPECT_FALSE(mux->is_open());
}

TEST_F(MuxTest, ReportsTheEndOfThePeer) {
    start();
    peer.reset();
    ASSERT_TRUE(run_until(io, [&] { return closed.has_value(); }));
    EXPECT_EQ(closed->os_error(), ECONNRESET);
}

TEST_F(MuxTest, ReportsNothingAfterClose) {
    start();
    mux->close();
    peer.reset();
    run_for(io, std::chrono::milliseconds(20));
    EXPECT_FALSE(closed);
}

TEST_F(MuxTest, ReportsNothingAfterCloseEvenIfTheEndWasOnItsWay) {
    start();
    peer.reset();
    mux->send(StreamId::kPlugin, "x");  // fails at once, the report is posted
    mux->close();
    run_for(io, std::chrono::milliseconds(20));
    EXPECT_FALSE(closed);
}

TEST_F(MuxTest, GivesUpOnAPeerThatDoesNotRead) {
    start();
    const std::string megabyte(1u << 20, 'x');
    for (int i = 0; i < 70 && mux->is_open(); ++i)
        mux->send(StreamId::kPlugin, megabyte);
    ASSERT_TRUE(run_until(io, [&] { return closed.has_value(); }));
    EXPECT_EQ(closed->os_error(), ENOBUFS);
}

TEST_F(MuxTest, SendsManyMessagesInOrderToASlowPeer) {
    start();
    std::string sent;
    for (std::uint32_t i = 0; i < 3000; ++i) {
        const auto message = test::ttrpc_message((i * 37) % 9000, 2 * i + 1);
        sent += message;
        mux->send(StreamId::kPlugin, message);
    }
    fakes::NriGoReader reader;
    std::string got;
    const auto result = read_as_go(reader, [&] {
        for (const auto& m : reader.take())
            got += m.bytes;
        return got.size() >= sent.size();
    });
    ASSERT_TRUE(result.ok()) << result.error().message();
    EXPECT_TRUE(got == sent);
}

}  // namespace
}  // namespace knd::nri
