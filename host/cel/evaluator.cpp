// SPDX-License-Identifier: Apache-2.0
//
// Runs Code: one recursive function over instructions. Depth is bounded by the parser's limit, time
// by the cost limit, memory by the arena's.
//
// Cost follows the reference implementation: 1 for each name, field and index on the way to a
// value, 1 for a call unless its row in the library says more, 10 for a list, 30 for a map.
#include <algorithm>

#include "host/cel/arithmetic.hpp"
#include "host/cel/code.hpp"

namespace knd::cel {
namespace {

constexpr std::uint64_t kListCost = 10;
constexpr std::uint64_t kMapCost = 30;
constexpr std::string_view kNoSuchOverload = "no such overload";
constexpr std::string_view kOutOfMemory = "evaluation needs too much memory";
constexpr std::string_view kCostExceeded = "operation cancelled: actual cost limit exceeded";

/// A list or map that a fold fills: the plain data first, so that it is a value at any time.
struct GrowingList {
    ListData data;
    std::size_t capacity = 0;
    Value* items = nullptr;
};
struct GrowingMap {
    MapData data;
    std::size_t capacity = 0;
    MapEntry* entries = nullptr;
};

/// Doubles the room; false: out of memory.
template <class T>
bool grow(Arena& arena, T*& items, std::size_t size, std::size_t& capacity) {
    const auto wanted = capacity == 0 ? 8 : capacity * 2;
    auto* memory = static_cast<T*>(arena.allocate(wanted * sizeof(T)));
    if (memory == nullptr) return false;
    std::copy(items, items + size, memory);
    items = memory;
    capacity = wanted;
    return true;
}

class Evaluator {
  public:
    Evaluator(const Code& code, std::span<const Value> variables, Arena& arena,
              const Limits& limits, Trace* trace)
        : code_(code), variables_(variables), arena_(arena), limit_(limits.cost), trace_(trace) {}

    Value run() {
        slots_ = static_cast<Value*>(arena_.allocate(code_.slots * sizeof(Value)));
        if (slots_ == nullptr && code_.slots != 0) return Value::error(kOutOfMemory);
        std::fill(slots_, slots_ + code_.slots, Value());
        const auto result = eval(code_.root);
        return halted_ ? Value::error(kCostExceeded) : result;
    }
    std::uint64_t cost() const { return cost_; }

  private:
    Value fail(std::string_view message) {
        auto* memory = static_cast<char*>(arena_.allocate(message.size()));
        if (memory == nullptr) return Value::error(kOutOfMemory);
        std::copy(message.begin(), message.end(), memory);
        return Value::error({memory, message.size()});
    }
    Value no_overload() const { return Value::error(kNoSuchOverload); }

    /// False once the limit is passed: everything unwinds.
    bool charge(std::uint64_t cost) {
        cost_ += cost;
        if (cost_ > limit_) halted_ = true;
        return !halted_;
    }

    Value eval(std::uint32_t index) {
        if (halted_) return Value::error(kCostExceeded);
        const auto out = step(index);
        if (trace_ != nullptr) (*trace_)[index] = out;
        return out;
    }

    Value step(std::uint32_t index) {
        const auto& i = code_.instructions[index];
        switch (i.op) {
            case Op::kConstant:
                return code_.constants[i.a];
            case Op::kVariable:
                charge(i.b);
                return variables_[i.a];
            case Op::kLocal:
                charge(i.b);
                return slots_[i.a];
            case Op::kAttribute:
                charge(i.b);
                return attribute(code_.names[i.a]);
            case Op::kDriver:
                charge(i.a);
                return Value::string(variables_[0].as_device().driver);
            case Op::kSelect:
                return select(i);
            case Op::kHas:
                return has(i);
            case Op::kOptionalSelect:
                return optional_select(i);
            case Op::kIndex:
                return index_of(i);
            case Op::kOptionalIndex:
                return optional_index(i);
            case Op::kAnd:
                return logical(i, false);
            case Op::kOr:
                return logical(i, true);
            case Op::kNot:
                return logical_not(eval(i.a));
            case Op::kNegate:
                return negative(eval(i.a));
            case Op::kConditional:
                return conditional(i);
            case Op::kNotStrictlyFalse:
                return not_strictly_false(eval(i.a));
            case Op::kInSet:
                return in_set(i);
            case Op::kOrElse:
                return or_else(i, false);
            case Op::kOrValue:
                return or_else(i, true);
            default:
                return compound(i);
        }
    }

