// SPDX-License-Identifier: Apache-2.0
//
// Lists: Kubernetes' own functions, the lists extension version 3, and sets.
#include <algorithm>
#include <tuple>

#include "host/cel/library.hpp"

namespace knd::cel {
namespace {

/// Longer lists are refused before they are built.
constexpr std::int64_t kMaxRange = 1'000'000;

std::span<const Value> items(const Value& list) {
    return {list.as_list().items, list.as_list().size};
}

bool contains(std::span<const Value> list, const Value& wanted) {
    return std::any_of(list.begin(), list.end(),
                       [&](const Value& item) { return equal(item, wanted); });
}

/// Of a kind that has an order. Two values may still have none, which then counts for nothing.
bool is_ordered(const Value& value) {
    return compare(value, value) != 3;
}

Value is_sorted(const Call& call) {
    const auto list = items(call[0]);
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (!is_ordered(list[i])) return Value::error("no such overload");
        if (i != 0 && compare(list[i - 1], list[i]) == 1) return Value::boolean(false);
    }
    return Value::boolean(true);
}

template <int kSign>
Value extreme(const Call& call) {
    const auto list = items(call[0]);
    if (list.empty())
        return call.error(std::string(kSign < 0 ? "min" : "max") + " called on empty list");
    auto best = list[0];
    for (const auto& item : list) {
        if (!is_ordered(item)) return Value::error("no such overload");
        if (compare(best, item) == -kSign) best = item;
    }
    return best;
}

template <class Add>
Value total(const Call& call, Value zero, Add add) {
    for (const auto& item : items(call[0])) {
        zero = add(zero, item);
        if (zero.is_error()) return zero;
    }
    return zero;
}

Value sum_integers(const Call& call) {
    return total(call, Value::integer(0), [](const Value& a, const Value& b) {
        std::int64_t out = 0;
        return __builtin_add_overflow(a.as_int(), b.as_int(), &out)
                   ? Value::error("integer overflow")
                   : Value::integer(out);
    });
}
Value sum_unsigned(const Call& call) {
    return total(call, Value::unsigned_integer(0), [](const Value& a, const Value& b) {
        std::uint64_t out = 0;
        return __builtin_add_overflow(a.as_uint(), b.as_uint(), &out)
                   ? Value::error("unsigned integer overflow")
                   : Value::unsigned_integer(out);
    });
}
Value sum_doubles(const Call& call) {
    return total(call, Value::floating(0), [](const Value& a, const Value& b) {
        return Value::floating(a.as_double() + b.as_double());
    });
}
Value sum_durations(const Call& call) {
    return total(call, Value::duration(0), [](const Value& a, const Value& b) {
        std::int64_t out = 0;
        return __builtin_add_overflow(a.time(), b.time(), &out) ? Value::error("duration overflow")
                                                                : Value::duration(out);
    });
}
/// The element type is only known when it runs.
Value sum(const Call& call) {
    const auto list = items(call[0]);
    const auto kind = list.empty() ? Kind::kInt : list[0].kind();
    for (const auto& item : list)
        if (item.kind() != kind) return Value::error("no such overload");
    switch (kind) {
        case Kind::kInt:
            return sum_integers(call);
        case Kind::kUint:
            return sum_unsigned(call);
        case Kind::kDouble:
            return sum_doubles(call);
        case Kind::kDuration:
            return sum_durations(call);
        default:
            return Value::error("no such overload");
    }
}

Value index_of(const Call& call) {
    const auto list = items(call[0]);
    for (std::size_t i = 0; i < list.size(); ++i)
        if (equal(list[i], call[1])) return Value::integer(static_cast<std::int64_t>(i));
    return Value::integer(-1);
}
Value last_index_of(const Call& call) {
    const auto list = items(call[0]);
    for (auto i = list.size(); i-- > 0;)
        if (equal(list[i], call[1])) return Value::integer(static_cast<std::int64_t>(i));
    return Value::integer(-1);
}

Value slice(const Call& call) {
    const auto list = items(call[0]);
    const auto start = call[1].as_int();
    const auto end = call[2].as_int();
    const auto range = "cannot slice(" + std::to_string(start) + ", " + std::to_string(end) + "), ";
    if (start < 0 || end < 0) return call.error(range + "negative indexes not supported");
    if (start > end)
        return call.error(range + "start index must be less than or equal to end index");
    if (static_cast<std::uint64_t>(end) > list.size())
        return call.error(range + "list is length " + std::to_string(list.size()));
    return call.list(
        list.subspan(static_cast<std::size_t>(start), static_cast<std::size_t>(end - start)));
}

void flatten_into(std::span<const Value> list, std::int64_t depth, std::vector<Value>& out) {
    for (const auto& item : list) {
        if (item.is(Kind::kList) && depth > 0)
            flatten_into(items(item), depth - 1, out);
        else
            out.push_back(item);
    }
}
Value flatten(const Call& call) {
    const auto depth = call.size() > 1 ? call[1].as_int() : 1;
    if (depth < 0) return call.error("level must be non-negative");
    std::vector<Value> out;
    flatten_into(items(call[0]), depth, out);
    return call.list(out);
}

Value range(const Call& call) {
    const auto count = call[0].as_int();
    if (count > kMaxRange) return call.out_of_memory();
    std::vector<Value> out;
    for (std::int64_t i = 0; i < count; ++i)
        out.push_back(Value::integer(i));
    return call.list(out);
}

/// Since 1.37.
Value limited_range(const Call& call) {
    const auto count = call[0].as_int();
    if (count < 0)
        return call.error("lists.range: size must be non-negative, got " + std::to_string(count));
    if (count <= kMaxRange) return range(call);
    return call.error("lists.range: size " + std::to_string(count) + " exceeds maximum allowed (" +
                      std::to_string(kMaxRange) + ")");
}

Value reverse(const Call& call) {
    const auto list = items(call[0]);
    return call.list(std::vector<Value>(list.rbegin(), list.rend()));
}

Value distinct(const Call& call) {
    std::vector<Value> out;
    for (const auto& item : items(call[0]))
        if (!contains(out, item)) out.push_back(item);
    return call.list(out);
}

/// Sorts `values` by `keys`; the keys must be comparable with each other.
Value sort_by(const Call& call, std::span<const Value> values, std::span<const Value> keys) {
    for (const auto& key : keys) {
        if (key.kind() != keys[0].kind())
            return call.error("list elements must have the same type");
        if (!is_ordered(key)) return call.error("list elements must be comparable");
    }
    std::vector<std::size_t> order(values.size());
    for (std::size_t i = 0; i < order.size(); ++i)
        order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return compare(keys[a], keys[b]) == -1; });
    std::vector<Value> out;
    out.reserve(order.size());
    for (const auto i : order)
        out.push_back(values[i]);
    return call.list(out);
}
Value sort(const Call& call) {
    return sort_by(call, items(call[0]), items(call[0]));
}
Value sort_by_keys(const Call& call) {
    if (items(call[0]).size() != items(call[1]).size())
        return call.error(
            "@sortByAssociatedKeys() expected a list of the same size as the "
            "associated keys list");
    return sort_by(call, items(call[0]), items(call[1]));
}

