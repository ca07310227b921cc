// SPDX-License-Identifier: Apache-2.0
//
// Macros become folds and calls; `accu` is the fold's accumulator:
//   all:     accu = true,  while not_strictly_false(accu),  accu && p
//   exists:  accu = false, while not_strictly_false(!accu), accu || p
//   map:     accu = [],    accu + [f], or p ? accu + [f] : accu
// all() and exists() thereby absorb errors as && and || do.
#include "host/cel/parser.hpp"

namespace knd::cel {
namespace {

using Arguments = std::span<const NodeIndex>;

/// One expansion; the steps return nothing when an argument is unusable (issue recorded).
class Expander {
  public:
    Expander(AstBuilder& builder, const ParserOptions& options, std::uint32_t offset,
             NodeIndex target, Arguments arguments)
        : b_(builder), options_(options), offset_(offset), target_(target), args_(arguments) {}

    std::optional<NodeIndex> expand(std::string_view name) {
        if (target_ == kNoNode)
            return name == "has" && args_.size() == 1 ? std::optional(has()) : std::nullopt;
        if (const auto one = one_variable(name)) return one;
        if (options_.two_variable_macros)
            if (const auto two = two_variables(name)) return two;
        if (name == "bind" && args_.size() == 3 && is_ident(target_, "cel")) return bind();
        if (options_.optional_syntax && args_.size() == 2) {
            if (name == "optMap") return optional_map(true);
            if (name == "optFlatMap") return optional_map(false);
        }
        if (options_.sort_by && name == "sortBy" && args_.size() == 2) return sort_by();
        return std::nullopt;
    }

  private:
    enum class Quantifier { kAll, kExists, kExistsOne };

    std::optional<NodeIndex> one_variable(std::string_view name) {
        if (args_.size() == 2) {
            if (name == "all") return quantifier(Quantifier::kAll, 1);
            if (name == "exists") return quantifier(Quantifier::kExists, 1);
            if (name == "exists_one") return quantifier(Quantifier::kExistsOne, 1);
            if (name == "map") return collect(1, kNoNode, args_[1]);
            if (name == "filter") return collect(1, args_[1], args_[0]);
        }
        if (name == "map" && args_.size() == 3) return collect(1, args_[1], args_[2]);
        return std::nullopt;
    }

    std::optional<NodeIndex> two_variables(std::string_view name) {
        if (args_.size() == 3) {
            if (name == "all") return quantifier(Quantifier::kAll, 2);
            if (name == "exists") return quantifier(Quantifier::kExists, 2);
            // With one variable it has the old name alone.
            if (name == "existsOne" || name == "exists_one")
                return quantifier(Quantifier::kExistsOne, 2);
        }
        const bool filtered = args_.size() == 4;
        if (!filtered && args_.size() != 3) return std::nullopt;
        const auto condition = filtered ? args_[2] : kNoNode;
        if (name == "transformList") return collect(2, condition, args_.back());
        if (name == "transformMap") return transform_map(condition, true);
        if (name == "transformMapEntry") return transform_map(condition, false);
        return std::nullopt;
    }

    bool is_ident(NodeIndex index, std::string_view name) const {
        const auto& node = b_.node(index);
        return node.kind == NodeKind::kIdent && node.text == name;
    }

    NodeIndex has() {
        const auto operand = b_.node(args_[0]);
        if (operand.kind != NodeKind::kSelect)
            return b_.fail(operand.offset, "invalid argument to has() macro");
        return b_.select(offset_, b_.ast().child(operand, 0), operand.text, true);
    }

    /// Takes `count` iteration variables off the front of the arguments. `refused`: what a first
    /// one that is no name is called.
    std::optional<Fold> start(std::size_t count,
                              std::string_view refused = "argument must be a simple name") {
        Fold fold;
        fold.range = target_;
        fold.accumulator = kAccumulator;
        for (std::size_t i = 0; i < count; ++i) {
            const auto& node = b_.node(args_[i]);
            if (node.kind != NodeKind::kIdent) {
                b_.fail(node.offset, std::string(refused));
                return std::nullopt;
            }
            const bool shadows = node.text == kAccumulator || node.text == kOldAccumulator;
            if (shadows && options_.shadowed_accumulator && count == 1) {
                fold.accumulator = accumulator_ = kOldAccumulator;
            } else if (shadows) {
                b_.fail(node.offset, "iteration variable overwrites accumulator variable");
                return std::nullopt;
            }
            (i == 0 ? fold.variable : fold.variable2) = node.text;
        }
        if (count == 2 && fold.variable == fold.variable2) {
            b_.fail(b_.node(args_[1]).offset,
                    "duplicate variable name: " + std::string(fold.variable));
            return std::nullopt;
        }
        return fold;
    }

    NodeIndex accu() { return b_.ident(offset_, accumulator_); }
    NodeIndex boolean(bool value) { return b_.constant(offset_, Value::boolean(value)); }
    NodeIndex integer(int value) { return b_.constant(offset_, Value::integer(value)); }
    NodeIndex broken() { return boolean(false); }

