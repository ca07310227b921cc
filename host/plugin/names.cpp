// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/names.hpp"

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include <knd/cpp/abi.hpp>

namespace knd::plugin {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
bool is_letter(char c) {
    return is_lower(c) || (c >= 'A' && c <= 'Z');
}
bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// Calls `accept` for each part of `text` between `separator`s; false as soon as it is false.
template <class Accept>
bool all_parts(std::string_view text, char separator, Accept accept) {
    while (true) {
        const auto end = std::min(text.find(separator), text.size());
        if (!accept(text.substr(0, end))) return false;
        if (end == text.size()) return true;
        text.remove_prefix(end + 1);
    }
}

/// Length of the UTF-8 character that `text` begins with, 0 if it is none.
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
    std::uint32_t code = first & (0xFFu >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0) != 0x80) return 0;
        code = (code << 6) | (byte(i) & 0x3F);
    }
    // Overlong forms and surrogates are spelled with the right bytes and are still no characters.
    const std::uint32_t least = length == 4 ? 0x10000 : length == 3 ? 0x800 : 0x80;
    if (code < least || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return 0;
    return length;
}

}  // namespace

bool is_dns_label(std::string_view text) {
    if (text.empty() || text.size() > kMaxDnsLabel) return false;
    if (text.front() == '-' || text.back() == '-') return false;
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

bool is_domain(std::string_view text) {
    return text.size() <= kMaxDnsLabel && all_parts(text, '.', is_dns_label);
}

bool is_c_identifier(std::string_view text) {
    if (text.empty() || is_digit(text.front())) return false;
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
}

bool is_interface_name(std::string_view text) {
    if (text.empty() || text.size() >= IFNAMSIZ || text == "." || text == "..") return false;
    return std::all_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte > ' ' && byte != 0x7F && c != '/' && c != ':';
    });
}

bool is_hardware_address(std::string_view text) {
    constexpr std::size_t kMaxBytes = 20;
    return text.size() <= 3 * kMaxBytes && all_parts(text, ':', [](std::string_view part) {
               return part.size() == 2 && is_hex(part[0]) && is_hex(part[1]);
           });
}

bool is_clean_path(std::string_view text) {
    if (text.size() < 2 || text.front() != '/' || text.size() > 4095) return false;
    return is_utf8(text) && all_parts(text.substr(1), '/', [](std::string_view part) {
               return !part.empty() && part != "." && part != "..";
           });
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const auto length = utf8_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

bool is_label_value(std::string_view text) {
    const auto is_sign = [](char c) { return c == '-' || c == '_' || c == '.'; };
    if (text.empty()) return true;
    if (text.size() > kMaxDnsLabel || is_sign(text.front()) || is_sign(text.back())) return false;
    return std::all_of(text.begin(), text.end(),
                       [&](char c) { return is_letter(c) || is_digit(c) || is_sign(c); });
}

bool is_label_key(std::string_view text) {
    constexpr std::size_t kMaxSubdomain = 253;
    if (const auto slash = text.find('/'); slash != std::string_view::npos) {
        const auto domain = text.substr(0, slash);
        if (domain.size() > kMaxSubdomain || !all_parts(domain, '.', is_dns_label)) return false;
        text.remove_prefix(slash + 1);
    }
    return !text.empty() && is_label_value(text);
}

Result<std::string> qualified_name(std::string_view name, std::string_view domain) {
    const auto slash = name.find('/');
    const bool has_domain = slash != std::string_view::npos;
    if (has_domain) domain = name.substr(0, slash);
    const auto identifier = has_domain ? name.substr(slash + 1) : name;
    if (!is_c_identifier(identifier) || identifier.size() > kMaxIdentifier) {
        return Error(Code::kInvalidArgument,
                     "name must be a C identifier of at most 32 characters, or domain/identifier");
    }
    if (!is_domain(domain)) {
        return Error(Code::kInvalidArgument, "the part before '/' must be a domain name");
    }
    return std::string(domain) + "/" + std::string(identifier);
}

std::string canonical_cidr(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos || !is_utf8(text)) return "";
    const std::string address(text.substr(0, slash));
    const auto digits = text.substr(slash + 1);
    int prefix = -1;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
    const int family = address.find(':') == std::string::npos ? AF_INET : AF_INET6;
    unsigned char bytes[16];
    const bool is_address = ::inet_pton(family, address.c_str(), bytes) == 1;
    if (!is_address || ec != std::errc() || end != digits.data() + digits.size() || prefix < 0 ||
        prefix > (family == AF_INET ? 32 : 128)) {
        return "";
    }
    char canonical[INET6_ADDRSTRLEN];
    ::inet_ntop(family, bytes, canonical, sizeof canonical);
    // The API server and inet_ntop() spell IPv4 in the dress of IPv6 in different ways.
    if (family == AF_INET6 && std::string_view(canonical).find('.') != std::string_view::npos) {
        return "";
    }
    return std::string(canonical) + "/" + std::to_string(prefix);
}

std::string quoted(std::string_view text) {
    if (!is_utf8(text)) return "`(not UTF-8)`";
    const auto shown = cut_utf8(text, 80);
    return "`" + printable(shown) + (shown.size() < text.size() ? "...`" : "`");
}

std::string printable(std::string_view text) {
    std::string clean;
    while (!text.empty()) {
        const auto length = utf8_length(text);
        const auto first = static_cast<unsigned char>(text[0]);
        if (length == 0) {
            clean += '?';
        } else if (first < ' ' || first == 0x7F) {
            clean += ' ';
        } else {
            clean += text.substr(0, length);
        }
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return clean;
}

}  // namespace knd::plugin
