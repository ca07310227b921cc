// SPDX-License-Identifier: Apache-2.0
#include "host/cel/estimate_call.hpp"

#include <algorithm>
#include <string_view>

#include "host/cel/ast.hpp"

namespace knd::cel {
namespace {

constexpr double kTraversal = 0.1;  ///< of each character
constexpr double kPattern = 0.25;   ///< of each character of a regular expression
constexpr std::uint64_t kNewList = 11;
constexpr std::uint64_t kMaxFormatName = 64;
constexpr std::uint64_t kMaxFormatPattern = 128;

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

CallEstimate just(std::uint64_t cost) {
    return {CostRange::exactly(cost), std::nullopt};
}
CallEstimate traversal(const SizedOperand& operand, double factor = kTraversal) {
    return {operand.size_or_unknown().scaled(factor), std::nullopt};
}
CallEstimate copying_traversal(const SizedOperand& operand, double factor = kTraversal) {
    return {operand.size_or_unknown().scaled(factor), operand.size_or_unknown()};
}

CostRange regex_cost(const SizedOperand& text, const SizedOperand& pattern) {
    return (text.size_or_unknown() + CostRange::exactly(1)).scaled(kTraversal) *
           pattern.size_or_unknown().scaled(kPattern);
}

/// A non-negative literal, or what is assumed of anything else.
std::uint64_t literal_or(const SizedOperand& operand, std::uint64_t otherwise) {
    if (operand.literal == nullptr || !operand.literal->is(Kind::kInt)) return otherwise;
    return static_cast<std::uint64_t>(std::max<std::int64_t>(operand.literal->as_int(), 0));
}

CallEstimate new_list(double factor, CostRange size) {
    return {size.scaled(factor) + CostRange::exactly(kNewList), size};
}

using Estimate = std::optional<CallEstimate>;

/// The lists and sets extensions.
Estimate estimate_lists(const CallToEstimate& call) {
    const auto name = call.overload->function;
    const auto size = [&](std::size_t i) { return call.arguments[i].size_or_unknown(); };
    if (name.starts_with("sets.")) {
        const auto product = size(0) * size(1);
        return CallEstimate{
            product.scaled(name == "sets.equivalent" ? 2 : 1) + CostRange::exactly(1),
            std::nullopt};
    }
    if (name == "lists.range")
        return new_list(1,
                        CostRange::exactly(literal_or(call.arguments[0], CostRange::kUnbounded)));
    if (!call.target) return std::nullopt;
    const auto target = call.target->size_or_unknown();
    if (name == "slice")
        return new_list(1, CostRange::exactly(literal_or(call.arguments[1], target.max) -
                                              literal_or(call.arguments[0], 0)));
    if (name == "flatten") {
        const auto depth =
            call.arguments.empty() ? 1 : literal_or(call.arguments[0], CostRange::kUnbounded);
        return new_list(static_cast<double>(depth), target);
    }
    if (name == "reverse") return new_list(1, target);
    if (name == "distinct") return new_list(2, target * target);
    if (name != "sort" && name != ops::kSortByKeys) return std::nullopt;
    const auto keys = name == "sort" ? target : size(0);
    // "list(string).() ..." and "list(A).(list(string)) ..."
    const auto signature = call.overload->signature;
    const bool texts =
        signature.find("(string)") != signature.npos || signature.find("(bytes)") != signature.npos;
    return new_list(texts ? 2 + kTraversal : 2, keys * keys);
}

/// isSorted(), sum(), max(), min(), indexOf(), lastIndexOf(), of lists and of texts.
Estimate estimate_scan(const CallToEstimate& call) {
    if (!call.target) return std::nullopt;
    const auto size = call.target->size_or_unknown();
    const auto& type = call.types[call.target->type];
    const bool has_elements = type.kind == TypeKind::kList || type.kind == TypeKind::kMap ||
                              type.kind == TypeKind::kOptional || type.kind == TypeKind::kType;
    if (!has_elements && call.overload->function != "includes")
        return CallEstimate{size.scaled(kTraversal), std::nullopt};
    auto each = CostRange::exactly(1);
    const auto element = has_elements ? call.types[type.a].kind : TypeKind::kDyn;
    if (element == TypeKind::kString || element == TypeKind::kBytes)
        each = each + CostRange::unknown().scaled(kTraversal);
    return CallEstimate{size * each, std::nullopt};
}

CallEstimate estimate_replace(const CallToEstimate& call) {
    const auto text = call.target->size_or_unknown();
    const auto pattern = call.arguments[0].size_or_unknown();
    const auto with = call.arguments[1].size_or_unknown();
    const auto times = [](std::uint64_t size, std::uint64_t step) {
        return static_cast<std::uint64_t>(
            std::ceil(static_cast<double>(size) / static_cast<double>(step)));
    };
    const auto one_more = [](std::uint64_t size) {
        return size == CostRange::kUnbounded ? size : size + 1;
    };
    CostRange count, kept;
    if (pattern.min == 0) {
        count.max = one_more(text.max);
        kept.max = text.max;
    } else if (with.max <= pattern.min) {
        kept.max = text.max;
    } else {
        count.max = text.max == CostRange::kUnbounded && pattern.min == 1
                        ? CostRange::kUnbounded
                        : times(text.max, pattern.min);
    }
    if (pattern.max == 0) {
        count.min = one_more(text.min);
        kept.min = text.min;
    } else if (pattern.max <= with.min) {
        kept.min = text.min;
    } else {
        count.min = times(text.min, pattern.max);
    }
    return {text.scaled(2 * kTraversal), count * with + kept};
}

CallEstimate estimate_join(const CallToEstimate& call) {
    const auto list = call.target->size_or_unknown();
    const auto& type = call.types[call.target->type];
    CostRange size;
    if (type.kind == TypeKind::kList) size = list * CostRange::unknown();
    if (!call.arguments.empty()) {
        const CostRange separators{list.min > 0 ? list.min - 1 : 0,
                                   list.max > 0 ? list.max - 1 : 0};
        size = size + call.arguments[0].size_or_unknown() * separators;
    }
    return {size.scaled(kTraversal), size};
}

CallEstimate estimate_split(const CallToEstimate& call) {
    const auto text = call.target->size_or_unknown();
    auto most = text.max;
    if (call.arguments.size() > 1)
        if (const auto* limit = call.arguments[1].literal;
            limit != nullptr && limit->is(Kind::kInt))
            most = static_cast<std::uint64_t>(limit->as_int());
    return {text.scaled(2 * kTraversal), CostRange{0, most}};
}

/// The functions of texts that Kubernetes prices itself.
Estimate estimate_texts(const CallToEstimate& call) {
    const auto name = call.overload->function;
    if (is_one_of(name, {"lowerAscii", "upperAscii", "substring", "trim"}) && call.target)
        return copying_traversal(*call.target);
    if (name == "replace" && call.target) return estimate_replace(call);
    if (name == "split" && call.target) return estimate_split(call);
    if (name == "join" && call.target) return estimate_join(call);
    if ((name == "find" || name == "findAll") && call.target)
        return CallEstimate{regex_cost(*call.target, call.arguments[0]),
                            CostRange{0, call.target->size_or_unknown().max}};
    if (name == "url") return copying_traversal(call.arguments[0]);
    if (is_one_of(name, {"semver", "isSemver"}) && call.overload->until == 32) return just(1);
    if (is_one_of(name, {"cidr", "isIP", "isCIDR", "quantity", "isQuantity", "semver", "isSemver"}))
        return traversal(call.arguments[0]);
    if (name == "ip") return call.arguments.empty() ? just(1) : traversal(call.arguments[0]);
    if (name == "ip.isCanonical") return traversal(call.arguments[0], 2 * kTraversal);
    if (name == "validate")
        return CallEstimate{call.arguments[0]
                                .size_or_unknown()
                                .scaled(kTraversal)
                                .scaled(kMaxFormatPattern * kPattern),
                            std::nullopt};
    return std::nullopt;
}

Estimate estimate_containment(const CallToEstimate& call) {
    const auto name = call.overload->function;
    if (name != "containsIP" && name != "containsCIDR") return std::nullopt;
    constexpr CostRange kAddress{4, 16};  // bytes
    auto cost = (kAddress + kAddress).scaled(kTraversal);
    if (name == "containsCIDR") cost = cost + kAddress.scaled(kTraversal) + CostRange::exactly(1);
    if (call.overload->signature.find(".(string)") != std::string_view::npos)
        cost = cost + call.arguments[0].size_or_unknown().scaled(kTraversal);
    return CallEstimate{cost, std::nullopt};
}

/// "==" of two values of one of Kubernetes' types.
Estimate estimate_equality(const CallToEstimate& call) {
    if (call.overload->function != ops::kEquals) return std::nullopt;
    const auto kind = call.types[call.arguments[0].type].kind;
    if (kind != call.types[call.arguments[1].type].kind) return std::nullopt;
    switch (kind) {
        case TypeKind::kIp:
        case TypeKind::kCidr:
        case TypeKind::kQuantity:
        case TypeKind::kSemver:
            return just(1);
        case TypeKind::kFormat:
            return CallEstimate{CostRange{1, kMaxFormatName}.scaled(kTraversal), std::nullopt};
        case TypeKind::kUrl: {
            const auto size = call.arguments[1].size;
            return CallEstimate{CostRange{1, size ? size->max : 1}.scaled(kTraversal),
                                std::nullopt};
        }
        default:
            return std::nullopt;
    }
}

Estimate estimate_by_kubernetes(const CallToEstimate& call) {
    const auto name = call.overload->function;
    if (name == "includes" && call.target && call.overload->until != 0)
        return CallEstimate{CostRange{0, kMaxIncludesList}, std::nullopt};
    if (is_one_of(name, {"isSorted", "sum", "max", "min", "indexOf", "lastIndexOf", "includes"}))
        return estimate_scan(call);
    if (auto out = estimate_texts(call)) return out;
    if (auto out = estimate_containment(call)) return out;
    if (is_one_of(name, {"masked",
                         "prefixLength",
                         "family",
                         "isUnspecified",
                         "isLoopback",
                         "isLinkLocalMulticast",
                         "isLinkLocalUnicast",
                         "isGlobalUnicast",
                         "format.named",
                         "sign",
                         "asInteger",
                         "isInteger",
                         "asApproximateFloat",
                         "isGreaterThan",
                         "isLessThan",
                         "compareTo",
                         "add",
                         "sub",
                         "major",
                         "minor",
                         "patch",
                         "getScheme",
                         "getHostname",
                         "getHost",
                         "getPort",
                         "getEscapedPath",
                         "getQuery"}))
        return just(1);
    return estimate_equality(call);
}

CostRange sum_of(const std::vector<CostRange>& costs) {
    CostRange out;
    for (const auto& cost : costs)
        out = out + cost;
    return out;
}

CallEstimate estimate_comparison(const CallToEstimate& call) {
    const auto most =
        std::min(call.arguments[0].size_or_unknown().max, call.arguments[1].size_or_unknown().max);
    return {CostRange{most > 0 ? 1u : 0u, most}.scaled(kTraversal), std::nullopt};
}

CallEstimate estimate_add(const CallToEstimate& call) {
    const auto size = call.arguments[0].size_or_unknown() + call.arguments[1].size_or_unknown();
    if (call.overload->signature.starts_with("(list")) return {CostRange::exactly(1), size};
    return {size.scaled(kTraversal), size};
}

/// Conversions and other functions of CEL itself that depend on a size.
Estimate estimate_functions(const CallToEstimate& call) {
    const auto name = call.overload->function;
    const auto signature = call.overload->signature;
    if (name == "format" && call.target) return traversal(*call.target);
    if (name == "matches" && call.overload->since == 37)
        return CallEstimate{regex_cost(call.arguments[0], call.arguments[1]), std::nullopt};
    if (call.arguments.size() != 1) return std::nullopt;
    const auto size = call.arguments[0].size_or_unknown();
    const auto cost = size.scaled(kTraversal);
    if (name == "bytes" && signature == "(string) bytes")
        return CallEstimate{cost, CostRange{size.min, size.max * 4}};
    if (name == "string" && signature == "(bytes) string")
        return CallEstimate{cost, CostRange{size.min / 4, size.max}};
    if (name == "strings.quote")
        return CallEstimate{cost, CostRange{size.min + 2, size.max * 2 + 2}};
    if (name == "startsWith" || name == "endsWith") return CallEstimate{cost, std::nullopt};
    if (!call.target) return std::nullopt;
    if (name == "matches")
        return CallEstimate{regex_cost(*call.target, call.arguments[0]), std::nullopt};
    if (name == "contains")
        return CallEstimate{call.target->size_or_unknown().scaled(kTraversal) * cost, std::nullopt};
    return std::nullopt;
}

Estimate estimate_operators(const CallToEstimate& call) {
    const auto name = call.overload->function;
    const auto signature = call.overload->signature;
    const bool texts = signature.starts_with("(string") || signature.starts_with("(bytes");
    if (name == ops::kEquals || name == ops::kNotEquals) return estimate_comparison(call);
    if (texts &&
        is_one_of(name, {ops::kLess, ops::kLessEquals, ops::kGreater, ops::kGreaterEquals}))
        return estimate_comparison(call);
    if (name == ops::kAdd && (texts || signature.starts_with("(list"))) return estimate_add(call);
    if (name == ops::kIn && signature == "(A, list(A)) bool")
        return CallEstimate{call.arguments[1].size_or_unknown().scaled(1), std::nullopt};
    return std::nullopt;
}

}  // namespace

CallEstimate estimate_call(const CallToEstimate& call) {
    const auto& costs = call.argument_costs;
    if (call.overload != nullptr) {
        const auto name = call.overload->function;
        for (const auto estimate :
             {estimate_lists, estimate_by_kubernetes, estimate_functions, estimate_operators})
            if (const auto out = estimate(call))
                return {out->cost + sum_of(costs), out->result_size};
        if (name == ops::kAnd || name == ops::kOr)
            return {{costs[0].min, (costs[0] + costs[1]).max}, std::nullopt};
        if (name == ops::kConditional)
            return {costs[0] + costs[1].unite(costs[2]),
                    call.arguments[1].size_or_unknown().unite(call.arguments[2].size_or_unknown())};
    }
    return {CostRange::exactly(1) + sum_of(costs), std::nullopt};
}

}  // namespace knd::cel
