// SPDX-License-Identifier: Apache-2.0
#include "host/cel/url.hpp"

#include <algorithm>
#include <cctype>

#include "host/cel/net.hpp"

namespace knd::cel {
namespace {

/// The parts of a URL, which allow different bytes to stand for themselves.
enum class Part { kPath, kHost, kZone, kUser, kQuery, kFragment };

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
int hex_value(char c) {
    return is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
}
int escaped_byte(std::string_view text, std::size_t at) {
    return hex_value(text[at + 1]) * 16 + hex_value(text[at + 2]);
}

bool stands_for_itself(char c, Part part) {
    if (is_letter(c) || is_digit(c)) return true;
    const auto among = [c](std::string_view set) { return set.find(c) != set.npos; };
    if (among("-._~")) return true;
    switch (part) {
        case Part::kPath:
            return among("$&+,/:;=@");
        case Part::kHost:
        case Part::kZone:
            return among("!\"$&'()*+,:;<=>[]");
        case Part::kUser:
            return among("$&+,;=");
        case Part::kFragment:
            return among("!$&()*+,/:;=?@");
        case Part::kQuery:
            return false;
    }
    return false;
}

bool bad_escape(std::string_view text, std::string& why) {
    why = "invalid URL escape " + in_double_quotes(text.substr(0, 3));
    return false;
}

/// Whether the escapes of `text` are whole and allowed in that part.
bool check_escapes(std::string_view text, Part part, std::string& why) {
    const bool in_host = part == Part::kHost || part == Part::kZone;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '%') {
            if (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2]))
                return bad_escape(text.substr(i), why);
            const auto byte = escaped_byte(text, i);
            const bool percent = text.substr(i, 3) == "%25";
            if (part == Part::kHost && byte < 0x80 && !percent)
                return bad_escape(text.substr(i), why);
            if (part == Part::kZone && !percent && byte != ' ' &&
                !stands_for_itself(static_cast<char>(byte), Part::kHost))
                return bad_escape(text.substr(i), why);
            i += 2;
        } else if (in_host && static_cast<unsigned char>(c) < 0x80 && !stands_for_itself(c, part)) {
            why = "invalid character " + in_double_quotes(text.substr(i, 1)) + " in host name";
            return false;
        }
    }
    return true;
}

bool unescape(std::string_view text, Part part, std::string& out, std::string& why) {
    if (!check_escapes(text, part, why)) return false;
    out.clear();
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            out += static_cast<char>(escaped_byte(text, i));
            i += 2;
        } else {
            out += text[i] == '+' && part == Part::kQuery ? ' ' : text[i];
        }
    }
    return true;
}

std::string escape(std::string_view text, Part part) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (stands_for_itself(c, part))
            out += c;
        else
            out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
    return out;
}

/// Whether the writer's own escaping of a path may stay as it is.
bool is_valid_escaping(std::string_view text, Part part) {
    return std::all_of(text.begin(), text.end(), [part](char c) {
        return std::string_view("!$&'()*+,;=:@[]%").find(c) != std::string_view::npos ||
               stands_for_itself(c, part);
    });
}

bool is_port(std::string_view text) {
    if (text.empty()) return true;
    return text[0] == ':' && std::all_of(text.begin() + 1, text.end(), is_digit);
}

bool bad_port(std::string_view text, std::string& why) {
    why = "invalid port " + in_double_quotes(text) + " after host";
    return false;
}

class Parser {
  public:
    Parser(Url& out, std::string& why) : out_(out), why_(why) {}

    bool run(std::string_view text, bool request) {
        const auto is_control = [](char c) {
            return static_cast<unsigned char>(c) < ' ' || c == 0x7f;
        };
        if (std::any_of(text.begin(), text.end(), is_control))
            return fail("net/url: invalid control character in URL");
        if (text.empty() && request) return fail("empty url");
        if (text == "*") {
            out_.path = out_.escaped_path = "*";
            return true;
        }
        std::string_view rest = text;
        if (!scheme(rest)) return false;
        cut_query(rest);
        if (!rest.starts_with('/')) {
            if (!out_.scheme.empty()) {
                out_.opaque = rest;
                return true;
            }
            if (request) return fail("invalid URI for request");
            if (rest.substr(0, rest.find('/')).find(':') != rest.npos)
                return fail("first path segment in URL cannot contain colon");
        }
        const bool may_have_host = !out_.scheme.empty() || (!request && !rest.starts_with("///"));
        if (may_have_host && rest.starts_with("//")) {
            rest.remove_prefix(2);
            const auto end = std::min(rest.find('/'), rest.size());
            if (!authority(rest.substr(0, end))) return false;
            rest.remove_prefix(end);
        } else if (!out_.scheme.empty()) {
            out_.omit_host = true;
        }
        return path(rest);
    }

    bool fragment(std::string_view text) {
        std::string plain;
        if (!unescape(text, Part::kFragment, plain, why_)) return false;
        out_.fragment = is_valid_escaping(text, Part::kFragment) ? std::string(text)
                                                                 : escape(plain, Part::kFragment);
        return true;
    }

  private:
    bool fail(std::string_view why) {
        why_ = why;
        return false;
    }

    bool scheme(std::string_view& rest) {
        for (std::size_t i = 0; i < rest.size(); ++i) {
            const char c = rest[i];
            if (is_letter(c)) continue;
            const bool inner = is_digit(c) || c == '+' || c == '-' || c == '.';
            if (inner && i != 0) continue;
            if (c != ':') return true;
            if (i == 0) return fail("missing protocol scheme");
            out_.scheme = rest.substr(0, i);
            std::transform(out_.scheme.begin(), out_.scheme.end(), out_.scheme.begin(),
                           [](unsigned char upper) { return std::tolower(upper); });
            rest.remove_prefix(i + 1);
            return true;
        }
        return true;
    }

