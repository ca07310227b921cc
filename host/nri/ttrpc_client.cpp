// SPDX-License-Identifier: Apache-2.0
#include "host/nri/ttrpc_client.hpp"

#include <boost/asio/post.hpp>
#include <cassert>
#include <utility>

#include "host/proto/nri/ttrpc.pb.h"

namespace knd::nri {
namespace {

namespace envelope = knd::proto::ttrpc;

Error lost() {
    return {Code::kUnavailable, "the connection is closed", ECONNRESET};
}

}  // namespace

TtrpcClient::TtrpcClient(boost::asio::io_context& io, const std::shared_ptr<Mux>& mux, StreamId id,
                         std::string service)
    : io_(io),
      mux_(mux),
      id_(id),
      service_(std::move(service)),
      decoder_([this](const TtrpcDecoder::Message& message) { handle(message); }) {
    mux->receive(id, [this](std::string_view bytes) { decoder_.feed(bytes); });
}

void TtrpcClient::call(std::string_view method, const google::protobuf::MessageLite& request,
                       std::chrono::milliseconds timeout, Reply reply) {
    const auto mux = mux_.lock();
    if (!mux || !mux->is_open()) return fail_later(std::move(reply), lost());
    envelope::Request request_envelope;
    request_envelope.set_service(service_);
    request_envelope.set_method(std::string(method));
    request_envelope.set_timeout_nano(std::chrono::nanoseconds(timeout).count());
    request.SerializeToString(request_envelope.mutable_payload());
    const auto stream = next_stream_;
    auto message = encode_ttrpc(TtrpcHeader::kRequest, stream, request_envelope);
    if (!message) return fail_later(std::move(reply), std::move(message).error());
    next_stream_ += 2;

    auto deadline = std::make_unique<boost::asio::steady_timer>(io_, timeout);
    deadline->async_wait(
        [this, alive = std::weak_ptr(alive_), stream, timeout](boost::system::error_code ec) {
            if (ec || alive.expired()) return;
            finish(stream,
                   Error(Code::kDeadlineExceeded,
                         "no answer within " + std::to_string(timeout.count()) + " ms", ETIMEDOUT));
        });
    pending_.emplace(stream, Pending{std::move(reply), std::move(deadline)});
    mux->send(id_, *std::move(message));
}

void TtrpcClient::fail_all(const Error& error) {
    auto pending = std::exchange(pending_, {});
    for (auto& [stream, call] : pending)
        call.reply(error);
}

void TtrpcClient::fail_later(Reply reply, Error error) {
    boost::asio::post(
        io_, [alive = std::weak_ptr(alive_), reply = std::move(reply), error = std::move(error)] {
            if (!alive.expired()) reply(error);
        });
}

void TtrpcClient::handle(const TtrpcDecoder::Message& message) {
    if (message.header.type != TtrpcHeader::kResponse) return;
    const auto stream = message.header.stream;
    if (message.oversize)
        return finish(stream, Error(Code::kResourceExhausted, "the answer is too long", EMSGSIZE));
    envelope::Response response;
    if (!response.ParseFromArray(message.data.data(), static_cast<int>(message.data.size())))
        return finish(stream, Error(Code::kInternal, "the answer is not a ttrpc.Response", EPROTO));
    if (const int code = response.status().code(); code != 0) {
        const bool known = code > 0 && code <= static_cast<int>(Code::kUnauthenticated);
        return finish(stream, Error(known ? static_cast<Code>(code) : Code::kUnknown,
                                    response.status().message()));
    }
    finish(stream, std::string_view(response.payload()));
}

// An answer to a call that has been given up finds nothing here, and is ignored.
void TtrpcClient::finish(std::uint32_t stream, Result<std::string_view> result) {
    auto node = pending_.extract(stream);
    if (node.empty()) return;
    node.mapped().reply(std::move(result));
}

}  // namespace knd::nri
