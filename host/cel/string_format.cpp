// SPDX-License-Identifier: Apache-2.0
#include "host/cel/string_format.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "host/cel/lexer.hpp"

namespace knd::cel {
namespace {

constexpr int kDefaultPrecision = 6;
/// More digits or columns than this would only fill memory.
constexpr int kMaxPrecision = 1'000'000;  // Go prints no more either

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// Reads what follows the "%", up to and including the verb.
std::string read_clause(std::string_view format, std::size_t& at, FormatClause& out) {
    if (format[at] == '.') {
        const auto start = ++at;
        while (at < format.size() && is_digit(format[at]))
            ++at;
        if (at == format.size())
            return "error while parsing precision: could not find end of precision specifier";
        int precision = 0;
        const auto read = std::from_chars(format.data() + start, format.data() + at, precision);
        if (at == start || read.ec != std::errc())
            return "error while parsing precision: error while converting precision to integer: "
                   "strconv.Atoi: parsing " +
                   in_double_quotes(format.substr(start, at - start)) +
                   (at == start ? ": invalid syntax" : ": value out of range");
        if (precision > kMaxPrecision)
            return "error while parsing precision: more than " + std::to_string(kMaxPrecision);
        out.precision = precision;
    }
    out.verb = format[at++];
    if (std::string_view("sdfebxXo").find(out.verb) == std::string_view::npos) {
        // Clauses are looked at byte by byte: of "é" the first is "Ã".
        std::string verb;
        append_utf8(verb, static_cast<unsigned char>(out.verb));
        return "unrecognized formatting clause \"" + verb + "\"";
    }
    return {};
}

bool can_fill(char verb, TypeKind type) {
    using enum TypeKind;
    switch (verb) {
        case 'd':
        case 'o':
            return type == kInt || type == kUint;
        case 'f':
        case 'e':
            return type == kDouble || type == kString;
        case 'b':
            return type == kInt || type == kUint || type == kBool;
        case 'x':
        case 'X':
            return type == kInt || type == kUint || type == kString || type == kBytes;
        default:
            break;
    }
    constexpr TypeKind kPrintable[] = {kList,   kMap,       kInt,   kUint,     kDouble, kBool,
                                       kString, kTimestamp, kBytes, kDuration, kType,   kNull};
    return std::find(std::begin(kPrintable), std::end(kPrintable), type) != std::end(kPrintable);
}

TypeKind type_kind(const Value& value) {
    switch (value.kind()) {
        case Kind::kNull:
            return TypeKind::kNull;
        case Kind::kBool:
            return TypeKind::kBool;
        case Kind::kInt:
            return TypeKind::kInt;
        case Kind::kUint:
            return TypeKind::kUint;
        case Kind::kDouble:
            return TypeKind::kDouble;
        case Kind::kString:
            return TypeKind::kString;
        case Kind::kBytes:
            return TypeKind::kBytes;
        case Kind::kList:
            return TypeKind::kList;
        case Kind::kMap:
        case Kind::kDevice:
        case Kind::kDomains:
        case Kind::kDomain:
            return TypeKind::kMap;
        case Kind::kType:
            return TypeKind::kType;
        case Kind::kDuration:
            return TypeKind::kDuration;
        case Kind::kTimestamp:
            return TypeKind::kTimestamp;
        default:
            return TypeKind::kError;
    }
}

std::string print(const char* format, int precision, double value) {
    std::string out(512, '\0');
    const auto size = std::snprintf(out.data(), out.size(), format, precision, value);
    if (size >= static_cast<int>(out.size())) {
        out.resize(static_cast<std::size_t>(size) + 1);
        std::snprintf(out.data(), out.size(), format, precision, value);
    }
    out.resize(static_cast<std::size_t>(size));
    return out;
}

std::string special_number(double value) {
    if (std::isnan(value)) return "NaN";
    return value < 0 ? "-∞" : "∞";
}

double unsigned_zero(double value) {
    return value == 0 ? 0 : value;
}

/// With a comma after each three digits, as the American locale writes it.
std::string fixed_text(double value, int precision) {
    if (!std::isfinite(value)) return special_number(value);
    auto out = print("%.*f", precision, unsigned_zero(value));
    const auto first = out.starts_with('-') ? 1u : 0u;
    for (auto at = std::min(out.find('.'), out.size()); at > first + 3;)
        out.insert(at -= 3, 1, ',');
    return out;
}

/// "1.500000×10⁰³", with another `times` in 1.32. What the clause calls precision is a width here,
/// as in the implementation that Kubernetes uses.
std::string scientific_text(double value, int width, std::string_view times) {
    constexpr std::string_view kDigits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    std::string out;
    if (std::isfinite(value)) {
        const auto plain = print("%.*e", kDefaultPrecision, unsigned_zero(value));
        const auto mark = plain.find('e');
        out = plain.substr(0, mark).append(times) + "10";
        for (const char c : plain.substr(mark + 1))
            if (c != '+') out += c == '-' ? "⁻" : kDigits[c - '0'];
    } else {
        out = special_number(value);
    }
    const auto columns = code_points(out);
    const auto wanted = static_cast<std::size_t>(width);
    return std::string(wanted > columns ? wanted - columns : 0, ' ') + out;
}

std::string radix_text(const Value& value, int base) {
    char buffer[80];
    const auto written =
        value.is(Kind::kUint)
            ? std::to_chars(buffer, buffer + sizeof buffer, value.as_uint(), base)
            : std::to_chars(buffer, buffer + sizeof buffer,
                            value.is(Kind::kBool) ? std::int64_t{value.as_bool()} : value.as_int(),
                            base);
    return {buffer, written.ptr};
}

std::string hex_text(const Value& value, bool upper) {
    std::string out;
    if (value.is(Kind::kString) || value.is(Kind::kBytes)) {
        constexpr std::string_view kHex = "0123456789abcdef";
        for (const char c : value.text()) {
            const auto byte = static_cast<unsigned char>(c);
            out.append({kHex[byte >> 4], kHex[byte & 15]});
        }
    } else {
        out = radix_text(value, 16);
    }
    if (upper)
        for (auto& c : out)
            if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
    return out;
}

/// Writes values as %s does.
class Printer {
  public:
    /// Returns what is wrong, or nothing.
    std::string text(const Value& value, std::string& out) {
        if (value.is(Kind::kList)) return list(value.as_list(), out);
        if (is_map(value)) return map(value, out);
        auto refused = refuse_clause('s', type_kind(value), type_name(value));
        if (value.is(Kind::kBytes) && !is_utf8(value.text()))
            refused =
                "could not convert argument \"invalid UTF-8 in bytes, cannot convert to string\" "
                "to "
                "string";
        if (refused.empty()) out += value.is(Kind::kNull) ? "null" : to_text(value);
        return refused;
    }

