// SPDX-License-Identifier: Apache-2.0
#include "host/cel/syntax_grammar.hpp"

#include <initializer_list>

namespace knd::cel::syntax {
namespace {

/// What a rule is made of, before it becomes states.
struct Part {
    enum class Kind { kTokens, kRule, kPrecedence, kSequence, kOptional, kStar, kPlus };
    Kind kind = Kind::kSequence;
    TokenSet tokens = 0;
    Rule rule = Rule::kStart;
    int precedence = 0;
    bool adaptive = false;
    /// A sequence's parts, or alternatives.
    std::vector<Part> parts = {};
};

using Parts = std::vector<Part>;

Part token(TokenType type) {
    return {.kind = Part::Kind::kTokens, .tokens = one_of(type)};
}
Part tokens(std::initializer_list<TokenType> types) {
    Part out{.kind = Part::Kind::kTokens};
    for (const auto type : types)
        out.tokens |= one_of(type);
    return out;
}
Part rule(Rule rule, int precedence = 0) {
    return {.kind = Part::Kind::kRule, .rule = rule, .precedence = precedence};
}
Part binding(int precedence) {
    return {.kind = Part::Kind::kPrecedence, .precedence = precedence};
}
Part sequence(Parts parts) {
    return {.kind = Part::Kind::kSequence, .parts = std::move(parts)};
}
Part optional(Parts parts) {
    return {.kind = Part::Kind::kOptional, .parts = {sequence(std::move(parts))}};
}
Part star(Parts parts, bool adaptive = false) {
    return {.kind = Part::Kind::kStar, .adaptive = adaptive, .parts = {sequence(std::move(parts))}};
}
Part star_of(Parts alternatives) {
    return {.kind = Part::Kind::kStar, .adaptive = true, .parts = std::move(alternatives)};
}
Part plus(TokenType type, bool adaptive) {
    return {.kind = Part::Kind::kPlus, .adaptive = adaptive, .parts = {token(type)}};
}

}  // namespace

class Builder {
  public:
    Grammar build() {
        for (std::size_t i = 0; i < kRules; ++i) {
            current_ = static_cast<Rule>(i);
            stops_[i] = add(State::Kind::kStop);
        }
        expressions();
        primary();
        lists();
        shorten();
        return std::move(out_);
    }

  private:
    void expressions() {
        define(Rule::kStart, {rule(Rule::kExpr), token(kEof)});
        define(Rule::kExpr, {rule(Rule::kOr), optional({token(kQuestion), rule(Rule::kOr),
                                                        token(kColon), rule(Rule::kExpr)})});
        define(Rule::kOr, {rule(Rule::kAnd), star({token(kLogicalOr), rule(Rule::kAnd)})});
        define(Rule::kAnd,
               {rule(Rule::kRelation), star({token(kLogicalAnd), rule(Rule::kRelation)})});
        define(
            Rule::kRelation,
            {rule(Rule::kCalc),
             star({binding(1),
                   tokens({kEquals, kNotEquals, kIn, kLess, kLessEquals, kGreaterEquals, kGreater}),
                   rule(Rule::kRelation, 2)},
                  true)});
        define(Rule::kCalc,
               {rule(Rule::kUnary),
                star_of({sequence(
                             {binding(2), tokens({kStar, kSlash, kPercent}), rule(Rule::kCalc, 3)}),
                         sequence({binding(1), tokens({kMinus, kPlus}), rule(Rule::kCalc, 2)})})});
        choose(Rule::kUnary, true,
               {rule(Rule::kMember), sequence({plus(kExclam, false), rule(Rule::kMember)}),
                sequence({plus(kMinus, true), rule(Rule::kMember)})});
        define(Rule::kMember,
               {rule(Rule::kPrimary),
                star_of({sequence({binding(3), token(kDot), optional({token(kQuestion)}),
                                   rule(Rule::kEscapeIdent)}),
                         sequence({binding(2), token(kDot), token(kIdentifier), token(kLeftParen),
                                   optional({rule(Rule::kExprList)}), token(kRightParen)}),
                         sequence({binding(1), token(kLeftBracket), optional({token(kQuestion)}),
                                   rule(Rule::kExpr), token(kRightBracket)})})});
    }

