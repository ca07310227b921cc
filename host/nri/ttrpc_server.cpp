// SPDX-License-Identifier: Apache-2.0
#include "host/nri/ttrpc_server.hpp"

#include <utility>

#include "host/proto/nri/ttrpc.pb.h"

namespace knd::nri {
namespace {

namespace envelope = knd::proto::ttrpc;

}  // namespace

void TtrpcServer::Responder::ok(const google::protobuf::MessageLite& reply) const {
    const auto mux = mux_.lock();
    if (!mux) return;
    envelope::Response response;
    reply.SerializeToString(response.mutable_payload());
    auto message = encode_ttrpc(TtrpcHeader::kResponse, stream_, response);
    if (!message) return error(std::move(message).error().wrap("answer"));
    mux->send(id_, *std::move(message));
}

void TtrpcServer::Responder::error(const Error& error) const {
    const auto mux = mux_.lock();
    if (!mux) return;
    envelope::Response response;
    response.mutable_status()->set_code(static_cast<int>(error.code()));
    // proto3 strings are UTF-8 and Go refuses others; a path or a name in an error may be anything.
    std::string text = error.message().substr(0, 8192);
    for (char& c : text)
        if (static_cast<unsigned char>(c) >= 0x80) c = '?';
    response.mutable_status()->set_message(std::move(text));
    auto message = encode_ttrpc(TtrpcHeader::kResponse, stream_, response);
    if (message) mux->send(id_, *std::move(message));
}

TtrpcServer::TtrpcServer(const std::shared_ptr<Mux>& mux, StreamId id, std::string service)
    : mux_(mux),
      id_(id),
      service_(std::move(service)),
      decoder_([this](const TtrpcDecoder::Message& message) { handle(message); }) {
    mux->receive(id, [this](std::string_view bytes) { decoder_.feed(bytes); });
}

void TtrpcServer::add(std::string method, Method handler) {
    methods_.insert_or_assign(std::move(method), std::move(handler));
}

void TtrpcServer::handle(const TtrpcDecoder::Message& message) {
    const auto mux = mux_.lock();
    if (!mux || !mux->is_open()) return;  // closed by the handler of an earlier message
    const auto& header = message.header;
    const Responder respond(mux_, id_, header.stream);
    if (header.type == TtrpcHeader::kData)
        return respond.error({Code::kInvalidArgument, "this stream is not open"});
    if (header.type != TtrpcHeader::kRequest) return;
    if (header.stream % 2 == 0)
        return respond.error({Code::kInvalidArgument, "stream ids of a client must be odd"});
    if (header.stream <= last_stream_)
        return respond.error({Code::kInvalidArgument, "stream ids must increase"});
    last_stream_ = header.stream;
    if (message.oversize)
        return respond.error(
            {Code::kResourceExhausted, "the request of " + std::to_string(header.length) +
                                           " bytes is longer than the " +
                                           std::to_string(kTtrpcMaxData) + " that ttrpc allows"});
    if ((header.flags & TtrpcHeader::kRemoteOpen) != 0)
        return respond.error({Code::kUnimplemented, "this service has no streaming methods"});
    dispatch(message.data, respond);
}

void TtrpcServer::dispatch(std::string_view data, const Responder& respond) {
    envelope::Request request;
    if (!request.ParseFromArray(data.data(), static_cast<int>(data.size())))
        return respond.error({Code::kInvalidArgument, "the request is not a ttrpc.Request"});
    if (request.service() != service_)
        return respond.error({Code::kUnimplemented, "service " + request.service()});
    const auto found = methods_.find(request.method());
    if (found == methods_.end())
        return respond.error({Code::kUnimplemented, "method " + request.method()});
    found->second(request.payload(), respond);
}

}  // namespace knd::nri
