// SPDX-License-Identifier: Apache-2.0
//
// TtrpcServer: unary methods offered on one stream of a Mux. Several requests may be open at once
// and are answered in any order.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "host/nri/mux.hpp"
#include "host/nri/ttrpc.hpp"

namespace knd::nri {

/// Threads: the one of the Mux. Failure: a bad request gets an error status; nothing a peer sends
/// ends the connection from here.
class TtrpcServer {
  public:
    /// The way back for one request. Copies answer the same request; only the first answer counts
    /// for the peer, so give exactly one. Works, without effect, after the connection has ended.
    class Responder {
      public:
        void ok(const google::protobuf::MessageLite& reply) const;
        void error(const Error& error) const;

      private:
        friend class TtrpcServer;
        Responder(std::weak_ptr<Mux> mux, StreamId id, std::uint32_t stream)
            : mux_(std::move(mux)), id_(id), stream_(stream) {}
        std::weak_ptr<Mux> mux_;
        StreamId id_;
        std::uint32_t stream_;
    };
    /// `payload` is valid during the call only.
    using Method = std::function<void(std::string_view payload, Responder respond)>;

    /// Takes over the stream `id` of `mux`, which must not be started yet and must be closed before
    /// the server is destroyed.
    TtrpcServer(const std::shared_ptr<Mux>& mux, StreamId id, std::string service);
    TtrpcServer(const TtrpcServer&) = delete;
    TtrpcServer& operator=(const TtrpcServer&) = delete;

    void add(std::string method, Method handler);

  private:
    void handle(const TtrpcDecoder::Message& message);
    void dispatch(std::string_view data, const Responder& respond);

    std::weak_ptr<Mux> mux_;
    StreamId id_;
    std::string service_;
    std::map<std::string, Method, std::less<>> methods_;
    TtrpcDecoder decoder_;
    std::uint32_t last_stream_ = 0;
};

}  // namespace knd::nri
