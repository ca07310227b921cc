// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "host/cel/code.hpp"
#include "host/cel/parser.hpp"

namespace knd::cel {
namespace {

struct OperatorOp {
    std::string_view function;
    Op op;
};
constexpr OperatorOp kOperators[] = {
    {ops::kAnd, Op::kAnd},
    {ops::kOr, Op::kOr},
    {ops::kNot, Op::kNot},
    {ops::kNegate, Op::kNegate},
    {ops::kConditional, Op::kConditional},
    {ops::kNotStrictlyFalse, Op::kNotStrictlyFalse},
    {ops::kEquals, Op::kEqual},
    {ops::kNotEquals, Op::kNotEqual},
    {ops::kLess, Op::kLess},
    {ops::kLessEquals, Op::kLessEqual},
    {ops::kGreater, Op::kGreater},
    {ops::kGreaterEquals, Op::kGreaterEqual},
    {ops::kIn, Op::kIn},
    {ops::kAdd, Op::kAdd},
    {ops::kSubtract, Op::kSubtract},
    {ops::kMultiply, Op::kMultiply},
    {ops::kDivide, Op::kDivide},
    {ops::kModulo, Op::kModulo},
    {ops::kIndex, Op::kIndex},
    {ops::kOptIndex, Op::kOptionalIndex},
};

class Emitter {
  public:
    Emitter(Ast& ast, const CheckedAst& checked, const Environment& environment, Code& code)
        : ast_(ast), checked_(checked), code_(code) {
        if (environment.device) scope_.push_back({"device", Place::kVariable, 0});
        for (const auto& variable : environment.variables)
            scope_.push_back({variable.name, Place::kVariable,
                              static_cast<std::uint32_t>(scope_.size())});
        code_.variables = static_cast<std::uint32_t>(scope_.size());
        has_device_ = environment.device;
    }

    void run() {
        code_.root = visit(ast_.root);
        code_.texts = std::move(ast_.texts);
    }

  private:
    enum class Place { kVariable, kLocal };
    struct Name {
        std::string_view name;
        Place place;
        std::uint32_t index;
    };

    const Node& node(NodeIndex index) const { return ast_.nodes[index]; }

    std::uint32_t push(Op op, std::uint32_t a = 0, std::uint32_t b = 0, std::uint32_t c = 0) {
        code_.instructions.push_back({op, a, b, c});
        return static_cast<std::uint32_t>(code_.instructions.size() - 1);
    }
    std::uint32_t constant(Value value) {
        code_.constants.push_back(value);
        return static_cast<std::uint32_t>(code_.constants.size() - 1);
    }

    std::uint32_t visit(NodeIndex index) {
        const auto& self = node(index);
        switch (self.kind) {
            case NodeKind::kConstant: return push(Op::kConstant, constant(self.constant));
            case NodeKind::kIdent: return ident(self);
            case NodeKind::kSelect: return select(index);
            case NodeKind::kCall: return call(self);
            case NodeKind::kList: return aggregate(Op::kList, self);
            case NodeKind::kMap: return aggregate(Op::kMap, self);
            case NodeKind::kFold: return fold(ast_.folds[self.first]);
            case NodeKind::kMessage: break;
        }
        return push(Op::kConstant, constant(Value()));
    }

    const Name* find(std::string_view name) const {
        const bool rooted = name.starts_with('.');
        if (rooted) name.remove_prefix(1);
        for (std::size_t i = rooted ? code_.variables : scope_.size(); i-- > 0;)
            if (scope_[i].name == name) return &scope_[i];
        return nullptr;
    }

    std::uint32_t ident(const Node& self) {
        if (const auto* name = find(self.text))
            return push(name->place == Place::kLocal ? Op::kLocal : Op::kVariable, name->index);
        auto name = self.text;
        if (name.starts_with('.')) name.remove_prefix(1);
        return push(Op::kConstant, constant(Value::type(name)));
    }

