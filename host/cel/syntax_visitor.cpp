// SPDX-License-Identifier: Apache-2.0
//
// What is wrong besides the grammar: literals out of range, reserved names, macros' arguments.
// Reported also for an expression with syntax errors, as far as its tree is whole.
#include <algorithm>

#include "host/cel/lexer.hpp"
#include "host/cel/parser.hpp"
#include "host/cel/syntax.hpp"
#include "host/cel/syntax_parser.hpp"

namespace knd::cel {
namespace {

using syntax::Child;
using syntax::Rule;
using syntax::TokenType;
using syntax::TreeNode;

constexpr int kMaxDepth = 250;
/// Of the visits that the limit above does not count.
constexpr int kMaxVisits = 3000;

constexpr std::pair<TokenType, std::string_view> kOperators[] = {
    {syntax::kEquals, ops::kEquals},
    {syntax::kNotEquals, ops::kNotEquals},
    {syntax::kIn, ops::kIn},
    {syntax::kLess, ops::kLess},
    {syntax::kLessEquals, ops::kLessEquals},
    {syntax::kGreater, ops::kGreater},
    {syntax::kGreaterEquals, ops::kGreaterEquals},
    {syntax::kStar, ops::kMultiply},
    {syntax::kSlash, ops::kDivide},
    {syntax::kPercent, ops::kModulo},
    {syntax::kPlus, ops::kAdd},
    {syntax::kMinus, ops::kSubtract}};

class Visitor {
  public:
    Visitor(std::string_view source, const syntax::Tree& tree, const ParserOptions& options,
            std::vector<Issue>& issues)
        : source_(source), tree_(tree), options_(options), issues_(issues), b_(ast_, issues) {}

    void run() { visit(tree_.nodes[tree_.root]); }

  private:
    // --- the tree --------------------------------------------------------------------------------

    /// The number-th node of a rule; null: a syntax error ate it.
    const TreeNode* node(const TreeNode& of, Rule rule, std::size_t number = 0) const {
        for (const auto& child : of.children)
            if (child.is_node && tree_.nodes[child.index].rule == rule && number-- == 0)
                return &tree_.nodes[child.index];
        return nullptr;
    }
    const Child* token(const TreeNode& of, TokenType type) const {
        for (const auto& child : of.children)
            if (!child.is_node && !child.skipped && child.type == type) return &child;
        return nullptr;
    }
    std::uint32_t offset(const TreeNode& of, const Child* child) const {
        const bool there = child != nullptr && child->index != syntax::kMadeUp;
        return there ? tree_.tokens[child->index].offset : of.offset;
    }
    std::string_view text(const Child* child) const {
        if (child == nullptr || child->index == syntax::kMadeUp) return "<missing>";
        const auto& lexeme = tree_.tokens[child->index];
        return source_.substr(lexeme.offset, lexeme.end - lexeme.offset);
    }

    NodeIndex broken(const TreeNode& at) { return b_.constant(at.offset, Value()); }
    NodeIndex fail(std::uint32_t offset, std::string message) {
        return b_.fail(offset, std::move(message));
    }

    /// Counts the depth while it lives.
    struct Depth {
        Depth(Visitor& visitor, bool counts) : v(visitor), counted(counts ? 1 : 0) {
            ++v.visits_;
            v.depth_ += counted;
            if (v.depth_ > kMaxDepth && !v.stopped_)
                v.issues_.push_back({kNoLocation, "max recursion depth exceeded"});
            v.stopped_ = v.stopped_ || v.depth_ > kMaxDepth || v.visits_ > kMaxVisits;
        }
        ~Depth() {
            --v.visits_;
            v.depth_ -= counted;
        }
        Visitor& v;
        int counted;
    };

    // --- rules -----------------------------------------------------------------------------------

    NodeIndex visit(const TreeNode* at) {
        return at == nullptr ? b_.constant(0, Value()) : visit(*at);
    }

    NodeIndex visit(const TreeNode& at) {
        const Depth depth(*this, counts(at));
        if (stopped_) return broken(at);
        switch (at.rule) {
            case Rule::kStart:
                return visit(node(at, Rule::kExpr));
            case Rule::kExpr:
                return conditional(at);
            case Rule::kOr:
                return chain(at, Rule::kAnd, syntax::kLogicalOr, ops::kOr);
            case Rule::kAnd:
                return chain(at, Rule::kRelation, syntax::kLogicalAnd, ops::kAnd);
            case Rule::kRelation:
                return binary(at, Rule::kRelation, Rule::kCalc);
            case Rule::kCalc:
                return binary(at, Rule::kCalc, Rule::kUnary);
            case Rule::kUnary:
                return unary(at);
            case Rule::kMember:
                return member(at);
            case Rule::kPrimary:
                return primary(at);
            case Rule::kLiteral:
                return literal(at);
            default:
                return broken(at);
        }
    }

