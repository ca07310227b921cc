// SPDX-License-Identifier: Apache-2.0
//
// NriGoReader: how a peer written in Go reads an NRI connection, with its two limits. A frame must
// fit in the buffer of the read that takes it (4096 bytes, or what a long message still lacks), and
// at most 256 frames may wait. Breaking either loses the connection.
#pragma once

#include <cerrno>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <knd/cpp/result.hpp>

namespace knd::fakes {

class NriGoReader {
  public:
    struct Message {
        std::uint32_t stream;
        std::string bytes;  ///< header and data of the ttrpc message
        int frames;         ///< it took
    };

    /// Bytes of the connection, cut anywhere. An error is what would lose the connection.
    Result<> feed(std::string_view bytes) {
        unread_.append(bytes);
        while (unread_.size() >= 8) {
            const auto id = u32(unread_);
            const auto length = u32(std::string_view(unread_).substr(4));
            if (unread_.size() - 8 < length) break;
            KND_TRY(streams_[id].take(id, unread_.substr(8, length), messages_));
            unread_.erase(0, 8 + length);
        }
        return {};
    }
    std::vector<Message> take() { return std::exchange(messages_, {}); }

  private:
    static constexpr std::size_t kBuffer = 4096;
    static constexpr int kQueue = 256;

    static std::uint32_t u32(std::string_view in) {
        std::uint32_t value = 0;
        for (const char c : in.substr(0, 4))
            value = value << 8 | static_cast<unsigned char>(c);
        return value;
    }

    struct Stream {
        std::string message;      ///< read so far, from its header on
        std::size_t needed = 10;  ///< what the read under way still wants
        int frames = 0;

        Result<> take(std::uint32_t id, std::string_view frame, std::vector<Message>& out) {
            if (frame.size() > std::max(needed, kBuffer))
                return Error(Code::kResourceExhausted,
                             "frame of " + std::to_string(frame.size()) + " bytes", ENOMEM);
            if (++frames > kQueue)
                return Error(Code::kResourceExhausted, "failed to queue payload", ENOBUFS);
            while (!frame.empty()) {
                const auto piece = frame.substr(0, needed);
                message.append(piece);
                frame.remove_prefix(piece.size());
                needed -= piece.size();
                if (needed > 0) continue;
                if (message.size() == 10) needed = u32(message);
                if (needed > 0) continue;
                out.push_back({id, std::exchange(message, {}), std::exchange(frames, 0)});
                needed = 10;
            }
            return {};
        }
    };

    std::string unread_;
    std::map<std::uint32_t, Stream> streams_;
    std::vector<Message> messages_;
};

}  // namespace knd::fakes
