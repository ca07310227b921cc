// SPDX-License-Identifier: Apache-2.0
#include "host/cel/estimate.hpp"

#include <unordered_map>

#include "host/cel/estimate_call.hpp"
#include "host/cel/parser.hpp"

namespace knd::cel {
namespace {

/// Sizes of a container's keys and values, where they are known.
struct EntrySize {
    bool is_list = false;
    CostRange key, value;
};

/// Where in the declaration of `device` a value comes from.
enum class Origin {
    kNone,
    kDevice,
    kDriver,
    kMultiple,  ///< allowMultipleAllocations
    kAttributes,
    kAttributeDomain,
    kAttribute,
    kCapacities,
    kCapacityDomain,
    kCapacity,
    kDomainName,
    kName,
};

std::optional<CostRange> size_at(Origin origin) {
    const auto up_to = [](std::uint64_t most) { return CostRange{0, most}; };
    switch (origin) {
        case Origin::kNone:
            return std::nullopt;
        case Origin::kDriver:
        case Origin::kDomainName:
            return up_to(63);
        case Origin::kMultiple:
            return up_to(1);
        case Origin::kAttribute:
            return up_to(64);
        case Origin::kAttributes:
        case Origin::kAttributeDomain:
        case Origin::kCapacities:
        case Origin::kCapacityDomain:
        case Origin::kName:
            return up_to(32);
        case Origin::kDevice:
        case Origin::kCapacity:
            return up_to(0);
    }
    return std::nullopt;
}

Origin value_of(Origin origin) {
    switch (origin) {
        case Origin::kAttributes:
            return Origin::kAttributeDomain;
        case Origin::kAttributeDomain:
            return Origin::kAttribute;
        case Origin::kCapacities:
            return Origin::kCapacityDomain;
        case Origin::kCapacityDomain:
            return Origin::kCapacity;
        default:
            return Origin::kNone;
    }
}

Origin key_of(Origin origin) {
    switch (origin) {
        case Origin::kAttributes:
        case Origin::kCapacities:
            return Origin::kDomainName;
        case Origin::kAttributeDomain:
        case Origin::kCapacityDomain:
            return Origin::kName;
        default:
            return Origin::kNone;
    }
}

/// A field by name. Of the maps, only that of a domain's attributes knows its fields' sizes: so
/// Kubernetes has it.
Origin field_of(Origin origin, std::string_view name) {
    if (origin == Origin::kAttributeDomain) return Origin::kAttribute;
    if (origin != Origin::kDevice) return Origin::kNone;
    if (name == "driver") return Origin::kDriver;
    if (name == "attributes") return Origin::kAttributes;
    if (name == "capacity") return Origin::kCapacities;
    return name == "allowMultipleAllocations" ? Origin::kMultiple : Origin::kNone;
}

class Estimator {
  public:
    Estimator(const Ast& ast, const CheckedAst& checked, const Environment& environment)
        : ast_(ast),
          checked_(checked),
          has_device_(environment.device),
          follows_names_(environment.kubernetes_minor >= 33) {}

    CostRange run() { return cost(ast_.root); }

  private:
    /// A name of a fold, innermost last.
    struct Local {
        std::string_view name;
        Origin origin = Origin::kNone;
        std::optional<CostRange> size;
        std::optional<EntrySize> entries;
    };
    /// What is being called by optMap(), and its cost, which counts wherever it is named.
    struct Target {
        NodeIndex node = kNoNode;
        CostRange cost;
    };

    /// Facts about a node that are found on the way up.
    struct Known {
        std::optional<CostRange> size;
        std::optional<EntrySize> entries;
        Origin origin = Origin::kNone;
    };

    const Node& node(NodeIndex index) const { return ast_.nodes[index]; }
    TypeKind kind_of(NodeIndex index) const { return checked_.types[node(index).type].kind; }
    Known& known(NodeIndex index) { return known_[index]; }

    const Local* find(std::string_view name) const {
        for (auto i = locals_.rbegin(); i != locals_.rend(); ++i)
            if (i->name == name) return &*i;
        return nullptr;
    }

