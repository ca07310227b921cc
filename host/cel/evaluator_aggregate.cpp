// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "host/cel/cost_range.hpp"
#include "host/cel/evaluator.hpp"
#include "host/cel/parser.hpp"

namespace knd::cel {
namespace {

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

}  // namespace

bool Evaluator::is_optional_operand(std::uint32_t operand) const {
    return std::binary_search(code_.optional_operands.begin(), code_.optional_operands.end(),
                              operand);
}

/// Of an element (no key), entry or field written with "?".
Value Evaluator::no_optional(const Value& value, const Value* key) {
    return fail("cannot initialize optional " +
                (key == nullptr ? "list element" : "entry '" + to_text(*key) + "'") +
                " from non-optional value " + to_text(value));
}

/// What such a one adds: its value, which may be an error, or nothing (`skip`).
Value Evaluator::unwrap(const Value& value, bool& skip) {
    skip = value.as_optional() == nullptr;
    return skip ? value : *value.as_optional();
}

Value Evaluator::list(const Instruction& i) {
    const auto out = elements(i);
    charge(kListCost);
    return out;
}

Value Evaluator::elements(const Instruction& i) {
    auto* items = static_cast<Value*>(arena_.allocate(i.c * sizeof(Value)));
    if (items == nullptr && i.c != 0) return out_of_memory();
    std::size_t size = 0;
    for (std::uint32_t n = i.b; n < i.b + i.c; ++n) {
        auto value = eval(code_.operands[n]);
        if (value.is_error()) return value;
        bool skip = false;
        if (i.a != 0 && is_optional_operand(n)) {
            if (!value.is(Kind::kOptional)) return no_optional(value, nullptr);
            value = unwrap(value, skip);
        }
        if (!skip) items[size++] = value;
    }
    const auto* data = arena_.make<ListData>(items, size);
    return data == nullptr ? out_of_memory() : Value::list(data);
}

Value Evaluator::map(const Instruction& i) {
    const auto out = entries(i);
    charge(kMapCost);
    return out;
}

Value Evaluator::entries(const Instruction& i) {
    auto* entries = static_cast<MapEntry*>(arena_.allocate(i.c / 2 * sizeof(MapEntry)));
    if (entries == nullptr && i.c != 0) return out_of_memory();
    std::size_t size = 0;
    for (std::uint32_t n = i.b; n < i.b + i.c; n += 2) {
        const auto key = eval(code_.operands[n]);
        if (key.is_error()) return key;
        auto value = eval(code_.operands[n + 1]);
        if (value.is_error()) return value;
        bool skip = false;
        if (i.a != 0 && is_optional_operand(n)) {
            if (!value.is(Kind::kOptional)) return no_optional(value, &key);
            value = unwrap(value, skip);
        }
        if (!is_hashable(key, skip && size == 0)) return halt_reason_;
        // A repeated key replaces the earlier entry, or removes it with none.
        auto* same = std::find_if(entries, entries + size,
                                  [&](const MapEntry& entry) { return same_key(entry.key, key); });
        if (skip) {
            if (same != entries + size)
                size =
                    static_cast<std::size_t>(std::move(same + 1, entries + size, same) - entries);
            continue;
        }
        if (same == entries + size) ++size;
        *same = {key, value};
    }
    return make_map({entries, size}, arena_);
}

Value Evaluator::message(const Instruction& i) {
    const auto out = made(code_.messages[i.a], i);
    charge(kMessageCost);
    return out;
}

Value Evaluator::made(const MessageCode& message, const Instruction& i) {
    std::vector<FieldValue> fields;
    for (std::uint32_t n = 0; n < i.c; ++n) {
        auto value = eval(code_.operands[i.b + n]);
        bool skip = false;
        const auto name = Value::string(message.fields[n].name);
        if (value.is_error()) return value;
        if (message.has_optional && is_optional_operand(i.b + n)) {
            if (!value.is(Kind::kOptional)) return no_optional(value, &name);
            value = unwrap(value, skip);
        }
        // A repeated field replaces the earlier one, or removes it with none.
        std::erase_if(fields,
                      [&](const auto& set) { return set.field == message.fields[n].field; });
        if (!skip) fields.push_back({message.fields[n].field, value});
    }
    if (message.type == nullptr) return fail("unknown type '" + std::string(message.name) + "'");
    return make_message(*message.type, fields, arena_);
}

Value Evaluator::growing(bool is_map_wanted) {
    if (is_map_wanted) {
        const auto* map = arena_.make<GrowingMap>();
        return map == nullptr ? out_of_memory() : Value::map(&map->data);
    }
    const auto* list = arena_.make<GrowingList>();
    return list == nullptr ? out_of_memory() : Value::list(&list->data);
}

/// The accumulator is named by nothing but the fold, so that changing it in place is not seen.
Value Evaluator::append(const Instruction& i) {
    const auto accumulator = slots_[i.a];
    const auto value = eval(i.b);
    // The name, the list of the one element, and the addition.
    charge(1 + (i.c == 0 ? kListCost : 0) + 1);
    if (accumulator.is_error()) return accumulator;
    if (value.is_error()) return value;
    auto& list =
        const_cast<GrowingList&>(reinterpret_cast<const GrowingList&>(accumulator.as_list()));
    if (list.data.size == list.capacity && !grow(arena_, list.items, list.data.size, list.capacity))
        return out_of_memory();
    list.items[list.data.size++] = value;
    list.data.items = list.items;
    return accumulator;
}

Value Evaluator::insert(const Instruction& i) {
    const auto accumulator = slots_[i.a];
    charge(1);
    if (i.c == kNoNode) return insert_all(accumulator, eval(i.b));
    if (accumulator.is_error()) return accumulator;
    const auto key = eval(i.b);
    if (key.is_error()) return key;
    const auto value = eval(i.c);
    charge(1);
    return value.is_error() ? value : insert_one(accumulator, key, value);
}

Value Evaluator::insert_all(const Value& accumulator, const Value& map) {
    charge(1);
    if (accumulator.is_error()) return accumulator;
    if (map.is_error()) return map;
    if (!is_map(map)) return fail(no_such_overload(ops::kMapInsert, std::array{accumulator, map}));
    std::span<const MapEntry> added;
    if (!entries_of(map, arena_, added)) return out_of_memory();
    for (const auto& entry : added)
        if (const auto out = insert_one(accumulator, entry.key, entry.value); out.is_error())
            return out;
    return accumulator;
}

Value Evaluator::insert_one(const Value& accumulator, const Value& key, const Value& value) {
    auto& map = const_cast<GrowingMap&>(reinterpret_cast<const GrowingMap&>(accumulator.as_map()));
    if (!is_hashable(key)) return halt_reason_;
    for (std::size_t n = 0; n < map.data.size; ++n)
        if (same_key(map.entries[n].key, key))
            return fail("insert failed: key " + to_text(key) + " already exists");
    charge(map.data.size / 16);  // the search above is linear
    if (map.data.size == map.capacity && !grow(arena_, map.entries, map.data.size, map.capacity))
        return out_of_memory();
    map.entries[map.data.size++] = {key, value};
    map.data.entries = map.entries;
    return accumulator;
}

Value Evaluator::fold(std::uint32_t number) {
    const auto& fold = code_.folds[number];
    if (fold.is_binding) {
        enter(number);
        return eval(fold.result);
    }
    const auto range = eval(fold.range);
    // 1.32 forgets what was wrong with a range where it wants two variables.
    const bool forgets = fold.two_variables && code_.kubernetes_minor < 33;
    if (range.is_error() && forgets)
        return fail("unsupported comprehension range type: *types.Err");
    if (range.is_error()) return range;
    if (!range.is(Kind::kList) && !is_map(range) && fold.two_variables)
        return fail("unsupported comprehension range type: " + std::string(native_name(range)));
    if (!range.is(Kind::kList) && !is_map(range))
        return fail("got '" + std::string(native_name(range)) + "', expected iterable type");
    slots_[fold.accumulator] = eval(fold.init);
    return iterate(fold, range);
}

Value Evaluator::iterate(const FoldCode& fold, const Value& range) {
    const bool pairs = fold.two_variables && is_map(range);
    std::span<const MapEntry> entries;
    std::span<const Value> items;
    const bool ok = pairs ? entries_of(range, arena_, entries) : items_of(range, arena_, items);
    if (!ok) return out_of_memory();
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

}  // namespace knd::cel
