// SPDX-License-Identifier: Apache-2.0
//
// The arithmetic operators, which never overflow silently. Errors are values; operands are none.
#pragma once

#include "host/cel/value.hpp"

namespace knd::cel {

Value negate(const Value& operand);
/// Numbers, strings, bytes, lists, times.
Value add(const Value& left, const Value& right, Arena& arena);
Value subtract(const Value& left, const Value& right);
Value multiply(const Value& left, const Value& right);
Value divide(const Value& left, const Value& right);
Value modulo(const Value& left, const Value& right);

/// An int, or a uint or double of an int's value: what may index a list.
bool whole_number(const Value& value, std::int64_t& out);

/// Seconds of the years 1 to 9999, the range of timestamps.
constexpr std::int64_t kMinTimestamp = -62135596800;
constexpr std::int64_t kMaxTimestamp = 253402300799;
Value checked_timestamp(std::int64_t seconds, std::int64_t nanoseconds, std::int16_t zone);

}  // namespace knd::cel