    /// The node that a name made by a macro stands for.
    NodeIndex resolve(NodeIndex index) const {
        const auto& self = node(index);
        const bool named = self.kind == NodeKind::kIdent && self.text == kOptionalTarget;
        return named ? targets_.back().node : index;
    }

    CostRange cost(NodeIndex index) {
        const auto& self = node(index);
        switch (self.kind) {
            case NodeKind::kConstant:
                return {};
            case NodeKind::kMessage:
                return message(index);
            case NodeKind::kIdent:
                return ident(index);
            case NodeKind::kSelect:
                return select(index);
            case NodeKind::kCall:
                return call(index);
            case NodeKind::kList:
                return list(index);
            case NodeKind::kMap:
                return map(index);
            case NodeKind::kFold:
                return fold(index);
        }
        return {};
    }

    CostRange ident(NodeIndex index) {
        const auto& name = node(index).text;
        if (name == kOptionalTarget) return targets_.back().cost;
        if (const auto* local = find(name))
            known(index).origin = local->origin;
        else if (has_device_ && name == "device")
            known(index).origin = Origin::kDevice;
        return CostRange::exactly(1);
    }

    CostRange select(NodeIndex index) {
        const auto operand = ast_.child(node(index), 0);
        auto sum = cost(operand);
        if (node(index).test_only) return sum;
        switch (kind_of(resolve(operand))) {
            case TypeKind::kMap:
            case TypeKind::kDevice:
            case TypeKind::kEmpty:
            case TypeKind::kEntry:
            case TypeKind::kParam:
                sum = sum + CostRange::exactly(1);
                break;
            default:
                break;
        }
        known(index).origin = field_of(origin(operand), node(index).text);
        return sum;
    }

    Origin origin(NodeIndex index) {
        index = resolve(index);
        const auto found = known_.find(index);
        return found == known_.end() ? Origin::kNone : found->second.origin;
    }

    std::optional<CostRange> size(NodeIndex index) {
        index = resolve(index);
        const auto& self = node(index);
        if (known(index).size) return known(index).size;
        if (self.kind == NodeKind::kConstant) {
            const auto& value = self.constant;
            return CostRange::exactly(value.is(Kind::kNull) ? 1 : extent(value));
        }
        if (self.kind == NodeKind::kList) return CostRange::exactly(self.count);
        if (self.kind == NodeKind::kMap) return CostRange::exactly(self.count / 2);
        if (const auto declared = size_at(origin(index))) return known(index).size = declared;
        if (is_scalar(self.type)) return CostRange::exactly(1);
        if (!follows_names_) return std::nullopt;
        const auto* local = self.kind == NodeKind::kIdent ? find(self.text) : nullptr;
        return local == nullptr ? std::nullopt : local->size;
    }
    CostRange size_or_unknown(NodeIndex index) {
        return size(index).value_or(CostRange::unknown());
    }

    bool is_scalar(TypeIndex type) const {
        switch (checked_.types[checked_.types.bare(type)].kind) {
            case TypeKind::kBool:
            case TypeKind::kInt:
            case TypeKind::kUint:
            case TypeKind::kDouble:
            case TypeKind::kDuration:
            case TypeKind::kTimestamp:
                return true;
            case TypeKind::kOptional:
                return follows_names_ && is_scalar(checked_.types[type].a);
            default:
                return false;
        }
    }

    std::optional<EntrySize> entries(NodeIndex index) {
        if (!follows_names_) return std::nullopt;
        index = resolve(index);
        if (const auto& found = known(index).entries) return found;
        const auto* local = node(index).kind == NodeKind::kIdent ? find(node(index).text) : nullptr;
        return local == nullptr ? std::nullopt : local->entries;
    }

    static std::optional<EntrySize> unite(const std::optional<EntrySize>& a,
                                          const std::optional<EntrySize>& b) {
        if (!a || !b) return std::nullopt;
        return EntrySize{a->is_list, a->key.unite(b->key), a->value.unite(b->value)};
    }

