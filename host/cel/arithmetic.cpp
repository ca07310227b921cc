// SPDX-License-Identifier: Apache-2.0
#include "host/cel/arithmetic.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace knd::cel {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();

Value no_overload() {
    return Value::error("no such overload");
}
Value int_overflow() {
    return Value::error("integer overflow");
}
Value uint_overflow() {
    return Value::error("unsigned integer overflow");
}

bool same(const Value& a, const Value& b, Kind kind) {
    return a.is(kind) && b.is(kind);
}

Value join_text(const Value& a, const Value& b, Arena& arena) {
    const auto first = a.text(), second = b.text();
    auto* memory = static_cast<char*>(arena.allocate(first.size() + second.size()));
    if (memory == nullptr) return Value::error("evaluation needs too much memory");
    std::copy(first.begin(), first.end(), memory);
    std::copy(second.begin(), second.end(), memory + first.size());
    const std::string_view text(memory, first.size() + second.size());
    return a.is(Kind::kString) ? Value::string(text) : Value::bytes(text);
}

Value join_lists(const ListData& a, const ListData& b, Arena& arena) {
    auto* items = static_cast<Value*>(arena.allocate((a.size + b.size) * sizeof(Value)));
    const auto* data = arena.make<ListData>(items, a.size + b.size);
    if (items == nullptr || data == nullptr)
        return Value::error("evaluation needs too much memory");
    std::copy(a.items, a.items + a.size, items);
    std::copy(b.items, b.items + b.size, items + a.size);
    return Value::list(data);
}

Value shift(const Value& timestamp, std::int64_t duration) {
    std::int64_t seconds = 0;
    const auto nanoseconds = std::int64_t{timestamp.nanoseconds()} + duration % kSecond;
    if (__builtin_add_overflow(timestamp.time(), duration / kSecond, &seconds))
        return Value::error("timestamp overflow");
    return checked_timestamp(seconds, nanoseconds, timestamp.zone());
}

Value between(const Value& later, const Value& earlier) {
    std::int64_t out = 0;
    if (__builtin_mul_overflow(later.time() - earlier.time(), kSecond, &out) ||
        __builtin_add_overflow(out, std::int64_t{later.nanoseconds()} - earlier.nanoseconds(),
                               &out))
        return int_overflow();
    return Value::duration(out);
}

}  // namespace

Value checked_timestamp(std::int64_t seconds, std::int64_t nanoseconds, std::int16_t zone) {
    if (nanoseconds < 0) {
        nanoseconds += kSecond;
        --seconds;
    } else if (nanoseconds >= kSecond) {
        nanoseconds -= kSecond;
        ++seconds;
    }
    if (seconds < kMinTimestamp || seconds > kMaxTimestamp)
        return Value::error("timestamp overflow");
    return Value::timestamp(seconds, static_cast<std::uint32_t>(nanoseconds), zone);
}

Value negate(const Value& operand) {
    switch (operand.kind()) {
        case Kind::kInt:
            return operand.as_int() == kMin ? int_overflow() : Value::integer(-operand.as_int());
        case Kind::kDouble:
            return Value::floating(-operand.as_double());
        case Kind::kDuration:
            return operand.time() == kMin ? int_overflow() : Value::duration(-operand.time());
        default:
            return no_overload();
    }
}

Value add(const Value& left, const Value& right, Arena& arena) {
    std::int64_t sum = 0;
    std::uint64_t unsigned_sum = 0;
    if (same(left, right, Kind::kInt))
        return __builtin_add_overflow(left.as_int(), right.as_int(), &sum) ? int_overflow()
                                                                           : Value::integer(sum);
    if (same(left, right, Kind::kUint))
        return __builtin_add_overflow(left.as_uint(), right.as_uint(), &unsigned_sum)
                   ? uint_overflow()
                   : Value::unsigned_integer(unsigned_sum);
    if (same(left, right, Kind::kDouble))
        return Value::floating(left.as_double() + right.as_double());
    if (same(left, right, Kind::kString) || same(left, right, Kind::kBytes))
        return join_text(left, right, arena);
    if (same(left, right, Kind::kList)) return join_lists(left.as_list(), right.as_list(), arena);
    if (same(left, right, Kind::kDuration))
        return __builtin_add_overflow(left.time(), right.time(), &sum) ? int_overflow()
                                                                       : Value::duration(sum);
    if (left.is(Kind::kTimestamp) && right.is(Kind::kDuration)) return shift(left, right.time());
    if (left.is(Kind::kDuration) && right.is(Kind::kTimestamp)) return shift(right, left.time());
    return no_overload();
}

