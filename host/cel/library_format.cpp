// SPDX-License-Identifier: Apache-2.0
//
// Kubernetes' named formats: format.dns1123Label().validate(text) is none for a good text, else the
// list of what is wrong with it.
#include <algorithm>
#include <array>

#include "host/cel/library.hpp"
#include "host/cel/named_format.hpp"
#include "host/cel/url.hpp"

namespace knd::cel {
namespace {

using Problems = std::vector<std::string>;

constexpr std::string_view kLabelPattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
constexpr std::string_view kNamePattern = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxSubdomain = 253;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
bool is_lower_or_digit(char c) {
    return is_lower(c) || is_digit(c);
}
bool is_alphanumeric(char c) {
    return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

bool is_label(std::string_view text) {
    return !text.empty() && is_lower_or_digit(text.front()) && is_lower_or_digit(text.back()) &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return is_lower_or_digit(c) || c == '-'; });
}

bool is_subdomain(std::string_view text) {
    for (;;) {
        const auto dot = text.find('.');
        if (!is_label(text.substr(0, dot))) return false;
        if (dot == text.npos) return true;
        text.remove_prefix(dot + 1);
    }
}

/// The part of a label's key after its prefix.
bool is_name(std::string_view text) {
    return !text.empty() && is_alphanumeric(text.front()) && is_alphanumeric(text.back()) &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
           });
}

/// What qualified names and values of labels are checked with says "bytes" since 1.35.
enum class Unit { kCharacters, kBytes };
constexpr int kKubernetesOfBytes = 35;

std::string too_long(std::size_t most, Unit unit = Unit::kCharacters) {
    return "must be no more than " + std::to_string(most) +
           (unit == Unit::kBytes ? " bytes" : " characters");
}

/// "WHAT (e.g. 'a',  or 'b', regex used for validation is 'PATTERN')"
std::string refusal(std::string_view what, std::initializer_list<std::string_view> examples,
                    std::string_view pattern) {
    std::string out = std::string(what) + " (e.g. ";
    for (const auto& example : examples)
        out += (&example == examples.begin() ? "'" : " or '") + std::string(example) + "', ";
    return out + "regex used for validation is '" + std::string(pattern) + "')";
}

Problems label(std::string_view text) {
    Problems out;
    if (text.size() > kMaxLabel) out.push_back(too_long(kMaxLabel));
    if (is_label(text)) return out;
    if (is_subdomain(text)) {
        out.emplace_back("must not contain dots");
    } else {
        out.push_back(
            refusal("a lowercase RFC 1123 label must consist of lower case alphanumeric characters "
                    "or '-', and must start and end with an alphanumeric character",
                    {"my-name", "123-abc"}, kLabelPattern));
    }
    return out;
}

Problems subdomain_in(Unit unit, std::string_view text) {
    Problems out;
    if (text.size() > kMaxSubdomain) out.push_back(too_long(kMaxSubdomain, unit));
    const auto pattern = std::string(kLabelPattern) + "(\\." + std::string(kLabelPattern) + ")*";
    if (!is_subdomain(text))
        out.push_back(refusal(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, "
            "'-' or '.', and must start and end with an alphanumeric character",
            {"example.com"}, pattern));
    return out;
}

Problems subdomain(std::string_view text) {
    return subdomain_in(Unit::kCharacters, text);
}

Problems old_label(std::string_view text) {
    Problems out;
    if (text.size() > kMaxLabel) out.push_back(too_long(kMaxLabel));
    if (!is_label(text) || !is_lower(text.front()))
        out.push_back(
            refusal("a DNS-1035 label must consist of lower case alphanumeric characters or '-', "
                    "start with an alphabetic character, and end with an alphanumeric character",
                    {"my-name", "abc-123"}, "[a-z]([-a-z0-9]*[a-z0-9])?"));
    return out;
}

/// A prefix may end with a dash, because something will follow it.
template <Problems (*kValidate)(std::string_view)>
Problems prefix(std::string_view text) {
    if (text.size() < 2 || !text.ends_with('-')) return kValidate(text);
    return kValidate(std::string(text.substr(0, text.size() - 2)) + "a");
}

