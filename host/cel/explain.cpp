// SPDX-License-Identifier: Apache-2.0
#include "host/cel/explain.hpp"

#include <algorithm>

#include "host/cel/code.hpp"

namespace knd::cel {
namespace {

/// Operands of an instruction, in the order they are written. Each is named, so that none is
/// forgotten: what another means by its numbers may be no instruction.
std::vector<std::uint32_t> operands_of(const Code& code, const Instruction& i) {
    switch (i.op) {
        case Op::kConstant:
        case Op::kVariable:
        case Op::kLocal:
        case Op::kBound:
        case Op::kAttribute:
        case Op::kDriver:
        case Op::kGrowing:
            return {};
        case Op::kSelect:
        case Op::kHas:
        case Op::kHasInBranch:
        case Op::kOptionalSelect:
        case Op::kNot:
        case Op::kNegate:
        case Op::kNotStrictlyFalse:
            return {i.a};
        case Op::kConditional:
            return {i.a, i.b, i.c};
        case Op::kAppend:
            return {i.b};
        case Op::kInsert:
            if (i.c == kNoNode) return {i.b};
            return {i.b, i.c};
        case Op::kList:
        case Op::kMap:
        case Op::kMessage:
        case Op::kCall:
            return {code.operands.begin() + i.b, code.operands.begin() + i.b + i.c};
        case Op::kFold: {
            const auto& fold = code.folds[i.a];
            if (fold.is_binding) return {};
            return {fold.range, fold.init, fold.step, fold.result};
        }
        case Op::kIndex:
        case Op::kOptionalIndex:
        case Op::kAnd:
        case Op::kOr:
        case Op::kEqual:
        case Op::kNotEqual:
        case Op::kLess:
        case Op::kLessEqual:
        case Op::kGreater:
        case Op::kGreaterEqual:
        case Op::kIn:
        case Op::kInSet:
        case Op::kAdd:
        case Op::kSubtract:
        case Op::kMultiply:
        case Op::kDivide:
        case Op::kModulo:
        case Op::kOrElse:
        case Op::kOrValue:
            return {i.a, i.b};
    }
    return {};
}

/// A variable, or a field or element on the way from one: what a reader wants to see the value of.
bool is_path(Op op) {
    switch (op) {
        case Op::kVariable:
        case Op::kLocal:
        case Op::kBound:
        case Op::kAttribute:
        case Op::kDriver:
        case Op::kSelect:
        case Op::kOptionalSelect:
        case Op::kIndex:
        case Op::kOptionalIndex:
            return true;
        default:
            return false;
    }
}

/// Walks from the root of an evaluation to the parts that made its result.
class Explainer {
  public:
    Explainer(const Code& code, const Trace& trace) : code_(code), trace_(trace) {}

    std::vector<Decision> run() {
        descend(code_.root);
        return std::move(decisions_);
    }

  private:
    const Instruction& at(std::uint32_t index) const { return code_.instructions[index]; }
    bool reached(std::uint32_t index) const { return trace_[index].has_value(); }
    const Value& value(std::uint32_t index) const { return *trace_[index]; }
    bool failed(std::uint32_t index) const { return reached(index) && value(index).is_error(); }

    std::string source(std::uint32_t index) const {
        const auto span = code_.spans[index];
        return code_.expression.substr(span.begin, span.end - span.begin);
    }

    void descend(std::uint32_t index) {
        if (!reached(index)) return;
        const auto& i = at(index);
        switch (i.op) {
            case Op::kAnd:
                return junction(i, false);
            case Op::kOr:
                return junction(i, true);
            case Op::kNot:
                return descend(i.a);
            case Op::kConditional:
                return conditional(i);
            case Op::kFold:
                return fold(index);
            default:
                return decide(index);
        }
    }

    /// `winner`: the value of one side that makes the other irrelevant.
    void junction(const Instruction& i, bool winner) {
        for (const auto side : {i.a, i.b}) {
            if (!reached(side) || !value(side).is(Kind::kBool)) continue;
            if (value(side).as_bool() == winner) return descend(side);
        }
        const bool error = failed(i.a) || failed(i.b);
        for (const auto side : {i.a, i.b})
            if (!error || failed(side)) descend(side);
    }

    void conditional(const Instruction& i) {
        if (failed(i.a)) return descend(i.a);
        descend(i.a);
        descend(reached(i.b) && value(i.a).is_true() ? i.b : i.c);
    }

    void fold(std::uint32_t index) {
        const auto& fold = code_.folds[at(index).a];
        if (fold.is_binding && reached(fold.result)) return descend(fold.result);
        decide(index);
    }

    void decide(std::uint32_t index) {
        Decision out;
        out.expression = source(index);
        if (out.expression.empty()) out.expression = code_.expression;
        out.failed = value(index).is_error();
        out.outcome = literal_text(value(index));
        observe_operands(index, out);
        if (is_path(at(index).op)) observe(index, out);
        decisions_.push_back(std::move(out));
    }

    void observe_operands(std::uint32_t index, Decision& out) const {
        for (const auto operand : operands_of(code_, at(index))) {
            if (!reached(operand) || at(operand).op == Op::kConstant) continue;
            // The steps to a path are no news, unless the last one was not reached.
            if (is_path(at(index).op) && at(operand).op != Op::kCall) {
                if (is_index(at(index).op) && operand == at(index).b) observe(operand, out);
                continue;
            }
            if (at(operand).op != Op::kFold) observe_operands(operand, out);
            observe(operand, out);
        }
    }
    static bool is_index(Op op) { return op == Op::kIndex || op == Op::kOptionalIndex; }

    void observe(std::uint32_t index, Decision& out) const {
        auto expression = source(index);
        const bool known =
            std::any_of(out.values.begin(), out.values.end(),
                        [&](const Observation& seen) { return seen.expression == expression; });
        if (expression.empty() || known || value(index).is(Kind::kDevice)) return;
        out.values.push_back(
            {std::move(expression), literal_text(value(index)), value(index).is_error()});
    }

    const Code& code_;
    const Trace& trace_;
    std::vector<Decision> decisions_;
};

}  // namespace

std::string literal_text(const Value& value) {
    switch (value.kind()) {
        case Kind::kString:
        case Kind::kSemver:
        case Kind::kQuantity:
        case Kind::kList:
        case Kind::kMap:
        case Kind::kDomain:
        case Kind::kDomains:
            return knd::to_text(to_json(value));
        default:
            return to_text(value);
    }
}

std::string Decision::text() const {
    auto out = "`" + expression + "` " + (failed ? "fails: " : "is ") + outcome;
    bool first = true;
    for (const auto& seen : values) {
        if (seen.expression == expression) continue;
        out += first ? (failed ? "; " : ": ") : ", ";
        first = false;
        out += "`" + seen.expression + "` " + (seen.failed ? "fails: " : "is ") + seen.value;
    }
    return out;
}

Explanation explain(const Program& program, const DeviceView& device, const Limits& limits) {
    Explanation out;
    const auto matches = program.matches(device, limits);
    if (matches.ok())
        out.matches = *matches;
    else
        out.error = matches.error().message();
    Arena arena;
    Trace trace;
    const auto variable = program.device_variable(device);
    static_cast<void>(
        evaluate(*program.code_, std::span(&variable, 1), arena, limits, &out.cost, &trace));
    out.decisions = Explainer(*program.code_, trace).run();
    return out;
}

}  // namespace knd::cel