  private:
    /// As a part of a list or map, where it must read as CEL.
    std::string element(const Value& value, std::string& out) {
        if (value.is(Kind::kList) || is_map(value)) return text(value, out);
        if (type_kind(value) == TypeKind::kError)
            return "no formatting function for " + std::string(type_name(value));
        if (value.is(Kind::kBytes) && !is_utf8(value.text()))
            return "could not convert argument \"invalid UTF-8 in bytes, cannot convert to "
                   "string\" "
                   "to string";
        const auto plain = value.is(Kind::kNull) ? "null" : to_text(value);
        switch (value.kind()) {
            case Kind::kString:
                out += in_double_quotes(plain);
                break;
            case Kind::kBytes:
                out += "b" + in_double_quotes(plain);
                break;
            case Kind::kTimestamp:
                out += "timestamp(" + in_double_quotes(plain) + ")";
                break;
            case Kind::kDuration:
                out += "duration(" + in_double_quotes(plain) + ")";
                break;
            case Kind::kDouble: {
                const auto number = value.as_double();
                out += std::isfinite(number) ? print("%.*f", kDefaultPrecision, number)
                                             : in_double_quotes(double_text(number));
                break;
            }
            default:
                out += plain;
        }
        return {};
    }

    std::string list(const ListData& list, std::string& out) {
        out += '[';
        for (std::size_t i = 0; i < list.size; ++i) {
            if (i != 0) out += ", ";
            if (auto failed = element(list.items[i], out); !failed.empty()) return failed;
        }
        out += ']';
        return {};
    }

