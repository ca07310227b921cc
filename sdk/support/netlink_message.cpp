// SPDX-License-Identifier: Apache-2.0
#include "sdk/support/netlink_message.hpp"

#include <arpa/inet.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <cstring>

namespace knd {

void Message::Free::operator()(nl_msg* message) const {
    nlmsg_free(message);
}

Message::Message(int type, int flags) : message_(nlmsg_alloc_simple(type, NLM_F_REQUEST | flags)) {
    ok_ = message_ != nullptr;
}

Message& Message::append(const void* data, std::size_t size) {
    ok_ = ok_ && nlmsg_append(message_.get(), const_cast<void*>(data), size, NLMSG_ALIGNTO) == 0;
    return *this;
}

Message& Message::put_bytes(int attribute, std::string_view value) {
    ok_ = ok_ &&
          nla_put(message_.get(), attribute, static_cast<int>(value.size()), value.data()) == 0;
    return *this;
}

Message& Message::put_u8(int attribute, std::uint8_t value) {
    return put_bytes(attribute, {reinterpret_cast<const char*>(&value), sizeof value});
}

Message& Message::put_u16(int attribute, std::uint16_t value) {
    return put_bytes(attribute, {reinterpret_cast<const char*>(&value), sizeof value});
}

Message& Message::put_u32(int attribute, std::uint32_t value) {
    return put_bytes(attribute, {reinterpret_cast<const char*>(&value), sizeof value});
}

Message& Message::put_text(int attribute, const std::string& value) {
    return put_bytes(attribute, {value.c_str(), value.size() + 1});
}

Message& Message::put_ip(int attribute, const std::string& address) {
    const auto bytes = ip_bytes(address);
    ok_ = ok_ && !bytes.empty();
    return put_bytes(attribute, bytes);
}

nlattr* Message::begin_nest(int attribute) {
    if (!ok_) return nullptr;
    nlattr* const nested = nla_nest_start(message_.get(), NLA_F_NESTED | attribute);
    ok_ = nested != nullptr;
    return nested;
}

Message& Message::end_nest(nlattr* nested) {
    // The variant that keeps an empty nest: a link kind without data is announced by one.
    ok_ = ok_ && nla_nest_end_keep_empty(message_.get(), nested) == 0;
    return *this;
}

std::size_t Message::size() const {
    return ok_ ? nlmsg_hdr(message_.get())->nlmsg_len : 0;
}

void* Message::at(std::size_t offset) {
    return reinterpret_cast<char*>(nlmsg_hdr(message_.get())) + offset;
}

nlmsghdr* Message::raw() {
    return nlmsg_hdr(message_.get());
}

namespace {

/// libnl's parser takes no const.
nlattr* mutable_attribute(const void* data) {
    return static_cast<nlattr*>(const_cast<void*>(data));
}

}  // namespace

Attributes Attributes::in(const void* data, std::size_t size) {
    Attributes result;
    std::array<nlattr*, kMax + 1> table{};
    const auto length = static_cast<int>(size);
    if (nla_parse(table.data(), kMax, mutable_attribute(data), length, nullptr) == 0) {
        std::copy(table.begin(), table.end(), result.table_.begin());
    }
    return result;
}

Attributes Attributes::of(const nlmsghdr* message, std::size_t header_size) {
    const auto offset = NLMSG_HDRLEN + NLMSG_ALIGN(header_size);
    if (message->nlmsg_len < offset) return {};
    return in(reinterpret_cast<const char*>(message) + offset, message->nlmsg_len - offset);
}

Attributes Attributes::within(const nlattr* nest) {
    if (nest == nullptr) return {};
    return in(nla_data(nest), static_cast<std::size_t>(nla_len(nest)));
}

std::string_view Attributes::bytes(int attribute) const {
    const nlattr* const found = raw(attribute);
    if (found == nullptr) return {};
    return {static_cast<const char*>(nla_data(found)), static_cast<std::size_t>(nla_len(found))};
}

namespace {

template <class T>
std::optional<T> number(std::string_view bytes) {
    if (bytes.size() < sizeof(T)) return std::nullopt;
    T value{};
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

}  // namespace

std::uint8_t Attributes::u8(int attribute) const {
    return number<std::uint8_t>(bytes(attribute)).value_or(0);
}

std::uint16_t Attributes::u16(int attribute) const {
    return number<std::uint16_t>(bytes(attribute)).value_or(0);
}

std::uint32_t Attributes::u32(int attribute) const {
    return number<std::uint32_t>(bytes(attribute)).value_or(0);
}

std::uint64_t Attributes::u64(int attribute) const {
    return number<std::uint64_t>(bytes(attribute)).value_or(0);
}

std::optional<std::uint32_t> Attributes::maybe_u32(int attribute) const {
    return number<std::uint32_t>(bytes(attribute));
}

std::string Attributes::text(int attribute) const {
    const auto value = bytes(attribute);
    return std::string(value.substr(0, value.find('\0')));
}

std::string Attributes::ip(int attribute) const {
    return ip_text(bytes(attribute));
}

Attributes::Cursor::Cursor(const nlattr* nest) {
    if (nest == nullptr) return;
    at = static_cast<const nlattr*>(nla_data(nest));
    left = nla_len(nest);
}

bool Attributes::Cursor::next() {
    if (at == nullptr || nla_ok(at, left) == 0) return false;
    type = nla_type(at);
    payload = {static_cast<const char*>(nla_data(at)), static_cast<std::size_t>(nla_len(at))};
    at = nla_next(at, &left);
    return true;
}

const void* message_header(const nlmsghdr* message, std::size_t size) {
    if (message->nlmsg_len < NLMSG_HDRLEN + size) return nullptr;
    return reinterpret_cast<const char*>(message) + NLMSG_HDRLEN;
}

std::string ip_text(std::string_view bytes) {
    if (bytes.size() != 4 && bytes.size() != 16) return {};
    char text[INET6_ADDRSTRLEN];
    ::inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
    return text;
}

std::string ip_bytes(const std::string& text) {
    char bytes[16];
    if (::inet_pton(AF_INET, text.c_str(), bytes) == 1) return {bytes, 4};
    if (::inet_pton(AF_INET6, text.c_str(), bytes) == 1) return {bytes, 16};
    return {};
}

}  // namespace knd
