// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

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
            scope_.push_back(
                {variable.name, Place::kVariable, static_cast<std::uint32_t>(scope_.size())});
        code_.variables = static_cast<std::uint32_t>(scope_.size());
        has_device_ = environment.device;
    }

    std::string run() {
        code_.root = visit(ast_.root);
        code_.spans.resize(code_.instructions.size());
        code_.texts = std::move(ast_.texts);
        return issue_;
    }

  private:
    enum class Place { kVariable, kLocal, kBinding };
    struct Name {
        std::string_view name;
        Place place;
        std::uint32_t index;
        std::uint32_t fold = kNoNode;  ///< of a binding
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
        const auto out = emit_node(index);
        code_.spans.resize(code_.instructions.size());
        code_.spans[out] = {node(index).begin, node(index).end};
        return out;
    }

    std::uint32_t emit_node(NodeIndex index) {
        const auto& self = node(index);
        switch (self.kind) {
            case NodeKind::kConstant:
                return push(Op::kConstant, constant(self.constant));
            case NodeKind::kIdent:
                return ident(self);
            case NodeKind::kSelect:
                return select(index);
            case NodeKind::kCall:
                return call(self);
            case NodeKind::kList:
                return aggregate(Op::kList, self);
            case NodeKind::kMap:
                return aggregate(Op::kMap, self);
            case NodeKind::kFold:
                return fold(ast_.folds[self.first]);
            case NodeKind::kMessage:
                return message(self);
        }
        return push(Op::kConstant, constant(Value()));
    }

    const Name* find(std::string_view name) const {
        const bool rooted = name.starts_with('.') && code_.kubernetes_minor >= 37;
        if (name.starts_with('.')) name.remove_prefix(1);
        for (std::size_t i = scope_.size(); i-- > 0;)
            if (scope_[i].name == name && (!rooted || scope_[i].place == Place::kVariable))
                return &scope_[i];
        return nullptr;
    }

    std::uint32_t ident(const Node& self) {
        const auto cost = base_cost();
        if (const auto* name = find(self.text)) {
            if (checked_.types.is(self.type, TypeKind::kType))
                refuse("reference to undefined type: " + std::string(self.text));
            if (name->place == Place::kBinding)
                return push(Op::kBound, name->index, self.text == kOptionalTarget ? 0 : cost,
                            name->fold);
            return push(name->place == Place::kLocal ? Op::kLocal : Op::kVariable, name->index,
                        cost);
        }
        auto name = self.text;
        if (name.starts_with('.')) name.remove_prefix(1);
        if (name == kNullValueName) return push(Op::kConstant, constant(Value::integer(0)));
        if (!is_value(name)) refuse("reference to undefined type: " + std::string(name));
        return push(Op::kConstant, constant(Value::type(name)));
    }

    /// Whether a type's name can be evaluated. The checker knows more: short names of times,
    /// messages that become values of other types, the type of `device`.
    static bool is_value(std::string_view name) {
        if (name == "timestamp" || name == "duration") return false;
        if (name.starts_with(kDeviceTypeName)) return false;
        const auto* message = find_message(name);
        if (message == nullptr) return true;
        return message->becomes == MessageType::Becomes::kMessage ||
               message->becomes == MessageType::Becomes::kDuration ||
               message->becomes == MessageType::Becomes::kTimestamp;
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
            if (self.text == "driver" && is_device(operand))
                return push(Op::kDriver, 1 + base_cost());
            if (const auto domain = attribute_domain(operand); !domain.empty())
                return attribute(domain, self.text);
        }
        std::uint32_t cost = 0;
        const auto target = visit_base(operand, cost);
        return push(self.test_only ? Op::kHas : Op::kSelect, target,
                    constant(Value::string(self.text)), cost);
    }

    std::uint32_t attribute(std::string_view domain, std::string_view id) {
        code_.names.push_back({domain, id});
        return push(Op::kAttribute, static_cast<std::uint32_t>(code_.names.size() - 1),
                    3 + base_cost());
    }

    // --- costs of attributes ---------------------------------------------------------------------
    // A chain of names, fields and indices costs 1 for each, and 1 for where it starts, whatever
    // that is. Where a chain is a branch of a conditional or an index, its start is free.

    /// The cost of the start of the chain that is being emitted.
    std::uint32_t base_cost() { return std::exchange(free_base_, false) ? 0 : 1; }

    bool is_chain(NodeIndex index) const {
        const auto& self = node(index);
        if (self.kind == NodeKind::kIdent) return find(self.text) != nullptr;
        if (self.kind == NodeKind::kSelect) return !self.test_only;
        return self.kind == NodeKind::kCall &&
               (self.text == ops::kIndex || self.text == ops::kOptIndex ||
                self.text == ops::kOptSelect);
    }

    /// Also of optMap() and optFlatMap(), which are one inside the fold that holds their target.
    bool is_conditional(NodeIndex index) const {
        const auto& self = node(index);
        if (self.kind == NodeKind::kFold)
            return ast_.folds[self.first].accumulator == kOptionalTarget;
        return self.kind == NodeKind::kCall && self.text == ops::kConditional;
    }

    /// What a field or index is taken of; `cost` gets the cost of a start that is no chain.
    std::uint32_t visit_base(NodeIndex index, std::uint32_t& cost) {
        if (!is_chain(index)) {
            cost = base_cost();
            if (is_conditional(index)) cost = 0;
        }
        return visit(index);
    }

    std::uint32_t visit_free(NodeIndex index) {
        const auto& self = node(index);
        free_base_ = is_chain(index) || (self.kind == NodeKind::kSelect && self.test_only);
        const auto out = visit(index);
        free_base_ = false;
        auto& op = code_.instructions[out].op;
        if (op == Op::kHas) op = Op::kHasInBranch;
        return out;
    }

    std::uint32_t call(const Node& self) {
        if (self.text == ops::kOptSelect) {
            std::uint32_t cost = 0;
            const auto target = visit_base(ast_.child(self, 0), cost);
            return push(Op::kOptionalSelect, target, constant(node(ast_.child(self, 1)).constant),
                        cost);
        }
        for (const auto& entry : kOperators)
            if (entry.function == self.text && !self.member) return operation(entry.op, self);
        return native_call(self);
    }

    std::uint32_t operation(Op op, const Node& self) {
        if (op == Op::kIndex || op == Op::kOptionalIndex) return index(op, self);
        if (op == Op::kConditional) {
            const auto condition = visit(ast_.child(self, 0));
            const auto yes = visit_free(ast_.child(self, 1));
            return push(op, condition, yes, visit_free(ast_.child(self, 2)));
        }
        std::uint32_t operands[2] = {};
        for (std::uint32_t i = 0; i < self.count; ++i)
            operands[i] = visit(ast_.child(self, i));
        const bool by_size = is_priced_by_size(op, checked_.calls[self.function - 1].overloads);
        if (op == Op::kIn && by_size && is_constant_set(operands[1])) {
            if (constant_of(operands[1]).as_list().size == 0)
                return push(Op::kConstant, constant(Value::boolean(false)));
            return push(Op::kInSet, operands[0], operands[1]);
        }
        return push(op, operands[0], operands[1], by_size ? 1 : 0);
    }

    /// The one overload that fits is of texts, or searches a list.
    static bool is_priced_by_size(Op op, const std::vector<const Overload*>& overloads) {
        if (overloads.size() != 1) return false;
        const auto signature = overloads[0]->signature;
        if (op == Op::kIn) return signature.starts_with("(A, list(");
        return signature.starts_with("(string") || signature.starts_with("(bytes");
    }

    std::uint32_t index(Op op, const Node& self) {
        const auto& key = node(ast_.child(self, 1));
        const bool literal = key.kind == NodeKind::kConstant && key.constant.is(Kind::kString);
        if (op == Op::kIndex && literal)
            if (const auto domain = attribute_domain(ast_.child(self, 0)); !domain.empty())
                return attribute(domain, key.constant.text());
        std::uint32_t cost = 0;
        const auto target = visit_base(ast_.child(self, 0), cost);
        const auto position = visit_free(ast_.child(self, 1));
        if (is_constant(position) && !is_map_key(constant_of(position)))
            refuse("invalid qualifier type: " + std::string(native_name(constant_of(position))));
        return push(op, target, position, cost);
    }

    void refuse(std::string why) {
        if (issue_.empty()) issue_ = std::move(why);
    }

    bool is_constant(std::uint32_t instruction) const {
        return code_.instructions[instruction].op == Op::kConstant;
    }
    const Value& constant_of(std::uint32_t instruction) const {
        return code_.constants[code_.instructions[instruction].a];
    }

    /// A literal list of scalars: membership in it is free.
    bool is_constant_set(std::uint32_t instruction) const {
        if (!is_constant(instruction) || !constant_of(instruction).is(Kind::kList)) return false;
        const auto& list = constant_of(instruction).as_list();
        return std::all_of(list.items, list.items + list.size, [](const Value& item) {
            return is_number(item) || item.is(Kind::kString) || item.is(Kind::kBool);
        });
    }

    std::uint32_t native_call(const Node& self) {
        const auto& checked = checked_.calls[self.function - 1];
        if (self.member && (self.text == "or" || self.text == "orValue")) {
            const auto target = visit(ast_.child(self, 0));
            return push(self.text == "or" ? Op::kOrElse : Op::kOrValue, target,
                        visit(ast_.child(self, 1)));
        }
        CallSite site;
        site.function = checked.overloads.front()->function;
        site.first = static_cast<std::uint32_t>(code_.candidates.size());
        for (const auto* overload : checked.overloads)
            add_candidate(*overload);
        site.count = static_cast<std::uint32_t>(code_.candidates.size()) - site.first;
        std::vector<std::uint32_t> arguments;
        for (std::uint32_t i = checked.qualified ? 1 : 0; i < self.count; ++i)
            arguments.push_back(visit(ast_.child(self, i)));
        site.stops_at_error = arguments.size() > 2 || site.function == "format" ||
                              (site.count > 1 && site.function != ops::kSortByKeys);
        site.prices_held = prices_held(site.function);
        if (const auto folded = fold_conversion(site, arguments); folded != kNoNode) return folded;
        compile_regex(site, arguments);
        const auto first = append(arguments);
        code_.sites.push_back(site);
        return push(Op::kCall, static_cast<std::uint32_t>(code_.sites.size() - 1), first,
                    static_cast<std::uint32_t>(arguments.size()));
    }

    /// Functions of texts that come with the language, since 1.33.
    bool prices_held(std::string_view function) const {
        constexpr std::string_view kThese[] = {"contains", "endsWith", "matches", "startsWith",
                                               "strings.quote"};
        return code_.kubernetes_minor >= 33 &&
               std::find(std::begin(kThese), std::end(kThese), function) != std::end(kThese);
    }

    /// Constant regular expressions are compiled now.
    void compile_regex(CallSite& site, std::span<const std::uint32_t> arguments) {
        const auto name = site.function;
        if ((name != "matches" && name != "find" && name != "findAll") || arguments.size() < 2)
            return;
        if (!is_constant(arguments[1]) || !constant_of(arguments[1]).is(Kind::kString)) return;
        std::string why;
        auto pattern = compile_pattern(constant_of(arguments[1]).text(), why);
        if (pattern == nullptr) return refuse(std::move(why));
        site.pattern = code_.patterns.emplace_back(std::move(pattern)).get();
        site.stops_at_error = true;
    }

    /// Conversions of literals are done now, and cost nothing later.
    std::uint32_t fold_conversion(const CallSite& site, std::span<const std::uint32_t> arguments) {
        constexpr std::string_view kConversions[] = {"bool", "bytes", "double", "duration",
                                                     "dyn",  "int",   "string", "timestamp",
                                                     "type", "uint"};
        const bool conversion = std::find(std::begin(kConversions), std::end(kConversions),
                                          site.function) != std::end(kConversions);
        if (!conversion || arguments.size() != 1 || !is_constant(arguments[0])) return kNoNode;
        const auto argument = constant_of(arguments[0]);
        const Call call{std::span(&argument, 1), code_.arena, nullptr, code_.kubernetes_minor};
        for (auto n = site.first; n < site.first + site.count; ++n) {
            const auto& candidate = code_.candidates[n];
            if (!fits(candidate, call.arguments)) continue;
            const auto out = candidate.native(call);
            if (out.is_error()) refuse(std::string(out.text()));
            return push(Op::kConstant, constant(out));
        }
        refuse(no_such_overload(site.function, call.arguments));
        return kNoNode;
    }

    void add_candidate(const Overload& overload) {
        TypeTable types;
        const auto signature = read_signature(types, overload.signature);
        Candidate candidate;
        candidate.native = overload.native;
        candidate.cost = overload.cost;
        candidate.count = static_cast<std::uint8_t>(signature.parameters.size());
        for (std::size_t i = 0; i < signature.parameters.size(); ++i) {
            const auto& type = types[signature.parameters[i]];
            candidate.kinds[i] = type.kind;
            // flatten() takes lists that are flat already.
            const bool looks_inside =
                type.kind == TypeKind::kList && overload.function != "flatten";
            candidate.elements[i] = looks_inside ? types[type.a].kind : TypeKind::kDyn;
        }
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
        if (const auto folded = fold_aggregate(op, self, operands); folded != kNoNode)
            return folded;
        const auto first = append(operands);
        const bool optional = mark_optional(self, first, 1);
        return push(op, optional ? 1 : 0, first, self.count);
    }

    /// Remembers which operands were written with "?"; `stride` children are one operand.
    bool mark_optional(const Node& self, std::uint32_t first, std::uint32_t stride) {
        bool optional = false;
        for (std::uint32_t i = 0; i < self.count; ++i) {
            if (!ast_.is_optional_child(self, i)) continue;
            optional = true;
            code_.optional_operands.push_back(first + i / stride);
        }
        std::sort(code_.optional_operands.begin(), code_.optional_operands.end());
        return optional;
    }

    std::uint32_t message(const Node& self) {
        MessageCode out;
        out.name = self.text.substr(self.text.starts_with('.') ? 1 : 0);
        out.type = find_message(out.name);
        std::vector<std::uint32_t> operands;
        for (std::uint32_t i = 0; i < self.count; i += 2) {
            const auto field = node(ast_.child(self, i)).constant.text();
            out.fields.push_back({field, out.type == nullptr ? nullptr : out.type->field(field)});
            operands.push_back(visit(ast_.child(self, i + 1)));
        }
        const auto first = append(operands);
        out.has_optional = mark_optional(self, first, 2);
        code_.messages.push_back(std::move(out));
        return push(Op::kMessage, static_cast<std::uint32_t>(code_.messages.size() - 1), first,
                    static_cast<std::uint32_t>(operands.size()));
    }

    /// A literal of literals is a constant.
    std::uint32_t fold_aggregate(Op op, const Node& self,
                                 const std::vector<std::uint32_t>& operands) {
        for (std::uint32_t i = 0; i < self.count; ++i)
            if (!is_constant(operands[i]) || ast_.is_optional_child(self, i)) return kNoNode;
        const Call memory{{}, code_.arena};
        std::vector<Value> values;
        values.reserve(operands.size());
        for (const auto operand : operands)
            values.push_back(constant_of(operand));
        if (op == Op::kList) return push(Op::kConstant, constant(memory.list(values)));
        std::vector<MapEntry> entries;
        for (std::size_t i = 0; i < values.size(); i += 2) {
            const auto same = std::find_if(entries.begin(), entries.end(), [&](const auto& entry) {
                return same_key(entry.key, values[i]);
            });
            if (values[i].is(Kind::kBytes)) return kNoNode;
            if (same == entries.end())
                entries.push_back({values[i], values[i + 1]});
            else
                same->value = values[i + 1];
        }
        auto* kept =
            static_cast<MapEntry*>(code_.arena.allocate(entries.size() * sizeof(MapEntry)));
        if (kept == nullptr) return kNoNode;
        std::copy(entries.begin(), entries.end(), kept);
        return push(Op::kConstant, constant(make_map({kept, entries.size()}, code_.arena)));
    }

    std::uint32_t new_slot() {
        top_slot_ = std::max(top_slot_, next_slot_ + 1);
        code_.slots = std::max(code_.slots, top_slot_);
        return next_slot_++;
    }

    std::uint32_t fold(const Fold& fold) {
        const auto number = static_cast<std::uint32_t>(code_.folds.size());
        code_.folds.emplace_back();
        const auto scope = scope_.size();
        const auto slot = next_slot_;
        const auto out = ast_.is_binding(fold) ? binding(fold, number) : loop(fold);
        scope_.resize(scope);
        next_slot_ = slot;
        code_.folds[number] = out;
        return push(Op::kFold, number);
    }

    FoldCode binding(const Fold& fold, std::uint32_t number) {
        FoldCode out;
        out.is_binding = true;
        out.holds_target = fold.accumulator == kOptionalTarget;
        // optMap() calls value() on its target.
        const auto& init = node(fold.init);
        if (init.kind == NodeKind::kCall && init.count == 1)
            if (const auto& target = node(ast_.child(init, 0)); target.text == kOptionalTarget)
                out.charges_again = find(kOptionalTarget)->fold;
        const auto top = std::exchange(top_slot_, next_slot_);
        out.init = visit(fold.init);
        // It is evaluated in the midst of the result, whose slots must be others.
        next_slot_ = top_slot_;
        top_slot_ = std::max(top_slot_, top);
        out.accumulator = new_slot();
        scope_.push_back({fold.accumulator, Place::kBinding, out.accumulator, number});
        out.result = visit(fold.result);
        return out;
    }

    FoldCode loop(const Fold& fold) {
        FoldCode out;
        out.range = visit(fold.range);
        const bool collects = fold.accumulator == kAccumulator && is_empty_aggregate(fold.init);
        out.init = collects ? push(Op::kGrowing, node(fold.init).kind == NodeKind::kMap ? 1 : 0)
                            : visit(fold.init);
        out.accumulator = declare(fold.accumulator);
        const auto outer = scope_.size();
        // Of one name the accumulator is found when it is evaluated, the variable when it is
        // checked: so the reference implementation has it.
        out.variable = fold.variable == fold.accumulator ? new_slot() : declare(fold.variable);
        out.two_variables = !fold.variable2.empty();
        if (out.two_variables) out.variable2 = declare(fold.variable2);
        const auto& condition = node(fold.condition);
        out.condition_always_true =
            condition.kind == NodeKind::kConstant && condition.constant.is_true();
        out.condition = visit(fold.condition);
        out.step = collects ? collecting_step(fold.step, out.accumulator) : visit(fold.step);
        scope_.resize(outer);
        out.result = visit(fold.result);
        return out;
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
            return push(Op::kConditional, condition, step, push(Op::kLocal, accumulator, 0));
        }
        if (self.text == ops::kAdd) {
            const auto& list = node(ast_.child(self, 1));
            const auto element = visit(ast_.child(list, 0));
            return push(Op::kAppend, accumulator, element, is_constant(element) ? 1 : 0);
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
    std::uint32_t top_slot_ = 0;  ///< above all that were used since it was set
    bool has_device_ = false;
    bool free_base_ = false;
    std::string issue_;  ///< a conversion of a literal that cannot be
};

}  // namespace

std::string emit(Ast& ast, const CheckedAst& checked, const Environment& environment, Code& code) {
    return Emitter(ast, checked, environment, code).run();
}

}  // namespace knd::cel
