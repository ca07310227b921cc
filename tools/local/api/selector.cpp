// SPDX-License-Identifier: Apache-2.0
#include "tools/local/api/selector.hpp"

#include <algorithm>

#include "tools/local/api/schema.hpp"

namespace knd::api {
namespace {

std::string trimmed(std::string_view text) {
    const auto begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) return "";
    return std::string(text.substr(begin, text.find_last_not_of(' ') - begin + 1));
}

/// Splits at commas outside parentheses that no backslash escapes.
std::vector<std::string> split_terms(std::string_view text) {
    std::vector<std::string> terms;
    std::string term;
    int depth = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\\' && i + 1 < text.size()) {
            term += c;
            term += text[++i];
            continue;
        }
        depth += c == '(' ? 1 : c == ')' ? -1 : 0;
        if (c == ',' && depth == 0)
            terms.push_back(std::exchange(term, {}));
        else
            term += c;
    }
    terms.push_back(term);
    std::erase_if(terms, [](const std::string& one) { return trimmed(one).empty(); });
    return terms;
}

std::string unescaped(const std::string& text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) ++i;
        plain += text[i];
    }
    return plain;
}

bool contains(const std::vector<std::string>& values, const std::string& value) {
    return std::find(values.begin(), values.end(), value) != values.end();
}

}  // namespace

std::string field_text(const Json& object, std::string_view dotted_path) {
    if (dotted_path == "source") dotted_path = "source.component";
    const Json* at = &object;
    while (!dotted_path.empty()) {
        const auto dot = std::min(dotted_path.find('.'), dotted_path.size());
        at = &json_at(*at, dotted_path.substr(0, dot));
        dotted_path.remove_prefix(std::min(dot + 1, dotted_path.size()));
    }
    if (at->is_string()) return at->get_ref<const std::string&>();
    return at->is_null() ? "" : to_text(*at);
}

Answer<ObjectSelector::Requirement> ObjectSelector::parse_label(std::string_view text) {
    Requirement requirement{Operator::kExists, trimmed(text), {}};
    const auto equals = text.find('=');
    const auto open = text.find('(');
    if (equals != std::string_view::npos) {
        const bool negated = equals > 0 && text[equals - 1] == '!';
        const auto value = text.substr(text.find_first_not_of('=', equals) == std::string_view::npos
                                           ? text.size()
                                           : text.find_first_not_of('=', equals));
        requirement = {negated ? Operator::kNotIn : Operator::kIn,
                       trimmed(text.substr(0, equals - (negated ? 1 : 0))),
                       {trimmed(value)}};
    } else if (open != std::string_view::npos && text.find(')', open) != std::string_view::npos) {
        const auto head = trimmed(text.substr(0, open));
        const auto space = head.rfind(' ');
        const auto word = space == std::string::npos ? "" : head.substr(space + 1);
        if (word != "in" && word != "notin")
            return bad_request("unable to parse requirement: found '" + word +
                               "', expected: in, notin");
        requirement = {
            word == "in" ? Operator::kIn : Operator::kNotIn, trimmed(head.substr(0, space)), {}};
        for (const auto& value : split_terms(text.substr(open + 1, text.find(')') - open - 1)))
            requirement.values.push_back(trimmed(value));
    } else if (!requirement.key.empty() && requirement.key[0] == '!') {
        requirement = {Operator::kNotExists, trimmed(requirement.key.substr(1)), {}};
    }
    if (auto why = check_format("qualified", requirement.key); !why.empty())
        return bad_request("unable to parse requirement: <nil>: Invalid value: \"" +
                           requirement.key + "\": " + why);
    return requirement;
}

Answer<ObjectSelector> ObjectSelector::parse(const Kind& kind, std::string_view labels,
                                             std::string_view fields) {
    ObjectSelector selector;
    for (const auto& term : split_terms(labels)) {
        KND_TRY_ASSIGN(auto requirement, parse_label(term));
        selector.labels_.push_back(std::move(requirement));
    }
    for (const auto& term : split_terms(fields)) {
        const auto equals = term.find('=');
        if (equals == std::string::npos || equals == 0)
            return bad_request("invalid selector: '" + term + "'; can't understand '" + term + "'");
        const bool negated = term[equals - 1] == '!';
        const bool doubled = equals + 1 < term.size() && term[equals + 1] == '=';
        Requirement requirement{negated ? Operator::kNotIn : Operator::kIn,
                                trimmed(term.substr(0, equals - (negated ? 1 : 0))),
                                {unescaped(term.substr(equals + (doubled ? 2 : 1)))}};
        const auto& known = kind.field_selectors;
        const bool is_metadata = requirement.key == "metadata.name" ||
                                 (requirement.key == "metadata.namespace" && kind.namespaced);
        if (!is_metadata && std::find(known.begin(), known.end(), requirement.key) == known.end())
            return bad_request("field label not supported: " + requirement.key);
        selector.fields_.push_back(std::move(requirement));
    }
    return selector;
}

bool ObjectSelector::matches(const Json& object) const {
    const auto& labels = json_path(object, {"metadata", "labels"});
    for (const auto& one : labels_) {
        const bool has = labels.contains(one.key);
        const bool in = has && contains(one.values, json_string(labels, one.key));
        const bool fits = one.op == Operator::kIn       ? in
                          : one.op == Operator::kNotIn  ? !in
                          : one.op == Operator::kExists ? has
                                                        : !has;
        if (!fits) return false;
    }
    for (const auto& one : fields_) {
        const auto text = field_text(object, one.key);
        // An absent boolean is false.
        const bool equal = text == one.values[0] || (text.empty() && one.values[0] == "false");
        if (equal != (one.op == Operator::kIn)) return false;
    }
    return true;
}

}  // namespace knd::api