bool has_all(std::span<const Value> list, std::span<const Value> wanted) {
    return std::all_of(wanted.begin(), wanted.end(),
                       [&](const Value& item) { return contains(list, item); });
}
Value sets_contains(const Call& call) {
    return Value::boolean(has_all(items(call[0]), items(call[1])));
}
Value sets_equivalent(const Call& call) {
    return Value::boolean(has_all(items(call[0]), items(call[1])) &&
                          has_all(items(call[1]), items(call[0])));
}
Value sets_intersects(const Call& call) {
    const auto other = items(call[1]);
    const auto list = items(call[0]);
    return Value::boolean(std::any_of(list.begin(), list.end(),
                                      [&](const Value& item) { return contains(other, item); }));
}

constexpr std::uint64_t kNewList = 11;

/// Every scalar counts 1, a text a tenth of its bytes.
std::uint64_t walk(const Value& value) {
    if (value.is(Kind::kString) || value.is(Kind::kBytes)) return value.text().size() / 10;
    std::uint64_t sum = 0;
    if (is_map(value)) {
        Arena arena;
        std::span<const MapEntry> entries;
        if (!entries_of(value, arena, entries)) return 1;
        for (const auto& entry : entries)
            sum += walk(entry.key) + walk(entry.value);
        return sum;
    }
    if (!value.is(Kind::kList)) return 1;
    for (const auto& item : items(value))
        sum += walk(item);
    return sum;
}
std::uint64_t cost_of_copy(const Priced& arguments) {
    return kNewList + (arguments[0].is(Kind::kList) ? extent(arguments[0]) : 1);
}
/// As the reference implementation's processors make an unsigned number of one that may be
/// anything.
std::uint64_t truncated(double value) {
    if (value < -0x1p63 || value >= 0x1p64) return std::uint64_t{1} << 63;
    return value < 0 ? static_cast<std::uint64_t>(static_cast<std::int64_t>(value))
                     : static_cast<std::uint64_t>(value);
}
std::uint64_t cost_of_flatten(const Priced& arguments) {
    if (arguments.size() < 2) return kNewList + extent(arguments[0]);
    if (!arguments[1].is(Kind::kInt)) return kUnpayable;
    const auto depth = static_cast<double>(arguments[1].as_int());
    return kNewList + truncated(depth * static_cast<double>(extent(arguments[0])));
}
/// Since 1.37 negative depths do not lower the cost.
std::uint64_t cost_of_deep_flatten(const Priced& arguments) {
    const bool negative = arguments[1].is(Kind::kInt) && arguments[1].as_int() < 0;
    return negative ? kNewList + extent(arguments[0]) : cost_of_flatten(arguments);
}
std::uint64_t cost_of_slice(const Priced& arguments) {
    const auto& [list, first, last] = std::tie(arguments[0], arguments[1], arguments[2]);
    if (!list.is(Kind::kList) || !first.is(Kind::kInt) || !last.is(Kind::kInt)) return kNewList + 1;
    const auto start = first.as_int(), end = last.as_int();
    const bool valid =
        start >= 0 && start <= end && static_cast<std::uint64_t>(end) <= extent(list);
    return kNewList + (valid ? static_cast<std::uint64_t>(end - start) : 1);
}
std::uint64_t cost_of_range(const Priced& arguments) {
    if (!arguments[0].is(Kind::kInt)) return kNewList + 1;
    const auto count = arguments[0].as_int();
    return kNewList + (count <= 0 ? 0 : static_cast<std::uint64_t>(count));
}
/// An error has the size of one item.
std::uint64_t cost_of_limited_range(const Priced& arguments) {
    const bool fits = arguments[0].is(Kind::kInt) && arguments[0].as_int() >= 0 &&
                      arguments[0].as_int() <= kMaxRange;
    return fits ? cost_of_range(arguments) : kNewList + 1;
}
/// Lists have fewer than 2^32 items, so that this cannot overflow.
std::uint64_t pairs(const Priced& arguments, std::size_t other) {
    return extent(arguments[0]) * extent(arguments[other]);
}
/// Each item is compared with each; texts cost a little more.
std::uint64_t cost_of_comparing(const Value& list) {
    if (!list.is(Kind::kList)) return kUnpayable;
    const auto size = list.as_list().size;
    const bool texts = size != 0 && (list.as_list().items[0].is(Kind::kString) ||
                                     list.as_list().items[0].is(Kind::kBytes));
    return kNewList + size * size * (texts ? 21 : 20) / 10;
}
std::uint64_t cost_of_distinct(const Priced& arguments) {
    return cost_of_comparing(arguments[0]);
}
/// Of the keys, which may be the list itself.
std::uint64_t cost_of_sort(const Priced& arguments) {
    return arguments.resolved ? cost_of_comparing(arguments[arguments.size() - 1]) : 1;
}
std::uint64_t cost_of_set(const Priced& arguments) {
    return 1 + pairs(arguments, 1);
}
std::uint64_t cost_of_equivalent(const Priced& arguments) {
    return 1 + 2 * pairs(arguments, 1);
}

