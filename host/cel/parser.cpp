// SPDX-License-Identifier: Apache-2.0
//
// Recursive descent over the tokens, one function per rule of CEL's grammar.
#include "host/cel/parser.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "host/cel/lexer.hpp"
#include "host/cel/library.hpp"
#include "host/cel/syntax.hpp"

namespace knd::cel {
namespace {

/// Of nested expressions and of chains like a+b+c alike; the evaluator's stack depends on it.
constexpr int kMaxDepth = 250;
constexpr std::size_t kMaxSourceSize = 100'000;

constexpr std::string_view kReserved[] = {
    "as",  "break", "const",   "continue",  "else",   "for", "function", "if",   "import",
    "let", "loop",  "package", "namespace", "return", "var", "void",     "while"};
constexpr std::string_view kKeywords[] = {"in", "true", "false", "null"};

template <std::size_t N>
bool contains(const std::string_view (&list)[N], std::string_view text) {
    return std::find(std::begin(list), std::end(list), text) != std::end(list);
}

std::optional<std::uint64_t> read_digits(std::string_view text) {
    const bool hex = text.starts_with("0x");
    if (hex) text.remove_prefix(2);
    std::uint64_t value = 0;
    const auto* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value, hex ? 16 : 10);
    if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
    return value;
}

Value read_integer(const Token& token, bool negative, std::string& why) {
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const auto value = read_digits(token.text);
    if (!value || *value > kMax + (negative ? 1 : 0)) {
        why = "invalid int literal";
        return {};
    }
    return Value::integer(static_cast<std::int64_t>(negative ? 0 - *value : *value));
}

/// `why` says what is wrong with it. A text is the token's own.
Value read_literal(const Token& token, bool negative, std::string& why) {
    switch (token.kind) {
        case TokenKind::kInt:
            return read_integer(token, negative, why);
        case TokenKind::kUint: {
            const auto value = read_digits(token.text);
            if (!value) why = "invalid uint literal";
            return Value::unsigned_integer(value.value_or(0));
        }
        case TokenKind::kDouble: {
            const auto value = std::strtod(token.text.c_str(), nullptr);
            if (std::isinf(value)) why = "invalid double literal";
            return Value::floating(negative ? -value : value);
        }
        case TokenKind::kString:
            return Value::string(token.text);
        case TokenKind::kBytes:
            return Value::bytes(token.text);
        case TokenKind::kEnd:
        case TokenKind::kIdent:
        case TokenKind::kEscapedIdent:
        case TokenKind::kPunctuation:
            break;
    }
    why = "no literal";
    return {};
}

class Parser {
  public:
    Parser(std::vector<Token> tokens, const ParserOptions& options, Ast& ast,
           std::vector<Issue>& issues)
        : tokens_(std::move(tokens)), options_(options), b_(ast, issues), issues_(issues) {}

    NodeIndex run() {
        const auto root = expression();
        if (!failed_ && peek().kind != TokenKind::kEnd) unexpected();
        return root;
    }

  private:
    /// Counts nesting while it lives.
    struct Depth {
        explicit Depth(Parser& parser) : p(parser) {
            if (++p.depth_ > kMaxDepth) p.too_deep();
        }
        ~Depth() { --p.depth_; }
        Parser& p;
    };

    const Token& peek() const { return tokens_[at_]; }
    Token take() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
    bool accept(std::string_view punctuation) {
        if (failed_ || !peek().is(punctuation)) return false;
        ++at_;
        return true;
    }
    bool is_word(std::string_view word) const {
        return peek().kind == TokenKind::kIdent && peek().source == word;
    }
    void expect(std::string_view punctuation) {
        if (!failed_ && !accept(punctuation)) unexpected(punctuation);
    }

    std::uint32_t start() const { return peek().offset; }
    /// The node is written from `begin` to the last token taken.
    NodeIndex placed(std::uint32_t begin, NodeIndex index) {
        if (failed_ || at_ == 0) return index;
        const auto& last = tokens_[at_ - 1];
        return b_.place(index, begin, last.offset + static_cast<std::uint32_t>(last.source.size()));
    }

    /// The first syntax error ends the parse: what follows would be noise.
    NodeIndex stop(std::uint32_t offset, std::string message) {
        if (!failed_) issues_.push_back({offset, std::move(message)});
        failed_ = true;
        return b_.constant(offset, Value());
    }
    NodeIndex unexpected(std::string_view wanted = {}) {
        const auto& token = peek();
        const auto found =
            token.kind == TokenKind::kEnd ? std::string("<EOF>") : std::string(token.source);
        auto message = "Syntax error: mismatched input '" + found + "'";
        if (!wanted.empty()) message += " expecting '" + std::string(wanted) + "'";
        return stop(token.offset, std::move(message));
    }
    void too_deep() {
        stop(kNoLocation, "expression recursion limit exceeded: " + std::to_string(kMaxDepth));
    }

