// SPDX-License-Identifier: Apache-2.0
#include "host/cel/unify.hpp"

namespace knd::cel {
namespace {

bool is_wildcard(TypeKind kind) {
    return kind == TypeKind::kDyn || kind == TypeKind::kAny || kind == TypeKind::kError;
}

bool has_parameters(TypeKind kind) {
    return kind == TypeKind::kList || kind == TypeKind::kMap || kind == TypeKind::kOptional;
}

/// What null may be assigned to: messages, opaque types, times, null itself.
bool is_nullable(TypeKind kind) {
    switch (kind) {
        case TypeKind::kNull:
        case TypeKind::kDuration:
        case TypeKind::kTimestamp:
        case TypeKind::kQuantity:
        case TypeKind::kSemver:
        case TypeKind::kUrl:
        case TypeKind::kIp:
        case TypeKind::kCidr:
        case TypeKind::kFormat:
        case TypeKind::kDevice:
        case TypeKind::kEmpty:
        case TypeKind::kEntry:
        case TypeKind::kOptional:
        case TypeKind::kWrapper:
            return true;
        default:
            return false;
    }
}

}  // namespace

TypeIndex Unifier::fresh() {
    return types_.param(next_++);
}

TypeIndex Unifier::binding(TypeIndex variable) const {
    const auto number = types_[variable].a;
    return number < bindings_.size() ? bindings_[number] : kUnbound;
}

void Unifier::bind(TypeIndex variable, TypeIndex type) {
    const auto number = types_[variable].a;
    if (number >= bindings_.size()) bindings_.resize(number + 1, kUnbound);
    bindings_[number] = type;
}

bool Unifier::assignable(TypeIndex from, TypeIndex to) {
    return assignable(std::span(&from, 1), std::span(&to, 1));
}

bool Unifier::assignable(std::span<const TypeIndex> from, std::span<const TypeIndex> to) {
    if (from.size() != to.size()) return false;
    const auto before = bindings_;
    for (std::size_t i = 0; i < from.size(); ++i) {
        if (unify(from[i], to[i])) continue;
        bindings_ = before;
        return false;
    }
    return true;
}

bool Unifier::unify(TypeIndex from, TypeIndex to) {
    const auto kind = types_[from].kind;
    const auto wanted = types_[to].kind;
    if (wanted == TypeKind::kParam) {
        bool bound = false;
        if (unify_variable(from, to, bound)) return true;
        if (bound) return false;
    }
    if (kind == TypeKind::kParam) {
        bool bound = false;
        return unify_variable(to, from, bound);
    }
    if (is_wildcard(kind) || is_wildcard(wanted)) return true;
    if (kind == TypeKind::kNull) return is_nullable(wanted);
    if (wanted == TypeKind::kNull) return is_nullable(kind);
    if (types_[types_.bare(from)].kind != types_[types_.bare(to)].kind) return false;
    if (!has_parameters(kind)) return true;
    const auto a = types_[from];
    const auto b = types_[to];
    return unify(a.a, b.a) && (kind != TypeKind::kMap || unify(a.b, b.b));
}

/// Whether `type` can stand for the variable; `bound`: something was known about it.
bool Unifier::unify_variable(TypeIndex type, TypeIndex variable, bool& bound) {
    if (type == variable) return bound = true;
    const auto known = binding(variable);
    if (known == kUnbound) {
        if (occurs(variable, type)) return false;
        bind(variable, type);
        return true;
    }
    bound = true;
    if (types_.equal(type, known)) return true;
    if (!unify(type, known)) return false;
    const auto general = most_general(type, known);
    if (!occurs(variable, general)) bind(variable, general);
    return true;
}

TypeIndex Unifier::most_general(TypeIndex a, TypeIndex b) const {
    return less_specific(a, b) ? a : b;
}

bool Unifier::less_specific(TypeIndex a, TypeIndex b) const {
    const auto& first = types_[types_.bare(a)];
    const auto& second = types_[types_.bare(b)];
    const auto open = [](const Type& type) {
        return type.kind == TypeKind::kDyn || type.kind == TypeKind::kAny ||
               type.kind == TypeKind::kParam;
    };
    if (open(first)) return true;
    if (open(second) || first.kind != second.kind) return false;
    if (!has_parameters(first.kind)) return true;
    return less_specific(first.a, second.a) &&
           (first.kind != TypeKind::kMap || less_specific(first.b, second.b));
}

bool Unifier::occurs(TypeIndex variable, TypeIndex within) const {
    if (variable == within) return true;
    const auto& type = types_[within];
    if (type.kind == TypeKind::kParam) {
        const auto known = binding(within);
        return known != kUnbound && occurs(variable, known);
    }
    if (type.kind == TypeKind::kType) return occurs(variable, type.a);
    if (!has_parameters(type.kind)) return false;
    return occurs(variable, type.a) || (type.kind == TypeKind::kMap && occurs(variable, type.b));
}

TypeIndex Unifier::substitute(TypeIndex index, bool unknown_to_dyn) {
    const auto type = types_[index];
    switch (type.kind) {
        case TypeKind::kParam: {
            const auto known = binding(index);
            if (known != kUnbound) return substitute(known, unknown_to_dyn);
            return unknown_to_dyn ? kDynType : index;
        }
        case TypeKind::kList:
            return types_.list(substitute(type.a, unknown_to_dyn));
        case TypeKind::kMap:
            return types_.map(substitute(type.a, unknown_to_dyn),
                              substitute(type.b, unknown_to_dyn));
        case TypeKind::kOptional:
            return types_.optional(substitute(type.a, unknown_to_dyn));
        case TypeKind::kType:
            return types_.type_of(substitute(type.a, unknown_to_dyn));
        default:
            return index;
    }
}

TypeIndex Unifier::instantiate(TypeIndex index, std::vector<TypeIndex>& fresh_ones) {
    const auto type = types_[index];
    switch (type.kind) {
        case TypeKind::kParam:
            if (fresh_ones[type.a] == 0) fresh_ones[type.a] = fresh();
            return fresh_ones[type.a];
        case TypeKind::kList:
            return types_.list(instantiate(type.a, fresh_ones));
        case TypeKind::kMap: {
            const auto key = instantiate(type.a, fresh_ones);
            return types_.map(key, instantiate(type.b, fresh_ones));
        }
        case TypeKind::kOptional:
            return types_.optional(instantiate(type.a, fresh_ones));
        case TypeKind::kType:
            return types_.type_of(instantiate(type.a, fresh_ones));
        default:
            return index;
    }
}

}  // namespace knd::cel
