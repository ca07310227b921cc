// SPDX-License-Identifier: Apache-2.0
#include "host/nri/mux.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <cassert>
#include <utility>

#include "host/nri/big_endian.hpp"

namespace knd::nri {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kReadBuffer = 64u << 10;
/// Messages gathered into one write; each takes up to four buffers.
constexpr std::size_t kGather = 16;

/// The buffers of one write, with what has been sent already left out; a Boost buffer sequence.
class Gathered {
  public:
    using value_type = asio::const_buffer;
    using const_iterator = const asio::const_buffer*;

    explicit Gathered(std::size_t skip) : skip_(skip) {}
    void add(const char* data, std::size_t size) {
        const auto skipped = std::min(skip_, size);
        skip_ -= skipped;
        if (size > skipped) buffers_[count_++] = asio::buffer(data + skipped, size - skipped);
    }
    const_iterator begin() const { return buffers_.data(); }
    const_iterator end() const { return buffers_.data() + count_; }

  private:
    std::array<asio::const_buffer, kGather * 4> buffers_;
    std::size_t count_ = 0;
    std::size_t skip_;
};

}  // namespace

std::shared_ptr<Mux> Mux::create(asio::io_context& io, Fd socket) {
    return std::shared_ptr<Mux>(new Mux(io, std::move(socket)));
}

Mux::Mux(asio::io_context& io, Fd socket)
    : io_(io), socket_(io), read_buffer_(std::make_unique<char[]>(kReadBuffer)) {
    boost::system::error_code ec;
    socket_.assign(asio::local::stream_protocol(), socket.get(), ec);
    assert(!ec);
    if (!ec) (void)socket.release();
    socket_.non_blocking(true, ec);
}

Mux::~Mux() = default;

std::size_t Mux::Outgoing::wire_size() const {
    return message.size() + (message.size() > kFirstFrame ? 2 : 1) * kHeaderSize;
}

void Mux::receive(StreamId id, OnBytes receiver) {
    receivers_.emplace_back(id, std::move(receiver));
}

void Mux::start(OnClosed on_closed) {
    on_closed_ = std::move(on_closed);
    read_some();
}

void Mux::close() {
    on_closed_ = nullptr;
    shut();
}

void Mux::shut() {
    if (std::exchange(closed_, true)) return;
    boost::system::error_code ec;
    socket_.close(ec);
}

void Mux::fail(Error error) {
    if (closed_) return;
    shut();
    asio::post(io_, [self = shared_from_this(), error = std::move(error)] {
        // Taken out first: the owner may let go of everything, this callback included.
        if (auto on_closed = std::exchange(self->on_closed_, nullptr)) on_closed(error);
    });
}

void Mux::read_some() {
    socket_.async_read_some(
        asio::buffer(read_buffer_.get(), kReadBuffer),
        [self = shared_from_this()](boost::system::error_code ec, std::size_t size) {
            if (self->closed_) return;
            if (ec == asio::error::eof)
                return self->fail(
                    Error(Code::kUnavailable, "the peer closed the connection", ECONNRESET));
            if (ec) return self->fail(Error::from_errno("read from the NRI socket", ec.value()));
            self->consume({self->read_buffer_.get(), size});
            if (!self->closed_) self->read_some();
        });
}

void Mux::consume(std::string_view bytes) {
    while (!bytes.empty() && !closed_) {
        if (frame_left_ == 0) {
            bytes = take_header(bytes);
            continue;
        }
        const auto piece = bytes.substr(0, frame_left_);
        bytes.remove_prefix(piece.size());
        frame_left_ -= piece.size();
        for (const auto& [id, receiver] : receivers_)
            if (static_cast<std::uint32_t>(id) == frame_id_) receiver(piece);
    }
}

std::string_view Mux::take_header(std::string_view bytes) {
    const auto take = std::min(bytes.size(), kHeaderSize - header_used_);
    std::copy_n(bytes.begin(), take, header_.begin() + header_used_);
    header_used_ += take;
    if (header_used_ == kHeaderSize) {
        header_used_ = 0;
        frame_id_ = get_u32(header_.data());
        frame_left_ = get_u32(header_.data() + 4);
        if (frame_left_ > kMaxFrame)
            fail(Error(Code::kInvalidArgument,
                       "the peer announced a frame of " + std::to_string(frame_left_) +
                           " bytes: this is not NRI, or not a version known here",
                       EPROTO));
    }
    return bytes.substr(take);
}

void Mux::send(StreamId id, std::string message) {
    if (closed_ || message.empty()) return;
    Outgoing item;
    const auto first = std::min(message.size(), kFirstFrame);
    put_u32(item.first_header.data(), static_cast<std::uint32_t>(id));
    put_u32(item.first_header.data() + 4, static_cast<std::uint32_t>(first));
    put_u32(item.rest_header.data(), static_cast<std::uint32_t>(id));
    put_u32(item.rest_header.data() + 4, static_cast<std::uint32_t>(message.size() - first));
    item.message = std::move(message);
    unsent_bytes_ += item.wire_size();
    unsent_.push_back(std::move(item));
    if (unsent_bytes_ > kMaxUnsent)
        return fail(
            Error(Code::kResourceExhausted, "the peer does not read what it is sent", ENOBUFS));
    if (!waiting_writable_) flush();
}

// Writes at once instead of through the event loop: an answer leaves before send() returns.
void Mux::flush() {
    while (!unsent_.empty() && !closed_) {
        Gathered buffers(front_sent_);
        for (std::size_t i = 0; i < std::min(kGather, unsent_.size()); ++i) {
            const auto& item = unsent_[i];
            const auto first = std::min(item.message.size(), kFirstFrame);
            buffers.add(item.first_header.data(), kHeaderSize);
            buffers.add(item.message.data(), first);
            if (item.message.size() == first) continue;
            buffers.add(item.rest_header.data(), kHeaderSize);
            buffers.add(item.message.data() + first, item.message.size() - first);
        }
        boost::system::error_code ec;
        const auto size = socket_.write_some(buffers, ec);
        if (ec == asio::error::would_block) return wait_writable();
        if (ec == asio::error::interrupted) continue;
        if (ec) return fail(Error::from_errno("write to the NRI socket", ec.value()));
        sent(size);
    }
}

void Mux::wait_writable() {
    waiting_writable_ = true;
    socket_.async_wait(asio::local::stream_protocol::socket::wait_write,
                       [self = shared_from_this()](boost::system::error_code) {
                           self->waiting_writable_ = false;
                           self->flush();
                       });
}

void Mux::sent(std::size_t bytes) {
    unsent_bytes_ -= bytes;
    front_sent_ += bytes;
    while (!unsent_.empty() && front_sent_ >= unsent_.front().wire_size()) {
        front_sent_ -= unsent_.front().wire_size();
        unsent_.pop_front();
    }
}

}  // namespace knd::nri
