// SPDX-License-Identifier: Apache-2.0
#include "host/cel/pattern_text.hpp"

#include <algorithm>
#include <iterator>
#include <optional>

namespace knd::cel {
namespace {

struct Category {
    std::string_view name;  ///< "lowercaseletter"
    std::string_view text;  ///< what RE2 knows, to stand in a class
};

// Unicode's PropertyValueAliases.txt, property gc.
constexpr Category kCategories[] = {
    {"letter", "\\pL"},
    {"casedletter", "\\p{Lu}\\p{Ll}\\p{Lt}"},
    {"lc", "\\p{Lu}\\p{Ll}\\p{Lt}"},
    {"uppercaseletter", "\\p{Lu}"},
    {"lowercaseletter", "\\p{Ll}"},
    {"titlecaseletter", "\\p{Lt}"},
    {"modifierletter", "\\p{Lm}"},
    {"otherletter", "\\p{Lo}"},
    {"mark", "\\pM"},
    {"combiningmark", "\\pM"},
    {"nonspacingmark", "\\p{Mn}"},
    {"spacingmark", "\\p{Mc}"},
    {"enclosingmark", "\\p{Me}"},
    {"number", "\\pN"},
    {"decimalnumber", "\\p{Nd}"},
    {"digit", "\\p{Nd}"},
    {"letternumber", "\\p{Nl}"},
    {"othernumber", "\\p{No}"},
    {"punctuation", "\\pP"},
    {"punct", "\\pP"},
    {"connectorpunctuation", "\\p{Pc}"},
    {"dashpunctuation", "\\p{Pd}"},
    {"openpunctuation", "\\p{Ps}"},
    {"closepunctuation", "\\p{Pe}"},
    {"initialpunctuation", "\\p{Pi}"},
    {"finalpunctuation", "\\p{Pf}"},
    {"otherpunctuation", "\\p{Po}"},
    {"symbol", "\\pS"},
    {"mathsymbol", "\\p{Sm}"},
    {"currencysymbol", "\\p{Sc}"},
    {"modifiersymbol", "\\p{Sk}"},
    {"othersymbol", "\\p{So}"},
    {"separator", "\\pZ"},
    {"spaceseparator", "\\p{Zs}"},
    {"lineseparator", "\\p{Zl}"},
    {"paragraphseparator", "\\p{Zp}"},
    {"other", "\\pC"},
    {"control", "\\p{Cc}"},
    {"cntrl", "\\p{Cc}"},
    {"format", "\\p{Cf}"},
    {"surrogate", "\\p{Cs}"},
    {"privateuse", "\\p{Co}"},
    {"assigned", "\\pL\\pM\\pN\\pP\\pS\\pZ\\p{Cc}\\p{Cf}\\p{Co}"},
    {"ascii", "\\x00-\\x7f"},
};
/// Only what is left over: stands negated.
constexpr std::string_view kUnassigned[] = {"cn", "unassigned"};

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string folded(std::string_view name) {
    std::string out;
    for (const char c : name)
        if (c != ' ' && c != '_' && c != '-') out += lower(c);
    return out;
}

std::string_view known_as(std::string_view name) {
    const auto* found = std::find_if(std::begin(kCategories), std::end(kCategories),
                                     [&](const Category& known) { return known.name == name; });
    return found == std::end(kCategories) ? std::string_view() : found->text;
}

/// Instead of \p{name}, or \P{name} if `negated`; empty: there is nothing that says the same.
std::string category(std::string_view written, bool negated, bool in_class) {
    if (written.starts_with('^')) {
        negated = !negated;
        written.remove_prefix(1);
    }
    auto name = folded(written);
    const bool is_word =
        std::all_of(name.begin(), name.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    if (name.empty() || !is_word) return {};
    if (std::find(std::begin(kUnassigned), std::end(kUnassigned), name) != std::end(kUnassigned)) {
        negated = !negated;
        name = "assigned";
    }
    const auto text = known_as(name);
    if (text.empty() || (text.starts_with("\\p") && text.find('\\', 1) == text.npos)) {
        // One name of RE2's: of a category or a script, which begin with a capital.
        std::string one(text.empty() ? std::string_view(name) : text.substr(2));
        if (text.empty()) one[0] = static_cast<char>(one[0] - 'a' + 'A');
        if (!one.starts_with('{')) one = "{" + one + "}";
        return (negated ? "\\P" : "\\p") + one;
    }
    if (in_class) return negated ? std::string() : std::string(text);
    return (negated ? "[^" : "[") + std::string(text) + "]";
}

/// What stands after \p: one character or a name in braces.
struct Name {
    std::string_view text;
    std::size_t size = 0;  ///< with its braces
};

std::optional<Name> name_at(std::string_view text) {
    if (text.empty()) return {};
    if (text[0] != '{') return Name{text.substr(0, 1), 1};
    const auto end = text.find('}');
    if (end == text.npos) return {};
    return Name{text.substr(1, end - 1), end + 1};
}

}  // namespace

std::string with_named_groups(std::string_view pattern) {
    std::string out;
    bool in_class = false;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        out += pattern[i];
        if (pattern[i] == '\\' && i + 1 < pattern.size()) {
            out += pattern[++i];
        } else if (pattern[i] == '[' || pattern[i] == ']') {
            in_class = pattern[i] == '[';
        } else if (!in_class && pattern.substr(i).starts_with("(?<")) {
            out += "?P";
            ++i;
        }
    }
    return out;
}

std::string with_category_names(std::string_view pattern) {
    std::string out;
    bool in_class = false;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        const char c = pattern[i];
        if (c == '[' || c == ']') in_class = c == '[';
        out += c;
        if (c != '\\' || i + 1 == pattern.size()) continue;
        const char kind = pattern[++i];
        out += kind;
        if (kind == 'Q') {
            const auto end = std::min(pattern.find("\\E", i), pattern.size());
            out += pattern.substr(i + 1, end - i - 1);
            i = end - 1;
        }
        if (kind != 'p' && kind != 'P') continue;
        const auto name = name_at(pattern.substr(i + 1));
        if (!name) continue;
        const auto instead = category(name->text, kind == 'P', in_class);
        if (instead.empty()) continue;
        out.replace(out.size() - 2, 2, instead);
        i += name->size;
    }
    return out;
}

}  // namespace knd::cel