    Value compound(const Instruction& i) {
        switch (i.op) {
            case Op::kList:
                return list(i);
            case Op::kMap:
                return map(i);
            case Op::kGrowing:
                return growing(i.a == 1);
            case Op::kAppend:
                return append(i);
            case Op::kInsert:
                return insert(i);
            case Op::kFold:
                return fold(code_.folds[i.a]);
            case Op::kCall:
                return call(i);
            default:
                return binary(i);
        }
    }

    Value attribute(const AttributeName& name) {
        const auto& device = variables_[0].as_device();
        const auto id = device.vocabulary->find_name({name.domain, name.id});
        const auto* slot = id ? device.attribute(*id) : nullptr;
        if (slot == nullptr) return no_such_key(Value::string(name.id));
        return slot_value(*slot, arena_);
    }

    Value no_such_key(const Value& key) { return fail("no such key: " + to_text(key)); }

    Value device_field(const DeviceView& device, std::string_view field) {
        if (field == "driver") return Value::string(device.driver);
        if (field == "attributes") return Value::domains(&device, false);
        if (field == "capacity") return Value::domains(&device, true);
        return Value::boolean(device.allow_multiple_allocations);
    }

    /// One domain of a device; unknown domains are empty maps.
    Value domain(const Value& domains, std::string_view name) {
        const auto* data =
            arena_.make<DomainData>(&domains.as_device(), domains.is_capacity(), name);
        return data == nullptr ? Value::error(kOutOfMemory) : Value::domain(data);
    }

    enum class Found { kYes, kNo, kError };
    /// What select and index share: a field, an entry or an element.
    Found lookup(const Value& target, const Value& key, Value& out) {
        switch (target.kind()) {
            case Kind::kDevice:
                out = device_field(target.as_device(), key.text());
                return Found::kYes;
            case Kind::kDomains:
                if (!key.is(Kind::kString)) break;
                out = domain(target, key.text());
                return Found::kYes;
            case Kind::kMap:
            case Kind::kDomain:
                return find_key(target, key, arena_, out) ? Found::kYes : Found::kNo;
            case Kind::kList:
                return element(target.as_list(), key, out);
            case Kind::kError:
                out = target;
                return Found::kError;
            default:
                break;
        }
        out = no_overload();
        return Found::kError;
    }

    Found element(const ListData& list, const Value& key, Value& out) {
        std::int64_t position = 0;
        if (!whole_number(key, position)) {
            out = fail("unsupported index type '" + std::string(type_name(key)) + "' in list");
            return Found::kError;
        }
        if (position < 0 || static_cast<std::uint64_t>(position) >= list.size) {
            out = fail("index out of bounds: " + std::to_string(position));
            return Found::kNo;
        }
        out = list.items[position];
        return Found::kYes;
    }

    Value select(const Instruction& i) {
        const auto target = eval(i.a);
        const auto& key = code_.constants[i.b];
        charge(i.c);
        if (target.is_error()) return target;
        if (target.is(Kind::kOptional)) return optional_of(target, key);
        charge(1);
        if (!target.is(Kind::kDevice) && !is_map(target)) return no_such_key(key);
        Value out;
        return lookup(target, key, out) == Found::kNo ? no_such_key(key) : out;
    }

    /// A field of an optional is an optional; of none it is none.
    Value optional_of(const Value& target, const Value& key) {
        return target.as_optional() == nullptr ? Value::optional(nullptr)
                                               : optional_lookup_plain(*target.as_optional(), key);
    }
    Value optional_lookup(const Value& target, const Value& key) {
        if (target.is(Kind::kOptional)) return optional_of(target, key);
        return optional_lookup_plain(target, key);
    }
    Value optional_select(const Instruction& i) {
        const auto target = eval(i.a);
        charge(i.c);
        return target.is_error() ? target : optional_lookup(target, code_.constants[i.b]);
    }
    Value optional_lookup_plain(const Value& target, const Value& key) {
        Value out;
        switch (lookup(target, key, out)) {
            case Found::kNo:
                return Value::optional(nullptr);
            case Found::kError:
                return out;
            case Found::kYes:
                break;
        }
        charge(1);
        const auto* kept = arena_.make<Value>(out);
        return kept == nullptr ? Value::error(kOutOfMemory) : Value::optional(kept);
    }