Value subtract(const Value& left, const Value& right) {
    std::int64_t difference = 0;
    if (same(left, right, Kind::kInt))
        return __builtin_sub_overflow(left.as_int(), right.as_int(), &difference)
                   ? int_overflow()
                   : Value::integer(difference);
    if (same(left, right, Kind::kUint))
        return left.as_uint() < right.as_uint()
                   ? uint_overflow()
                   : Value::unsigned_integer(left.as_uint() - right.as_uint());
    if (same(left, right, Kind::kDouble))
        return Value::floating(left.as_double() - right.as_double());
    if (same(left, right, Kind::kDuration))
        return __builtin_sub_overflow(left.time(), right.time(), &difference)
                   ? int_overflow()
                   : Value::duration(difference);
    if (same(left, right, Kind::kTimestamp)) return between(left, right);
    if (left.is(Kind::kTimestamp) && right.is(Kind::kDuration))
        return right.time() == kMin ? int_overflow() : shift(left, -right.time());
    return no_overload();
}

Value multiply(const Value& left, const Value& right) {
    std::int64_t product = 0;
    std::uint64_t unsigned_product = 0;
    if (same(left, right, Kind::kInt))
        return __builtin_mul_overflow(left.as_int(), right.as_int(), &product)
                   ? int_overflow()
                   : Value::integer(product);
    if (same(left, right, Kind::kUint))
        return __builtin_mul_overflow(left.as_uint(), right.as_uint(), &unsigned_product)
                   ? uint_overflow()
                   : Value::unsigned_integer(unsigned_product);
    if (same(left, right, Kind::kDouble))
        return Value::floating(left.as_double() * right.as_double());
    return no_overload();
}

Value divide(const Value& left, const Value& right) {
    if (same(left, right, Kind::kInt)) {
        if (right.as_int() == 0) return Value::error("division by zero");
        if (left.as_int() == kMin && right.as_int() == -1) return int_overflow();
        return Value::integer(left.as_int() / right.as_int());
    }
    if (same(left, right, Kind::kUint)) {
        if (right.as_uint() == 0) return Value::error("division by zero");
        return Value::unsigned_integer(left.as_uint() / right.as_uint());
    }
    if (same(left, right, Kind::kDouble))
        return Value::floating(left.as_double() / right.as_double());
    return no_overload();
}

Value modulo(const Value& left, const Value& right) {
    if (same(left, right, Kind::kInt)) {
        if (right.as_int() == 0) return Value::error("modulus by zero");
        if (left.as_int() == kMin && right.as_int() == -1) return int_overflow();
        return Value::integer(left.as_int() % right.as_int());
    }
    if (same(left, right, Kind::kUint)) {
        if (right.as_uint() == 0) return Value::error("modulus by zero");
        return Value::unsigned_integer(left.as_uint() % right.as_uint());
    }
    return no_overload();
}

bool whole_number(const Value& value, std::int64_t& out) {
    if (value.is(Kind::kInt)) {
        out = value.as_int();
        return true;
    }
    if (value.is(Kind::kUint)) {
        out = static_cast<std::int64_t>(value.as_uint());
        return out >= 0;
    }
    if (!value.is(Kind::kDouble)) return false;
    const auto number = value.as_double();
    if (std::trunc(number) != number || std::abs(number) >= 0x1p63) return false;
    out = static_cast<std::int64_t>(number);
    return true;
}

}  // namespace knd::cel
