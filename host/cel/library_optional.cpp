// SPDX-License-Identifier: Apache-2.0
//
// Optional values. or() and orValue() are the evaluator's: their argument may go unevaluated.
#include "host/cel/arithmetic.hpp"
#include "host/cel/library.hpp"
#include "host/cel/message.hpp"

namespace knd::cel {
namespace {

Value make_optional(const Call& call, const Value& value) {
    const auto* kept = call.arena.make<Value>(value);
    return kept == nullptr ? call.out_of_memory() : Value::optional(kept);
}

bool is_zero(const Value& value) {
    switch (value.kind()) {
        case Kind::kNull:
            return true;
        case Kind::kBool:
            return !value.as_bool();
        case Kind::kInt:
            return value.as_int() == 0;
        case Kind::kUint:
            return value.as_uint() == 0;
        case Kind::kDouble:
            return value.as_double() == 0;
        case Kind::kDuration:
            return value.time() == 0;
        case Kind::kTimestamp:
            return value.time() == kMinTimestamp && value.nanoseconds() == 0;
        case Kind::kString:
        case Kind::kBytes:
        case Kind::kList:
        case Kind::kMap:
        case Kind::kDomains:
        case Kind::kDomain:
            return size_of(value) == 0;
        case Kind::kMessage: {
            const auto& message = value.as_object<MessageData>();
            return message.key == nullptr && message.value == nullptr;
        }
        default:
            return false;
    }
}

Value of(const Call& call) {
    return make_optional(call, call[0]);
}
Value of_non_zero(const Call& call) {
    return is_zero(call[0]) ? Value::optional(nullptr) : make_optional(call, call[0]);
}
Value none(const Call&) {
    return Value::optional(nullptr);
}
Value has_value(const Call& call) {
    return Value::boolean(call[0].as_optional() != nullptr);
}
Value value(const Call& call) {
    const auto* held = call[0].as_optional();
    return held == nullptr ? call.error("optional.none() dereference") : *held;
}
Value first(const Call& call) {
    const auto& list = call[0].as_list();
    return list.size == 0 ? Value::optional(nullptr) : Value::optional(list.items);
}
Value last(const Call& call) {
    const auto& list = call[0].as_list();
    return Value::optional(list.size == 0 ? nullptr : list.items + list.size - 1);
}
/// What the optionals of a list hold.
Value unwrap(const Call& call) {
    const auto& list = call[0].as_list();
    std::vector<Value> out;
    for (std::size_t i = 0; i < list.size; ++i) {
        const auto& item = list.items[i];
        if (!item.is(Kind::kOptional))
            return call.error("value " + to_text(item) + " is not optional");
        if (const auto* held = item.as_optional()) out.push_back(*held);
    }
    return call.list(out);
}

constexpr Overload kOptional[] = {
    {"optional.of", "(A) optional_type(A)", of, nullptr, 28},
    {"optional.ofNonZeroValue", "(A) optional_type(A)", of_non_zero, nullptr, 28},
    {"optional.none", "() optional_type(A)", none, nullptr, 28},
    {"optional.unwrap", "(list(optional_type(A))) list(A)", unwrap, nullptr, 33, false, true},
    {"unwrapOpt", "list(optional_type(A)).() list(A)", unwrap, nullptr, 33, false, true},
    {"first", "list(A).() optional_type(A)", first, nullptr, 33, false, true},
    {"last", "list(A).() optional_type(A)", last, nullptr, 33, false, true},
    {"hasValue", "optional_type(A).() bool", has_value, nullptr, 28},
    {"value", "optional_type(A).() A", value, nullptr, 28},
    {"or", "optional_type(A).(optional_type(A)) optional_type(A)", nullptr, nullptr, 28},
    {"orValue", "optional_type(A).(A) A", nullptr, nullptr, 28},
};

}  // namespace

std::span<const Overload> optional_library() {
    return kOptional;
}

}  // namespace knd::cel