    NodeIndex expression() {
        const Depth depth(*this);
        if (failed_) return kNoNode;
        const auto begin = start();
        const auto condition = disjunction();
        if (failed_ || !peek().is("?")) return condition;
        const auto offset = take().offset;
        const auto yes = disjunction();
        expect(":");
        const auto no = expression();
        if (failed_) return kNoNode;
        return placed(begin, b_.call(offset, ops::kConditional, {condition, yes, no}));
    }

    NodeIndex disjunction() {
        return chain("||", ops::kOr, [this] { return conjunction(); });
    }
    NodeIndex conjunction() {
        return chain("&&", ops::kAnd, [this] { return relation(); });
    }

    /// Of a chain: the operator before it, and where it is written.
    struct Term {
        NodeIndex index = kNoNode;
        std::uint32_t offset = 0, begin = 0, end = 0;
    };

    template <class Next>
    NodeIndex chain(std::string_view mark, std::string_view function, Next next) {
        std::vector<Term> terms;
        std::uint32_t offset = 0;
        do {
            if (!terms.empty()) offset = take().offset;
            const auto begin = start();
            const auto index = next();
            if (failed_) return kNoNode;
            const auto& last = tokens_[at_ - 1];
            terms.push_back({index, offset, begin,
                             last.offset + static_cast<std::uint32_t>(last.source.size())});
        } while (peek().is(mark));
        return balance(function, terms);
    }

    /// Long chains become shallow trees; the operators are associative, also over errors.
    NodeIndex balance(std::string_view function, std::span<const Term> terms) {
        if (terms.size() == 1) return terms[0].index;
        const auto middle = (terms.size() - 1) / 2 + 1;
        const auto left = balance(function, terms.first(middle));
        const auto right = balance(function, terms.subspan(middle));
        return b_.place(b_.call(terms[middle].offset, function, {left, right}), terms.front().begin,
                        terms.back().end);
    }

    NodeIndex relation() {
        constexpr std::pair<std::string_view, std::string_view> kOperators[] = {
            {"<", ops::kLess},    {"<=", ops::kLessEquals}, {">=", ops::kGreaterEquals},
            {">", ops::kGreater}, {"==", ops::kEquals},     {"!=", ops::kNotEquals}};
        return left_associative([this] { return sum(); },
                                [&]() -> std::string_view {
                                    for (const auto& [mark, name] : kOperators)
                                        if (peek().is(mark)) return name;
                                    return is_word("in") ? ops::kIn : std::string_view();
                                });
    }
    NodeIndex sum() {
        return left_associative([this] { return product(); },
                                [this]() -> std::string_view {
                                    if (peek().is("+")) return ops::kAdd;
                                    return peek().is("-") ? ops::kSubtract : std::string_view();
                                });
    }
    NodeIndex product() {
        return left_associative([this] { return unary(); },
                                [this]() -> std::string_view {
                                    if (peek().is("*")) return ops::kMultiply;
                                    if (peek().is("/")) return ops::kDivide;
                                    return peek().is("%") ? ops::kModulo : std::string_view();
                                });
    }

    template <class Next, class Which>
    NodeIndex left_associative(Next next, Which which) {
        const auto begin = start();
        auto left = next();
        for (int length = 1; !failed_; ++length) {
            const auto function = which();
            if (function.empty()) return left;
            if (length > kMaxDepth) too_deep();
            const auto offset = take().offset;
            const auto right = next();
            if (!failed_) left = placed(begin, b_.call(offset, function, {left, right}));
        }
        return kNoNode;
    }

    NodeIndex unary() {
        const bool is_not = peek().is("!");
        if (!is_not && !peek().is("-")) return member();
        const auto offset = peek().offset;
        int count = 0;
        while (accept(is_not ? "!" : "-"))
            ++count;
        NodeIndex operand = kNoNode;
        if (!is_not && count == 1 && is_number(peek())) {
            // One sign belongs to the literal, so that the lowest int can be written.
            operand = placed(offset, literal(take(), true));
            if (!failed_) b_.ast().nodes[operand].offset = offset;
            operand = member_of(offset, operand);
            count = 0;
        } else {
            operand = member();
        }
        if (failed_) return kNoNode;
        if (count % 2 == 0) return operand;
        return placed(offset, b_.call(offset, is_not ? ops::kNot : ops::kNegate, {operand}));
    }

    NodeIndex member() {
        const auto begin = start();
        const auto target = primary();
        return member_of(begin, placed(begin, target));
    }

    /// `begin`: where the target is written.
    NodeIndex member_of(std::uint32_t begin, NodeIndex target) {
        for (int length = 1; !failed_; ++length) {
            if (length > kMaxDepth) too_deep();
            if (peek().is(".")) {
                target = placed(begin, selection(target));
            } else if (peek().is("[")) {
                target = placed(begin, index(target));
            } else {
                return target;
            }
        }
        return kNoNode;
    }

