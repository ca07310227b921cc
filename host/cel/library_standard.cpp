// SPDX-License-Identifier: Apache-2.0
//
// The operators' types, and the functions every CEL has.
#include "host/cel/library.hpp"

namespace knd::cel {
namespace {

Value size(const Call& call) {
    return Value::integer(size_of(call[0]));
}
Value contains(const Call& call) {
    return Value::boolean(call[0].text().find(call[1].text()) != std::string_view::npos);
}
Value starts_with(const Call& call) {
    return Value::boolean(call[0].text().starts_with(call[1].text()));
}
Value ends_with(const Call& call) {
    return Value::boolean(call[0].text().ends_with(call[1].text()));
}
Value identity(const Call& call) {
    return call[0];
}
Value type_of(const Call& call) {
    return Value::type(type_name(call[0]));
}

std::uint64_t cost_of_contains(const Priced& arguments) {
    return tenth(extent(arguments[0])) * tenth(extent(arguments[1]));
}

/// The evaluator computes these; only their types are needed here.
constexpr Overload kOperators[] = {
    {"_&&_", "(bool, bool) bool"},
    {"_||_", "(bool, bool) bool"},
    {"!_", "(bool) bool"},
    {"@not_strictly_false", "(bool) bool"},
    {"_?_:_", "(bool, A, A) A"},
    {"_==_", "(A, A) bool"},
    {"_!=_", "(A, A) bool"},
    {"@in", "(A, list(A)) bool"},
    {"@in", "(A, map(A, B)) bool"},
    {"_[_]", "(list(A), int) A"},
    {"_[_]", "(map(A, B), A) B"},
    {"_[_]", "(optional_type(list(A)), int) optional_type(A)"},
    {"_[_]", "(optional_type(map(A, B)), A) optional_type(B)"},
    {"_[?_]", "(list(A), int) optional_type(A)"},
    {"_[?_]", "(optional_type(list(A)), int) optional_type(A)"},
    {"_[?_]", "(map(A, B), A) optional_type(B)"},
    {"_[?_]", "(optional_type(map(A, B)), A) optional_type(B)"},
    {"cel.@mapInsert", "(map(A, B), A, B) map(A, B)"},
    {"cel.@mapInsert", "(map(A, B), map(A, B)) map(A, B)"},
    {"-_", "(double) double"},
    {"-_", "(int) int"},
    {"_+_", "(bytes, bytes) bytes"},
    {"_+_", "(double, double) double"},
    {"_+_", "(duration, duration) duration"},
    {"_+_", "(duration, timestamp) timestamp"},
    {"_+_", "(timestamp, duration) timestamp"},
    {"_+_", "(int, int) int"},
    {"_+_", "(list(A), list(A)) list(A)"},
    {"_+_", "(string, string) string"},
    {"_+_", "(uint, uint) uint"},
    {"_-_", "(double, double) double"},
    {"_-_", "(duration, duration) duration"},
    {"_-_", "(int, int) int"},
    {"_-_", "(timestamp, duration) timestamp"},
    {"_-_", "(timestamp, timestamp) duration"},
    {"_-_", "(uint, uint) uint"},
    {"_*_", "(double, double) double"},
    {"_*_", "(int, int) int"},
    {"_*_", "(uint, uint) uint"},
    {"_/_", "(double, double) double"},
    {"_/_", "(int, int) int"},
    {"_/_", "(uint, uint) uint"},
    {"_%_", "(int, int) int"},
    {"_%_", "(uint, uint) uint"},
#define KND_ORDERINGS(name)                                                                        \
    {name, "(bool, bool) bool"}, {name, "(int, int) bool"}, {name, "(int, double) bool"},          \
        {name, "(int, uint) bool"}, {name, "(uint, uint) bool"}, {name, "(uint, double) bool"},    \
        {name, "(uint, int) bool"}, {name, "(double, double) bool"}, {name, "(double, int) bool"}, \
        {name, "(double, uint) bool"}, {name, "(string, string) bool"},                            \
        {name, "(bytes, bytes) bool"}, {name, "(timestamp, timestamp) bool"}, {                    \
        name, "(duration, duration) bool"                                                          \
    }
    KND_ORDERINGS("_<_"),
    KND_ORDERINGS("_<=_"),
    KND_ORDERINGS("_>_"),
    KND_ORDERINGS("_>=_"),
#undef KND_ORDERINGS
};

constexpr Overload kStandard[] = {
    {"size", "(bytes) int", size},
    {"size", "bytes.() int", size},
    {"size", "(list(A)) int", size},
    {"size", "list(A).() int", size},
    {"size", "(map(A, B)) int", size},
    {"size", "map(A, B).() int", size},
    {"size", "(string) int", size},
    {"size", "string.() int", size},
    {"contains", "string.(string) bool", contains, cost_of_contains},
    {"startsWith", "string.(string) bool", starts_with, cost_of_first, 0, false, false, 36},
    {"endsWith", "string.(string) bool", ends_with, cost_of_first, 0, false, false, 36},
    {"startsWith", "string.(string) bool", starts_with, cost_of_second, 37, false, true},
    {"endsWith", "string.(string) bool", ends_with, cost_of_second, 37, false, true},
    {"dyn", "(A) dyn", identity},
    {"type", "(A) type(A)", type_of},
};

}  // namespace

std::span<const Overload> operator_library() {
    return kOperators;
}
std::span<const Overload> standard_library() {
    return kStandard;
}

}  // namespace knd::cel
