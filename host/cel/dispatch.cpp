// SPDX-License-Identifier: Apache-2.0
//
// Which overload a call means at run time, and what operators cost.
#include <algorithm>

#include "host/cel/code.hpp"

namespace knd::cel {
namespace {

std::uint64_t held_extent(const Value& value) {
    return extent(held_value(value));
}

bool fits(TypeKind wanted, const Value& value) {
    switch (wanted) {
        case TypeKind::kNull:
            return value.is(Kind::kNull);
        case TypeKind::kBool:
            return value.is(Kind::kBool);
        case TypeKind::kInt:
            return value.is(Kind::kInt);
        case TypeKind::kUint:
            return value.is(Kind::kUint);
        case TypeKind::kDouble:
            return value.is(Kind::kDouble);
        case TypeKind::kString:
            return value.is(Kind::kString);
        case TypeKind::kBytes:
            return value.is(Kind::kBytes);
        case TypeKind::kDuration:
            return value.is(Kind::kDuration);
        case TypeKind::kTimestamp:
            return value.is(Kind::kTimestamp);
        case TypeKind::kQuantity:
            return value.is(Kind::kQuantity);
        case TypeKind::kSemver:
            return value.is(Kind::kSemver);
        case TypeKind::kUrl:
            return value.is(Kind::kUrl);
        case TypeKind::kIp:
            return value.is(Kind::kIp);
        case TypeKind::kCidr:
            return value.is(Kind::kCidr);
        case TypeKind::kFormat:
            return value.is(Kind::kFormat);
        case TypeKind::kDevice:
            return value.is(Kind::kDevice);
        case TypeKind::kEmpty:
        case TypeKind::kEntry:
        case TypeKind::kWrapper:
        case TypeKind::kNothing:
            return false;  // no function has a parameter of these
        case TypeKind::kType:
            return value.is(Kind::kType);
        case TypeKind::kList:
            return value.is(Kind::kList);
        case TypeKind::kMap:
            return is_map(value);
        case TypeKind::kOptional:
            return value.is(Kind::kOptional);
        case TypeKind::kError:
        case TypeKind::kDyn:
        case TypeKind::kAny:
        case TypeKind::kParam:
            return true;
    }
    return false;
}

/// Of functions that are declared once for all types and refuse values in words of their own.
std::string own_refusal(std::string_view function, std::span<const Value> arguments) {
    const auto& first = arguments.front();
    const bool receives =
        first.is(Kind::kString) || first.is(Kind::kDuration) || first.is(Kind::kTimestamp);
    const auto plain = [&](std::string_view name) {
        return "no such overload" + (receives ? std::string() : ": " + std::string(name));
    };
    if (function == "size" || function == "matches") return plain(function);
    if (function == "contains" || function == "startsWith" || function == "endsWith")
        return "no such overload";
    if (function == "sort" || function == "@sortByAssociatedKeys")
        return first.is(Kind::kList) ? "list elements must be comparable" : plain(function);
    if (function != "flatten") return {};
    return "no such overload: " + parameterized_name(first) + ".flatten(" +
           (arguments.size() == 2 ? parameterized_name(arguments[1]) : "") + ")";
}

}  // namespace

bool fits(const Candidate& candidate, std::span<const Value> arguments) {
    if (candidate.count != arguments.size()) return false;
    for (std::size_t n = 0; n < arguments.size(); ++n) {
        const auto& argument = arguments[n];
        if (!fits(candidate.kinds[n], argument)) return false;
        if (candidate.kinds[n] != TypeKind::kList || argument.as_list().size == 0) continue;
        if (!fits(candidate.elements[n], argument.as_list().items[0])) return false;
    }
    return true;
}

std::string no_such_overload(std::string_view function, std::span<const Value> arguments) {
    if (const auto own = own_refusal(function, arguments); !own.empty()) return own;
    std::string out = "no such overload: " + std::string(function) + "(";
    for (const auto& argument : arguments)
        out += (&argument == &arguments.front() ? "" : ", ") + std::string(type_name(argument));
    return out + ")";
}

std::uint64_t operator_cost(Op op, const Value& left, const Value& right, bool by_size,
                            int kubernetes_minor) {
    // To 1.32 an optional is one thing, whatever it holds.
    const auto size = kubernetes_minor < 33 ? extent : held_extent;
    switch (op) {
        case Op::kEqual:
            if (is_foreign(left.kind())) return 1;
            return tenth(std::min(size(left), size(right)));
        case Op::kNotEqual:
            return tenth(std::min(size(left), size(right)));
        case Op::kIn:
            return by_size ? extent(right) : 1;
        case Op::kAdd:
            return by_size ? tenth(size(left) + size(right)) : 1;
        default:
            return by_size ? tenth(std::min(size(left), size(right))) : 1;
    }
}

}  // namespace knd::cel