    bool is_escaped_field(const Token& token) const {
        return token.kind == TokenKind::kEscapedIdent && options_.escaped_fields;
    }

    NodeIndex selection(NodeIndex target) {
        const auto dot = take().offset;
        const bool optional = accept("?");
        if (optional && !options_.optional_syntax) return stop(dot, "unsupported syntax '.?'");
        const bool escaped = is_escaped_field(peek());
        if (!escaped && (peek().kind != TokenKind::kIdent || contains(kKeywords, peek().source)))
            return unexpected("IDENTIFIER");
        const auto name = b_.keep(escaped ? std::string_view(peek().text) : peek().source);
        take();
        if (!optional && !escaped && peek().is("(")) {
            const auto offset = take().offset;
            auto arguments = list(")");
            if (failed_) return kNoNode;
            if (const auto expanded = expand_macro(b_, options_, offset, name, target, arguments))
                return *expanded;
            arguments.insert(arguments.begin(), target);
            return b_.call(offset, name, arguments, true);
        }
        if (!optional) return b_.select(dot, target, name, false);
        const auto field = b_.constant(dot, Value::string(name));
        return b_.call(dot, ops::kOptSelect, {target, field});
    }

    NodeIndex index(NodeIndex target) {
        const auto offset = take().offset;
        const bool optional = accept("?");
        if (optional && !options_.optional_syntax) return stop(offset, "unsupported syntax '[?'");
        const auto key = expression();
        expect("]");
        if (failed_) return kNoNode;
        return b_.call(offset, optional ? ops::kOptIndex : ops::kIndex, {target, key});
    }

    /// Expressions up to the closing mark, which is taken. `trailing`: a comma may end the list.
    std::vector<NodeIndex> list(std::string_view end, bool trailing = false,
                                std::vector<std::uint32_t>* optional = nullptr) {
        std::vector<NodeIndex> out;
        if (accept(end) || (trailing && accept_empty(end))) return out;
        while (!failed_) {
            if (optional != nullptr && accept("?"))
                optional->push_back(static_cast<std::uint32_t>(out.size()));
            out.push_back(expression());
            if (accept(end)) return out;
            expect(",");
            if (trailing && accept(end)) return out;
        }
        return out;
    }

    /// A comma alone is a list as well.
    bool accept_empty(std::string_view end) {
        return tokens_[std::min(at_ + 1, tokens_.size() - 1)].is(end) && accept(",") && accept(end);
    }

    NodeIndex primary() {
        const auto token = peek();
        if (failed_) return kNoNode;
        switch (token.kind) {
            case TokenKind::kInt:
            case TokenKind::kUint:
            case TokenKind::kDouble:
            case TokenKind::kString:
            case TokenKind::kBytes:
                return literal(take(), false);
            case TokenKind::kIdent:
                return identifier();
            case TokenKind::kPunctuation:
                if (token.is("(")) return parenthesized();
                if (token.is("[")) return list_literal();
                if (token.is("{")) return map_literal();
                if (token.is(".")) return identifier();
                if (token.is("-") && is_number(tokens_[at_ + 1])) return negative_literal();
                break;
            case TokenKind::kEscapedIdent:
            case TokenKind::kEnd:
                break;
        }
        return unexpected();
    }

    static bool is_number(const Token& token) {
        return token.kind == TokenKind::kInt || token.kind == TokenKind::kDouble;
    }
    /// After a "!": elsewhere the sign is an operator first.
    NodeIndex negative_literal() {
        const auto offset = take().offset;
        const auto index = literal(take(), true);
        b_.ast().nodes[index].offset = offset;
        return index;
    }

    NodeIndex parenthesized() {
        take();
        const auto inner = expression();
        expect(")");
        return inner;
    }

    NodeIndex list_literal() {
        const auto offset = take().offset;
        std::vector<std::uint32_t> optional;
        const auto elements = list("]", true, &optional);
        if (!optional.empty() && !options_.optional_syntax)
            return stop(offset, "unsupported syntax '?'");
        return failed_ ? kNoNode : b_.aggregate(NodeKind::kList, offset, elements, optional);
    }

    NodeIndex map_literal() {
        const auto offset = take().offset;
        std::vector<NodeIndex> children;
        std::vector<std::uint32_t> optional;
        const bool done = accept_empty("}");
        while (!failed_ && !done && !accept("}")) {
            if (!children.empty()) {
                expect(",");
                if (accept("}")) break;
            }
            if (accept("?")) optional.push_back(static_cast<std::uint32_t>(children.size()));
            children.push_back(expression());
            expect(":");
            children.push_back(expression());
        }
        if (!optional.empty() && !options_.optional_syntax)
            return stop(offset, "unsupported syntax '?'");
        return failed_ ? kNoNode : b_.aggregate(NodeKind::kMap, offset, children, optional);
    }