    NodeIndex quantifier(Quantifier kind, std::size_t variables) {
        auto fold = start(variables);
        if (!fold) return broken();
        const auto predicate = args_[variables];
        if (kind == Quantifier::kExistsOne) {
            fold->init = integer(0);
            fold->condition = boolean(true);
            const auto more = b_.call(offset_, ops::kAdd, {accu(), integer(1)});
            fold->step = b_.call(offset_, ops::kConditional, {predicate, more, accu()});
            fold->result = b_.call(offset_, ops::kEquals, {accu(), integer(1)});
            return b_.fold(offset_, *fold);
        }
        const bool all = kind == Quantifier::kAll;
        fold->init = boolean(all);
        const auto state = all ? accu() : b_.call(offset_, ops::kNot, {accu()});
        fold->condition = b_.call(offset_, ops::kNotStrictlyFalse, {state});
        fold->step = b_.call(offset_, all ? ops::kAnd : ops::kOr, {accu(), predicate});
        fold->result = accu();
        return b_.fold(offset_, *fold);
    }

    NodeIndex collect(std::size_t variables, NodeIndex condition, NodeIndex element) {
        auto fold = variables == 1 ? start(1, "argument is not an identifier") : start(variables);
        if (!fold) return broken();
        fold->init = b_.aggregate(NodeKind::kList, offset_, {});
        fold->condition = boolean(true);
        const auto one = b_.aggregate(NodeKind::kList, offset_, Arguments(&element, 1));
        fold->step = filtered(condition, b_.call(offset_, ops::kAdd, {accu(), one}));
        fold->result = accu();
        return b_.fold(offset_, *fold);
    }

    NodeIndex filtered(NodeIndex condition, NodeIndex step) {
        if (condition == kNoNode) return step;
        return b_.call(offset_, ops::kConditional, {condition, step, accu()});
    }

    /// With `keep_key` the value is new and the key stays; else the argument is a map to merge.
    NodeIndex transform_map(NodeIndex condition, bool keep_key) {
        auto fold = start(2);
        if (!fold) return broken();
        fold->init = b_.aggregate(NodeKind::kMap, offset_, {});
        fold->condition = boolean(true);
        const auto step = keep_key
                              ? b_.call(offset_, ops::kMapInsert,
                                        {accu(), b_.ident(offset_, fold->variable), args_.back()})
                              : b_.call(offset_, ops::kMapInsert, {accu(), args_.back()});
        fold->step = filtered(condition, step);
        fold->result = accu();
        return b_.fold(offset_, *fold);
    }

    /// A fold over nothing whose accumulator is the variable.
    NodeIndex let(std::string_view variable, NodeIndex value, NodeIndex body) {
        Fold fold;
        fold.range = b_.aggregate(NodeKind::kList, offset_, {});
        fold.variable = "#unused";
        fold.accumulator = variable;
        fold.init = value;
        fold.condition = boolean(false);
        fold.step = b_.ident(offset_, variable);
        fold.result = body;
        return b_.fold(offset_, fold);
    }

    NodeIndex bind() {
        const auto name = b_.node(args_[0]);  // a copy: the nodes move when one is added
        if (name.kind != NodeKind::kIdent)
            return b_.fail(name.offset, "cel.bind() variable names must be simple identifiers");
        return let(name.text, args_[1], args_[2]);
    }

    /// The target is evaluated once and held in a variable of its own.
    NodeIndex optional_map(bool wrap) {
        const auto name = b_.node(args_[0]);  // a copy: the nodes move when one is added
        if (name.kind != NodeKind::kIdent)
            return b_.fail(name.offset, std::string(wrap ? "optMap()" : "optFlatMap()") +
                                            " variable name must be a simple identifier");
        const auto call_on_target = [&](std::string_view function) {
            const auto target = b_.ident(offset_, kOptionalTarget);
            return b_.call(offset_, function, Arguments(&target, 1), true);
        };
        auto mapped = let(name.text, call_on_target("value"), args_[1]);
        if (wrap) mapped = b_.call(offset_, "optional.of", {mapped});
        const auto none = b_.call(offset_, "optional.none", {});
        const auto choice =
            b_.call(offset_, ops::kConditional, {call_on_target("hasValue"), mapped, none});
        return let(kOptionalTarget, target_, choice);
    }

    /// list.sortBy(x, key): the list is held once, sorted by the list of its keys.
    NodeIndex sort_by() {
        const auto kind = b_.node(target_).kind;
        if (kind == NodeKind::kConstant || kind == NodeKind::kMap || kind == NodeKind::kMessage)
            return b_.fail(b_.node(target_).offset,
                           "sortBy can only be applied to a list, identifier, comprehension, call "
                           "or select expression");
        const auto name = b_.node(args_[0]);  // a copy: the nodes move when one is added
        if (name.kind != NodeKind::kIdent)
            return b_.fail(name.offset, "argument is not an identifier");
        constexpr std::string_view kInput = "@__sortBy_input__";
        const auto original = target_;
        target_ = b_.ident(offset_, kInput);
        const auto keys = collect(1, kNoNode, args_[1]);
        const NodeIndex sorted[] = {b_.ident(offset_, kInput), keys};
        return let(kInput, original, b_.call(offset_, ops::kSortByKeys, sorted, true));
    }

    AstBuilder& b_;
    const ParserOptions& options_;
    std::uint32_t offset_;
    NodeIndex target_;
    Arguments args_;
    std::string_view accumulator_ = kAccumulator;
};

}  // namespace

std::optional<NodeIndex> expand_macro(AstBuilder& builder, const ParserOptions& options,
                                      std::uint32_t offset, std::string_view name, NodeIndex target,
                                      std::span<const NodeIndex> arguments) {
    return Expander(builder, options, offset, target, arguments).expand(name);
}

}  // namespace knd::cel
