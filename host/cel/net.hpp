// SPDX-License-Identifier: Apache-2.0
//
// IP addresses and CIDR prefixes as values of expressions: Kubernetes' ip() and cidr(). IPv4 in
// IPv6 ("::ffff:1.2.3.4") and zones ("fe80::1%eth0") are refused, as Kubernetes does.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "host/cel/library.hpp"

namespace knd::cel {

struct IpAddress {
    std::array<std::uint8_t, 16> bytes{};  ///< IPv4 uses the first four
    bool v4 = false;
    std::size_t size() const { return v4 ? 4 : 16; }
    bool operator==(const IpAddress&) const = default;

    /// What a URL may have in brackets: also mapped addresses, and a zone. False: `why` says what
    /// is wrong, in the words of Go's net/url.
    static bool check_literal(std::string_view text, std::string& why);
    /// Nothing: `why` says what is wrong, in the words of Go's net/netip and Kubernetes.
    static std::optional<IpAddress> parse(std::string_view text, std::string& why);
    /// Canonical: lower case, the longest run of zeroes shortened.
    std::string text() const;
};

struct Cidr {
    IpAddress ip;
    unsigned bits = 0;
    bool operator==(const Cidr&) const = default;

    static std::optional<Cidr> parse(std::string_view text, std::string& why);
    std::string text() const { return ip.text() + "/" + std::to_string(bits); }
    /// The same with all bits after the prefix zero.
    Cidr masked() const;
    bool contains(const IpAddress& other) const;
    bool contains(const Cidr& other) const { return bits <= other.bits && contains(other.ip); }
};

std::span<const Overload> net_library();

}  // namespace knd::cel