    void primary() {
        const auto dot = optional({token(kDot)});
        const auto comma = optional({token(kComma)});
        choose(Rule::kPrimary, true,
               {sequence({dot, token(kIdentifier)}),
                sequence({dot, token(kIdentifier), token(kLeftParen),
                          optional({rule(Rule::kExprList)}), token(kRightParen)}),
                sequence({token(kLeftParen), rule(Rule::kExpr), token(kRightParen)}),
                sequence({token(kLeftBracket), optional({rule(Rule::kListInit)}), comma,
                          token(kRightBracket)}),
                sequence({token(kLeftBrace), optional({rule(Rule::kMapList)}), comma,
                          token(kRightBrace)}),
                sequence({dot, token(kIdentifier), star({token(kDot), token(kIdentifier)}),
                          token(kLeftBrace), optional({rule(Rule::kFieldList)}), comma,
                          token(kRightBrace)}),
                rule(Rule::kLiteral)});
        const auto sign = optional({token(kMinus)});
        choose(Rule::kLiteral, true,
               {sequence({sign, token(kInt)}), token(kUint), sequence({sign, token(kFloat)}),
                token(kString), token(kBytes), token(kTrue), token(kFalse), token(kNull)});
    }

    void lists() {
        define(Rule::kExprList, {rule(Rule::kExpr), star({token(kComma), rule(Rule::kExpr)})});
        define(Rule::kListInit,
               {rule(Rule::kOptExpr), star({token(kComma), rule(Rule::kOptExpr)}, true)});
        define(
            Rule::kFieldList,
            {rule(Rule::kOptField), token(kColon), rule(Rule::kExpr),
             star({token(kComma), rule(Rule::kOptField), token(kColon), rule(Rule::kExpr)}, true)});
        define(Rule::kOptField, {optional({token(kQuestion)}), rule(Rule::kEscapeIdent)});
        define(
            Rule::kMapList,
            {rule(Rule::kOptExpr), token(kColon), rule(Rule::kExpr),
             star({token(kComma), rule(Rule::kOptExpr), token(kColon), rule(Rule::kExpr)}, true)});
        choose(Rule::kEscapeIdent, false, {token(kIdentifier), token(kEscapedIdentifier)});
        define(Rule::kOptExpr, {optional({token(kQuestion)}), rule(Rule::kExpr)});
    }

    StateIndex add(State::Kind kind = State::Kind::kBasic) {
        out_.states_.push_back({.kind = kind, .rule = current_});
        return static_cast<StateIndex>(out_.states_.size() - 1);
    }
    State& state(StateIndex index) { return out_.states_[index]; }
    void go(StateIndex from, StateIndex to) { state(from).edges.push_back({.target = to}); }

    /// The last part of a block leads to the block's end itself: only then are ways that differ in
    /// nothing but the alternative they took seen to be the same.
    void shorten() {
        for (auto& from : out_.states_) {
            if (from.kind != State::Kind::kBasic || from.edges.size() != 1 ||
                from.edges[0].kind == Edge::Kind::kEpsilon)
                continue;
            auto& edge = from.edges[0];
            const auto& next = state(edge.target);
            const bool passes = next.kind == State::Kind::kBasic && !next.block_end &&
                                next.edges.size() == 1 &&
                                next.edges[0].kind == Edge::Kind::kEpsilon;
            if (!passes) continue;
            const auto& end = state(next.edges[0].target);
            if (end.block_end || end.kind == State::Kind::kLoopBack)
                edge.target = next.edges[0].target;
        }
        for (const auto& from : out_.states_)
            for (const auto& edge : from.edges)
                if (edge.kind == Edge::Kind::kRule)
                    out_.callers_[static_cast<std::size_t>(edge.rule)].push_back(edge);
    }

