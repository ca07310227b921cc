// SPDX-License-Identifier: Apache-2.0
//
// Runs Code: one recursive function over instructions. Depth is bounded by the parser's limit, time
// by the cost limit, memory by the arena's. evaluator.cpp has the operators and calls,
// evaluator_variables.cpp what macros bind, evaluator_lookup.cpp what goes from a value into one of
// its parts, evaluator_aggregate.cpp lists, maps and folds.
//
// Cost follows the reference implementation: 1 for each name, field and index on the way to a
// value, 1 for a call unless its row in the library says more, 10 for a list, 30 for a map, 40 for
// a message.
#pragma once

#include "host/cel/code.hpp"

namespace knd::cel {

class Evaluator {
  public:
    Evaluator(const Code& code, std::span<const Value> variables, Arena& arena,
              const Limits& limits, Trace* trace)
        : code_(code), variables_(variables), arena_(arena), limit_(limits.cost), trace_(trace) {}

    Value run();
    std::uint64_t cost() const { return cost_; }

  private:
    enum class Found { kYes, kNo, kError };
    /// What a chain of fields and indices is so far.
    enum class Chain { kStart, kPlain, kOptional };
    static constexpr std::uint64_t kNotBound = ~std::uint64_t{0};
    struct Binding {
        std::uint64_t price = kNotBound;  ///< of its value, once that was asked for
        std::uint64_t entered = 0;        ///< which of all that were entered it was
    };
    /// Of optMap(), while it is evaluated.
    struct Target {
        Target* outer = nullptr;
        std::uint64_t entered = 0;
        std::uint64_t once = 0;          ///< what went into bindings around it
        std::uint32_t counts = kNoNode;  ///< number of that which is being evaluated
    };
    /// What a field or index is taken of.
    struct Operand {
        Value value;            ///< of an optional: what it holds
        bool optional = false;  ///< so is each link from here on
        bool none = false;      ///< an optional that holds nothing
        bool opaque = false;    ///< an optional of what cannot even be asked for a field
    };

    Value eval(std::uint32_t index) {
        if (halted_) return halt_reason_;
        const auto out = step(code_.instructions[index]);
        if (trace_ != nullptr) (*trace_)[index] = out;
        return out;
    }
    Value step(const Instruction& i);
    Value compound(const Instruction& i);

    /// False once the limit is passed: everything unwinds.
    bool charge(std::uint64_t cost) {
        if (halted_) return false;
        cost_ += cost;
        if (cost_ > limit_) halt(Value::error(kCostExceeded));
        return !halted_;
    }
    /// Ends the evaluation with this error, which nothing absorbs.
    Value halt(const Value& why) {
        if (!halted_) halt_reason_ = why;
        halted_ = true;
        return halt_reason_;
    }
    Value fail(std::string_view message);
    static Value no_overload() { return Value::error("no such overload"); }
    static bool is_no_overload(const Value& value) {
        return value.is_error() && value.text() == "no such overload";
    }
    Value apply(Op op, const Value& left, const Value& right);
    static Value missing_operator(Op op, const Value& left);
    static Value missing_ordering(Op op, const Value& left);
    static Value out_of_memory() { return Value::error("evaluation needs too much memory"); }
    /// What the reference implementation's hash maps cannot look for ends its evaluation.
    bool is_hashable(const Value& key, bool removes_from_empty = false);
    bool may_be_in(const Value& key, const Value& container);

    Value logical(const Instruction& i, bool decisive);
    Value logical_not(const Value& operand);
    Value negative(const Value& operand);
    Value conditional(const Instruction& i, bool is_operand);
    Value not_strictly_false(const Value& state);
    Value or_else(const Instruction& i, bool unwrapped);
    Value binary(const Instruction& i);
    Value equality(const Value& left, const Value& right);
    Value ordering(Op op, const Value& left, const Value& right);
    Value contains(const Value& element, const Value& container);
    Value in_set(const Instruction& i);
    Value call(const Instruction& i);
    std::uint64_t price(const CallSite& site, std::span<const Value> arguments) const;

    Value attribute(const AttributeName& name);
    Value stored(const Instruction& i);
    void enter(std::uint32_t binding) { bound_[binding] = {kNotBound, ++entered_}; }
    Value lazy_local(const Instruction& i);
    Value target_of(const FoldCode& fold, std::uint32_t number);
    Value value_of(const FoldCode& fold, std::uint32_t number);
    Value eval_operand(std::uint32_t index);
    bool is_made_anew(std::uint32_t index) const;
    Value made_anew(const Value& value);
    Value from_native(const Value& value);
    Value no_such_key(const Value& key);
    Value domain(const Value& domains, std::string_view name);
    Found lookup(const Value& target, const Value& key, Value& out);
    Found message_field(const MessageData& message, const Value& key, Value& out);
    Found element(const ListData& list, const Value& key, Value& out);
    Value select(const Instruction& i);
    Value presence(const Operand& operand, const Value& key);
    Value has(const Instruction& i);
    Value has_in_branch(const Instruction& i);
    Value has_field(const Value& target, const Value& key);
    Value index_of(const Instruction& i);
    Value optional_select(const Instruction& i);
    Value optional_index(const Instruction& i);
    Operand operand(std::uint32_t index);
    static bool is_opaque(const Value& value);
    Value unsupported(const Value& opaque);
    Value plain_field(const Value& target, const Value& key);
    Value optional_field(const Operand& operand, const Value& key);
    Value index_key(std::uint32_t index);

    bool is_optional_operand(std::uint32_t operand) const;
    Value no_optional(const Value& value, const Value* key);
    static Value unwrap(const Value& value, bool& skip);
    Value list(const Instruction& i);
    Value elements(const Instruction& i);
    Value map(const Instruction& i);
    Value entries(const Instruction& i);
    Value message(const Instruction& i);
    Value made(const MessageCode& message, const Instruction& i);
    Value growing(bool is_map_wanted);
    Value append(const Instruction& i);
    Value insert(const Instruction& i);
    Value insert_all(const Value& accumulator, const Value& map);
    Value insert_one(const Value& accumulator, const Value& key, const Value& value);
    Value fold(std::uint32_t number);
    Value iterate(const FoldCode& fold, const Value& range);

    static constexpr std::string_view kCostExceeded =
        "operation cancelled: actual cost limit exceeded";

    const Code& code_;
    std::span<const Value> variables_;
    Arena& arena_;
    std::uint64_t limit_;
    Trace* trace_;
    std::uint64_t cost_ = 0;
    bool halted_ = false;
    Value halt_reason_;
    Chain chain_ = Chain::kStart;  ///< of the link that was evaluated last
    Value* slots_ = nullptr;
    Binding* bound_ = nullptr;   ///< by fold
    Target* target_ = nullptr;   ///< that is being evaluated, the innermost
    std::uint64_t entered_ = 0;  ///< bindings so far
};

}  // namespace knd::cel