    /// The variable `device` itself, not a fold's variable of that name.
    bool is_device(NodeIndex index) const {
        const auto& self = node(index);
        if (!has_device_ || self.kind != NodeKind::kIdent) return false;
        const auto* name = find(self.text);
        return name != nullptr && name->place == Place::kVariable && name->index == 0;
    }

    /// device.attributes["domain"] or device.attributes.domain; empty: something else.
    std::string_view attribute_domain(NodeIndex index) const {
        const auto& self = node(index);
        std::string_view domain;
        if (self.kind == NodeKind::kSelect && !self.test_only) {
            domain = self.text;
        } else if (self.kind == NodeKind::kCall && self.text == ops::kIndex) {
            const auto& key = node(ast_.child(self, 1));
            if (key.kind == NodeKind::kConstant && key.constant.is(Kind::kString))
                domain = key.constant.text();
        }
        if (domain.empty()) return {};
        const auto& attributes = node(ast_.child(self, 0));
        const bool fits = attributes.kind == NodeKind::kSelect && !attributes.test_only &&
                          attributes.text == "attributes" && is_device(ast_.child(attributes, 0));
        return fits ? domain : std::string_view();
    }

    std::uint32_t select(NodeIndex index) {
        const auto& self = node(index);
        const auto operand = ast_.child(self, 0);
        if (!self.test_only) {
            if (self.text == "driver" && is_device(operand)) return push(Op::kDriver);
            if (const auto domain = attribute_domain(operand); !domain.empty())
                return attribute(domain, self.text);
        }
        const auto target = visit(operand);
        return push(self.test_only ? Op::kHas : Op::kSelect, target,
                    constant(Value::string(self.text)));
    }

    std::uint32_t attribute(std::string_view domain, std::string_view id) {
        code_.names.push_back({domain, id});
        return push(Op::kAttribute, static_cast<std::uint32_t>(code_.names.size() - 1));
    }

    std::uint32_t call(const Node& self) {
        if (self.text == ops::kOptSelect) {
            const auto target = visit(ast_.child(self, 0));
            return push(Op::kOptionalSelect, target,
                        constant(node(ast_.child(self, 1)).constant));
        }
        for (const auto& entry : kOperators)
            if (entry.function == self.text && !self.member) return operation(entry.op, self);
        return native_call(self);
    }

    std::uint32_t operation(Op op, const Node& self) {
        if (op == Op::kIndex) {
            const auto& key = node(ast_.child(self, 1));
            const bool literal = key.kind == NodeKind::kConstant && key.constant.is(Kind::kString);
            const auto domain =
                literal ? attribute_domain(ast_.child(self, 0)) : std::string_view();
            if (!domain.empty()) return attribute(domain, key.constant.text());
        }
        std::uint32_t operands[3] = {};
        for (std::uint32_t i = 0; i < self.count; ++i) operands[i] = visit(ast_.child(self, i));
        return push(op, operands[0], operands[1], operands[2]);
    }

    std::uint32_t native_call(const Node& self) {
        const auto& checked = checked_.calls[self.function - 1];
        CallSite site;
        site.function = checked.overloads.front()->function;
        site.first = static_cast<std::uint32_t>(code_.candidates.size());
        for (const auto* overload : checked.overloads) add_candidate(*overload);
        site.count = static_cast<std::uint32_t>(code_.candidates.size()) - site.first;
        std::vector<std::uint32_t> arguments;
        for (std::uint32_t i = checked.qualified ? 1 : 0; i < self.count; ++i)
            arguments.push_back(visit(ast_.child(self, i)));
        const auto first = append(arguments);
        code_.sites.push_back(site);
        return push(Op::kCall, static_cast<std::uint32_t>(code_.sites.size() - 1), first,
                    static_cast<std::uint32_t>(arguments.size()));
    }

    void add_candidate(const Overload& overload) {
        TypeTable types;
        const auto signature = read_signature(types, overload.signature);
        Candidate candidate;
        candidate.native = overload.native;
        candidate.cost = overload.cost;
        candidate.count = static_cast<std::uint8_t>(signature.parameters.size());
        for (std::size_t i = 0; i < signature.parameters.size(); ++i)
            candidate.kinds[i] = types[signature.parameters[i]].kind;
        code_.candidates.push_back(candidate);
    }