    Value has(const Instruction& i) {
        auto target = eval(i.a);
        charge(i.c);
        if (target.is_error()) return target;
        if (target.is(Kind::kOptional)) {
            if (target.as_optional() == nullptr) return Value::boolean(false);
            target = *target.as_optional();
        }
        const auto& key = code_.constants[i.b];
        // Every domain is there, if only as an empty map; `in` tells which ones a device has.
        if (target.is(Kind::kDevice) || target.is(Kind::kDomains)) return Value::boolean(true);
        if (!is_map(target)) return no_overload();
        Value out;
        return Value::boolean(find_key(target, key, arena_, out));
    }

    Value index_of(const Instruction& i) {
        const auto target = eval(i.a);
        charge(i.c);
        if (target.is_error()) return target;
        const auto key = eval(i.b);
        if (key.is_error()) return key;
        charge(target.is(Kind::kOptional) ? 0 : 1);
        if (target.is(Kind::kOptional)) return optional_of(target, key);
        Value out;
        const auto found = lookup(target, key, out);
        return found == Found::kNo && !out.is_error() ? no_such_key(key) : out;
    }

    Value optional_index(const Instruction& i) {
        const auto target = eval(i.a);
        charge(i.c);
        if (target.is_error()) return target;
        const auto key = eval(i.b);
        return key.is_error() ? key : optional_lookup(target, key);
    }

    /// The alternative is evaluated only when it is needed.
    Value or_else(const Instruction& i, bool unwrapped) {
        const auto target = eval(i.a);
        if (target.is_error()) return target;
        if (!target.is(Kind::kOptional)) return no_overload();
        if (target.as_optional() == nullptr) return eval(i.b);
        return unwrapped ? *target.as_optional() : target;
    }

    Value in_set(const Instruction& i) {
        const auto element = eval(i.a);
        return element.is_error() ? element : contains(element, eval(i.b));
    }

    /// `decisive` (false for &&, true for ||) wins over errors on either side.
    Value logical(const Instruction& i, bool decisive) {
        const auto left = eval(i.a);
        if (left.is(Kind::kBool) && left.as_bool() == decisive) return left;
        const auto right = eval(i.b);
        if (right.is(Kind::kBool) && right.as_bool() == decisive) return right;
        if (!left.is(Kind::kBool)) return left.is_error() ? left : no_overload();
        if (!right.is(Kind::kBool)) return right.is_error() ? right : no_overload();
        return right;
    }

    Value logical_not(const Value& operand) {
        charge(1);
        if (operand.is_error()) return operand;
        return operand.is(Kind::kBool) ? Value::boolean(!operand.as_bool()) : no_overload();
    }

    Value negative(const Value& operand) {
        charge(1);
        return operand.is_error() ? operand : negate(operand);
    }

    Value conditional(const Instruction& i) {
        const auto condition = eval(i.a);
        if (condition.is_error()) return condition;
        if (!condition.is(Kind::kBool)) return no_overload();
        return eval(condition.as_bool() ? i.b : i.c);
    }

    /// Errors do not stop all() and exists(): only a plain false does.
    Value not_strictly_false(const Value& state) {
        charge(1);
        return Value::boolean(!state.is(Kind::kBool) || state.as_bool());
    }

    Value binary(const Instruction& i) {
        const auto left = eval(i.a);
        const auto right = eval(i.b);
        charge(operator_cost(i.op, left, right));
        if (left.is_error()) return left;
        if (right.is_error()) return right;
        if (halted_) return Value::error(kCostExceeded);
        switch (i.op) {
            case Op::kEqual:
                return Value::boolean(equal(left, right));
            case Op::kNotEqual:
                return Value::boolean(!equal(left, right));
            case Op::kIn:
                return contains(left, right);
            case Op::kAdd:
                return add(left, right, arena_);
            case Op::kSubtract:
                return subtract(left, right);
            case Op::kMultiply:
                return multiply(left, right);
            case Op::kDivide:
                return divide(left, right);
            case Op::kModulo:
                return modulo(left, right);
            default:
                return ordering(i.op, left, right);
        }
    }