    std::string map(const Value& map, std::string& out) {
        Arena arena;
        std::span<const MapEntry> entries;
        if (!entries_of(map, arena, entries)) return "the map is too large";
        std::vector<std::pair<std::string, std::string>> texts;
        for (const auto& [key, value] : entries) {
            auto& [name, held] = texts.emplace_back();
            if (!is_map_key(key) || key.is(Kind::kDouble))
                return "no formatting function for map key of type " + std::string(type_name(key));
            auto failed = element(key, name);
            if (failed.empty()) failed = element(value, held);
            if (!failed.empty()) return failed;
        }
        std::stable_sort(texts.begin(), texts.end(),
                         [](const auto& a, const auto& b) { return a.first < b.first; });
        out += '{';
        for (const auto& [name, held] : texts)
            out += (&name == &texts.front().first ? "" : ", ") + name + ":" + held;
        out += '}';
        return {};
    }
};

/// "NaN" and the infinities may be given as texts.
bool read_number(const Value& value, double& out) {
    if (value.is(Kind::kDouble)) {
        out = value.as_double();
        return true;
    }
    if (value.text() == "NaN")
        out = std::nan("");
    else if (value.text() == "Infinity")
        out = HUGE_VAL;
    else if (value.text() == "-Infinity")
        out = -HUGE_VAL;
    else
        return false;
    return true;
}

std::string fill(const Value& value, const FormatClause& clause, std::string_view times,
                 std::string& out) {
    auto refused = refuse_clause(clause.verb, type_kind(value), type_name(value));
    if (!refused.empty()) return refused;
    double number = 0;
    switch (clause.verb) {
        case 's':
            return Printer().text(value, out);
        case 'd':
            out += to_text(value);
            break;
        case 'b':
            out += radix_text(value, 2);
            break;
        case 'o':
            out += radix_text(value, 8);
            break;
        case 'x':
        case 'X':
            out += hex_text(value, clause.verb == 'X');
            break;
        default:
            if (!read_number(value, number))
                return refuse_clause(clause.verb, TypeKind::kError, type_name(value));
            const auto precision = clause.precision.value_or(kDefaultPrecision);
            out += clause.verb == 'f' ? fixed_text(number, precision)
                                      : scientific_text(number, precision, times);
    }
    return {};
}

Value format(const Call& call) {
    const auto& list = call[1].as_list();
    const std::string_view times = call.kubernetes_minor < 33 ? "\u202f×\u202f" : "×";
    std::string out;
    std::size_t used = 0;
    const auto failed = walk_format(
        call[0].text(), list.size,
        [&](std::size_t number, const FormatClause& clause, std::string& text) {
            return fill(list.items[number], clause, times, text);
        },
        out, used);
    return failed.empty() ? call.string(out) : call.error(failed);
}

constexpr Overload kFormat[] = {
    {"format", "string.(list(dyn)) string", format, cost_of_first, 29},
};

}  // namespace

std::string walk_format(std::string_view format, std::size_t arguments,
                        const FormatArgument& insert, std::string& out, std::size_t& used) {
    used = 0;
    for (std::size_t at = 0; at < format.size();) {
        if (format[at] != '%') {
            out += format[at++];
            continue;
        }
        if (format.substr(at).starts_with("%%")) {
            out += '%';
            at += 2;
            continue;
        }
        if (used >= arguments) return "index " + std::to_string(used) + " out of range";
        if (++at == format.size()) return "unexpected end of string";
        FormatClause clause;
        if (const auto why = read_clause(format, at, clause); !why.empty())
            return "could not parse formatting clause: " + why;
        if (const auto why = insert(used++, clause, out); !why.empty())
            return "error during formatting: " + why;
    }
    return {};
}

std::string refuse_clause(char verb, TypeKind type, std::string_view type_name) {
    if (can_fill(verb, type)) return {};
    const auto what = [verb] {
        switch (verb) {
            case 'd':
                return "decimal clause can only be used on integers";
            case 'f':
                return "fixed-point clause can only be used on doubles";
            case 'e':
                return "scientific clause can only be used on doubles";
            case 'b':
                return "only integers and bools can be formatted as binary";
            case 'o':
                return "octal clause can only be used on integers";
            case 'x':
            case 'X':
                return "only integers, byte buffers, and strings can be formatted as hex";
            default:
                return "string clause can only be used on strings, bools, bytes, ints, doubles, "
                       "maps, lists, types, durations, and timestamps";
        }
    };
    return std::string(what()) + ", was given " + std::string(type_name);
}

std::span<const Overload> string_format_library() {
    return kFormat;
}

}  // namespace knd::cel
