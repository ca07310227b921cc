// SPDX-License-Identifier: Apache-2.0
//
// Reads addresses by the rules of Go's net/netip, which are stricter than inet_pton() here and
// there, and says what is wrong as it does.
#include <algorithm>
#include <charconv>

#include "host/cel/net.hpp"

namespace knd::cel {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

int hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

class Reader {
  public:
    Reader(std::string_view text, std::string& why) : text_(text), why_(why) {}

    /// `zone`: there is one, which netip can read but nobody here wants.
    bool read(IpAddress& out, bool& zone) {
        const auto first = text_.find_first_of(".:%");
        zone = false;
        if (first == text_.npos) return fail("unable to parse IP");
        if (text_[first] == '%') return fail("missing IPv6 address");
        out.v4 = text_[first] == '.';
        if (out.v4) return fields(text_, out.bytes.data());
        auto rest = text_;
        if (const auto percent = text_.find('%'); percent != text_.npos) {
            if (percent + 1 == text_.size()) return fail("zone must be a non-empty string");
            zone = true;
            rest = text_.substr(0, percent);
        }
        return groups(rest, out);
    }

  private:
    bool fail(std::string_view what, std::string_view at = {}) {
        why_ = "ParseAddr(" + in_double_quotes(text_) + "): " + std::string(what);
        if (!at.empty()) why_ += " (at " + in_double_quotes(at) + ")";
        return false;
    }

    /// "1.2.3.4"
    bool fields(std::string_view text, std::uint8_t* out) {
        unsigned value = 0;
        std::size_t digits = 0, position = 0;
        for (std::size_t i = 0; i < text.size(); ++i) {
            const char c = text[i];
            if (is_digit(c)) {
                if (digits == 1 && value == 0)
                    return fail("IPv4 field has octet with leading zero");
                value = value * 10 + static_cast<unsigned>(c - '0');
                ++digits;
                if (value > 255) return fail("IPv4 field has value >255");
                continue;
            }
            if (c != '.') return fail("unexpected character", text.substr(i));
            if (i == 0 || i + 1 == text.size() || text[i - 1] == '.')
                return fail("IPv4 field must have at least one digit", text.substr(i));
            if (position == 3) return fail("IPv4 address too long");
            out[position++] = static_cast<std::uint8_t>(value);
            value = 0;
            digits = 0;
        }
        if (position < 3) return fail("IPv4 address too short");
        out[3] = static_cast<std::uint8_t>(value);
        return true;
    }

    bool groups(std::string_view rest, IpAddress& out) {
        if (rest.starts_with("::")) {
            ellipsis_ = 0;
            rest.remove_prefix(2);
            if (rest.empty()) return true;
        }
        for (bool more = true; more && at_ < 16;)
            if (!group(rest, out, more)) return false;
        if (!rest.empty()) return fail("trailing garbage after address", rest);
        if (at_ == 16)
            return !ellipsis_ || fail("the :: must expand to at least one field of zeros");
        if (!ellipsis_) return fail("address string too short");
        // What follows the ellipsis moves to the end.
        auto* const begin = out.bytes.data();
        std::copy_backward(begin + *ellipsis_, begin + at_, begin + 16);
        std::fill(begin + *ellipsis_, begin + *ellipsis_ + (16 - at_), std::uint8_t{0});
        return true;
    }

    bool group(std::string_view& rest, IpAddress& out, bool& more) {
        unsigned value = 0;
        std::size_t size = 0;
        for (; size < rest.size() && hex_digit(rest[size]) >= 0; ++size) {
            if (size > 3) return fail("each group must have 4 or less digits", rest);
            value = value * 16 + static_cast<unsigned>(hex_digit(rest[size]));
        }
        if (size == 0) return fail("each colon-separated field must have at least one digit", rest);
        if (size < rest.size() && rest[size] == '.') {
            more = false;
            return embedded(rest, out);
        }
        out.bytes[at_++] = static_cast<std::uint8_t>(value >> 8);
        out.bytes[at_++] = static_cast<std::uint8_t>(value);
        rest.remove_prefix(size);
        more = !rest.empty();
        return !more || separator(rest, more);
    }