    Value ordering(Op op, const Value& left, const Value& right) {
        const auto order = compare(left, right);
        if (order == 3) return no_overload();
        if (order == 2) return Value::error("NaN values cannot be ordered");
        switch (op) {
            case Op::kLess:
                return Value::boolean(order < 0);
            case Op::kLessEqual:
                return Value::boolean(order <= 0);
            case Op::kGreater:
                return Value::boolean(order > 0);
            default:
                return Value::boolean(order >= 0);
        }
    }

    Value contains(const Value& element, const Value& container) {
        if (is_map(container)) {
            Value ignored;
            return Value::boolean(find_key(container, element, arena_, ignored));
        }
        if (!container.is(Kind::kList)) return no_overload();
        const auto& list = container.as_list();
        for (std::size_t i = 0; i < list.size; ++i)
            if (equal(list.items[i], element)) return Value::boolean(true);
        return Value::boolean(false);
    }

    bool is_optional_operand(std::uint32_t operand) const {
        return std::binary_search(code_.optional_operands.begin(), code_.optional_operands.end(),
                                  operand);
    }

    /// What an element written with "?" adds: its value, or nothing (`skip`).
    Value unwrap(const Value& value, bool& skip) {
        if (!value.is(Kind::kOptional))
            return fail("cannot initialize optional list element from non-optional value " +
                        to_text(value));
        skip = value.as_optional() == nullptr;
        return skip ? value : *value.as_optional();
    }

    Value list(const Instruction& i) {
        charge(kListCost);
        auto* items = static_cast<Value*>(arena_.allocate(i.c * sizeof(Value)));
        if (items == nullptr && i.c != 0) return Value::error(kOutOfMemory);
        std::size_t size = 0;
        for (std::uint32_t n = i.b; n < i.b + i.c; ++n) {
            auto value = eval(code_.operands[n]);
            bool skip = false;
            if (i.a != 0 && !value.is_error() && is_optional_operand(n))
                value = unwrap(value, skip);
            if (value.is_error()) return value;
            if (!skip) items[size++] = value;
        }
        const auto* data = arena_.make<ListData>(items, size);
        return data == nullptr ? Value::error(kOutOfMemory) : Value::list(data);
    }

    Value map(const Instruction& i) {
        charge(kMapCost);
        auto* entries = static_cast<MapEntry*>(arena_.allocate(i.c / 2 * sizeof(MapEntry)));
        if (entries == nullptr && i.c != 0) return Value::error(kOutOfMemory);
        std::size_t size = 0;
        for (std::uint32_t n = i.b; n < i.b + i.c; n += 2) {
            const auto key = eval(code_.operands[n]);
            auto value = eval(code_.operands[n + 1]);
            if (key.is_error()) return key;
            bool skip = false;
            if (i.a != 0 && !value.is_error() && is_optional_operand(n))
                value = unwrap(value, skip);
            if (value.is_error()) return value;
            if (!is_map_key(key))
                return fail("unsupported key type: " + std::string(type_name(key)));
            if (skip) continue;
            // A repeated key replaces the earlier entry.
            auto* same = std::find_if(entries, entries + size,
                                      [&](const MapEntry& entry) { return equal(entry.key, key); });
            *same = {key, value};
            if (same == entries + size) ++size;
        }
        return make_map({entries, size}, arena_);
    }

    Value growing(bool is_map_wanted) {
        if (is_map_wanted) {
            const auto* map = arena_.make<GrowingMap>();
            return map == nullptr ? Value::error(kOutOfMemory) : Value::map(&map->data);
        }
        const auto* list = arena_.make<GrowingList>();
        return list == nullptr ? Value::error(kOutOfMemory) : Value::list(&list->data);
    }

    /// The accumulator is named by nothing but the fold, so that changing it in place is not seen.
    Value append(const Instruction& i) {
        const auto accumulator = slots_[i.a];
        const auto value = eval(i.b);
        charge(1 + kListCost + 1);
        if (accumulator.is_error()) return accumulator;
        if (value.is_error()) return value;
        auto& list =
            const_cast<GrowingList&>(reinterpret_cast<const GrowingList&>(accumulator.as_list()));
        if (list.data.size == list.capacity &&
            !grow(arena_, list.items, list.data.size, list.capacity))
            return Value::error(kOutOfMemory);
        list.items[list.data.size++] = value;
        list.data.items = list.items;
        return accumulator;
    }