    /// Levels of the grammar that an expression only passes through do not count.
    bool counts(const TreeNode& at) const {
        if (at.rule == Rule::kExpr) return token(at, syntax::kQuestion) != nullptr;
        if (at.rule == Rule::kRelation || at.rule == Rule::kCalc) return operation(at) != nullptr;
        return at.rule == Rule::kMember && (at.label == 1 || at.label == 3);
    }

    NodeIndex conditional(const TreeNode& at) {
        const auto* mark = token(at, syntax::kQuestion);
        const auto condition = visit(node(at, Rule::kOr));
        if (mark == nullptr) return condition;
        const auto yes = visit(node(at, Rule::kOr, 1));
        const auto no = visit(node(at, Rule::kExpr));
        return b_.call(offset(at, mark), ops::kConditional, {condition, yes, no});
    }

    NodeIndex chain(const TreeNode& at, Rule part, TokenType mark, std::string_view function) {
        auto out = visit(node(at, part));
        for (std::size_t i = 1; node(at, part, i) != nullptr; ++i)
            out = b_.call(offset(at, token(at, mark)), function, {out, visit(node(at, part, i))});
        return out;
    }

    const Child* operation(const TreeNode& at) const {
        for (const auto& [type, name] : kOperators)
            if (const auto* found = token(at, type)) return found;
        return nullptr;
    }

    NodeIndex binary(const TreeNode& at, Rule self, Rule below) {
        const auto* mark = operation(at);
        if (mark == nullptr) return visit(node(at, below));
        const auto* name = std::find_if(std::begin(kOperators), std::end(kOperators),
                                        [&](const auto& one) { return one.first == mark->type; });
        const auto left = visit(node(at, self));
        return b_.call(offset(at, mark), name->second, {left, visit(node(at, self, 1))});
    }

    NodeIndex unary(const TreeNode& at) {
        const auto type = at.label == 2 ? syntax::kExclam : syntax::kMinus;
        const auto count =
            std::count_if(at.children.begin(), at.children.end(), [&](const Child& child) {
                return !child.is_node && !child.skipped && child.type == type;
            });
        const auto operand = visit(node(at, Rule::kMember));
        if (at.label < 2 || count % 2 == 0) return operand;
        return b_.call(offset(at, token(at, type)), at.label == 2 ? ops::kNot : ops::kNegate,
                       {operand});
    }

    NodeIndex member(const TreeNode& at) {
        if (at.label == 0) return visit(node(at, Rule::kPrimary));
        const auto target = visit(node(at, Rule::kMember));
        if (at.label == 1) return selection(at, target);
        if (at.label == 2) return member_call(at, target);
        const auto* open = token(at, syntax::kLeftBracket);
        if (open == nullptr) return broken(at);
        const auto key = visit(node(at, Rule::kExpr));
        return b_.call(offset(at, open), ops::kIndex, {target, key});
    }

    NodeIndex selection(const TreeNode& at, NodeIndex target) {
        const auto* name = node(at, Rule::kEscapeIdent);
        const auto* dot = token(at, syntax::kDot);
        if (name == nullptr || dot == nullptr) return broken(at);
        const auto field = b_.keep(field_name(*name, name->offset));
        if (token(at, syntax::kQuestion) == nullptr)
            return b_.select(offset(at, dot), target, field, false);
        return b_.call(offset(at, dot), ops::kOptSelect,
                       {target, b_.constant(name->offset, Value::string(field))});
    }

    std::string_view field_name(const TreeNode& at, std::uint32_t where) {
        if (const auto* name = token(at, syntax::kIdentifier); at.label == 1 && name != nullptr)
            return text(name);
        const auto* escaped = token(at, syntax::kEscapedIdentifier);
        if (at.label == 2 && escaped != nullptr && options_.escaped_fields)
            return text(escaped).substr(1, text(escaped).size() - 2);
        fail(where, at.label == 2 ? "unsupported syntax: '`'" : "unsupported ident kind");
        return "";
    }

    NodeIndex member_call(const TreeNode& at, NodeIndex target) {
        const auto* name = token(at, syntax::kIdentifier);
        if (name == nullptr) return broken(at);
        return call(offset(at, token(at, syntax::kLeftParen)), text(name), target,
                    arguments(node(at, Rule::kExprList)));
    }

    std::vector<NodeIndex> arguments(const TreeNode* list) {
        std::vector<NodeIndex> out;
        if (list == nullptr) return out;
        for (std::size_t i = 0; node(*list, Rule::kExpr, i) != nullptr; ++i)
            out.push_back(visit(node(*list, Rule::kExpr, i)));
        return out;
    }

    NodeIndex call(std::uint32_t offset, std::string_view name, NodeIndex target,
                   std::vector<NodeIndex> arguments) {
        if (const auto out = expand_macro(b_, options_, offset, b_.keep(name), target, arguments))
            return *out;
        if (target != kNoNode) arguments.insert(arguments.begin(), target);
        return b_.call(offset, b_.keep(name), arguments, target != kNoNode);
    }

