// SPDX-License-Identifier: Apache-2.0
#include "sdk/support/link.hpp"

#include <net/if.h>

#include <algorithm>
#include <charconv>

#include "sdk/support/netlink_message.hpp"

namespace knd {

bool LinkInfo::up() const {
    return (flags & IFF_UP) != 0;
}
bool LinkInfo::loopback() const {
    return (flags & IFF_LOOPBACK) != 0;
}

std::string LinkInfo::text() const {
    auto text = name + " (ifindex " + std::to_string(ifindex);
    if (!mac.empty()) text.append(", ").append(mac);
    return text.append(")");
}

bool RouteInfo::uses(int ifindex) const {
    return std::any_of(nexthops.begin(), nexthops.end(),
                       [&](const NexthopInfo& hop) { return hop.ifindex == ifindex; });
}

std::string RouteInfo::text() const {
    auto text = destination;
    for (const auto& hop : nexthops) {
        if (!hop.gateway.empty()) text.append(" via ").append(hop.gateway);
    }
    if (table != 254) text.append(" table ").append(std::to_string(table));
    return text;
}

std::string mac_text(std::string_view bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const char byte : bytes) {
        if (!text.empty()) text.push_back(':');
        text.push_back(kDigits[static_cast<unsigned char>(byte) >> 4]);
        text.push_back(kDigits[static_cast<unsigned char>(byte) & 15]);
    }
    return text;
}

namespace {

int hex_digit(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

}  // namespace

Result<std::string> mac_bytes(std::string_view text) {
    std::string bytes;
    const Error wrong(Code::kInvalidArgument,
                      "`" + std::string(text) + "` is no MAC address: hex pairs joined by ':'");
    if (text.size() % 3 != 2) return wrong;
    for (std::size_t at = 0; at < text.size(); at += 3) {
        const int high = hex_digit(text[at]);
        const int low = hex_digit(text[at + 1]);
        const bool joined = at + 2 == text.size() || text[at + 2] == ':' || text[at + 2] == '-';
        if (high < 0 || low < 0 || !joined) return wrong;
        bytes.push_back(static_cast<char>(high * 16 + low));
    }
    return bytes;
}

std::string Cidr::network() const {
    auto bytes = ip_bytes(address);
    auto keep = prefix_length;
    for (auto& byte : bytes) {
        const int bits = std::clamp(keep, 0, 8);
        byte = static_cast<char>(static_cast<unsigned char>(byte) & (0xFF00u >> bits));
        keep -= 8;
    }
    return ip_text(bytes) + "/" + std::to_string(prefix_length);
}

Result<Cidr> parse_cidr(std::string_view text) {
    const auto slash = text.find('/');
    const auto bytes = ip_bytes(std::string(text.substr(0, slash)));
    const Error wrong(Code::kInvalidArgument, "`" + std::string(text) +
                                                  "` is no address with prefix length, such as "
                                                  "192.0.2.1/24");
    if (bytes.empty()) return wrong;
    Cidr cidr{ip_text(bytes), static_cast<int>(bytes.size()) * 8};
    if (slash == std::string_view::npos) return cidr;
    const auto number = text.substr(slash + 1);
    const int longest = cidr.prefix_length;
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), cidr.prefix_length);
    const bool whole = error == std::errc() && end == number.data() + number.size();
    if (!whole || cidr.prefix_length < 0 || cidr.prefix_length > longest) return wrong;
    return cidr;
}

bool valid_link_name(std::string_view name) {
    if (name.empty() || name.size() >= IFNAMSIZ || name == "." || name == "..") return false;
    return std::none_of(name.begin(), name.end(), [](char c) {
        return c == '/' || c == ':' || c == '%' || c == '\0' || (c >= '\t' && c <= '\r') ||
               c == ' ';
    });
}

}  // namespace knd
