// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>

#include "host/model/core.hpp"

namespace knd::api {
namespace {

std::optional<std::int64_t> whole_number(std::string_view text) {
    if (text.starts_with('+')) text.remove_prefix(1);
    std::int64_t value = 0;
    const auto* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    if (read.ec != std::errc() || read.ptr != end || text.empty()) return std::nullopt;
    return value;
}

/// `found` is the label's value, null when the node has no such label.
bool holds(const NodeSelectorRequirement& requirement, const std::string* found) {
    const auto& values = requirement.values;
    const auto listed = [&] {
        return std::find(values.begin(), values.end(), *found) != values.end();
    };
    if (requirement.op == "In") return !values.empty() && found != nullptr && listed();
    if (requirement.op == "NotIn") return !values.empty() && (found == nullptr || !listed());
    if (requirement.op == "Exists") return values.empty() && found != nullptr;
    if (requirement.op == "DoesNotExist") return values.empty() && found == nullptr;
    if (requirement.op != "Gt" && requirement.op != "Lt") return false;
    if (values.size() != 1 || found == nullptr) return false;
    const auto have = whole_number(*found);
    const auto bound = whole_number(values[0]);
    if (!have || !bound) return false;
    return requirement.op == "Gt" ? *have > *bound : *have < *bound;
}

/// The only field there is to match is the node's name.
bool field_holds(const NodeSelectorRequirement& requirement, const Node& node) {
    if (requirement.key != "metadata.name" || requirement.values.size() != 1) return false;
    if (requirement.op == "In") return node.name == requirement.values[0];
    return requirement.op == "NotIn" && node.name != requirement.values[0];
}

bool term_matches(const NodeSelectorTerm& term, const Node& node) {
    if (term.empty()) return false;
    for (const auto& requirement : term.match_expressions) {
        const auto label = node.labels.find(requirement.key);
        if (!holds(requirement, label == node.labels.end() ? nullptr : &label->second))
            return false;
    }
    return std::all_of(term.match_fields.begin(), term.match_fields.end(),
                       [&](const auto& requirement) { return field_holds(requirement, node); });
}

}  // namespace

bool matches(const NodeSelector& selector, const Node& node) {
    return std::any_of(selector.terms.begin(), selector.terms.end(),
                       [&](const auto& term) { return term_matches(term, node); });
}

bool tolerates(const Toleration& toleration, const Taint& taint) {
    if (!toleration.effect.empty() && toleration.effect != taint.effect) return false;
    if (!toleration.key.empty() && toleration.key != taint.key) return false;
    if (toleration.op == "Exists") return true;
    return (toleration.op.empty() || toleration.op == "Equal") && toleration.value == taint.value;
}

}  // namespace knd::api
