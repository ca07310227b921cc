// SPDX-License-Identifier: Apache-2.0
//
// The framing of ttrpc: a header of 10 bytes (length, stream id, type, flags) and a protobuf
// envelope. Server and client, which know what the messages mean, are built on this.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <knd/cpp/result.hpp>

namespace google::protobuf {
class MessageLite;
}

namespace knd::nri {

struct TtrpcHeader {
    enum Type : std::uint8_t { kRequest = 1, kResponse = 2, kData = 3 };
    enum Flag : std::uint8_t { kRemoteClosed = 1, kRemoteOpen = 2, kNoData = 4 };
    static constexpr std::size_t kSize = 10;

    std::uint32_t length = 0;
    std::uint32_t stream = 0;
    std::uint8_t type = 0;
    std::uint8_t flags = 0;
};

/// The longest envelope that a peer accepts.
inline constexpr std::size_t kTtrpcMaxData = 4u << 20;

/// Header and envelope in one piece. RESOURCE_EXHAUSTED if the envelope is too long for the peer.
Result<std::string> encode_ttrpc(TtrpcHeader::Type type, std::uint32_t stream,
                                 const google::protobuf::MessageLite& envelope);

/// Puts messages together from a stream of bytes. Memory is bounded by kTtrpcMaxData: what is
/// longer is read past and reported as oversize, with no data.
class TtrpcDecoder {
  public:
    struct Message {
        TtrpcHeader header;
        std::string_view data;  ///< valid during the call only
        bool oversize = false;
    };
    using OnMessage = std::function<void(const Message&)>;

    explicit TtrpcDecoder(OnMessage on_message) : on_message_(std::move(on_message)) {}
    void feed(std::string_view bytes);

  private:
    std::string_view take_header(std::string_view bytes);
    std::string_view take_data(std::string_view bytes);
    void finish(std::string_view data);

    OnMessage on_message_;
    std::string header_bytes_;
    TtrpcHeader header_;
    bool in_data_ = false;
    std::size_t data_left_ = 0;
    std::string data_;  ///< what has arrived of a message that came in several pieces
};

}  // namespace knd::nri