    CostRange call(NodeIndex index) {
        const auto& self = node(index);
        if (self.text == "dyn" && follows_names_) {
            const auto argument = ast_.child(self, self.count - 1);
            const auto out = CostRange::exactly(1) + cost(argument);
            known(index).size = size(argument);
            known(index).entries = entries(argument);
            return out;
        }
        CallToEstimate call{checked_.types, {}, {}, {}, {}};
        CostRange target_cost;
        const bool qualified = self.function != 0 && checked_.calls[self.function - 1].qualified;
        for (std::uint32_t i = qualified ? 1 : 0; i < self.count; ++i) {
            const auto child = ast_.child(self, i);
            const auto price = cost(child);
            if (self.member && !qualified && i == 0) {
                target_cost = price;
                call.target = operand(child);
            } else {
                call.argument_costs.push_back(price);
                call.arguments.push_back(operand(child));
            }
        }
        return target_cost + overloads(index, call);
    }

    SizedOperand operand(NodeIndex index) {
        const auto& self = node(resolve(index));
        const auto* literal = self.kind == NodeKind::kConstant ? &self.constant : nullptr;
        return {checked_.types.bare(self.type), size(index), literal};
    }

    /// From the cheapest to the dearest overload that may be meant.
    CostRange overloads(NodeIndex index, CallToEstimate& call) {
        const auto& self = node(index);
        if (self.function == 0) return estimate_call(call).cost;  // a.?b
        CostRange out{CostRange::kUnbounded, 0};
        std::optional<CostRange> result;
        for (const auto* overload : checked_.calls[self.function - 1].overloads) {
            call.overload = overload;
            const auto estimate = estimate_call(call);
            out = out.unite(estimate.cost);
            if (estimate.result_size)
                result = result ? result->unite(*estimate.result_size) : *estimate.result_size;
            contents(index, *overload, result);
            if (!result && follows_names_) result = size(index);
        }
        if (result) known(index).size = result;
        return out;
    }

    /// What some operators' results consist of, and where they come from.
    void contents(NodeIndex index, const Overload& overload, std::optional<CostRange>& result) {
        const auto& self = node(index);
        const auto signature = overload.signature;
        if (overload.function == ops::kIndex &&
            (signature.starts_with("(list") || signature.starts_with("(map"))) {
            const auto container = ast_.child(self, 0);
            const auto held = entries(container);
            if (follows_names_) result = held ? std::optional(held->value) : std::nullopt;
            known(index).origin = value_of(origin(container));
        } else if (overload.function == ops::kConditional) {
            known(index).entries =
                unite(entries(ast_.child(self, 1)), entries(ast_.child(self, 2)));
        } else if (overload.function == ops::kAdd && self.count == 2) {
            const bool sized = signature.starts_with("(list") || signature.starts_with("(string") ||
                               signature.starts_with("(bytes");
            const auto both = unite(entries(ast_.child(self, 0)), entries(ast_.child(self, 1)));
            if (sized && both) known(index).entries = both;
        }
    }

    CostRange list(NodeIndex index) {
        const auto& self = node(index);
        auto sum = CostRange::exactly(kListCost);
        CostRange item{self.count == 0 ? 0 : CostRange::kUnbounded, 0};
        for (std::uint32_t i = 0; i < self.count; ++i) {
            sum = sum + cost(ast_.child(self, i));
            item = item.unite(size_or_unknown(ast_.child(self, i)));
        }
        known(index).entries = EntrySize{true, CostRange::exactly(1), item};
        return sum;
    }

    CostRange map(NodeIndex index) {
        const auto& self = node(index);
        auto sum = CostRange::exactly(kMapCost);
        CostRange sizes[2] = {{self.count == 0 ? 0 : CostRange::kUnbounded, 0},
                              {self.count == 0 ? 0 : CostRange::kUnbounded, 0}};
        for (std::uint32_t i = 0; i < self.count; ++i) {
            sum = sum + cost(ast_.child(self, i));
            sizes[i % 2] = sizes[i % 2].unite(size_or_unknown(ast_.child(self, i)));
        }
        known(index).entries = EntrySize{false, sizes[0], sizes[1]};
        return sum;
    }

