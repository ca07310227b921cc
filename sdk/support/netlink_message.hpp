// SPDX-License-Identifier: Apache-2.0
//
// Message: one netlink request while it is built. Attributes: those of a message received. Both
// hide libnl, which only the .cpp files of this directory include. Threads: any, one at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct nl_msg;
struct nlattr;
struct nlmsghdr;

namespace knd {

class Message {
  public:
    /// `type`: RTM_*; `flags`: NLM_F_* beside NLM_F_REQUEST.
    Message(int type, int flags);

    /// The fixed part; before any attribute.
    template <class Header>
    Message& header(const Header& header) {
        return append(&header, sizeof header);
    }
    Message& put_u8(int attribute, std::uint8_t value);
    Message& put_u16(int attribute, std::uint16_t value);
    Message& put_u32(int attribute, std::uint32_t value);
    /// With a NUL at its end, as the kernel wants names.
    Message& put_text(int attribute, const std::string& value);
    Message& put_bytes(int attribute, std::string_view value);
    /// An IP address as text; a text that is none marks the message as failed.
    Message& put_ip(int attribute, const std::string& address);
    /// What `fill` puts goes into a nested attribute.
    template <class Fill>
    Message& nest(int attribute, Fill fill) {
        nlattr* const nested = begin_nest(attribute);
        fill();
        return end_nest(nested);
    }
    /// Raw bytes in the middle of attributes: the ifinfomsg of a veth peer, an rtnexthop.
    Message& append(const void* data, std::size_t size);
    std::size_t size() const;
    /// Where `offset` bytes from the start are now; valid until the next put.
    void* at(std::size_t offset);

    /// False when it did not fit into memory or something put was malformed.
    bool ok() const { return ok_; }
    nlmsghdr* raw();

  private:
    struct Free {
        void operator()(nl_msg* message) const;
    };
    nlattr* begin_nest(int attribute);
    Message& end_nest(nlattr* nested);

    std::unique_ptr<nl_msg, Free> message_;
    bool ok_ = true;
};

/// The attributes of a received message or nest, by number. Views into the receive buffer.
class Attributes {
  public:
    static constexpr int kMax =
        80;  ///< beyond every IFLA_, IFA_, RTA_, FRA_ and NDA_ number we read

    /// Those after a fixed part of `header_size` bytes. Empty when the message is too short.
    static Attributes of(const nlmsghdr* message, std::size_t header_size);
    /// Those within an attribute; empty when it is null.
    static Attributes within(const nlattr* nest);
    /// Those in `size` bytes at `data`.
    static Attributes in(const void* data, std::size_t size);

    bool has(int attribute) const { return table_[static_cast<std::size_t>(attribute)] != nullptr; }
    const nlattr* raw(int attribute) const { return table_[static_cast<std::size_t>(attribute)]; }
    /// 0, empty or none when it is missing or too short.
    std::uint8_t u8(int attribute) const;
    std::uint16_t u16(int attribute) const;
    std::uint32_t u32(int attribute) const;
    std::uint64_t u64(int attribute) const;
    std::optional<std::uint32_t> maybe_u32(int attribute) const;
    std::string text(int attribute) const;
    std::string_view bytes(int attribute) const;
    /// An IPv4 or IPv6 address by its length.
    std::string ip(int attribute) const;

    /// Calls `visit(type, bytes)` for each attribute in a nest, also for repeated ones.
    template <class Visit>
    static void each(const nlattr* nest, Visit visit) {
        for (Cursor cursor(nest); cursor.next();)
            visit(cursor.type, cursor.payload);
    }

  private:
    struct Cursor {
        explicit Cursor(const nlattr* nest);
        bool next();
        const nlattr* at = nullptr;
        int left = 0;
        int type = 0;
        std::string_view payload;
    };
    std::array<const nlattr*, kMax + 1> table_{};
};

/// The fixed part of a message; null when the message is too short for it.
const void* message_header(const nlmsghdr* message, std::size_t size);
template <class Header>
const Header* message_header(const nlmsghdr* message) {
    return static_cast<const Header*>(message_header(message, sizeof(Header)));
}

/// Text of an address of 4 or 16 bytes, empty for any other length.
std::string ip_text(std::string_view bytes);
/// The 4 or 16 bytes, empty when `text` is no IP address.
std::string ip_bytes(const std::string& text);

}  // namespace knd