Problems qualified_name(std::string_view text, int kubernetes_minor) {
    const bool label_key = kubernetes_minor >= kKubernetesOfBytes;
    const auto unit = label_key ? Unit::kBytes : Unit::kCharacters;
    const auto what = [](std::string_view start) {
        return refusal(std::string(start) +
                           " must consist of alphanumeric characters, '-', '_' or '.', and must "
                           "start and end with an alphanumeric character",
                       {"MyName", "my.name", "123-abc"}, kNamePattern);
    };
    Problems out;
    auto name = text;
    if (std::count(text.begin(), text.end(), '/') > 1)
        return {what(label_key ? "a valid label key" : "a qualified name") +
                " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"};
    if (const auto slash = text.find('/'); slash != text.npos) {
        name = text.substr(slash + 1);
        if (slash == 0) out.emplace_back("prefix part must be non-empty");
        if (slash != 0)
            for (const auto& problem : subdomain_in(unit, text.substr(0, slash)))
                out.push_back("prefix part " + problem);
    }
    if (name.empty()) out.emplace_back("name part must be non-empty");
    if (name.size() > kMaxLabel) out.push_back("name part " + too_long(kMaxLabel, unit));
    if (!is_name(name)) out.push_back(what("name part"));
    return out;
}

Problems label_value(std::string_view text, int kubernetes_minor) {
    const auto unit = kubernetes_minor >= kKubernetesOfBytes ? Unit::kBytes : Unit::kCharacters;
    Problems out;
    if (text.size() > kMaxLabel) out.push_back(too_long(kMaxLabel, unit));
    if (!text.empty() && !is_name(text))
        out.push_back(
            refusal("a valid label must be an empty string or consist of alphanumeric characters, "
                    "'-', '_' or '.', and must start and end with an alphanumeric character",
                    {"MyValue", "my_value", "12345"}, "(" + std::string(kNamePattern) + ")?"));
    return out;
}

Problems uri(std::string_view text) {
    std::string why;
    if (Url::parse_request(text, why)) return {};
    return {"parse " + in_double_quotes(text) + ": " + why};
}

/// 32 hexadecimal digits; a dash may follow the 8th, 12th, 16th and 20th.
Problems uuid(std::string_view text) {
    std::size_t digits = 0;
    bool dash = false;
    for (const char c : text) {
        const bool hex = is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
        const bool may_dash =
            !dash && (digits == 8 || digits == 12 || digits == 16 || digits == 20);
        if (!hex && !(c == '-' && may_dash)) return {"does not match the UUID format"};
        dash = !hex;
        if (hex) ++digits;
    }
    return digits == 32 && !dash ? Problems() : Problems{"does not match the UUID format"};
}

Problems base64(std::string_view text) {
    const auto end = text.find_last_not_of('=') + 1;
    const bool good = !text.empty() && text.size() % 4 == 0 && text.size() - end <= 2 &&
                      std::all_of(text.begin(), text.begin() + static_cast<long>(end), [](char c) {
                          return is_alphanumeric(c) || c == '+' || c == '/';
                      });
    return good ? Problems() : Problems{"invalid base64"};
}

bool is_date(std::string_view text) {
    Instant ignored;
    if (text.size() != 10) return false;
    // The year 0 is a date, but no timestamp; it is a leap year, like the year 4.
    const auto shifted = text.starts_with("0000") ? "0004" + std::string(text.substr(4)) : "";
    const auto date = shifted.empty() ? std::string(text) : shifted;
    return read_timestamp(date + "T00:00:00Z", ignored);
}
Problems date(std::string_view text) {
    return is_date(text) ? Problems() : Problems{"invalid date"};
}

