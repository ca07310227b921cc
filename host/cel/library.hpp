// SPDX-License-Identifier: Apache-2.0
//
// The functions that expressions may call. A library is a table of overloads, each a signature for
// the checker and a native function for the evaluator. The evaluator calls a native only with
// arguments whose kinds fit its signature (dyn and type variables fit everything), never with an
// error; operators have no native, the evaluator knows them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/cel/types.hpp"
#include "host/cel/value.hpp"

namespace knd::cel {

/// What a native gets besides its arguments.
struct Call {
    std::span<const Value> arguments;
    Arena& arena;

    const Value& operator[](std::size_t i) const { return arguments[i]; }
    std::size_t size() const { return arguments.size(); }
    /// A string, bytes or an error that lives in the arena.
    Value string(std::string_view text) const;
    Value bytes(std::string_view data) const;
    Value error(std::string_view message) const;
    Value list(std::span<const Value> items) const;
    Value out_of_memory() const;
    /// A copy of `object` in the arena, as a value of that kind.
    template <class T>
    Value object(Kind kind, T object) const {
        const auto* kept = arena.make<T>(std::move(object));
        return kept == nullptr ? out_of_memory() : Value::object(kind, kept);
    }
};

using Native = Value (*)(const Call& call);
/// What a call costs, from its arguments; charged before the call, so that it bounds its time.
using Cost = std::uint64_t (*)(std::span<const Value> arguments);

struct Overload {
    std::string_view function;
    /// "(A, int) bool" or "string.(string) bool" for a member function.
    std::string_view signature;
    Native native = nullptr;
    Cost cost = nullptr;           ///< null: 1
    int since = 0;                 ///< Kubernetes 1.NN
    bool list_attributes = false;  ///< only with that feature, before it was general
};

/// All libraries; a function's overloads may be spread over several tables.
std::span<const std::span<const Overload>> libraries();

std::span<const Overload> operator_library();
std::span<const Overload> standard_library();
std::span<const Overload> conversion_library();
std::span<const Overload> time_library();
std::span<const Overload> string_library();
std::span<const Overload> list_library();
std::span<const Overload> regex_library();
std::span<const Overload> optional_library();
std::span<const Overload> kubernetes_library();

struct Signature {
    bool member = false;
    std::vector<TypeIndex> parameters;  ///< the target first
    TypeIndex result = kErrorType;
};
Signature read_signature(TypeTable& types, std::string_view text);

// --- what several libraries and the evaluator share ----------------------------------------------

/// CEL's equality: numbers by value across types, other kinds never equal each other.
bool equal(const Value& a, const Value& b);
/// -1, 0, 1; 2: not comparable (NaN); 3: no such overload.
int compare(const Value& a, const Value& b);
/// Of a string in code points, bytes, list or map; -1: has no size.
std::int64_t size_of(const Value& value);
/// size_of(), 1 for scalars: what costs are counted in.
std::uint64_t extent(const Value& value);
/// ceil(size / 10): the cost of walking over a text.
constexpr std::uint64_t tenth(std::uint64_t size) {
    return (size + 9) / 10;
}
/// Of a function that walks over its first argument.
std::uint64_t cost_of_first(std::span<const Value> arguments);
/// Number of code points.
std::size_t code_points(std::string_view text);
/// The value of a key of a map of any kind; false: it has no such key.
bool find_key(const Value& map, const Value& key, Arena& arena, Value& out);
/// The entries of a map of any kind: the map's own, or copied to the arena. False: out of memory.
bool entries_of(const Value& map, Arena& arena, std::span<const MapEntry>& entries);
/// The keys of a map or the items of a list. False: out of memory.
bool items_of(const Value& value, Arena& arena, std::span<const Value>& items);
/// A map of these entries, which must live in the arena.
Value make_map(std::span<const MapEntry> entries, Arena& arena);
/// Of an attribute or capacity.
Value slot_value(const Slot& slot, Arena& arena);
bool is_map(const Value& value);
bool is_number(const Value& value);
/// Strings, numbers and booleans.
bool is_map_key(const Value& value);

/// A date of the Gregorian calendar; months and days count from 1, day_of_year from 0.
struct Civil {
    std::int64_t year = 1970;
    int month = 1, day = 1, day_of_year = 0;
};
void civil_from_days(std::int64_t days_since_1970, Civil& out);

/// RFC 3339; false: not a timestamp.
bool read_timestamp(std::string_view text, std::int64_t& seconds, std::uint32_t& nanoseconds);
std::string timestamp_text(std::int64_t seconds, std::uint32_t nanoseconds);
/// Go's "1h2m3.5s".
bool read_duration(std::string_view text, std::int64_t& nanoseconds);
/// Seconds with a fraction and an "s".
std::string duration_text(std::int64_t nanoseconds);
/// As Go and JavaScript print it: the shortest that reads back.
std::string double_text(double value);
/// True if RE2 takes the pattern; else `why` gets its words.
bool valid_pattern(std::string_view pattern, std::string& why);

}  // namespace knd::cel
