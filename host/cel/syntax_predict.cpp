// SPDX-License-Identifier: Apache-2.0
#include "host/cel/syntax_predict.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace knd::cel::syntax {
namespace {

constexpr std::size_t kUndecided = ~std::size_t{0};
/// Nested ambiguities double the ways; nobody writes that many.
constexpr std::size_t kMaxWays = 2000;

class Looker {
  public:
    Looker(const Grammar& grammar, bool to_the_end) : grammar_(grammar), to_the_end_(to_the_end) {}

    TokenSet from(StateIndex index, const Stack& stack) {
        if (!seen_.emplace(index, stack).second) return found_;
        const auto& state = grammar_[index];
        if (state.kind == State::Kind::kStop) {
            leave(stack);
            return found_;
        }
        for (const auto& edge : state.edges) {
            if (edge.kind == Edge::Kind::kTokens) {
                found_ |= edge.tokens;
            } else if (edge.kind == Edge::Kind::kRule) {
                auto inner = stack;
                inner.push_back(edge.target);
                from(grammar_.start(edge.rule), inner);
            } else {
                from(edge.target, stack);
            }
        }
        return found_;
    }

  private:
    void leave(const Stack& stack) {
        if (stack.empty()) {
            found_ |= to_the_end_ ? one_of(kEof) : kRuleEnd;
            return;
        }
        auto outer = stack;
        outer.pop_back();
        from(stack.back(), outer);
    }

    const Grammar& grammar_;
    bool to_the_end_;
    std::set<std::pair<StateIndex, Stack>> seen_;
    TokenSet found_ = 0;
};

bool is_top_of(const Stack& shorter, const Stack& longer) {
    return shorter.size() <= longer.size() &&
           std::equal(shorter.rbegin(), shorter.rend(), longer.rbegin());
}

}  // namespace

TokenSet look(const Grammar& grammar, StateIndex from, const Stack* callers) {
    return Looker(grammar, callers != nullptr).from(from, callers == nullptr ? Stack() : *callers);
}

Prediction Predictor::predict(StateIndex decision, std::size_t at, const Stack& callers,
                              int precedence) {
    decision_ = decision;
    at_ = at;
    callers_ = &callers;
    precedence_ = precedence;
    return simulate(false);
}

Prediction Predictor::simulate(bool full) {
    auto previous = start(full);
    for (auto at = at_;;) {
        const auto type = tokens_[at].type;
        auto next = reach(previous, type, full);
        if (next.size() > kMaxWays) return {Prediction::Kind::kTooHard};
        if (next.empty()) {
            const auto alternative = finished(previous);
            if (alternative == kUndecided) return {Prediction::Kind::kNone, 0, at};
            return {Prediction::Kind::kAlternative, alternative};
        }
        auto decided = only_alternative(next);
        if (decided == kUndecided && !full && conflicts(next)) return simulate(true);
        if (decided == kUndecided && full) decided = resolved(next);
        if (decided != kUndecided) return {Prediction::Kind::kAlternative, decided};
        if (type == kEof) return {Prediction::Kind::kTooHard};
        previous = std::move(next);
        ++at;
    }
}

Predictor::Configs Predictor::start(bool full) {
    closed_.clear();
    seen_.clear();
    full_ = full;
    end_ = false;
    const auto& edges = grammar_[decision_].edges;
    for (std::size_t i = 0; i < edges.size(); ++i)
        close({edges[i].target, i, full ? *callers_ : Stack()}, true, 0);
    auto out = std::move(closed_);
    if (grammar_[decision_].precedence_loop) filter(out);
    if (!full) merge(out);
    return out;
}

/// Leaves out what binds less than the rule may here, and ways out of the rule that come back to
/// where it is.
void Predictor::filter(Configs& configs) const {
    std::erase_if(configs, [&](const Config& config) {
        return config.alternative == 0 && config.precedence != 0 && config.precedence < precedence_;
    });
    const auto is_same = [](const Config& a, const Config& b) {
        return b.alternative == 0 && a.state == b.state && a.stack == b.stack;
    };
    const auto all = configs;
    std::erase_if(configs, [&](const Config& config) {
        return config.alternative != 0 && !config.suppressed &&
               std::any_of(all.begin(), all.end(),
                           [&](const Config& other) { return is_same(config, other); });
    });
}

Predictor::Configs Predictor::reach(const Configs& from, TokenType type, bool full) {
    closed_.clear();
    seen_.clear();
    full_ = full;
    end_ = type == kEof;
    Configs stopped;
    for (const auto& config : from) {
        if (is_stop(config)) {
            if (full || end_) stopped.push_back(config);
            continue;
        }
        for (const auto& edge : grammar_[config.state].edges) {
            if (edge.kind != Edge::Kind::kTokens || (edge.tokens & one_of(type)) == 0) continue;
            auto next = config;
            next.state = edge.target;
            close(std::move(next), false, 0);
            if (closed_.size() > kMaxWays) return std::move(closed_);
        }
    }
    auto out = std::move(closed_);
    const auto stops = [&](const Config& config) { return is_stop(config); };
    if (end_) std::erase_if(out, [&](const Config& config) { return !is_stop(config); });
    if (!full || std::none_of(out.begin(), out.end(), stops))
        out.insert(out.end(), stopped.begin(), stopped.end());
    if (!full) merge(out);
    return out;
}

