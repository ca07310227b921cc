// SPDX-License-Identifier: Apache-2.0
//
// Netlink::Socket: sends one request at a time and reads what belongs to it. Sequence numbers,
// errors and interrupted dumps are dealt with here and nowhere else.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "sdk/support/netlink.hpp"
#include "sdk/support/netlink_message.hpp"

#include <knd/cpp/fd.hpp>

namespace knd {

class Netlink::Socket {
  public:
    /// What the kernel packs a dump into at most.
    static constexpr std::size_t kBufferSize = 32768;
    /// `protocol`: NETLINK_*; `buffer`: bytes of the longest answer.
    static Result<std::unique_ptr<Socket>> open(int protocol, std::size_t buffer = kBufferSize);

    using Visit = std::function<void(const nlmsghdr*)>;
    /// Sends, hands every message of the answer to `visit`, returns when the kernel says that it is
    /// done. The error is the kernel's alone ("Invalid argument (mtu less than device minimum)"):
    /// the caller says what was tried.
    Result<void> request(Message& message, const Visit& visit);
    Result<void> request(Message& message);

    /// A dump. `begin` runs before each try: when the tables change under it, a dump starts over.
    Result<void> dump(Message& message, const std::function<void()>& begin, const Visit& visit);

  private:
    Socket(Fd fd, std::size_t buffer);
    Result<void> send(Message& message);
    /// One datagram into buffer_; its size.
    Result<std::size_t> receive();

    enum class Progress { kMore, kDone };
    struct Answer {
        const Visit& visit;
        bool interrupted = false;
    };
    Result<Progress> read(const nlmsghdr* message, Answer& answer) const;
    Result<void> collect(Answer& answer);

    Fd fd_;
    std::uint32_t sequence_ = 0;
    std::size_t buffer_size_;
    std::unique_ptr<char[]> buffer_;
};

}  // namespace knd