    bool separator(std::string_view& rest, bool& more) {
        if (rest[0] != ':') return fail("unexpected character, want colon", rest);
        if (rest.size() == 1) return fail("colon must be followed by more characters", rest);
        rest.remove_prefix(1);
        if (rest[0] != ':') return true;
        if (ellipsis_) return fail("multiple :: in address", rest);
        ellipsis_ = at_;
        rest.remove_prefix(1);
        more = !rest.empty();
        return true;
    }

    bool embedded(std::string_view& rest, IpAddress& out) {
        if (!ellipsis_ && at_ != 12)
            return fail("embedded IPv4 address must replace the final 2 fields of the address",
                        rest);
        if (at_ + 4 > 16)
            return fail("too many hex fields to fit an embedded IPv4 at the end of the address",
                        rest);
        if (!fields(rest, out.bytes.data() + at_)) return false;
        at_ += 4;
        rest = {};
        return true;
    }

    std::string_view text_;
    std::string& why_;
    std::size_t at_ = 0;
    std::optional<std::size_t> ellipsis_;
};

bool is_mapped(const IpAddress& address) {
    constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    return !address.v4 && std::equal(kMapped.begin(), kMapped.end(), address.bytes.begin());
}

std::string not_mapped(std::string_view text) {
    return "IPv4-mapped IPv6 address " + in_double_quotes(text) + " is not allowed";
}

/// A prefix without its mapped addresses' check.
bool read_prefix(std::string_view text, Cidr& out, std::string& why) {
    const auto slash = text.rfind('/');
    bool zone = false;
    if (slash == text.npos) {
        why = "no '/'";
        return false;
    }
    if (!Reader(text.substr(0, slash), why).read(out.ip, zone)) return false;
    if (zone) {
        why = "IPv6 zones cannot be present in a prefix";
        return false;
    }
    const auto digits = text.substr(slash + 1);
    const auto* end = digits.data() + digits.size();
    std::int64_t bits = 0;
    const auto read = std::from_chars(digits.data(), end, bits);
    const bool plain = digits.size() == 1 || (!digits.starts_with('0') && !digits.starts_with('-'));
    if (read.ptr != end || digits.empty() || !plain || read.ec != std::errc()) {
        why = "bad bits after slash: " + in_double_quotes(digits);
        return false;
    }
    out.bits = static_cast<unsigned>(bits);
    if (bits >= 0 && static_cast<std::uint64_t>(bits) <= 8 * out.ip.size()) return true;
    why = "prefix length out of range";
    return false;
}

}  // namespace

bool IpAddress::check_literal(std::string_view text, std::string& why) {
    IpAddress out;
    bool zone = false;
    if (!Reader(text, why).read(out, zone)) {
        why = "invalid host: " + why;
        return false;
    }
    if (out.v4) why = "invalid IP-literal";
    return !out.v4;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text, std::string& why) {
    IpAddress out;
    bool zone = false;
    if (!Reader(text, why).read(out, zone)) {
        why = "IP Address " + in_double_quotes(text) +
              " parse error during conversion from string: " + why;
        return std::nullopt;
    }
    if (zone) {
        why = "IP address " + in_double_quotes(text) + " with zone value is not allowed";
        return std::nullopt;
    }
    if (!is_mapped(out)) return out;
    why = not_mapped(text);
    return std::nullopt;
}

std::optional<Cidr> Cidr::parse(std::string_view text, std::string& why) {
    Cidr out;
    if (!read_prefix(text, out, why)) {
        why = "network address parse error during conversion from string: netip.ParsePrefix(" +
              in_double_quotes(text) + "): " + why;
        return std::nullopt;
    }
    if (!is_mapped(out.ip)) return out;
    why = not_mapped(text);
    return std::nullopt;
}

}  // namespace knd::cel
