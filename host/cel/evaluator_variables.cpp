// SPDX-License-Identifier: Apache-2.0
#include "host/cel/evaluator.hpp"

namespace knd::cel {
namespace {

/// What Go has in place of a value that CEL has no type for; empty: it has one.
std::string_view go_type(const Value& value) {
    switch (value.kind()) {
        case Kind::kIp:
            return "netip.Addr";
        case Kind::kCidr:
            return "netip.Prefix";
        case Kind::kUrl:
            return "*url.URL";
        case Kind::kSemver:
            return "semver.Version";
        case Kind::kQuantity:
            return "*resource.Quantity";
        case Kind::kError:
            return "*errors.errorString";
        default:
            return {};
    }
}

}  // namespace

bool Evaluator::is_opaque(const Value& value) {
    return !go_type(value).empty();
}

Value Evaluator::unsupported(const Value& opaque) {
    return fail("unsupported conversion to ref.Val: (" + std::string(go_type(opaque)) + ")" +
                to_text(opaque));
}

/// Of a variable that a macro binds.
Value Evaluator::stored(const Instruction& i) {
    if (i.op == Op::kBound) return lazy_local(i);
    charge(i.b);
    return slots_[i.a];
}

/// What fields are taken of: that is looked into as it is.
Value Evaluator::eval_operand(std::uint32_t index) {
    const auto& i = code_.instructions[index];
    if (halted_ || !is_made_anew(index)) return eval(index);
    Value out;
    if (i.op == Op::kFold) {
        enter(i.a);
        out = eval_operand(code_.folds[i.a].result);
    } else {
        out = i.op == Op::kConditional ? conditional(i, true) : stored(i);
    }
    if (trace_ != nullptr) (*trace_)[index] = out;
    return out;
}

/// Variables and conditionals, of which optMap() is one.
bool Evaluator::is_made_anew(std::uint32_t index) const {
    const auto& i = code_.instructions[index];
    return i.op == Op::kLocal || i.op == Op::kBound || i.op == Op::kConditional ||
           (i.op == Op::kFold && code_.folds[i.a].holds_target);
}

/// Until 1.36 what a variable or a conditional has is made anew of what Go has in its place, where
/// it is an optional: of what that holds, at the bottom. If CEL has no type for it the optional
/// holds an error then.
Value Evaluator::made_anew(const Value& value) {
    if (!value.is(Kind::kOptional) || code_.kubernetes_minor >= 37) return value;
    if (value.as_optional() == nullptr) return value;
    const auto& held = held_value(value);
    const auto* kept = arena_.make<Value>(held.is(Kind::kOptional) ? Value() : from_native(held));
    return kept == nullptr ? out_of_memory() : Value::optional(kept);
}

Value Evaluator::from_native(const Value& value) {
    if (is_opaque(value)) return unsupported(value);
    if (value.is(Kind::kType)) return Value::string(value.text());
    if (!value.is(Kind::kDomains)) return value;
    std::span<const MapEntry> entries;
    return entries_of(value, arena_, entries) ? make_map(entries, arena_) : out_of_memory();
}

/// A binding is evaluated when it is first asked for, and never if it is not.
Value Evaluator::lazy_local(const Instruction& i) {
    if (bound_[i.c].price == kNotBound) {
        const auto& fold = code_.folds[i.c];
        // The target of optMap() counts as evaluated again for its value.
        if (fold.charges_again != kNoNode) charge(bound_[fold.charges_again].price);
        slots_[i.a] = fold.holds_target ? target_of(fold, i.c) : value_of(fold, i.c);
    }
    charge(i.b);
    return slots_[i.a];
}

/// Bindings around it that the target is the first to ask for cost nothing more the second time.
Value Evaluator::target_of(const FoldCode& fold, std::uint32_t number) {
    Target target{target_, bound_[number].entered};
    const auto before = cost_;
    target_ = &target;
    const auto out = eval(fold.init);
    target_ = target.outer;
    bound_[number].price = cost_ - before - target.once;
    return out;
}

Value Evaluator::value_of(const FoldCode& fold, std::uint32_t number) {
    const auto before = cost_;
    const auto around = [&](Target* target) {
        return target != nullptr && target->entered > bound_[number].entered;
    };
    for (auto* target = target_; around(target); target = target->outer)
        if (target->counts == kNoNode) target->counts = number;
    const auto out = eval(fold.init);
    for (auto* target = target_; around(target); target = target->outer) {
        if (target->counts != number) continue;
        target->once += cost_ - before;
        target->counts = kNoNode;
    }
    bound_[number].price = cost_ - before;
    return out;
}

}  // namespace knd::cel
