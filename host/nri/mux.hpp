// SPDX-License-Identifier: Apache-2.0
//
// Mux: several byte streams over one unix socket, as NRI has it. A frame is a header of 8 bytes (id
// of the stream and length, big endian) and a piece of that stream. Frames say nothing about
// messages; the peer's reader does care, though, how messages are cut into them: see `send`.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <knd/cpp/fd.hpp>
#include <knd/cpp/result.hpp>

namespace knd::nri {

/// The two streams of an NRI connection, named after the service that is reached through them.
enum class StreamId : std::uint32_t { kPlugin = 1, kRuntime = 2 };

/// Threads: everything runs on the thread of the io_context.
/// Failure: any error ends the connection as a whole; there is nothing to resynchronise on.
/// Ownership: operations under way share it, hence shared_ptr; `close` ends them.
class Mux : public std::enable_shared_from_this<Mux> {
  public:
    using OnBytes = std::function<void(std::string_view)>;
    using OnClosed = std::function<void(const Error&)>;

    static constexpr std::size_t kHeaderSize = 8;
    /// What a Go peer offers its reader: a longer first frame of a message kills the connection.
    static constexpr std::size_t kFirstFrame = 4096;
    /// The longest that any NRI version writes: 16 MiB of payload (0.6 and older) and its header.
    static constexpr std::size_t kMaxFrame = (16u << 20) + 10;
    /// More than this unsent means that the peer has stopped reading.
    static constexpr std::size_t kMaxUnsent = 64u << 20;

    static std::shared_ptr<Mux> create(boost::asio::io_context& io, Fd socket);
    ~Mux();
    Mux(const Mux&) = delete;
    Mux& operator=(const Mux&) = delete;

    /// What arrives on `id` goes to `receiver`, in pieces of any size, never empty. Streams without
    /// a receiver are skipped. To be called before `start`.
    void receive(StreamId id, OnBytes receiver);

    /// Starts reading. `on_closed` is called at most once, never from inside another call of this
    /// class, and not after `close`.
    void start(OnClosed on_closed);

    /// Sends one whole ttrpc message. *Rationale:* the peer reads through a buffer of 4096 bytes
    /// and takes a frame in one read or not at all, and it queues at most 256 frames. So a message
    /// is one frame of at most 4096 bytes and, if that is not enough, a second one with all the
    /// rest, whose length is then exactly what the peer asks for. Two messages never share a frame.
    void send(StreamId id, std::string message);

    /// No callback runs after this. Unsent messages are lost.
    void close();
    bool is_open() const { return !closed_; }

  private:
    struct Outgoing {
        std::array<char, kHeaderSize> first_header;
        std::array<char, kHeaderSize> rest_header;
        std::string message;
        std::size_t wire_size() const;
    };

    Mux(boost::asio::io_context& io, Fd socket);
    void read_some();
    void consume(std::string_view bytes);
    std::string_view take_header(std::string_view bytes);
    void flush();
    void wait_writable();
    void sent(std::size_t bytes);
    void shut();
    void fail(Error error);

    boost::asio::io_context& io_;
    boost::asio::local::stream_protocol::socket socket_;
    std::vector<std::pair<StreamId, OnBytes>> receivers_;
    OnClosed on_closed_;
    bool closed_ = false;

    std::unique_ptr<char[]> read_buffer_;
    std::array<char, kHeaderSize> header_{};
    std::size_t header_used_ = 0;
    std::uint32_t frame_id_ = 0;
    std::size_t frame_left_ = 0;

    std::deque<Outgoing> unsent_;
    std::size_t unsent_bytes_ = 0;  ///< of all of `unsent_`, as on the wire
    std::size_t front_sent_ = 0;    ///< bytes of unsent_.front() that are out already
    bool waiting_writable_ = false;
};

}  // namespace knd::nri