/// Adds to `closed_` every state from which something is read.
void Predictor::close(Config config, bool collect, int depth) {
    if (std::find(seen_.begin(), seen_.end(), config) != seen_.end() || seen_.size() > kMaxWays)
        return;
    seen_.push_back(config);
    const auto& state = grammar_[config.state];
    if (state.kind == State::Kind::kStop) return leave_rule(config, depth);
    const bool reads = std::any_of(state.edges.begin(), state.edges.end(), [](const Edge& edge) {
        return edge.kind == Edge::Kind::kTokens;
    });
    if (reads) closed_.push_back(config);
    for (std::size_t i = may_skip_loop(config) ? 1 : 0; i < state.edges.size(); ++i)
        close_edge(config, state.edges[i], collect, depth);
}

void Predictor::close_edge(const Config& config, const Edge& edge, bool collect, int depth) {
    auto next = config;
    next.state = edge.target;
    switch (edge.kind) {
        case Edge::Kind::kRule:
            next.state = grammar_.start(edge.rule);
            next.stack.push_back(edge.target);
            return close(std::move(next), collect, depth >= 0 ? depth + 1 : depth);
        case Edge::Kind::kTokens:
            if (!end_ || (edge.tokens & one_of(kEof)) == 0) return;
            break;
        case Edge::Kind::kPrecedence:
            if (!collect || depth != 0) break;
            if (full_ && edge.precedence < precedence_) return;
            next.precedence = edge.precedence;
            break;
        case Edge::Kind::kEpsilon:
            break;
    }
    close(std::move(next), collect, depth);
}

void Predictor::leave_rule(const Config& config, int depth) {
    auto next = config;
    if (!config.stack.empty()) {
        next.state = config.stack.back();
        next.stack.pop_back();
        return close(std::move(next), false, depth);
    }
    const auto rule = grammar_[config.state].rule;
    const auto& callers = grammar_.callers(rule);
    if (full_ || callers.empty()) return closed_.push_back(config);
    next.left = true;
    for (const auto& edge : callers) {
        next.state = edge.target;
        next.suppressed =
            config.suppressed || (grammar_[decision_].precedence_loop && edge.precedence == 0 &&
                                  rule == grammar_[decision_].rule);
        close(next, false, depth - 1);
    }
}

/// Inside a rule that called itself on its right: the outer one loops as well.
bool Predictor::may_skip_loop(const Config& config) const {
    const auto& state = grammar_[config.state];
    return state.precedence_loop && !config.stack.empty() &&
           grammar_[config.stack.back()].rule == state.rule;
}

/// A stack that says less stands for those that say more; what leaves the rule does so for all.
void Predictor::merge(Configs& configs) {
    std::map<std::pair<StateIndex, std::size_t>, Configs> groups;
    for (auto& config : configs) {
        auto& group = groups[{config.state, config.alternative}];
        const bool left =
            std::any_of(group.begin(), group.end(), [](const Config& one) { return one.left; });
        config.left = config.left || left;
        for (auto& one : group)
            one.left = config.left;
        if (std::any_of(group.begin(), group.end(),
                        [&](const Config& one) { return is_top_of(one.stack, config.stack); }))
            continue;
        std::erase_if(group, [&](const Config& one) { return is_top_of(config.stack, one.stack); });
        group.push_back(std::move(config));
    }
    configs.clear();
    for (auto& [key, group] : groups)
        for (auto& config : group)
            configs.push_back(std::move(config));
}

std::size_t Predictor::only_alternative(const Configs& configs) {
    const auto first = configs.front().alternative;
    return std::all_of(configs.begin(), configs.end(),
                       [&](const Config& config) { return config.alternative == first; })
               ? first
               : kUndecided;
}

namespace {

using StackSet = std::set<Stack>;
using Alternatives = std::set<std::size_t>;

/// The alternatives that are at the same place.
template <class Configs>
std::map<std::pair<StateIndex, StackSet>, Alternatives> places(const Configs& configs) {
    std::map<std::pair<StateIndex, std::size_t>, StackSet> stacks;
    for (const auto& config : configs)
        stacks[{config.state, config.alternative}].insert(config.stack);
    std::map<std::pair<StateIndex, StackSet>, Alternatives> out;
    for (auto& [key, set] : stacks)
        out[{key.first, std::move(set)}].insert(key.second);
    return out;
}

}  // namespace

bool Predictor::conflicts(const Configs& configs) const {
    if (std::all_of(configs.begin(), configs.end(),
                    [&](const Config& config) { return is_stop(config); }))
        return true;
    const auto all = places(configs);
    if (std::none_of(all.begin(), all.end(), [](const auto& one) { return one.second.size() > 1; }))
        return false;
    std::map<StateIndex, Alternatives> by_state;
    for (const auto& config : configs)
        by_state[config.state].insert(config.alternative);
    return std::none_of(by_state.begin(), by_state.end(),
                        [](const auto& one) { return one.second.size() == 1; });
}

/// The one that wins at every place, the first of those there.
std::size_t Predictor::resolved(const Configs& configs) {
    Alternatives winners;
    for (const auto& [place, alternatives] : places(configs))
        winners.insert(*alternatives.begin());
    return winners.size() == 1 ? *winners.begin() : kUndecided;
}

std::size_t Predictor::finished(const Configs& configs) const {
    auto out = kUndecided;
    for (const auto& config : configs)
        if (config.left || (is_stop(config) && config.stack.empty()))
            out = std::min(out, config.alternative);
    return out;
}

}  // namespace knd::cel::syntax