/// A scalar includes what it equals, a list what one of its values equals.
Value includes(const Call& call) {
    if (!call[0].is(Kind::kList)) return Value::boolean(equal(call[0], call[1]));
    const auto& list = call[0].as_list();
    return Value::boolean(std::any_of(list.items, list.items + list.size,
                                      [&](const Value& item) { return equal(item, call[1]); }));
}

/// The same as long as it was a function of DRA alone.
Value includes_of_attribute(const Call& call) {
    if (call[0].is(Kind::kList) && call[0].as_list().size > kMaxIncludesList)
        return call.error("'includes' function cannot be applied to lists longer than 48 values");
    return includes(call);
}

#define KND_COMPARABLE(type)                                                                     \
    {"isSorted", "list(" type ").() bool", is_sorted, cost_of_walk},                             \
        {"max", "list(" type ").() " type, extreme<1>, cost_of_walk},                            \
        {"min", "list(" type ").() " type, extreme<-1>, cost_of_walk},                           \
        {"sort", "list(" type ").() list(" type ")", sort, cost_of_sort, 34}, {                  \
        "@sortByAssociatedKeys", "list(A).(list(" type ")) list(A)", sort_by_keys, cost_of_sort, \
            34                                                                                   \
    }
constexpr Overload kLists[] = {
    KND_COMPARABLE("int"),
    KND_COMPARABLE("uint"),
    KND_COMPARABLE("double"),
    KND_COMPARABLE("bool"),
    KND_COMPARABLE("duration"),
    KND_COMPARABLE("timestamp"),
    KND_COMPARABLE("string"),
    KND_COMPARABLE("bytes"),
    {"sum", "list(int).() int", sum, cost_of_walk},
    {"sum", "list(uint).() uint", sum, cost_of_walk},
    {"sum", "list(double).() double", sum, cost_of_walk},
    {"sum", "list(duration).() duration", sum, cost_of_walk},
    {"indexOf", "list(A).(A) int", index_of, cost_of_walk, 0, false, false, 36},
    {"lastIndexOf", "list(A).(A) int", last_index_of, cost_of_walk, 0, false, false, 36},
    {"slice", "list(A).(int, int) list(A)", slice, cost_of_slice, 34},
    {"flatten", "list(list(A)).() list(A)", flatten, cost_of_flatten, 34},
    {.function = "flatten",
     .signature = "list(dyn).(int) list(dyn)",
     .native = flatten,
     .cost = cost_of_flatten,
     .since = 34,
     .until = 36},
    {.function = "flatten",
     .signature = "list(dyn).(int) list(dyn)",
     .native = flatten,
     .cost = cost_of_deep_flatten,
     .since = 37,
     .with_library = true},
    {.function = "lists.range",
     .signature = "(int) list(int)",
     .native = range,
     .cost = cost_of_range,
     .since = 34,
     .until = 36},
    {.function = "lists.range",
     .signature = "(int) list(int)",
     .native = limited_range,
     .cost = cost_of_limited_range,
     .since = 37,
     .with_library = true},
    {"reverse", "list(A).() list(A)", reverse, cost_of_copy, 34},
    {"distinct", "list(A).() list(A)", distinct, cost_of_distinct, 34},
    {"sets.contains", "(list(A), list(A)) bool", sets_contains, cost_of_set, 29},
    {"sets.equivalent", "(list(A), list(A)) bool", sets_equivalent, cost_of_equivalent, 29},
    {"sets.intersects", "(list(A), list(A)) bool", sets_intersects, cost_of_set, 29},
    {.function = "includes",
     .signature = "dyn.(dyn) bool",
     .native = includes_of_attribute,
     .since = 36,
     .list_attributes = true,
     .until = 36},
    // The base environment has it by now; new expressions get it one release later, or by the gate.
    {.function = "includes",
     .signature = "dyn.(dyn) bool",
     .native = includes,
     .cost = cost_of_walk,
     .since = 37,
     .list_attributes = true},
};
#undef KND_COMPARABLE

constexpr Overload kListSearch[] = {
    {"indexOf", "list(A).(A) int", index_of, cost_of_walk, 37, false, true},
    {"lastIndexOf", "list(A).(A) int", last_index_of, cost_of_walk, 37, false, true},
};

}  // namespace

std::uint64_t cost_of_walk(const Priced& call) {
    return walk(call[0]);
}

std::span<const Overload> list_library() {
    return kLists;
}

std::span<const Overload> list_search_library() {
    return kListSearch;
}

}  // namespace knd::cel
