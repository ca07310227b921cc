// SPDX-License-Identifier: Apache-2.0
#include "host/cel/evaluator.hpp"

#include <algorithm>
#include <cmath>

#include "host/cel/arithmetic.hpp"

namespace knd::cel {

Value Evaluator::run() {
    slots_ = static_cast<Value*>(arena_.allocate(code_.slots * sizeof(Value)));
    bound_ = static_cast<Binding*>(arena_.allocate(code_.folds.size() * sizeof *bound_));
    if (slots_ == nullptr || bound_ == nullptr) return out_of_memory();
    std::fill(slots_, slots_ + code_.slots, Value());
    const auto result = eval(code_.root);
    return halted_ ? halt_reason_ : result;
}

Value Evaluator::fail(std::string_view message) {
    auto* memory = static_cast<char*>(arena_.allocate(message.size()));
    if (memory == nullptr) return out_of_memory();
    std::copy(message.begin(), message.end(), memory);
    return Value::error({memory, message.size()});
}

bool Evaluator::is_hashable(const Value& key, bool removes_from_empty) {
    const std::string_view type = key.is(Kind::kSemver)   ? "cel.Semver"
                                  : key.is(Kind::kFormat) ? "cel.Format"
                                  : key.is(Kind::kBytes)  ? "types.Bytes"
                                                          : "";
    if (type.empty()) return true;
    // What Go says when it hashes, and when it only looks because nothing is to be hashed.
    halt(fail((removes_from_empty ? "internal error: hash of unhashable type: "
                                  : "internal error: runtime error: hash of unhashable type ") +
              std::string(type)));
    return false;
}

bool Evaluator::may_be_in(const Value& key, const Value& container) {
    if (!container.is(Kind::kMap)) return true;
    const auto& map = container.as_map();
    return map.size == 0 || map.of_json || is_hashable(key);
}

Value Evaluator::step(const Instruction& i) {
    switch (i.op) {
        case Op::kConstant:
            return code_.constants[i.a];
        case Op::kVariable:
            charge(i.b);
            return variables_[i.a];
        case Op::kLocal:
            return made_anew(stored(i));
        case Op::kBound:
            return code_.folds[i.c].holds_target ? stored(i) : made_anew(stored(i));
        case Op::kAttribute:
            charge(i.b);
            return attribute(code_.names[i.a]);
        case Op::kDriver:
            charge(i.a);
            return Value::string(variables_[0].as_device().driver);
        case Op::kSelect:
            return select(i);
        case Op::kHas:
            return has(i);
        case Op::kHasInBranch:
            return has_in_branch(i);
        case Op::kOptionalSelect:
            return optional_select(i);
        case Op::kIndex:
            return index_of(i);
        case Op::kOptionalIndex:
            return optional_index(i);
        case Op::kAnd:
            return logical(i, false);
        case Op::kOr:
            return logical(i, true);
        case Op::kNot:
            return logical_not(eval(i.a));
        case Op::kNegate:
            return negative(eval(i.a));
        case Op::kConditional:
            return conditional(i, false);
        case Op::kNotStrictlyFalse:
            return not_strictly_false(eval(i.a));
        case Op::kInSet:
            return in_set(i);
        case Op::kOrElse:
            return or_else(i, false);
        case Op::kOrValue:
            return or_else(i, true);
        default:
            return compound(i);
    }
}

Value Evaluator::compound(const Instruction& i) {
    switch (i.op) {
        case Op::kList:
            return list(i);
        case Op::kMap:
            return map(i);
        case Op::kMessage:
            return message(i);
        case Op::kGrowing:
            return growing(i.a == 1);
        case Op::kAppend:
            return append(i);
        case Op::kInsert:
            return insert(i);
        case Op::kFold:
            return fold(i.a);
        case Op::kCall:
            return call(i);
        default:
            return binary(i);
    }
}

/// `decisive` (false for &&, true for ||) wins over errors on either side.
Value Evaluator::logical(const Instruction& i, bool decisive) {
    const auto left = eval(i.a);
    if (left.is(Kind::kBool) && left.as_bool() == decisive) return left;
    const auto right = eval(i.b);
    if (right.is(Kind::kBool) && right.as_bool() == decisive) return right;
    if (!left.is(Kind::kBool)) return left.is_error() ? left : no_overload();
    if (!right.is(Kind::kBool)) return right.is_error() ? right : no_overload();
    return right;
}

Value Evaluator::logical_not(const Value& operand) {
    charge(1);
    if (operand.is_error()) return operand;
    return operand.is(Kind::kBool) ? Value::boolean(!operand.as_bool()) : no_overload();
}

Value Evaluator::negative(const Value& operand) {
    charge(1);
    if (operand.is_error()) return operand;
    const auto out = negate(operand);
    const bool unknown =
        operand.is(Kind::kUint) || operand.is(Kind::kBytes) || operand.is(Kind::kNull) ||
        operand.is(Kind::kList) || operand.is(Kind::kType) || operand.is(Kind::kOptional) ||
        operand.is(Kind::kMessage) || is_map(operand) || is_foreign(operand.kind());
    return is_no_overload(out) && unknown ? Value::error("no such overload: -_") : out;
}

/// What fields are taken of is not made anew.
Value Evaluator::conditional(const Instruction& i, bool is_operand) {
    const auto condition = eval(i.a);
    if (condition.is_error()) return condition;
    if (!condition.is(Kind::kBool)) return no_overload();
    const auto branch = condition.as_bool() ? i.b : i.c;
    const auto out = is_operand ? eval_operand(branch) : eval(branch);
    const bool link = is_link(code_.instructions[branch].op);
    if (!link) chain_ = Chain::kStart;
    return is_operand || link || is_made_anew(branch) ? out : made_anew(out);
}

/// Errors do not stop all() and exists(): only a plain false does.
Value Evaluator::not_strictly_false(const Value& state) {
    charge(1);
    return Value::boolean(!state.is(Kind::kBool) || state.as_bool());
}

/// The alternative is evaluated only when it is needed. What is no optional stands for itself, as
/// in the reference implementation.
Value Evaluator::or_else(const Instruction& i, bool unwrapped) {
    const auto target = eval(i.a);
    if (!target.is(Kind::kOptional))
        return target.is_error() || code_.kubernetes_minor < 37 ? target : no_overload();
    if (target.as_optional() == nullptr) return eval(i.b);
    return unwrapped ? *target.as_optional() : target;
}

Value Evaluator::in_set(const Instruction& i) {
    const auto element = eval(i.a);
    if (element.is_error() || !is_hashable(element)) return element;
    return contains(element, eval(i.b));
}

Value Evaluator::binary(const Instruction& i) {
    const auto left = eval(i.a);
    const auto right = eval(i.b);
    if (i.op == Op::kIn && !may_be_in(left, right)) return halt_reason_;
    charge(operator_cost(i.op, left, right, i.c != 0, code_.kubernetes_minor));
    if (left.is_error()) return left;
    if (right.is_error()) return right;
    if (halted_) return halt_reason_;
    const auto out = apply(i.op, left, right);
    return is_no_overload(out) ? missing_operator(i.op, left) : out;
}

Value Evaluator::apply(Op op, const Value& left, const Value& right) {
    switch (op) {
        case Op::kEqual:
            return equality(left, right);
        case Op::kNotEqual:
            return Value::boolean(!equal(left, right));
        case Op::kIn:
            return contains(left, right);
        case Op::kAdd:
            return add(left, right, arena_);
        case Op::kSubtract:
            return subtract(left, right);
        case Op::kMultiply:
            return multiply(left, right);
        case Op::kDivide:
            return divide(left, right);
        case Op::kModulo:
            return modulo(left, right);
        default:
            return ordering(op, left, right);
    }
}

/// Texts and times may have methods of any name, so that the operator is not named for them.
Value Evaluator::missing_operator(Op op, const Value& left) {
    if (left.is(Kind::kString) || left.is(Kind::kTimestamp) || left.is(Kind::kDuration))
        return no_overload();
    const bool number = is_number(left);
    switch (op) {
        case Op::kAdd:
            return number || left.is(Kind::kBytes) || left.is(Kind::kList)
                       ? no_overload()
                       : Value::error("no such overload: _+_");
        case Op::kSubtract:
            return number ? no_overload() : Value::error("no such overload: _-_");
        case Op::kMultiply:
            return number ? no_overload() : Value::error("no such overload: _*_");
        case Op::kDivide:
            return number ? no_overload() : Value::error("no such overload: _/_");
        case Op::kModulo:
            return left.is(Kind::kInt) || left.is(Kind::kUint)
                       ? no_overload()
                       : Value::error("no such overload: _%_");
        default:
            return missing_ordering(op, left);
    }
}

Value Evaluator::missing_ordering(Op op, const Value& left) {
    if (is_number(left) || left.is(Kind::kBool) || left.is(Kind::kBytes)) return no_overload();
    switch (op) {
        case Op::kLess:
            return Value::error("no such overload: _<_");
        case Op::kLessEqual:
            return Value::error("no such overload: _<=_");
        case Op::kGreater:
            return Value::error("no such overload: _>_");
        case Op::kGreaterEqual:
            return Value::error("no such overload: _>=_");
        default:
            return no_overload();
    }
}

Value Evaluator::equality(const Value& left, const Value& right) {
    const auto equal = compare_equal(left, right);
    if (equal != Equality::kNoOverload) return Value::boolean(equal == Equality::kYes);
    // An optional may hold an error, see made_anew().
    for (const auto* side : {&left, &right})
        if (const auto& value = held_value(*side); value.is_error()) return value;
    return no_overload();
}

Value Evaluator::ordering(Op op, const Value& left, const Value& right) {
    const auto order = compare(left, right);
    const bool is_nan = left.is(Kind::kDouble) && std::isnan(left.as_double());
    if (order == 2 || is_nan) return Value::error("NaN values cannot be ordered");
    if (order == 3) return no_overload();
    switch (op) {
        case Op::kLess:
            return Value::boolean(order < 0);
        case Op::kLessEqual:
            return Value::boolean(order <= 0);
        case Op::kGreater:
            return Value::boolean(order > 0);
        default:
            return Value::boolean(order >= 0);
    }
}

Value Evaluator::contains(const Value& element, const Value& container) {
    if (is_map(container)) {
        Value ignored;
        return Value::boolean(find_key(container, element, arena_, ignored));
    }
    if (!container.is(Kind::kList)) return no_overload();
    const auto& list = container.as_list();
    return Value::boolean(std::any_of(list.items, list.items + list.size,
                                      [&](const Value& item) { return equal(element, item); }));
}

namespace {

/// Which conversion it is that Go's cost function fails at.
std::string refused_conversion(std::string_view function, std::span<const Value> arguments) {
    if (function == "flatten")
        return "ref.Val is " + std::string(native_name(arguments[1])) + ", not types.Int";
    const auto& list = function == "distinct" ? arguments.front() : arguments.back();
    // The first one in the order of the alphabet that its type does not have.
    const bool adds = is_number(list) || list.is(Kind::kString) || list.is(Kind::kBytes) ||
                      list.is(Kind::kDuration) || list.is(Kind::kTimestamp);
    return std::string(native_name(list)) + " is not traits.Lister: missing method " +
           (adds ? "Contains" : "Add");
}

/// Types have their names, optionals the text of what they hold.
Value native_text(const Value& optional) {
    const auto& value = held_value(optional);
    return value.is(Kind::kType) ? Value::string(value.text()) : value;
}

}  // namespace

Value Evaluator::call(const Instruction& i) {
    Value arguments[Candidate::kMaxArguments];
    const auto& site = code_.sites[i.a];
    const std::span<const Value> used(arguments, i.c);
    const Value* failed = nullptr;
    for (std::uint32_t n = 0; n < i.c; ++n) {
        arguments[n] = eval(code_.operands[i.b + n]);
        if (!arguments[n].is_error() || failed != nullptr) continue;
        failed = &arguments[n];
        // The rest is not even evaluated, and then nothing is charged.
        if (site.stops_at_error && n + 1 < i.c) return *failed;
    }
    const auto cost = price(site, used);
    if (cost == kUnpayable)
        return halt(fail("internal error: interface conversion: " +
                         refused_conversion(site.function, used)));
    if (!charge(cost)) return halt_reason_;
    if (failed != nullptr) return *failed;
    // With a pattern that is known the call is a special one, in Go as well, that takes all that Go
    // has a text for.
    if (site.pattern != nullptr) arguments[0] = native_text(arguments[0]);
    for (std::uint32_t n = site.first; n < site.first + site.count; ++n) {
        const auto& candidate = code_.candidates[n];
        if (fits(candidate, used))
            return candidate.native(Call{used, arena_, site.pattern, code_.kubernetes_minor});
    }
    if (site.pattern != nullptr) return no_overload();
    return fail(no_such_overload(site.function, used));
}

std::uint64_t Evaluator::price(const CallSite& site, std::span<const Value> arguments) const {
    const auto cost = code_.candidates[site.first].cost;
    if (cost == nullptr) return 1;
    if (!site.prices_held) return cost({arguments, site.count == 1});
    Value held[Candidate::kMaxArguments];
    std::transform(arguments.begin(), arguments.end(), held, held_value);
    return cost({std::span(held, arguments.size()), site.count == 1});
}

Value evaluate(const Code& code, std::span<const Value> variables, Arena& arena,
               const Limits& limits, std::uint64_t* cost, Trace* trace) {
    if (trace != nullptr) trace->assign(code.instructions.size(), std::nullopt);
    Evaluator evaluator(code, variables, arena, limits, trace);
    const auto out = evaluator.run();
    if (cost != nullptr) *cost = evaluator.cost();
    return out;
}

}  // namespace knd::cel
