// SPDX-License-Identifier: Apache-2.0
//
// Kubernetes' own values: quantities and semantic versions.
#include <algorithm>
#include <limits>

#include "host/cel/library.hpp"

namespace knd::cel {
namespace {

Value ordering(std::strong_ordering order) {
    return Value::integer(order < 0 ? -1 : (order > 0 ? 1 : 0));
}

Value quantity(const Call& call) {
    const auto parsed = Quantity::parse(call[0].text());
    if (!parsed.ok()) return call.error(parsed.error().message());
    return call.object(Kind::kQuantity, *parsed);
}
Value is_quantity(const Call& call) {
    return Value::boolean(Quantity::parse(call[0].text()).ok());
}
Value quantity_sign(const Call& call) {
    return Value::integer(call[0].as_quantity().sign());
}
Value quantity_is_integer(const Call& call) {
    return Value::boolean(call[0].as_quantity().plain_int64().has_value());
}
Value quantity_as_integer(const Call& call) {
    const auto value = call[0].as_quantity().plain_int64();
    return value ? Value::integer(*value) : call.error("cannot convert value to integer");
}
Value quantity_as_float(const Call& call) {
    return Value::floating(call[0].as_quantity().as_double());
}
Value computed(const Call& call, const Quantity& quantity) {
    const auto* kept = call.arena.make<Quantity>(quantity);
    return kept == nullptr ? call.out_of_memory() : Value::computed_quantity(kept);
}
Quantity from_int(std::int64_t value) {
    return Quantity(value, Quantity::Format::kDecimalExponent);
}
Value quantity_add(const Call& call) {
    return computed(call, call[0].as_quantity() + call[1].as_quantity());
}
Value quantity_add_int(const Call& call) {
    return computed(call, call[0].as_quantity() + from_int(call[1].as_int()));
}
/// Kubernetes subtracts by adding the negative; the negative of the lowest int is itself.
Quantity subtract(const Quantity& from, const Quantity& what) {
    if (what.plain_int64() == std::numeric_limits<std::int64_t>::min())
        if (auto sum = from + what; sum.is_plain()) return sum;
    return from - what;
}
Value quantity_sub(const Call& call) {
    return computed(call, subtract(call[0].as_quantity(), call[1].as_quantity()));
}
Value quantity_sub_int(const Call& call) {
    return computed(call, subtract(call[0].as_quantity(), from_int(call[1].as_int())));
}
Value quantity_less(const Call& call) {
    return Value::boolean(call[0].as_quantity() < call[1].as_quantity());
}
Value quantity_greater(const Call& call) {
    return Value::boolean(call[0].as_quantity() > call[1].as_quantity());
}
Value quantity_compare(const Call& call) {
    return ordering(call[0].as_quantity() <=> call[1].as_quantity());
}

Result<Semver> read_semver(const Call& call) {
    const bool lenient = call.size() > 1 && call[1].as_bool();
    return lenient ? Semver::parse_lenient(call[0].text()) : Semver::parse(call[0].text());
}
Value semver(const Call& call) {
    auto parsed = read_semver(call);
    if (!parsed.ok()) return call.error(parsed.error().message());
    return call.object(Kind::kSemver, *std::move(parsed));
}
Value is_semver(const Call& call) {
    return Value::boolean(read_semver(call).ok());
}
Value semver_major(const Call& call) {
    return Value::integer(static_cast<std::int64_t>(call[0].as_semver().major()));
}
Value semver_minor(const Call& call) {
    return Value::integer(static_cast<std::int64_t>(call[0].as_semver().minor()));
}
Value semver_patch(const Call& call) {
    return Value::integer(static_cast<std::int64_t>(call[0].as_semver().patch()));
}
Value semver_less(const Call& call) {
    return Value::boolean(call[0].as_semver() < call[1].as_semver());
}
Value semver_greater(const Call& call) {
    return Value::boolean(call[0].as_semver() > call[1].as_semver());
}
Value semver_compare(const Call& call) {
    return ordering(call[0].as_semver() <=> call[1].as_semver());
}

#define KND_QUANTITY "kubernetes.Quantity"
#define KND_SEMVER "kubernetes.Semver"
constexpr Overload kKubernetes[] = {
    {"quantity", "(string) " KND_QUANTITY, quantity, cost_of_first, 28},
    {"isQuantity", "(string) bool", is_quantity, cost_of_first, 28},
    {"sign", "(" KND_QUANTITY ") int", quantity_sign, nullptr, 28},
    {"isInteger", KND_QUANTITY ".() bool", quantity_is_integer, nullptr, 28},
    {"asInteger", KND_QUANTITY ".() int", quantity_as_integer, nullptr, 28},
    {"asApproximateFloat", KND_QUANTITY ".() double", quantity_as_float, nullptr, 28},
    {"add", KND_QUANTITY ".(" KND_QUANTITY ") " KND_QUANTITY, quantity_add, nullptr, 28},
    {"add", KND_QUANTITY ".(int) " KND_QUANTITY, quantity_add_int, nullptr, 28},
    {"sub", KND_QUANTITY ".(" KND_QUANTITY ") " KND_QUANTITY, quantity_sub, nullptr, 28},
    {"sub", KND_QUANTITY ".(int) " KND_QUANTITY, quantity_sub_int, nullptr, 28},
    {"isLessThan", KND_QUANTITY ".(" KND_QUANTITY ") bool", quantity_less, nullptr, 28},
    {"isGreaterThan", KND_QUANTITY ".(" KND_QUANTITY ") bool", quantity_greater, nullptr, 28},
    {"compareTo", KND_QUANTITY ".(" KND_QUANTITY ") int", quantity_compare, nullptr, 28},
    // 1.32 does not count what it reads.
    {"semver", "(string) " KND_SEMVER, semver, nullptr, 31, false, false, 32},
    {"semver", "(string) " KND_SEMVER, semver, cost_of_first, 33, false, true},
    {"semver", "(string, bool) " KND_SEMVER, semver, cost_of_first, 33},
    {"isSemver", "(string) bool", is_semver, nullptr, 31, false, false, 32},
    {"isSemver", "(string) bool", is_semver, cost_of_first, 33, false, true},
    {"isSemver", "(string, bool) bool", is_semver, cost_of_first, 33},
    {"major", KND_SEMVER ".() int", semver_major, nullptr, 31},
    {"minor", KND_SEMVER ".() int", semver_minor, nullptr, 31},
    {"patch", KND_SEMVER ".() int", semver_patch, nullptr, 31},
    {"isLessThan", KND_SEMVER ".(" KND_SEMVER ") bool", semver_less, nullptr, 31},
    {"isGreaterThan", KND_SEMVER ".(" KND_SEMVER ") bool", semver_greater, nullptr, 31},
    {"compareTo", KND_SEMVER ".(" KND_SEMVER ") int", semver_compare, nullptr, 31},
};
#undef KND_QUANTITY
#undef KND_SEMVER

}  // namespace

std::span<const Overload> kubernetes_library() {
    return kKubernetes;
}

}  // namespace knd::cel
