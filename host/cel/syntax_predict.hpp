// SPDX-License-Identifier: Apache-2.0
//
// Which way to go where a rule branches: follows all ways at once, token by token, until one is
// left (adaptive LL). First without regard to who called the rule, so that it may be wrong about
// what follows; when that does not decide, again with the callers.
#pragma once

#include <compare>
#include <cstddef>
#include <span>
#include <vector>

#include "host/cel/syntax_grammar.hpp"

namespace knd::cel::syntax {

/// States to go on at when rules end, the innermost last.
using Stack = std::vector<StateIndex>;

/// Stands for the end of the rule in a set of tokens.
constexpr TokenSet kRuleEnd = TokenSet{1} << 63;

/// What can be read from a state on; with `callers`, past the end of the rule as well.
TokenSet look(const Grammar& grammar, StateIndex from, const Stack* callers);

struct Prediction {
    enum class Kind { kAlternative, kNone, kTooHard };
    Kind kind = Kind::kNone;
    std::size_t alternative = 0;  ///< number of the edge
    std::size_t offending = 0;    ///< kNone: the token that fits nothing
};

class Predictor {
  public:
    /// `tokens`: without hidden ones, kEof last.
    Predictor(const Grammar& grammar, std::span<const Lexeme> tokens)
        : grammar_(grammar), tokens_(tokens) {}

    Prediction predict(StateIndex decision, std::size_t at, const Stack& callers, int precedence);

  private:
    struct Config {
        StateIndex state = 0;
        std::size_t alternative = 0;
        Stack stack;
        bool left = false;        ///< the rule of the decision
        bool suppressed = false;  ///< by way of a call that binds least
        int precedence = 0;
        auto operator<=>(const Config&) const = default;
    };
    using Configs = std::vector<Config>;

    Prediction simulate(bool full);
    Configs start(bool full);
    void filter(Configs& configs) const;
    Configs reach(const Configs& from, TokenType type, bool full);
    void close(Config config, bool collect, int depth);
    void close_edge(const Config& config, const Edge& edge, bool collect, int depth);
    void leave_rule(const Config& config, int depth);
    bool may_skip_loop(const Config& config) const;
    bool is_stop(const Config& config) const {
        return grammar_[config.state].kind == State::Kind::kStop;
    }
    static void merge(Configs& configs);
    static std::size_t only_alternative(const Configs& configs);
    bool conflicts(const Configs& configs) const;
    static std::size_t resolved(const Configs& configs);
    std::size_t finished(const Configs& configs) const;

    const Grammar& grammar_;
    std::span<const Lexeme> tokens_;
    StateIndex decision_ = 0;
    std::size_t at_ = 0;
    const Stack* callers_ = nullptr;
    int precedence_ = 0;
    // Of the closure that is being made.
    Configs closed_;
    std::vector<Config> seen_;
    bool full_ = false, end_ = false;
};

}  // namespace knd::cel::syntax
