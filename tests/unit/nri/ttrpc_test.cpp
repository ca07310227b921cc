// SPDX-License-Identifier: Apache-2.0
#include "host/nri/ttrpc.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "host/nri/ttrpc_client.hpp"
#include "host/nri/ttrpc_server.hpp"
#include "host/proto/nri/nri.pb.h"
#include "host/proto/nri/ttrpc.pb.h"
#include "tests/fakes/nri_go_reader.hpp"
#include "tests/fakes/nri_loop.hpp"
#include "tests/unit/nri/wire_text.hpp"

namespace knd::nri {
namespace {

namespace envelope = knd::proto::ttrpc;
namespace api = ::nri::pkg::api::v1alpha1;
using fakes::run_ready;
using fakes::run_until;
using std::chrono::milliseconds;

struct Seen {
    std::uint32_t stream;
    std::size_t size;
    bool oversize;
    bool operator==(const Seen&) const = default;
};

std::vector<Seen> decode(std::string_view bytes, std::size_t step) {
    std::vector<Seen> seen;
    TtrpcDecoder decoder([&](const TtrpcDecoder::Message& m) {
        seen.push_back({m.header.stream, m.data.size(), m.oversize});
    });
    while (!bytes.empty()) {
        const auto piece = bytes.substr(0, step);
        decoder.feed(piece);
        bytes.remove_prefix(piece.size());
    }
    return seen;
}

TEST(TtrpcDecoder, FindsTheSameMessagesHoweverTheBytesAreCut) {
    const auto bytes = test::ttrpc_message(0, 1) + test::ttrpc_message(1, 3) +
                       test::ttrpc_message(4086, 5) + test::ttrpc_message(0, 7);
    const std::vector<Seen> expected{{1, 0, false}, {3, 1, false}, {5, 4086, false}, {7, 0, false}};
    for (const std::size_t step : {1, 2, 3, 9, 10, 11, 13, 100, 4096, 100000})
        EXPECT_EQ(decode(bytes, step), expected) << step;
}

TEST(TtrpcDecoder, TakesAMessageOfTheFullLength) {
    const std::vector<Seen> expected{{1, 4u << 20, false}};
    EXPECT_EQ(decode(test::ttrpc_message(4u << 20), 65536), expected);
}

TEST(TtrpcDecoder, ReadsPastALongerMessageAndGoesOn) {
    const std::vector<Seen> expected{{1, 0, true}, {3, 5, false}};
    EXPECT_EQ(decode(test::ttrpc_message((4u << 20) + 1) + test::ttrpc_message(5, 3), 65536),
              expected);
}

TEST(EncodeTtrpc, WritesLengthStreamTypeAndFlags) {
    envelope::Request request;
    request.set_service("s");
    const auto bytes = encode_ttrpc(TtrpcHeader::kRequest, 0x01020305, request);
    ASSERT_TRUE(bytes.ok());
    EXPECT_EQ(*bytes, std::string("\0\0\0\3\1\2\3\5\1\0\x0a\1s", 13));
}

TEST(EncodeTtrpc, RefusesWhatThePeerWouldNotTake) {
    envelope::Response response;
    response.set_payload(std::string(4u << 20, 'x'));
    const auto bytes = encode_ttrpc(TtrpcHeader::kResponse, 1, response);
    ASSERT_FALSE(bytes.ok());
    EXPECT_EQ(bytes.code(), Code::kResourceExhausted);
}

/// A server on stream 1, spoken to in raw bytes.
struct TtrpcServerTest : ::testing::Test {
    boost::asio::io_context io;
    std::array<Fd, 2> sockets = fakes::socket_pair();
    std::shared_ptr<Mux> mux = Mux::create(io, std::move(sockets[0]));
    TtrpcServer server{mux, StreamId::kPlugin, "svc"};
    fakes::NriGoReader reader;
    std::vector<TtrpcServer::Responder> parked;
    bool closed = false;

    TtrpcServerTest() {
        server.add("Echo", [](std::string_view payload, const auto& respond) {
            api::KeyValue value;
            value.ParseFromArray(payload.data(), static_cast<int>(payload.size()));
            respond.ok(value);
        });
        server.add("Park", [this](std::string_view, const auto& r) { parked.push_back(r); });
        mux->start([this](const Error&) { closed = true; });
    }
    ~TtrpcServerTest() override { mux->close(); }

