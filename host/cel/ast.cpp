// SPDX-License-Identifier: Apache-2.0
#include "host/cel/ast.hpp"

#include <algorithm>

#include "host/cel/parser.hpp"

namespace knd::cel {

bool Ast::is_optional_child(const Node& node, std::uint32_t i) const {
    return std::find(optional_children.begin(), optional_children.end(), node.first + i) !=
           optional_children.end();
}

bool Ast::is_binding(const Fold& fold) const {
    const auto& range = nodes[fold.range];
    const auto& condition = nodes[fold.condition];
    return range.kind == NodeKind::kList && range.count == 0 &&
           condition.kind == NodeKind::kConstant && condition.constant.is(Kind::kBool) &&
           !condition.constant.as_bool();
}

std::string_view AstBuilder::keep(std::string_view text) {
    return ast_.texts.emplace_back(text);
}

NodeIndex AstBuilder::push(Node node) {
    ast_.nodes.push_back(node);
    return static_cast<NodeIndex>(ast_.nodes.size() - 1);
}

NodeIndex AstBuilder::fail(std::uint32_t offset, std::string message) {
    issues_.push_back({offset, std::move(message)});
    return constant(offset, Value());
}

NodeIndex AstBuilder::constant(std::uint32_t offset, Value value) {
    Node node;
    node.offset = offset;
    node.constant = value;
    return push(node);
}

NodeIndex AstBuilder::ident(std::uint32_t offset, std::string_view name) {
    Node node;
    node.kind = NodeKind::kIdent;
    node.offset = offset;
    node.text = name;
    return push(node);
}

NodeIndex AstBuilder::select(std::uint32_t offset, NodeIndex operand, std::string_view field,
                             bool test) {
    const auto index = aggregate(NodeKind::kSelect, offset, std::span(&operand, 1));
    ast_.nodes[index].text = field;
    ast_.nodes[index].test_only = test;
    return index;
}

NodeIndex AstBuilder::call(std::uint32_t offset, std::string_view function,
                           std::span<const NodeIndex> arguments, bool member) {
    const auto index = aggregate(NodeKind::kCall, offset, arguments);
    ast_.nodes[index].text = function;
    ast_.nodes[index].member = member;
    return index;
}

NodeIndex AstBuilder::aggregate(NodeKind kind, std::uint32_t offset,
                                std::span<const NodeIndex> children,
                                std::span<const std::uint32_t> optional) {
    Node node;
    node.kind = kind;
    node.offset = offset;
    node.first = static_cast<std::uint32_t>(ast_.children.size());
    node.count = static_cast<std::uint32_t>(children.size());
    ast_.children.insert(ast_.children.end(), children.begin(), children.end());
    for (const auto i : optional)
        ast_.optional_children.push_back(node.first + i);
    return push(node);
}

NodeIndex AstBuilder::fold(std::uint32_t offset, Fold fold) {
    Node node;
    node.kind = NodeKind::kFold;
    node.offset = offset;
    node.first = static_cast<std::uint32_t>(ast_.folds.size());
    ast_.folds.push_back(fold);
    return push(node);
}

NodeIndex AstBuilder::place(NodeIndex index, std::uint32_t begin, std::uint32_t end) {
    if (index == kNoNode) return index;
    auto& node = ast_.nodes[index];
    if (node.begin == node.end) {
        node.begin = begin;
        node.end = end;
    }
    return index;
}

namespace {

constexpr std::size_t kMaxIssues = 100;
constexpr std::size_t kMaxSnippet = 16384;  // characters
constexpr std::string_view kWideDot = "\uff0e", kWideMark = "\uff3e";

bool starts_character(char c) {
    return (c & 0xC0) != 0x80;
}

/// The line of source and a mark below the column, as wide as the characters are.
std::string snippet(std::string_view line, std::size_t bytes) {
    std::string shown(line), dots;
    std::replace(shown.begin(), shown.end(), '\t', ' ');
    const auto is_wide = [&](std::size_t i) { return (line[i] & 0x80) != 0; };
    for (std::size_t i = 0; i < bytes; ++i)
        if (starts_character(line[i])) dots += is_wide(i) ? kWideDot : ".";
    dots += bytes < line.size() && is_wide(bytes) ? kWideMark : "^";
    return "\n | " + shown + "\n | " + dots;
}

std::string describe_issue(std::string_view source, const Issue& issue) {
    if (issue.offset == kNoLocation) return "ERROR: <input>:-1:0: " + issue.message;
    const auto offset = std::min<std::size_t>(issue.offset, source.size());
    const auto before = source.substr(0, offset);
    const auto number = std::count(before.begin(), before.end(), '\n') + 1;
    const auto start = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
    const auto line = source.substr(start, source.find('\n', start) - start);
    const auto prefix = before.substr(start);
    const auto column = std::count_if(prefix.begin(), prefix.end(), starts_character);
    // An empty source has no first column.
    auto out = "ERROR: <input>:" + std::to_string(number) + ":" +
               std::to_string(column + (source.empty() ? 0 : 1)) + ": " + issue.message;
    if (!source.empty() && line.size() <= kMaxSnippet) out += snippet(line, offset - start);
    return out;
}

}  // namespace

std::string describe_issues(std::string_view source, std::vector<Issue> issues) {
    const auto left_out = issues.size() - std::min(issues.size(), kMaxIssues);
    issues.resize(issues.size() - left_out);
    // What has no place comes first.
    std::stable_sort(issues.begin(), issues.end(),
                     [](const Issue& a, const Issue& b) { return a.offset + 1 < b.offset + 1; });
    std::string out;
    for (const auto& issue : issues)
        out += (out.empty() ? "" : "\n") + describe_issue(source, issue);
    if (left_out != 0) out += "\n" + std::to_string(left_out) + " more errors were truncated";
    return out;
}

}  // namespace knd::cel
