// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>

#include "host/cel/net.hpp"

namespace knd::cel {

std::string IpAddress::text() const {
    char buffer[16];
    std::string out;
    if (v4) {
        for (std::size_t i = 0; i < 4; ++i)
            out += (i == 0 ? "" : ".") + std::to_string(unsigned{bytes[i]});
        return out;
    }
    const auto group = [&](std::size_t i) { return bytes[2 * i] << 8 | bytes[2 * i + 1]; };
    // The first of the longest runs of at least two zero groups becomes "::".
    std::size_t best = 8, best_size = 1;
    for (std::size_t i = 0; i < 8; ++i) {
        std::size_t size = 0;
        while (i + size < 8 && group(i + size) == 0)
            ++size;
        if (size > best_size) {
            best = i;
            best_size = size;
        }
    }
    for (std::size_t i = 0; i < 8;) {
        if (i == best) {
            out += "::";
            i += best_size;
            continue;
        }
        if (!out.empty() && !out.ends_with(':')) out += ':';
        std::snprintf(buffer, sizeof buffer, "%x", static_cast<unsigned>(group(i++)));
        out += buffer;
    }
    return out;
}

Cidr Cidr::masked() const {
    auto out = *this;
    for (std::size_t i = 0; i < out.ip.size(); ++i) {
        const auto kept = bits > 8 * i ? std::min<std::size_t>(8, bits - 8 * i) : 0;
        out.ip.bytes[i] &= static_cast<std::uint8_t>(0xFF00u >> kept);
    }
    return out;
}

bool Cidr::contains(const IpAddress& other) const {
    return ip.v4 == other.v4 && masked() == Cidr{other, bits}.masked();
}

namespace {

/// Said twice, as Kubernetes does.
const std::string kUnreadable = "network address parse error during conversion from string: ";

const IpAddress& ip_of(const Value& value) {
    return value.as_object<IpAddress>();
}
const Cidr& cidr_of(const Value& value) {
    return value.as_object<Cidr>();
}

Value ip(const Call& call) {
    std::string why;
    const auto parsed = IpAddress::parse(call[0].text(), why);
    return parsed ? call.object(Kind::kIp, *parsed) : call.error(why);
}
Value is_ip(const Call& call) {
    std::string ignored;
    return Value::boolean(IpAddress::parse(call[0].text(), ignored).has_value());
}
Value is_canonical(const Call& call) {
    std::string why;
    const auto parsed = IpAddress::parse(call[0].text(), why);
    return parsed ? Value::boolean(parsed->text() == call[0].text()) : call.error(why);
}
Value ip_text(const Call& call) {
    return call.string(ip_of(call[0]).text());
}
Value family(const Call& call) {
    return Value::integer(ip_of(call[0]).v4 ? 4 : 6);
}

bool all_bytes(const IpAddress& address, std::uint8_t value) {
    return std::all_of(address.bytes.begin(), address.bytes.begin() + address.size(),
                       [&](std::uint8_t byte) { return byte == value; });
}
bool unspecified(const IpAddress& address) {
    return all_bytes(address, 0);
}
bool loopback(const IpAddress& address) {
    if (address.v4) return address.bytes[0] == 127;
    auto one = IpAddress();
    one.bytes[15] = 1;
    return address == one;
}
bool multicast(const IpAddress& address) {
    return address.v4 ? (address.bytes[0] & 0xF0) == 0xE0 : address.bytes[0] == 0xFF;
}
bool link_local_multicast(const IpAddress& address) {
    const auto& b = address.bytes;
    return address.v4 ? b[0] == 224 && b[1] == 0 && b[2] == 0
                      : b[0] == 0xFF && (b[1] & 0x0F) == 0x02;
}
bool link_local_unicast(const IpAddress& address) {
    const auto& b = address.bytes;
    return address.v4 ? b[0] == 169 && b[1] == 254 : b[0] == 0xFE && (b[1] & 0xC0) == 0x80;
}
bool global_unicast(const IpAddress& address) {
    const bool broadcast = address.v4 && all_bytes(address, 0xFF);
    return !unspecified(address) && !broadcast && !loopback(address) && !multicast(address) &&
           !link_local_unicast(address);
}
template <bool (*kTest)(const IpAddress&)>
Value test(const Call& call) {
    return Value::boolean(kTest(ip_of(call[0])));
}

Value cidr(const Call& call) {
    std::string why;
    const auto parsed = Cidr::parse(call[0].text(), why);
    return parsed ? call.object(Kind::kCidr, *parsed) : call.error(kUnreadable + why);
}
Value is_cidr(const Call& call) {
    std::string ignored;
    return Value::boolean(Cidr::parse(call[0].text(), ignored).has_value());
}
Value cidr_text(const Call& call) {
    return call.string(cidr_of(call[0]).text());
}
Value cidr_ip(const Call& call) {
    return call.object(Kind::kIp, cidr_of(call[0]).ip);
}
Value prefix_length(const Call& call) {
    return Value::integer(cidr_of(call[0]).bits);
}
Value masked(const Call& call) {
    return call.object(Kind::kCidr, cidr_of(call[0]).masked());
}

Value contains_ip(const Call& call) {
    if (call[1].is(Kind::kIp)) return Value::boolean(cidr_of(call[0]).contains(ip_of(call[1])));
    std::string ignored;
    const auto other = IpAddress::parse(call[1].text(), ignored);
    // Kubernetes forgets why.
    return other ? Value::boolean(cidr_of(call[0]).contains(*other))
                 : Value::error("no such overload");
}
Value contains_cidr(const Call& call) {
    if (call[1].is(Kind::kCidr)) return Value::boolean(cidr_of(call[0]).contains(cidr_of(call[1])));
    std::string why;
    const auto other = Cidr::parse(call[1].text(), why);
    return other ? Value::boolean(cidr_of(call[0]).contains(*other))
                 : call.error(kUnreadable + why);
}

std::uint64_t cost_of_canonical(const Priced& arguments) {
    return tenth(2 * extent(arguments[0]));
}
std::uint64_t cost_of_contains_ip(const Priced& arguments) {
    return tenth(2 * extent(arguments[0]));
}
std::uint64_t cost_of_contains_cidr(const Priced& arguments) {
    return cost_of_contains_ip(arguments) + tenth(extent(arguments[0])) + 1;
}

/// A text has to be parsed first.
template <Cost kCost>
std::uint64_t cost_with_text(const Priced& arguments) {
    return kCost(arguments) + (arguments.resolved ? tenth(extent(arguments[1])) : 0);
}

constexpr Overload kNet[] = {
    {"ip", "(string) net.IP", ip, cost_of_first, 30},
    {"isIP", "(string) bool", is_ip, cost_of_first, 30},
    {"ip.isCanonical", "(string) bool", is_canonical, cost_of_canonical, 30},
    {"family", "net.IP.() int", family, nullptr, 30},
    {"isUnspecified", "net.IP.() bool", test<unspecified>, nullptr, 30},
    {"isLoopback", "net.IP.() bool", test<loopback>, nullptr, 30},
    {"isLinkLocalMulticast", "net.IP.() bool", test<link_local_multicast>, nullptr, 30},
    {"isLinkLocalUnicast", "net.IP.() bool", test<link_local_unicast>, nullptr, 30},
    {"isGlobalUnicast", "net.IP.() bool", test<global_unicast>, nullptr, 30},
    {"string", "(net.IP) string", ip_text, nullptr, 30},
    {"cidr", "(string) net.CIDR", cidr, cost_of_first, 30},
    {"isCIDR", "(string) bool", is_cidr, cost_of_first, 30},
    {"containsIP", "net.CIDR.(string) bool", contains_ip, cost_with_text<cost_of_contains_ip>, 30},
    {"containsIP", "net.CIDR.(net.IP) bool", contains_ip, cost_of_contains_ip, 30},
    {"containsCIDR", "net.CIDR.(string) bool", contains_cidr, cost_with_text<cost_of_contains_cidr>,
     30},
    {"containsCIDR", "net.CIDR.(net.CIDR) bool", contains_cidr, cost_of_contains_cidr, 30},
    {"ip", "net.CIDR.() net.IP", cidr_ip, nullptr, 30},
    {"prefixLength", "net.CIDR.() int", prefix_length, nullptr, 30},
    {"masked", "net.CIDR.() net.CIDR", masked, nullptr, 30},
    {"string", "(net.CIDR) string", cidr_text, nullptr, 30},
};

}  // namespace

std::span<const Overload> net_library() {
    return kNet;
}

}  // namespace knd::cel