    static std::string request(std::uint32_t stream, const std::string& service,
                               const std::string& method, const std::string& key = "k",
                               char flags = 0) {
        api::KeyValue value;
        value.set_key(key);
        envelope::Request message;
        message.set_service(service);
        message.set_method(method);
        message.set_payload(value.SerializeAsString());
        auto* metadata = message.add_metadata();
        metadata->set_key("traceparent");
        return test::ttrpc(stream, TtrpcHeader::kRequest, message.SerializeAsString(), flags);
    }
    void write(std::string bytes) {
        while (!bytes.empty()) {
            const auto size = ::write(sockets[1].get(), bytes.data(), bytes.size());
            if (size > 0) bytes.erase(0, static_cast<std::size_t>(size));
            run_ready(io);
        }
    }
    struct Answer {
        std::uint32_t stream;
        int code;
        std::string key;
    };
    std::vector<Answer> read_answers(std::size_t count) {
        std::vector<Answer> answers;
        run_until(io, [&] {
            char buffer[65536];
            const auto size = ::read(sockets[1].get(), buffer, sizeof buffer);
            if (size > 0 && !reader.feed({buffer, static_cast<std::size_t>(size)})) return false;
            for (const auto& m : reader.take())
                answers.push_back(parse(m.bytes));
            return answers.size() >= count;
        });
        return answers;
    }
    static Answer parse(const std::string& bytes) {
        envelope::Response response;
        EXPECT_TRUE(response.ParseFromString(bytes.substr(10)));
        api::KeyValue value;
        value.ParseFromString(response.payload());
        return {static_cast<unsigned char>(bytes[7]) + 0u, response.status().code(), value.key()};
    }
    Answer ask(const std::string& bytes) {
        write(test::frame(1, bytes));
        const auto answers = read_answers(1);
        return answers.empty() ? Answer{0, -1, ""} : answers.front();
    }
};

TEST_F(TtrpcServerTest, AnswersOnTheStreamOfTheRequest) {
    const auto answer = ask(request(5, "svc", "Echo", "hello"));
    EXPECT_EQ(answer.stream, 5u);
    EXPECT_EQ(answer.code, 0);
    EXPECT_EQ(answer.key, "hello");
}

TEST_F(TtrpcServerTest, AnswersInTheOrderOfTheHandlers) {
    write(test::frame(1, request(1, "svc", "Park")) + test::frame(1, request(3, "svc", "Echo")));
    EXPECT_EQ(read_answers(1).at(0).stream, 3u);
    parked.at(0).ok(api::Empty());
    EXPECT_EQ(read_answers(1).at(0).stream, 1u);
}

TEST_F(TtrpcServerTest, CallsAnUnknownMethodUnimplemented) {
    EXPECT_EQ(ask(request(1, "svc", "Nope")).code, 12);
}

TEST_F(TtrpcServerTest, CallsAnUnknownServiceUnimplemented) {
    EXPECT_EQ(ask(request(1, "other", "Echo")).code, 12);
}

TEST_F(TtrpcServerTest, CallsAStreamingRequestUnimplemented) {
    EXPECT_EQ(ask(request(1, "svc", "Echo", "k", TtrpcHeader::kRemoteOpen)).code, 12);
}

TEST_F(TtrpcServerTest, RefusesAnEvenStreamId) {
    EXPECT_EQ(ask(request(2, "svc", "Echo")).code, 3);
}

TEST_F(TtrpcServerTest, RefusesAStreamIdThatWasUsed) {
    EXPECT_EQ(ask(request(5, "svc", "Echo")).code, 0);
    EXPECT_EQ(ask(request(5, "svc", "Echo")).code, 3);
    EXPECT_EQ(ask(request(3, "svc", "Echo")).code, 3);
    EXPECT_EQ(ask(request(7, "svc", "Echo")).code, 0);
}

TEST_F(TtrpcServerTest, RefusesDataOnAStreamThatIsNotOpen) {
    EXPECT_EQ(ask(test::ttrpc(1, TtrpcHeader::kData, "x")).code, 3);
}

TEST_F(TtrpcServerTest, RefusesAnEnvelopeThatIsNone) {
    EXPECT_EQ(ask(test::ttrpc(1, TtrpcHeader::kRequest, "\xff\xff\xff")).code, 3);
}

TEST_F(TtrpcServerTest, IgnoresTypesItDoesNotKnow) {
    write(test::frame(1, test::ttrpc(1, 9, "x") + test::ttrpc(1, TtrpcHeader::kResponse, "x")));
    EXPECT_EQ(ask(request(1, "svc", "Echo")).code, 0);
}

TEST_F(TtrpcServerTest, ReadsPastAnOversizeRequestAndAnswersIt) {
    write(test::frame(1, test::ttrpc_message((4u << 20) + 1, 1)));
    EXPECT_EQ(read_answers(1).at(0).code, 8);
    EXPECT_EQ(ask(request(3, "svc", "Echo")).code, 0);
}

TEST_F(TtrpcServerTest, SaysSoWhenTheAnswerIsTooLong) {
    write(test::frame(1, request(1, "svc", "Park")));
    run_until(io, [&] { return !parked.empty(); });
    api::KeyValue big;
    big.set_key(std::string(5u << 20, 'x'));
    parked.at(0).ok(big);
    EXPECT_EQ(read_answers(1).at(0).code, 8);
}

TEST_F(TtrpcServerTest, AnswersAfterTheEndOfTheConnectionGoNowhere) {
    write(test::frame(1, request(1, "svc", "Park")));
    run_until(io, [&] { return !parked.empty(); });
    sockets[1].reset();
    EXPECT_TRUE(run_until(io, [&] { return closed; }));
    parked.at(0).ok(api::Empty());
    parked.at(0).error({Code::kInternal, "late"});
}

TEST_F(TtrpcServerTest, SurvivesRandomBytes) {
    std::minstd_rand random(7);
    for (int round = 0; round < 300; ++round) {
        std::string noise(random() % 200, '\0');
        for (char& c : noise)
            c = static_cast<char>(random());
        // A plausible length, so that the noise reaches the envelope and does not only wait for
        // more.
        write(test::frame(1, test::ttrpc(static_cast<std::uint32_t>(2 * round + 1), 1, noise)));
    }
    EXPECT_EQ(ask(request(9001, "svc", "Echo")).stream % 2, 1u);
    EXPECT_FALSE(closed);
}

/// A client and a server on two ends of one connection.
struct TtrpcClientTest : ::testing::Test {
    boost::asio::io_context io;
    std::array<Fd, 2> sockets = fakes::socket_pair();
    std::shared_ptr<Mux> near = Mux::create(io, std::move(sockets[0]));
    std::shared_ptr<Mux> far = Mux::create(io, std::move(sockets[1]));
    TtrpcClient client{io, near, StreamId::kPlugin, "svc"};
    TtrpcServer server{far, StreamId::kPlugin, "svc"};
    std::vector<TtrpcServer::Responder> parked;

