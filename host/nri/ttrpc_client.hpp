// SPDX-License-Identifier: Apache-2.0
//
// TtrpcClient: unary calls on one stream of a Mux.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "host/nri/mux.hpp"
#include "host/nri/ttrpc.hpp"

namespace knd::nri {

/// Did the call itself fail (no answer in time, connection gone, answer unreadable), as opposed to
/// the peer having answered with an error? Told by the errno, which a peer's status never has.
inline bool is_transport_error(const Error& error) {
    return error.os_error() != 0;
}

/// Threads: the one of the Mux. Failure: each call gets its own answer or error.
class TtrpcClient {
  public:
    /// The payload is valid during the call only.
    using Reply = std::function<void(Result<std::string_view> payload)>;

    /// Takes over the stream `id` of `mux`, which must not be started yet and must be closed before
    /// the client is destroyed.
    TtrpcClient(boost::asio::io_context& io, const std::shared_ptr<Mux>& mux, StreamId id,
                std::string service);
    TtrpcClient(const TtrpcClient&) = delete;
    TtrpcClient& operator=(const TtrpcClient&) = delete;

    /// `reply` is called exactly once, never from inside this call, unless the client is destroyed
    /// or told to forget first. After `timeout` the request is given up; ttrpc cannot tell the
    /// peer.
    void call(std::string_view method, const google::protobuf::MessageLite& request,
              std::chrono::milliseconds timeout, Reply reply);

    /// Every open call ends with this error. For the owner, when the Mux has reported its end.
    void fail_all(const Error& error);
    /// No open call is answered any more.
    void forget_all() { pending_.clear(); }

  private:
    struct Pending {
        Reply reply;
        std::unique_ptr<boost::asio::steady_timer> deadline;
    };

    void handle(const TtrpcDecoder::Message& message);
    void finish(std::uint32_t stream, Result<std::string_view> result);
    void fail_later(Reply reply, Error error);

    boost::asio::io_context& io_;
    std::weak_ptr<Mux> mux_;
    StreamId id_;
    std::string service_;
    TtrpcDecoder decoder_;
    std::uint32_t next_stream_ = 1;
    std::map<std::uint32_t, Pending> pending_;
    /// Expires with the client, so that what was posted finds out.
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace knd::nri
