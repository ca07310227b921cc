// SPDX-License-Identifier: Apache-2.0
//
// The functions that expressions may call. A library is a table of overloads, each a signature for
// the checker and a native function for the evaluator. The evaluator calls a native only with
// arguments whose kinds fit its signature (dyn and type variables fit everything), never with an
// error; operators have no native, the evaluator knows them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/cel/types.hpp"
#include "host/cel/value.hpp"
#include "host/model/quote.hpp"

namespace knd::cel {

/// A compiled regular expression.
class Pattern;
struct PatternDeleter {
    void operator()(const Pattern* pattern) const;
};
using PatternPointer = std::unique_ptr<const Pattern, PatternDeleter>;

/// What a native gets besides its arguments.
struct Call {
    std::span<const Value> arguments;
    Arena& arena;
    const Pattern* pattern = nullptr;  ///< of the second argument, if that is constant
    int kubernetes_minor = 36;         ///< 1.NN, where the function has changed

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
/// What a call costs, from its arguments; charged before the call, so that it bounds its time. An
/// argument may be an error.
struct Priced {
    std::span<const Value> arguments;
    bool resolved = true;  ///< the checker knew which overload is meant

    const Value& operator[](std::size_t i) const { return arguments[i]; }
    std::size_t size() const { return arguments.size(); }
};
using Cost = std::uint64_t (*)(const Priced& call);
/// Of calls whose price the reference implementation cannot tell when an argument is an error, so
/// that its evaluation ends there.
constexpr std::uint64_t kUnpayable = ~std::uint64_t{0};

struct Overload {
    std::string_view function;
    /// "(A, int) bool" or "string.(string) bool" for a member function.
    std::string_view signature;
    Native native = nullptr;
    Cost cost = nullptr;           ///< null: 1
    int since = 0;                 ///< Kubernetes 1.NN
    bool list_attributes = false;  ///< behind that feature gate
    /// Came with a new version of the CEL library, hence for new expressions as well.
    bool with_library = false;
    int until = 0;  ///< the last release that has it, 0: all later ones
};

/// Values of a list attribute that includes() looked at while it was a function of DRA alone.
inline constexpr std::size_t kMaxIncludesList = 48;

/// All libraries; a function's overloads may be spread over several tables.
std::span<const std::span<const Overload>> libraries();

std::span<const Overload> operator_library();
std::span<const Overload> standard_library();
std::span<const Overload> conversion_library();
std::span<const Overload> time_library();
std::span<const Overload> string_library();
std::span<const Overload> list_library();
/// Since 1.37 what is searched without a type of its own is a string before it is a list.
std::span<const Overload> list_search_library();
std::span<const Overload> regex_library();
std::span<const Overload> optional_library();
std::span<const Overload> kubernetes_library();
std::span<const Overload> format_library();

struct Signature {
    bool member = false;
    std::vector<TypeIndex> parameters;  ///< the target first
    TypeIndex result = kErrorType;
};
Signature read_signature(TypeTable& types, std::string_view text);

// --- what several libraries and the evaluator share ----------------------------------------------

/// Of "==": Kubernetes' own types cannot be compared with others, where they stand on the left.
enum class Equality { kNo, kYes, kNoOverload };
Equality compare_equal(const Value& a, const Value& b);
/// CEL's equality: numbers by value across types, other kinds never equal each other.
inline bool equal(const Value& a, const Value& b) {
    return compare_equal(a, b) == Equality::kYes;
}
/// -1, 0, 1; 2: not comparable (NaN); 3: no such overload.
int compare(const Value& a, const Value& b);
/// What an optional holds, at the bottom of all; other values are what they are.
const Value& held_value(const Value& value);
/// Of a string in code points, bytes, list or map; -1: has no size.
std::int64_t size_of(const Value& value);
/// size_of(), 1 for scalars: what costs are counted in.
std::uint64_t extent(const Value& value);
/// ceil(size / 10): the cost of walking over a text.
constexpr std::uint64_t tenth(std::uint64_t size) {
    return (size + 9) / 10;
}
/// Of a function that walks over its first argument.
std::uint64_t cost_of_first(const Priced& call);
/// Of one that walks over its first argument and all that is in it, whatever that is.
std::uint64_t cost_of_walk(const Priced& call);
/// Of one that is done as soon as its second argument is.
std::uint64_t cost_of_second(const Priced& call);
bool is_utf8(std::string_view text);
/// Number of code points.
std::size_t code_points(std::string_view text);
/// The value of a key of a map of any kind; false: it has no such key.
bool find_key(const Value& map, const Value& key, Arena& arena, Value& out);
/// The entries of a map of any kind: the map's own, or copied to the arena. False: out of memory.
bool entries_of(const Value& map, Arena& arena, std::span<const MapEntry>& entries);
/// The keys of a map or the items of a list. False: out of memory.
bool items_of(const Value& value, Arena& arena, std::span<const Value>& items);
/// A map of these entries, which must live in the arena.
Value make_map(std::span<const MapEntry> entries, Arena& arena, bool of_json = false);
/// Of an attribute or capacity.
Value slot_value(const Slot& slot, Arena& arena);
bool is_map(const Value& value);
bool is_number(const Value& value);
/// What a map can be asked for: strings, numbers and booleans.
bool is_map_key(const Value& value);
/// Whether two keys name one entry of a map: 1 and 1u do not, though they are equal.
bool same_key(const Value& a, const Value& b);
/// Types of Kubernetes, whose equality knows nothing but themselves.
bool is_foreign(Kind kind);

/// A date of the Gregorian calendar; months and days count from 1, day_of_year from 0.
struct Civil {
    std::int64_t year = 1970;
    int month = 1, day = 1, day_of_year = 0;
};
void civil_from_days(std::int64_t days_since_1970, Civil& out);

/// Seconds east of UTC at that time, for a name like "Europe/Berlin" or an offset like "+09:00".
/// False: `why` says what is wrong with the zone.
bool zone_offset(std::string_view zone, std::int64_t seconds, std::int64_t& offset,
                 std::string& why);

/// A time as timestamp() reads it: seconds since 1970, and the zone it was written in, in minutes
/// east of UTC.
struct Instant {
    std::int64_t seconds = 0;
    std::uint32_t nanoseconds = 0;
    std::int16_t zone = 0;
};
/// RFC 3339; false: not a timestamp.
bool read_timestamp(std::string_view text, Instant& out);
std::string timestamp_text(const Instant& instant);
/// Go's "1h2m3.5s".
bool read_duration(std::string_view text, std::int64_t& nanoseconds);
/// Seconds with a fraction and an "s".
std::string duration_text(std::int64_t nanoseconds);
/// As Go and JavaScript print it: the shortest that reads back.
std::string double_text(double value);
/// Null: `why` says what is wrong with the pattern.
PatternPointer compile_pattern(std::string_view text, std::string& why);

}  // namespace knd::cel