    std::uint32_t append(const std::vector<std::uint32_t>& operands) {
        const auto first = static_cast<std::uint32_t>(code_.operands.size());
        code_.operands.insert(code_.operands.end(), operands.begin(), operands.end());
        return first;
    }

    std::uint32_t aggregate(Op op, const Node& self) {
        std::vector<std::uint32_t> operands;
        for (std::uint32_t i = 0; i < self.count; ++i)
            operands.push_back(visit(ast_.child(self, i)));
        const auto first = append(operands);
        bool optional = false;
        for (std::uint32_t i = 0; i < self.count; ++i) {
            if (!ast_.is_optional_child(self, i)) continue;
            optional = true;
            code_.optional_operands.push_back(first + i);
        }
        std::sort(code_.optional_operands.begin(), code_.optional_operands.end());
        return push(op, optional ? 1 : 0, first, self.count);
    }

    std::uint32_t new_slot() {
        code_.slots = std::max(code_.slots, next_slot_ + 1);
        return next_slot_++;
    }

    std::uint32_t fold(const Fold& fold) {
        FoldCode out;
        out.range = visit(fold.range);
        const bool collects = fold.accumulator == kAccumulator && is_empty_aggregate(fold.init);
        out.init = collects ? push(Op::kGrowing, node(fold.init).kind == NodeKind::kMap ? 1 : 0)
                            : visit(fold.init);
        const auto scope = scope_.size();
        const auto slot = next_slot_;
        out.accumulator = declare(fold.accumulator);
        const auto outer = scope_.size();
        out.variable = declare(fold.variable);
        out.two_variables = !fold.variable2.empty();
        if (out.two_variables) out.variable2 = declare(fold.variable2);
        const auto& condition = node(fold.condition);
        out.condition_always_true =
            condition.kind == NodeKind::kConstant && condition.constant.is_true();
        out.condition = visit(fold.condition);
        out.step = collects ? collecting_step(fold.step, out.accumulator) : visit(fold.step);
        scope_.resize(outer);
        out.result = visit(fold.result);
        scope_.resize(scope);
        next_slot_ = slot;
        code_.folds.push_back(out);
        return push(Op::kFold, static_cast<std::uint32_t>(code_.folds.size() - 1));
    }

    std::uint32_t declare(std::string_view name) {
        const auto slot = new_slot();
        scope_.push_back({name, Place::kLocal, slot});
        return slot;
    }

    bool is_empty_aggregate(NodeIndex index) const {
        const auto& self = node(index);
        return (self.kind == NodeKind::kList || self.kind == NodeKind::kMap) && self.count == 0;
    }

    /// `accu + [x]` and mapInsert(accu, ...) work in place, so that n steps cost n, not n squared.
    std::uint32_t collecting_step(NodeIndex index, std::uint32_t accumulator) {
        const auto& self = node(index);
        if (self.text == ops::kConditional) {
            const auto condition = visit(ast_.child(self, 0));
            const auto step = collecting_step(ast_.child(self, 1), accumulator);
            return push(Op::kConditional, condition, step, push(Op::kLocal, accumulator));
        }
        if (self.text == ops::kAdd) {
            const auto& list = node(ast_.child(self, 1));
            return push(Op::kAppend, accumulator, visit(ast_.child(list, 0)));
        }
        const auto key = visit(ast_.child(self, 1));
        const auto value = self.count > 2 ? visit(ast_.child(self, 2)) : kNoNode;
        return push(Op::kInsert, accumulator, key, value);
    }

    Ast& ast_;
    const CheckedAst& checked_;
    Code& code_;
    std::vector<Name> scope_;
    std::uint32_t next_slot_ = 0;
    bool has_device_ = false;
};

}  // namespace

void emit(Ast& ast, const CheckedAst& checked, const Environment& environment, Code& code) {
    Emitter(ast, checked, environment, code).run();
}

}  // namespace knd::cel
