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

std::string describe_issues(std::string_view source, std::vector<Issue> issues) {
    std::stable_sort(issues.begin(), issues.end(),
                     [](const Issue& a, const Issue& b) { return a.offset < b.offset; });
    std::string out;
    for (const auto& issue : issues) {
        const auto offset = std::min<std::size_t>(issue.offset, source.size());
        const auto before = source.substr(0, offset);
        const auto line = std::count(before.begin(), before.end(), '\n') + 1;
        const auto start = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
        const auto text = source.substr(start, source.find('\n', start) - start);
        const auto prefix = before.substr(start);
        const auto column =
            std::count_if(prefix.begin(), prefix.end(), [](char c) { return (c & 0xC0) != 0x80; });
        if (!out.empty()) out += '\n';
        out += "ERROR: <input>:" + std::to_string(line) + ":" + std::to_string(column + 1) + ": " +
               issue.message + "\n | " + std::string(text) + "\n | " +
               std::string(static_cast<std::size_t>(column), '.') + "^";
    }
    return out;
}

}  // namespace knd::cel