    CostRange message(NodeIndex index) {
        const auto& self = node(index);
        auto sum = CostRange::exactly(kMessageCost);
        for (std::uint32_t i = 1; i < self.count; i += 2)
            sum = sum + cost(ast_.child(self, i));
        return sum;
    }

    CostRange fold(NodeIndex index) {
        const auto& fold = ast_.folds[node(index).first];
        const bool is_bind = follows_names_ || fold.accumulator == kOptionalTarget;
        if (!ast_.is_binding(fold) || !is_bind) return loop(index, fold);
        if (fold.accumulator == kOptionalTarget) {
            const auto price = cost(fold.init);
            targets_.push_back({resolve(fold.init), price});
            const auto out = cost(fold.result);
            targets_.pop_back();
            known(index).size = size(fold.result);
            known(index).entries = entries(fold.result);
            return out;
        }
        auto sum = cost(fold.range) + cost(fold.init);
        locals_.push_back(
            {fold.accumulator, origin(fold.init), size(fold.init), entries(fold.init)});
        sum = sum + cost(fold.result);
        locals_.pop_back();
        known(index).size = size(fold.result);
        known(index).entries = entries(fold.result);
        return sum;
    }

    CostRange loop(NodeIndex index, const Fold& fold) {
        auto sum = cost(fold.range) + cost(fold.init);
        const auto accumulated = follows_names_ ? origin(fold.init) : Origin::kNone;
        locals_.push_back({fold.accumulator, accumulated, size(fold.init), entries(fold.init)});
        push_variables(fold);
        const auto round = cost(fold.condition) + cost(fold.step);
        locals_.resize(locals_.size() - (fold.variable2.empty() ? 1 : 2));
        sum = sum + cost(fold.result);
        const auto step_entries = entries(fold.step);
        locals_.pop_back();
        const auto rounds = size_or_unknown(fold.range);
        if (!follows_names_) {
            known(index).size = rounds;
            return sum + rounds * round;
        }
        switch (node(fold.init).kind) {
            case NodeKind::kConstant:
                known(index).size = size(fold.init);
                break;
            case NodeKind::kList:
            case NodeKind::kMap:
                known(index).size = rounds;
                if (step_entries) known(index).entries = step_entries;
                break;
            default:
                break;
        }
        return sum + rounds * round;
    }

    void push_variables(const Fold& fold) {
        const auto held = entries(fold.range);
        const auto from = origin(fold.range);
        const bool is_list = held ? held->is_list : kind_of(resolve(fold.range)) == TypeKind::kList;
        const auto key = held ? std::optional(held->key) : std::nullopt;
        const auto value = held ? std::optional(held->value) : std::nullopt;
        const auto keys_of = is_list ? Origin::kNone : key_of(from);
        if (!follows_names_) {
            locals_.push_back({fold.variable, is_list ? value_of(from) : keys_of, {}, {}});
            if (!fold.variable2.empty()) locals_.push_back({fold.variable2, Origin::kNone, {}, {}});
        } else if (!fold.variable2.empty()) {
            // Kubernetes takes the keys of a domain for its values here, and hence for shorter.
            const bool mistaken =
                from == Origin::kAttributeDomain || from == Origin::kCapacityDomain;
            locals_.push_back({fold.variable, mistaken ? value_of(from) : keys_of, key, {}});
            locals_.push_back({fold.variable2, value_of(from), value, {}});
        } else if (is_list) {
            locals_.push_back({fold.variable, value_of(from), value, {}});
        } else {
            locals_.push_back({fold.variable, keys_of, key, {}});
        }
    }

    const Ast& ast_;
    const CheckedAst& checked_;
    bool has_device_;
    /// Since 1.33 what is known of a value is known of the names that macros give it.
    bool follows_names_;
    std::unordered_map<NodeIndex, Known> known_;
    std::vector<Local> locals_;
    std::vector<Target> targets_;
};

}  // namespace

std::uint64_t estimate_cost(const Ast& ast, const CheckedAst& checked,
                            const Environment& environment) {
    return Estimator(ast, checked, environment).run().max;
}

}  // namespace knd::cel