    NodeIndex primary(const TreeNode& at) {
        switch (at.label) {
            case 1:
            case 2:
                return identifier(at);
            case 3:
                return visit(node(at, Rule::kExpr));
            case 4:
                return list(at);
            case 5:
                return map(at);
            case 6:
                return message(at);
            case 7:
                return visit(node(at, Rule::kLiteral));
            default:
                return broken(at);
        }
    }

    NodeIndex identifier(const TreeNode& at) {
        const auto* name = token(at, syntax::kIdentifier);
        if (name == nullptr) return broken(at);
        if (is_reserved(text(name)))
            return fail(at.offset, "reserved identifier: " + std::string(text(name)));
        const bool rooted = token(at, syntax::kDot) != nullptr;
        const auto full = (rooted ? "." : "") + std::string(text(name));
        if (at.label == 1) return b_.ident(offset(at, name), b_.keep(full));
        return call(offset(at, token(at, syntax::kLeftParen)), full, kNoNode,
                    arguments(node(at, Rule::kExprList)));
    }

    NodeIndex list(const TreeNode& at) {
        std::vector<NodeIndex> elements;
        if (const auto* parts = node(at, Rule::kListInit))
            for (std::size_t i = 0; node(*parts, Rule::kOptExpr, i) != nullptr; ++i)
                elements.push_back(visit(node(*node(*parts, Rule::kOptExpr, i), Rule::kExpr)));
        return b_.aggregate(NodeKind::kList, offset(at, token(at, syntax::kLeftBracket)), elements);
    }

    NodeIndex map(const TreeNode& at) {
        std::vector<NodeIndex> children;
        const auto* parts = node(at, Rule::kMapList);
        for (std::size_t i = 0; parts != nullptr && node(*parts, Rule::kExpr, i) != nullptr; ++i) {
            const auto* key = node(*parts, Rule::kOptExpr, i);
            if (key == nullptr) break;
            children.push_back(visit(node(*key, Rule::kExpr)));
            children.push_back(visit(node(*parts, Rule::kExpr, i)));
        }
        return b_.aggregate(NodeKind::kMap, offset(at, token(at, syntax::kLeftBrace)), children);
    }

    NodeIndex message(const TreeNode& at) {
        const auto* parts = node(at, Rule::kFieldList);
        for (std::size_t i = 0; parts != nullptr && node(*parts, Rule::kExpr, i) != nullptr; ++i) {
            const auto* field = node(*parts, Rule::kOptField, i);
            const auto* name = field == nullptr ? nullptr : node(*field, Rule::kEscapeIdent);
            if (name == nullptr) break;
            if (name->label == 1)
                visit(node(*parts, Rule::kExpr, i));
            else
                field_name(*name, parts->offset);
        }
        return b_.constant(offset(at, token(at, syntax::kLeftBrace)), Value());
    }

    NodeIndex literal(const TreeNode& at) {
        constexpr TokenType kTypes[] = {syntax::kInt, syntax::kUint, syntax::kFloat,
                                        syntax::kString, syntax::kBytes};
        for (const auto type : kTypes) {
            const auto* found = token(at, type);
            if (found == nullptr) continue;
            const bool negative = token(at, syntax::kMinus) != nullptr;
            if (auto why = wrong_literal(text(found), options_, negative); !why.empty())
                return fail(at.offset, std::move(why));
        }
        return broken(at);
    }

    std::string_view source_;
    const syntax::Tree& tree_;
    const ParserOptions& options_;
    std::vector<Issue>& issues_;
    Ast ast_;
    AstBuilder b_;
    int depth_ = 0, visits_ = 0;
    bool stopped_ = false;
};

/// What Go makes of a text that it takes for a format, without anything to fill it with.
std::string formatted_again(std::string_view text) {
    constexpr std::string_view kModifiers = "#0+- 123456789.";
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            out += text[at];
            continue;
        }
        at = text.find_first_not_of(kModifiers, at + 1);
        if (at == text.npos) return out + "%!(NOVERB)";
        if (text[at] == '%') {
            out += '%';
            continue;
        }
        const auto verb = at++;
        while (at < text.size() && (text[at] & 0xC0) == 0x80)
            ++at;
        out.append("%!").append(text.substr(verb, at - verb)).append("(MISSING)");
        --at;
    }
    return out;
}

}  // namespace

std::vector<Issue> explain_syntax(std::string_view source, const ParserOptions& options) {
    std::vector<Issue> issues;
    syntax::Tree tree;
    if (!syntax::parse_broken(source, options, tree, issues)) return {};
    if (options.formats_twice)
        for (auto& issue : issues)
            issue.message = formatted_again(issue.message);
    if (tree.complete) Visitor(source, tree, options, issues).run();
    return issues;
}

}  // namespace knd::cel