    void cut_query(std::string_view& rest) {
        const auto mark = rest.find('?');
        if (mark == rest.npos) return;
        out_.force_query = mark + 1 == rest.size();
        out_.query = rest.substr(mark + 1);
        rest = rest.substr(0, mark);
    }

    bool authority(std::string_view text) {
        const auto at = text.rfind('@');
        if (!host(at == text.npos ? text : text.substr(at + 1))) return false;
        return at == text.npos || user(text.substr(0, at));
    }

    bool user(std::string_view text) {
        const auto is_allowed = [](char c) {
            return is_letter(c) || is_digit(c) ||
                   std::string_view("-._:~!$&'()*+,;=%@").find(c) != std::string_view::npos;
        };
        if (!std::all_of(text.begin(), text.end(), is_allowed))
            return fail("net/url: invalid userinfo");
        const auto colon = text.find(':');
        std::string plain;
        if (!unescape(text.substr(0, colon), Part::kUser, plain, why_)) return false;
        out_.has_user = true;
        out_.user = escape(plain, Part::kUser);
        if (colon == text.npos) return true;
        if (!unescape(text.substr(colon + 1), Part::kUser, plain, why_)) return false;
        out_.user += ":" + escape(plain, Part::kUser);
        return true;
    }

    bool host(std::string_view text) {
        const auto bracket = text.rfind('[');
        if (bracket == 0) return literal_address(text);
        if (bracket != text.npos) return fail("invalid IP-literal");
        if (auto colon = text.find(':'); colon != text.npos) {
            // Lists of hosts with ports exist in the URLs of databases.
            if (out_.scheme != "http" && out_.scheme != "https") colon = text.rfind(':');
            if (!is_port(text.substr(colon))) return bad_port(text.substr(colon), why_);
        }
        return unescape(text, Part::kHost, out_.host, why_);
    }

    /// "[fe80::1%25eth0]:80"
    bool literal_address(std::string_view text) {
        const auto end = text.rfind(']');
        if (end == text.npos) return fail("missing ']' in host");
        const auto port = text.substr(end + 1);
        if (!is_port(port)) return bad_port(port, why_);
        const auto name = text.substr(1, end - 1);
        const auto zone = std::min(name.find("%25"), name.size());
        std::string address, zone_name;
        if (!unescape(name.substr(0, zone), Part::kHost, address, why_) ||
            !unescape(name.substr(zone), Part::kZone, zone_name, why_))
            return false;
        address += zone_name;
        if (!IpAddress::check_literal(address, why_)) return false;
        out_.host = "[" + address + "]" + std::string(port);
        return true;
    }

    bool path(std::string_view text) {
        if (!unescape(text, Part::kPath, out_.path, why_)) return false;
        out_.escaped_path = is_valid_escaping(text, Part::kPath) ? std::string(text)
                                                                 : escape(out_.path, Part::kPath);
        return true;
    }

    Url& out_;
    std::string& why_;
};

}  // namespace

bool Url::parse(std::string_view text, Url& out, std::string& why) {
    const auto mark = text.find('#');
    Parser parser(out, why);
    if (!parser.run(text.substr(0, mark), false)) return false;
    return mark == text.npos || parser.fragment(text.substr(mark + 1));
}

bool Url::parse_request(std::string_view text, std::string& why) {
    Url ignored;
    return Parser(ignored, why).run(text, true);
}

std::string Url::text() const {
    std::string out = scheme.empty() ? "" : scheme + ":";
    if (!opaque.empty()) {
        out += opaque;
    } else {
        const bool has_authority = !host.empty() || has_user;
        if (has_authority || (!scheme.empty() && !omit_host)) {
            if (has_authority || !path.empty()) out += "//";
            if (has_user) out += user + "@";
            out += escape(host, Part::kHost);
        }
        if (!escaped_path.empty() && escaped_path[0] != '/' && !host.empty()) out += '/';
        if (out.empty() &&
            std::string_view(escaped_path).substr(0, escaped_path.find('/')).find(':') !=
                std::string_view::npos)
            out += "./";
        out += escaped_path;
    }
    if (force_query || !query.empty()) out += "?" + query;
    if (!fragment.empty()) out += "#" + fragment;
    return out;
}

std::string Url::hostname() const {
    const std::string_view view = host;
    const auto colon = view.rfind(':');
    auto name = colon != view.npos && is_port(view.substr(colon)) ? view.substr(0, colon) : view;
    if (name.size() >= 2 && name.starts_with('[') && name.ends_with(']'))
        name = name.substr(1, name.size() - 2);
    return std::string(name);
}

std::string Url::port() const {
    const std::string_view view = host;
    const auto colon = view.rfind(':');
    const bool found = colon != view.npos && is_port(view.substr(colon));
    return found ? std::string(view.substr(colon + 1)) : std::string();
}

std::vector<std::pair<std::string, std::string>> Url::query_pairs() const {
    std::vector<std::pair<std::string, std::string>> out;
    for (std::string_view rest = query; !rest.empty();) {
        const auto end = rest.find('&');
        const auto pair = rest.substr(0, end);
        rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
        if (pair.empty() || pair.find(';') != pair.npos) continue;
        const auto sign = pair.find('=');
        const auto value = sign == pair.npos ? std::string_view() : pair.substr(sign + 1);
        std::string name, plain, ignored;
        if (unescape(pair.substr(0, sign), Part::kQuery, name, ignored) &&
            unescape(value, Part::kQuery, plain, ignored))
            out.emplace_back(std::move(name), std::move(plain));
    }
    return out;
}

}  // namespace knd::cel