    StateIndex begin(Rule rule) {
        current_ = rule;
        return out_.starts_[static_cast<std::size_t>(rule)] = add();
    }
    void define(Rule rule, const Parts& parts) {
        const auto first = begin(rule);
        go(emit(sequence(parts), first), stops_[static_cast<std::size_t>(rule)]);
    }
    /// A rule of alternatives, which name its nodes.
    void choose(Rule rule, bool adaptive, const Parts& alternatives) {
        const auto first = begin(rule);
        const auto block = add(State::Kind::kBlock);
        go(first, block);
        state(block).adaptive = adaptive;
        state(block).labels = true;
        const auto end = add();
        emit_each(alternatives, block, end);
        go(end, stops_[static_cast<std::size_t>(rule)]);
    }
    void emit_each(const Parts& alternatives, StateIndex block, StateIndex end) {
        state(end).block_end = true;
        for (const auto& one : alternatives) {
            const auto first = add();
            go(block, first);
            go(emit(one, first), end);
        }
    }

    /// From that state; returns the one after it.
    StateIndex emit(const Part& part, StateIndex from) {
        switch (part.kind) {
            case Part::Kind::kSequence:
                for (const auto& one : part.parts)
                    from = emit(one, from);
                return from;
            case Part::Kind::kOptional:
                return emit_optional(part, from);
            case Part::Kind::kStar:
                return emit_star(part, from);
            case Part::Kind::kPlus:
                return emit_plus(part, from);
            case Part::Kind::kTokens:
            case Part::Kind::kRule:
            case Part::Kind::kPrecedence:
                break;
        }
        const auto to = add();
        Edge edge{
            .target = to, .tokens = part.tokens, .rule = part.rule, .precedence = part.precedence};
        edge.kind = part.kind == Part::Kind::kTokens ? Edge::Kind::kTokens
                    : part.kind == Part::Kind::kRule ? Edge::Kind::kRule
                                                     : Edge::Kind::kPrecedence;
        state(from).edges.push_back(edge);
        return to;
    }

    StateIndex emit_optional(const Part& part, StateIndex from) {
        const auto block = add(State::Kind::kBlock);
        go(from, block);
        const auto end = add();
        emit_each(part.parts, block, end);
        go(block, end);
        return end;
    }

    StateIndex emit_star(const Part& part, StateIndex from) {
        const auto entry = add(State::Kind::kLoopEntry);
        go(from, entry);
        const bool one = part.parts.size() == 1;
        const auto block = add(one ? State::Kind::kBasic : State::Kind::kBlock);
        const auto end = add(), back = add(State::Kind::kLoopBack), after = add();
        go(entry, block);
        go(entry, after);
        emit_each(part.parts, block, end);
        go(end, back);
        go(back, entry);
        state(back).entry = entry;
        state(block).adaptive = state(block).labels = !one;
        state(entry).adaptive = part.adaptive;
        state(entry).precedence_loop =
            part.adaptive && part.parts[0].parts[0].kind == Part::Kind::kPrecedence;
        return after;
    }

    StateIndex emit_plus(const Part& part, StateIndex from) {
        const auto block = add(State::Kind::kBlock);
        go(from, block);
        const auto first = add(), back = add(State::Kind::kLoopBack), after = add();
        go(block, first);
        go(emit(part.parts[0], first), back);
        go(back, first);
        go(back, after);
        state(back).entry = back;
        state(back).adaptive = part.adaptive;
        return after;
    }

    Grammar out_;
    Rule current_ = Rule::kStart;
    StateIndex stops_[kRules] = {};
};

const Grammar& Grammar::instance() {
    static const Grammar grammar = Builder().build();
    return grammar;
}

}  // namespace knd::cel::syntax
