// SPDX-License-Identifier: Apache-2.0
//
// CEL's published grammar as a transition network: the form in which the parser that Kubernetes
// uses walks it, so that ours finds the same errors at the same places.
#pragma once

#include <cstdint>
#include <vector>

#include "host/cel/syntax_tokens.hpp"

namespace knd::cel::syntax {

enum class Rule : std::uint8_t {
    kStart,
    kExpr,
    kOr,
    kAnd,
    kRelation,
    kCalc,
    kUnary,
    kMember,
    kPrimary,
    kExprList,
    kListInit,
    kFieldList,
    kOptField,
    kMapList,
    kEscapeIdent,
    kOptExpr,
    kLiteral,
    kCount,
};
constexpr std::size_t kRules = static_cast<std::size_t>(Rule::kCount);

using StateIndex = std::uint16_t;

struct Edge {
    enum class Kind : std::uint8_t {
        kEpsilon,
        kTokens,
        kRule,        ///< goes on at `target` after the rule
        kPrecedence,  ///< only where the rule was entered with no more than that
    };
    Kind kind = Kind::kEpsilon;
    StateIndex target = 0;
    TokenSet tokens = 0;
    Rule rule = Rule::kStart;
    int precedence = 0;
};

struct State {
    enum class Kind : std::uint8_t { kBasic, kBlock, kLoopEntry, kLoopBack, kStop };
    Kind kind = Kind::kBasic;
    Rule rule = Rule::kStart;
    bool adaptive = false;         ///< decided by as many tokens as it needs, not by the next
    bool precedence_loop = false;  ///< kLoopEntry: of a rule that recurses on its left
    bool block_end = false;
    bool labels = false;   ///< which edge is taken says what the node is
    StateIndex entry = 0;  ///< kLoopBack: the loop's entry
    std::vector<Edge> edges;
};

class Grammar {
  public:
    static const Grammar& instance();

    const State& operator[](StateIndex index) const { return states_[index]; }
    StateIndex start(Rule rule) const { return starts_[static_cast<std::size_t>(rule)]; }
    /// The edges that call the rule.
    const std::vector<Edge>& callers(Rule rule) const {
        return callers_[static_cast<std::size_t>(rule)];
    }

  private:
    friend class Builder;
    std::vector<State> states_;
    StateIndex starts_[kRules] = {};
    std::vector<Edge> callers_[kRules];
};

}  // namespace knd::cel::syntax
