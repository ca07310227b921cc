// SPDX-License-Identifier: Apache-2.0
#include "host/model/quote.hpp"

#include <cstdint>
#include <cstdio>

namespace knd {
namespace {

/// The character at the start; `size` 0: malformed.
std::uint32_t character(std::string_view text, std::size_t& size) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto first = byte(0);
    size = first < 0x80 ? 1 : (first < 0xC2 ? 0 : (first < 0xE0 ? 2 : (first < 0xF0 ? 3 : 4)));
    if (size == 0 || size > text.size() || first > 0xF4) return size = 0;
    std::uint32_t out = size == 1 ? first : first & (0x7Fu >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xC0) != 0x80) return size = 0;
        out = out << 6 | (byte(i) & 0x3F);
    }
    return out;
}

/// Controls, blanks other than the space, marks without a shape, private and unassigned planes.
bool is_printable(std::uint32_t c) {
    struct Range {
        std::uint32_t first, last;
    };
    constexpr Range kHidden[] = {{0x00, 0x1F},       {0x7F, 0xA0},       {0xAD, 0xAD},
                                 {0x1680, 0x1680},   {0x2000, 0x200F},   {0x2028, 0x202F},
                                 {0x205F, 0x206F},   {0x3000, 0x3000},   {0xD800, 0xF8FF},
                                 {0xFEFF, 0xFEFF},   {0xFFF0, 0xFFFB},   {0xFFFE, 0xFFFF},
                                 {0xE0000, 0xE00FF}, {0xE01F0, 0x10FFFF}};
    for (const auto& range : kHidden)
        if (c >= range.first && c <= range.last) return false;
    return true;
}

std::string escaped(std::uint32_t c) {
    constexpr std::string_view kNamed = "\a\b\f\n\r\t\v", kNames = "abfnrtv";
    if (const auto found = c < 0x80 ? kNamed.find(static_cast<char>(c)) : kNamed.npos;
        found != kNamed.npos)
        return std::string("\\") + kNames[found];
    char buffer[16];
    std::snprintf(buffer, sizeof buffer,
                  c < 0x80 ? "\\x%02x" : (c < 0x10000 ? "\\u%04x" : "\\U%08x"),
                  static_cast<unsigned>(c));
    return buffer;
}

}  // namespace

std::string in_double_quotes(std::string_view text) {
    std::string out = "\"";
    while (!text.empty()) {
        std::size_t size = 0;
        const auto c = character(text, size);
        if (size == 0) {
            char buffer[8];
            std::snprintf(buffer, sizeof buffer, "\\x%02x", static_cast<unsigned char>(text[0]));
            out += buffer;
            size = 1;
        } else if (c == '"' || c == '\\') {
            out.append({'\\', text[0]});
        } else if (is_printable(c)) {
            out += text.substr(0, size);
        } else {
            out += escaped(c);
        }
        text.remove_prefix(size);
    }
    return out + '"';
}

}  // namespace knd