    Value insert(const Instruction& i) {
        const auto accumulator = slots_[i.a];
        const auto key = eval(i.b);
        const auto value = i.c == kNoNode ? Value() : eval(i.c);
        charge(2);
        if (accumulator.is_error()) return accumulator;
        if (key.is_error()) return key;
        if (value.is_error()) return value;
        if (i.c != kNoNode) return insert_one(accumulator, key, value);
        std::span<const MapEntry> entries;
        if (!is_map(key)) return no_overload();
        if (!entries_of(key, arena_, entries)) return Value::error(kOutOfMemory);
        for (const auto& entry : entries)
            if (const auto out = insert_one(accumulator, entry.key, entry.value); out.is_error())
                return out;
        return accumulator;
    }

    Value insert_one(const Value& accumulator, const Value& key, const Value& value) {
        auto& map =
            const_cast<GrowingMap&>(reinterpret_cast<const GrowingMap&>(accumulator.as_map()));
        for (std::size_t n = 0; n < map.data.size; ++n)
            if (equal(map.entries[n].key, key))
                return fail("insert failed: key " + to_text(key) + " already exists");
        charge(map.data.size / 16);  // the search above is linear
        if (map.data.size == map.capacity &&
            !grow(arena_, map.entries, map.data.size, map.capacity))
            return Value::error(kOutOfMemory);
        map.entries[map.data.size++] = {key, value};
        map.data.entries = map.entries;
        return accumulator;
    }

    Value fold(const FoldCode& fold) {
        const auto range = eval(fold.range);
        if (range.is_error()) return range;
        if (!range.is(Kind::kList) && !is_map(range))
            return fail("got '" + std::string(type_name(range)) + "', expected iterable type");
        const auto before = cost_;
        slots_[fold.accumulator] = eval(fold.init);
        const auto& held = slots_[fold.accumulator];
        if (fold.charge_init_twice && held.is(Kind::kOptional) && held.as_optional() != nullptr)
            charge(cost_ - before);
        const bool pairs = fold.two_variables && is_map(range);
        std::span<const MapEntry> entries;
        std::span<const Value> items;
        const bool ok = pairs ? entries_of(range, arena_, entries) : items_of(range, arena_, items);
        if (!ok) return Value::error(kOutOfMemory);
        const auto count = pairs ? entries.size() : items.size();
        for (std::size_t n = 0; n < count && !halted_; ++n) {
            if (pairs) {
                slots_[fold.variable] = entries[n].key;
                slots_[fold.variable2] = entries[n].value;
            } else if (fold.two_variables) {
                slots_[fold.variable] = Value::integer(static_cast<std::int64_t>(n));
                slots_[fold.variable2] = items[n];
            } else {
                slots_[fold.variable] = items[n];
            }
            if (!fold.condition_always_true && !eval(fold.condition).is_true()) break;
            slots_[fold.accumulator] = eval(fold.step);
        }
        return eval(fold.result);
    }

    Value call(const Instruction& i) {
        Value arguments[Candidate::kMaxArguments];
        for (std::uint32_t n = 0; n < i.c; ++n)
            arguments[n] = eval(code_.operands[i.b + n]);
        for (std::uint32_t n = 0; n < i.c; ++n) {
            if (!arguments[n].is_error()) continue;
            charge(1);
            return arguments[n];
        }
        const auto& site = code_.sites[i.a];
        const std::span<const Value> used(arguments, i.c);
        for (std::uint32_t n = site.first; n < site.first + site.count; ++n) {
            const auto& candidate = code_.candidates[n];
            if (!fits(candidate, used)) continue;
            const auto cost = candidate.cost == nullptr ? 1 : candidate.cost(used);
            if (!charge(cost)) return Value::error(kCostExceeded);
            return candidate.native(Call{used, arena_});
        }
        return fail("no such overload: " + std::string(site.function));
    }

    const Code& code_;
    std::span<const Value> variables_;
    Arena& arena_;
    std::uint64_t limit_;
    Trace* trace_;
    std::uint64_t cost_ = 0;
    bool halted_ = false;
    Value* slots_ = nullptr;
};

}  // namespace

Value evaluate(const Code& code, std::span<const Value> variables, Arena& arena,
               const Limits& limits, std::uint64_t* cost, Trace* trace) {
    if (trace != nullptr) trace->assign(code.instructions.size(), std::nullopt);
    Evaluator evaluator(code, variables, arena, limits, trace);
    const auto out = evaluator.run();
    if (cost != nullptr) *cost = evaluator.cost();
    return out;
}

}  // namespace knd::cel