    struct Outcome {
        bool done = false;
        Code code = Code::kOk;
        int os_error = 0;
        std::string message;
        std::string payload;
    };

    TtrpcClientTest() {
        server.add("Park", [this](std::string_view, const auto& r) { parked.push_back(r); });
        server.add("Fail", [](std::string_view, const auto& r) {
            r.error({Code::kNotFound, "no such thing"});
        });
        near->start([this](const Error& error) { client.fail_all(error); });
        far->start([](const Error&) {});
    }
    ~TtrpcClientTest() override {
        near->close();
        far->close();
    }
    void call(std::string_view method, Outcome& outcome, milliseconds timeout = milliseconds(5000),
              const std::string& key = "k") {
        api::KeyValue request;
        request.set_key(key);
        client.call(method, request, timeout, [&outcome](const Result<std::string_view>& reply) {
            EXPECT_FALSE(outcome.done);
            outcome.done = true;
            outcome.code = reply.code();
            if (reply) {
                outcome.payload = *reply;
            } else {
                outcome.os_error = reply.error().os_error();
                outcome.message = reply.error().message();
            }
        });
    }
};

TEST_F(TtrpcClientTest, HandsOutWhatTheServerAnswers) {
    Outcome outcome;
    call("Park", outcome);
    ASSERT_TRUE(run_until(io, [&] { return !parked.empty(); }));
    api::KeyValue reply;
    reply.set_key("answer");
    parked[0].ok(reply);
    ASSERT_TRUE(run_until(io, [&] { return outcome.done; }));
    EXPECT_EQ(outcome.payload, reply.SerializeAsString());
}

TEST_F(TtrpcClientTest, HandsOutTheErrorOfTheServer) {
    Outcome outcome;
    call("Fail", outcome);
    ASSERT_TRUE(run_until(io, [&] { return outcome.done; }));
    EXPECT_EQ(outcome.code, Code::kNotFound);
    EXPECT_EQ(outcome.message, "no such thing");
    EXPECT_EQ(outcome.os_error, 0);  // the peer's own word
}

TEST_F(TtrpcClientTest, GivesUpAtTheTimeoutAndIgnoresALateAnswer) {
    Outcome outcome;
    call("Park", outcome, milliseconds(20));
    ASSERT_TRUE(run_until(io, [&] { return outcome.done; }));
    EXPECT_EQ(outcome.code, Code::kDeadlineExceeded);
    EXPECT_EQ(outcome.os_error, ETIMEDOUT);
    parked.at(0).ok(api::Empty());
    Outcome next;
    call("Fail", next);
    EXPECT_TRUE(run_until(io, [&] { return next.done; }));
}

TEST_F(TtrpcClientTest, EndsOpenCallsWithTheConnection) {
    Outcome outcome;
    call("Park", outcome);
    ASSERT_TRUE(run_until(io, [&] { return !parked.empty(); }));
    far->close();
    ASSERT_TRUE(run_until(io, [&] { return outcome.done; }));
    EXPECT_NE(outcome.os_error, 0);
}

TEST_F(TtrpcClientTest, FailsACallOnAClosedConnection) {
    near->close();
    Outcome outcome;
    call("Park", outcome);
    EXPECT_FALSE(outcome.done);  // never from inside the call
    ASSERT_TRUE(run_until(io, [&] { return outcome.done; }));
    EXPECT_EQ(outcome.os_error, ECONNRESET);
}

TEST_F(TtrpcClientTest, DoesNotSendWhatIsTooLong) {
    Outcome outcome;
    call("Park", outcome, milliseconds(5000), std::string(5u << 20, 'x'));
    ASSERT_TRUE(run_until(io, [&] { return outcome.done; }));
    EXPECT_EQ(outcome.code, Code::kResourceExhausted);
    Outcome next;
    call("Fail", next);
    EXPECT_TRUE(run_until(io, [&] { return next.done; }));
}

}  // namespace
}  // namespace knd::nri