/// "hh:mm:ss", a fraction after any character, and "z" or an offset.
bool is_time(std::string_view text) {
    const auto number = [&](std::string_view most) {
        if (text.size() < 2 || !is_digit(text[0]) || !is_digit(text[1])) return false;
        const bool fits = text.substr(0, 2) <= most;
        text.remove_prefix(2);
        return fits;
    };
    const auto mark = [&](char c) {
        if (!text.starts_with(c)) return false;
        text.remove_prefix(1);
        return true;
    };
    const auto zone = [&] {
        if (mark('z')) return text.empty();
        return (mark('+') || mark('-')) && number("99") && mark(':') && number("99") &&
               text.empty();
    };
    if (!number("23") || !mark(':') || !number("59") || !mark(':') || !number("59")) return false;
    if (const auto rest = text; zone())
        return true;
    else
        text = rest;
    const auto first =
        text.empty()
            ? 0
            : 1 + static_cast<std::size_t>(std::find_if(text.begin() + 1, text.end(),
                                                        [](char c) { return (c & 0xC0) != 0x80; }) -
                                           text.begin() - 1);
    text.remove_prefix(first);
    if (text.empty() || !is_digit(text[0])) return false;
    while (!text.empty() && is_digit(text[0]))
        text.remove_prefix(1);
    return zone();
}
Problems datetime(std::string_view text) {
    std::string lower(text);
    for (auto& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    const auto mark = lower.find('t');
    const auto time = mark == lower.npos ? std::string() : lower.substr(mark + 1);
    const bool good = mark != lower.npos && is_date(std::string_view(lower).substr(0, mark)) &&
                      is_time(std::string_view(time).substr(0, time.find('t')));
    return good ? Problems() : Problems{"invalid datetime"};
}

/// What says the same in every release.
template <Problems (*kValidate)(std::string_view)>
Problems always(std::string_view text, int /*kubernetes_minor*/) {
    return kValidate(text);
}

constexpr std::array kFormats{
    NamedFormat{"dns1123Label", 30, always<label>},
    NamedFormat{"dns1123Subdomain", 60, always<subdomain>},
    NamedFormat{"dns1035Label", 30, always<old_label>},
    NamedFormat{"qualifiedName", 60, qualified_name},
    NamedFormat{"dns1123LabelPrefix", 30, always<prefix<label>>},
    NamedFormat{"dns1123SubdomainPrefix", 60, always<prefix<subdomain>>},
    NamedFormat{"dns1035LabelPrefix", 30, always<prefix<old_label>>},
    NamedFormat{"labelValue", 40, label_value},
    NamedFormat{"uri", 1103, always<uri>},
    NamedFormat{"uuid", 70, always<uuid>},
    NamedFormat{"byte", 84, always<base64>},
    NamedFormat{"date", 71, always<date>},
    NamedFormat{"datetime", 71, always<datetime>},
};

template <std::size_t kNumber>
Value constant_format(const Call&) {
    return Value::object(Kind::kFormat, &kFormats[kNumber]);
}

Value named(const Call& call) {
    for (const auto& format : kFormats) {
        if (format.name != call[0].text()) continue;
        const auto* kept = call.arena.make<Value>(Value::object(Kind::kFormat, &format));
        return kept == nullptr ? call.out_of_memory() : Value::optional(kept);
    }
    return Value::optional(nullptr);
}

Value validate(const Call& call) {
    const auto problems =
        call[0].as_object<NamedFormat>().validate(call[1].text(), call.kubernetes_minor);
    if (problems.empty()) return Value::optional(nullptr);
    std::vector<Value> texts;
    for (const auto& problem : problems)
        texts.push_back(call.string(problem));
    const auto* kept = call.arena.make<Value>(call.list(texts));
    return kept == nullptr ? call.out_of_memory() : Value::optional(kept);
}

std::uint64_t cost_of_validate(const Priced& arguments) {
    if (!arguments[0].is(Kind::kFormat)) return 1;
    const auto pattern = arguments[0].as_object<NamedFormat>().pattern_size;
    return tenth(extent(arguments[1]) + 1) * ((pattern + 3) / 4);
}

#define KND_FORMAT(number, name) \
    { "format." name, "() kubernetes.NamedFormat", constant_format<number>, nullptr, 31 }
constexpr Overload kFormatLibrary[] = {
    {"format.named", "(string) optional_type(kubernetes.NamedFormat)", named, nullptr, 31},
    {"validate", "kubernetes.NamedFormat.(string) optional_type(list(string))", validate,
     cost_of_validate, 31},
    KND_FORMAT(0, "dns1123Label"),
    KND_FORMAT(1, "dns1123Subdomain"),
    KND_FORMAT(2, "dns1035Label"),
    KND_FORMAT(3, "qualifiedName"),
    KND_FORMAT(4, "dns1123LabelPrefix"),
    KND_FORMAT(5, "dns1123SubdomainPrefix"),
    KND_FORMAT(6, "dns1035LabelPrefix"),
    KND_FORMAT(7, "labelValue"),
    KND_FORMAT(8, "uri"),
    KND_FORMAT(9, "uuid"),
    KND_FORMAT(10, "byte"),
    KND_FORMAT(11, "date"),
    KND_FORMAT(12, "datetime"),
};
#undef KND_FORMAT

}  // namespace

std::span<const Overload> format_library() {
    return kFormatLibrary;
}

}  // namespace knd::cel