    NodeIndex identifier() {
        const auto offset = peek().offset;
        const bool rooted = accept(".");
        if (peek().kind != TokenKind::kIdent || (rooted && contains(kKeywords, peek().source)))
            return unexpected("IDENTIFIER");
        const auto token = take();
        const auto name = token.source;
        if (name == "true" || name == "false")
            return b_.constant(offset, Value::boolean(name == "true"));
        if (name == "null") return b_.constant(offset, Value());
        if (name == "in") {
            --at_;
            return unexpected();
        }
        if (contains(kReserved, name))
            return stop(offset, "reserved identifier: " + std::string(name));
        const auto kept = b_.keep(rooted ? "." + std::string(name) : std::string(name));
        if (peek().is("(")) {
            const auto open = take().offset;
            const auto arguments = list(")");
            if (failed_) return kNoNode;
            if (const auto expanded =
                    rooted ? std::nullopt
                           : expand_macro(b_, options_, open, name, kNoNode, arguments))
                return *expanded;
            return b_.call(open, kept, arguments, false);
        }
        if (const auto length = message_name_length(); length != 0)
            return message(offset, kept, length);
        return b_.ident(token.offset, kept);
    }

    /// Tokens of ".b.c" before a "{" that starts a message's fields; 0: this is no message.
    /// Plain `a {` counts with 1.
    std::size_t message_name_length() const {
        std::size_t i = at_;
        while (tokens_[i].is(".") && tokens_[i + 1].kind == TokenKind::kIdent &&
               !contains(kKeywords, tokens_[i + 1].source))
            i += 2;
        return tokens_[i].is("{") ? i - at_ + 1 : 0;
    }

    NodeIndex message(std::uint32_t offset, std::string_view first, std::size_t length) {
        std::string name(first);
        for (std::size_t i = 1; i < length; ++i)
            name += take().source;
        const auto open = take().offset;
        std::vector<NodeIndex> fields;
        std::vector<std::uint32_t> optional;
        const bool empty = accept_empty("}");
        while (!failed_ && !empty && !accept("}")) {
            if (accept("?")) optional.push_back(static_cast<std::uint32_t>(fields.size()));
            const bool escaped = is_escaped_field(peek());
            if (!escaped && peek().kind != TokenKind::kIdent) return unexpected("IDENTIFIER");
            const auto field = b_.keep(escaped ? std::string_view(peek().text) : peek().source);
            take();
            fields.push_back(b_.constant(start(), Value::string(field)));
            expect(":");
            fields.push_back(expression());
            if (!peek().is("}")) expect(",");
        }
        if (failed_) return kNoNode;
        const auto index = b_.aggregate(NodeKind::kMessage, offset, fields, optional);
        b_.ast().nodes[index].text = b_.keep(name);
        b_.ast().nodes[index].offset = open;
        return index;
    }

    NodeIndex literal(const Token& token, bool negative) {
        std::string why;
        const auto value = read_literal(token, negative, why);
        if (!why.empty()) return stop(token.offset, std::move(why));
        const bool is_text = value.is(Kind::kString) || value.is(Kind::kBytes);
        if (!is_text) return b_.constant(token.offset, value);
        const auto kept = b_.keep(value.text());
        return b_.constant(token.offset,
                           value.is(Kind::kString) ? Value::string(kept) : Value::bytes(kept));
    }

    std::vector<Token> tokens_;
    const ParserOptions& options_;
    AstBuilder b_;
    std::vector<Issue>& issues_;
    std::size_t at_ = 0;
    int depth_ = 0;
    bool failed_ = false;
};

}  // namespace

bool is_reserved(std::string_view name) {
    return contains(kReserved, name);
}

std::string wrong_literal(std::string_view text, const ParserOptions& options, bool negative) {
    std::vector<Token> tokens;
    std::vector<Issue> issues;
    if (!lex(text, options, tokens, issues)) return issues.front().message;
    std::string why;
    read_literal(tokens.front(), negative, why);
    return why;
}

bool parse(std::string_view source, const ParserOptions& options, Ast& ast,
           std::vector<Issue>& issues) {
    if (const auto size = code_points(source); size > kMaxSourceSize) {
        issues.push_back({kNoLocation, "expression code point size exceeds limit: size: " +
                                           std::to_string(size) + ", limit " +
                                           std::to_string(kMaxSourceSize)});
        return false;
    }
    std::vector<Token> tokens;
    if (lex(source, options, tokens, issues))
        ast.root = Parser(std::move(tokens), options, ast, issues).run();
    if (issues.empty()) return true;
    if (auto all = explain_syntax(source, options); !all.empty()) issues = std::move(all);
    return false;
}

}  // namespace knd::cel
