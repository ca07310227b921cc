// SPDX-License-Identifier: Apache-2.0
//
// What values of different kinds mean to each other: equality, order, lookup, iteration. Devices'
// attribute maps take part here without ever being built: a domain is looked up in the slots.
#include <algorithm>
#include <cmath>
#include <limits>

#include "host/cel/library.hpp"
#include "host/cel/message.hpp"
#include "host/cel/net.hpp"
#include "host/cel/url.hpp"

namespace knd::cel {
namespace {

constexpr int kNotComparable = 2;
constexpr int kNoOverload = 3;

template <class T>
int order(const T& a, const T& b) {
    return a < b ? -1 : (b < a ? 1 : 0);
}

int compare_double(double a, double b) {
    if (std::isnan(a) || std::isnan(b)) return kNotComparable;
    return order(a, b);
}

/// Out of the integer's range first, then as doubles, as the reference implementation does.
int compare_double_int(double a, std::int64_t b) {
    if (a < -9223372036854775808.0) return -1;
    if (a > 9223372036854775807.0) return 1;
    return compare_double(a, static_cast<double>(b));
}
int compare_double_uint(double a, std::uint64_t b) {
    if (a < 0) return -1;
    if (a > 18446744073709551615.0) return 1;
    return compare_double(a, static_cast<double>(b));
}
int compare_int_uint(std::int64_t a, std::uint64_t b) {
    return a < 0 ? -1 : order(static_cast<std::uint64_t>(a), b);
}
int inverse(int result) {
    return result == 1 || result == -1 ? -result : result;
}

int compare_numbers(const Value& a, const Value& b) {
    if (a.kind() == b.kind()) {
        if (a.is(Kind::kInt)) return order(a.as_int(), b.as_int());
        if (a.is(Kind::kUint)) return order(a.as_uint(), b.as_uint());
        return compare_double(a.as_double(), b.as_double());
    }
    if (a.is(Kind::kDouble))
        return b.is(Kind::kInt) ? compare_double_int(a.as_double(), b.as_int())
                                : compare_double_uint(a.as_double(), b.as_uint());
    if (b.is(Kind::kDouble)) return inverse(compare_numbers(b, a));
    return a.is(Kind::kInt) ? compare_int_uint(a.as_int(), b.as_uint())
                            : inverse(compare_int_uint(b.as_int(), a.as_uint()));
}

Equality yes_or_no(bool yes) {
    return yes ? Equality::kYes : Equality::kNo;
}

/// Elements that cannot be compared do not make lists and maps differ: so Kubernetes has it.
bool equal_lists(const ListData& a, const ListData& b) {
    if (a.size != b.size) return false;
    for (std::size_t i = 0; i < a.size; ++i)
        if (compare_equal(a.items[i], b.items[i]) == Equality::kNo) return false;
    return true;
}

bool equal_maps(const Value& a, const Value& b) {
    Arena arena;
    std::span<const MapEntry> first, second;
    if (!entries_of(a, arena, first) || !entries_of(b, arena, second)) return false;
    if (first.size() != second.size()) return false;
    for (const auto& entry : first) {
        Value other;
        if (!find_key(b, entry.key, arena, other)) {
            // There is an empty map in a device's place of any name.
            if (!b.is(Kind::kDomains)) return false;
            other = make_map({}, arena);
        }
        if (compare_equal(entry.value, other) == Equality::kNo) return false;
    }
    return true;
}

std::span<const Slot> slots_of(const DomainData& domain) {
    return domain.capacity ? domain.device->capacity : domain.device->attributes;
}

std::string_view domain_of(const DeviceView& device, const Slot& slot) {
    return device.vocabulary->name(slot.name).domain;
}

bool find_domain(const Value& domains, const Value& key, Arena& arena, Value& out) {
    if (!key.is(Kind::kString)) return false;
    const auto& device = domains.as_device();
    const auto slots = domains.is_capacity() ? device.capacity : device.attributes;
    const bool known = std::any_of(slots.begin(), slots.end(), [&](const Slot& slot) {
        return domain_of(device, slot) == key.text();
    });
    const auto* data =
        known ? arena.make<DomainData>(&device, domains.is_capacity(), key.text()) : nullptr;
    if (data == nullptr) return false;
    out = Value::domain(data);
    return true;
}

bool find_in_domain(const DomainData& domain, const Value& key, Arena& arena, Value& out) {
    if (!key.is(Kind::kString)) return false;
    const auto& device = *domain.device;
    const auto name = device.vocabulary->find_name({domain.domain, key.text()});
    if (!name) return false;
    const auto* slot = domain.capacity ? device.capacity_of(*name) : device.attribute(*name);
    if (slot == nullptr) return false;
    out = slot_value(*slot, arena);
    return true;
}

bool find_field(const Value& device, const Value& key, Value& out) {
    if (!key.is(Kind::kString)) return false;
    const auto& view = device.as_device();
    if (key.text() == "driver")
        out = Value::string(view.driver);
    else if (key.text() == "attributes" || key.text() == "capacity")
        out = Value::domains(&view, key.text() == "capacity");
    else if (key.text() == "allowMultipleAllocations" && device.knows_sharing())
        out = Value::boolean(view.allow_multiple_allocations);
    else
        return false;
    return true;
}

void collect_fields(const Value& device, std::vector<MapEntry>& out) {
    for (const auto* name : {"driver", "attributes", "capacity", "allowMultipleAllocations"}) {
        Value value;
        if (find_field(device, Value::string(name), value))
            out.push_back({Value::string(name), value});
    }
}

/// Every domain once, in the order of the device's slots.
void collect_domains(const Value& domains, Arena& arena, std::vector<MapEntry>& out) {
    const auto& device = domains.as_device();
    for (const auto& slot : domains.is_capacity() ? device.capacity : device.attributes) {
        const auto domain = domain_of(device, slot);
        if (std::any_of(out.begin(), out.end(),
                        [&](const MapEntry& entry) { return entry.key.text() == domain; }))
            continue;
        Value value;
        if (find_domain(domains, Value::string(domain), arena, value))
            out.push_back({Value::string(domain), value});
    }
}

void collect_domain(const DomainData& domain, Arena& arena, std::vector<MapEntry>& out) {
    for (const auto& slot : slots_of(domain)) {
        const auto name = domain.device->vocabulary->name(slot.name);
        if (name.domain == domain.domain)
            out.push_back({Value::string(name.id), slot_value(slot, arena)});
    }
}

template <class T>
bool copy_to(Arena& arena, std::span<const T> from, std::span<const T>& to) {
    auto* memory = static_cast<T*>(arena.allocate(from.size() * sizeof(T)));
    if (memory == nullptr) return false;
    std::copy(from.begin(), from.end(), memory);
    to = {memory, from.size()};
    return true;
}

template <class T, class Make>
Value list_value(const std::vector<T>& items, Arena& arena, Make make) {
    std::vector<Value> values;
    values.reserve(items.size());
    for (const auto& item : items)
        values.push_back(make(item));
    std::span<const Value> kept;
    if (!copy_to(arena, std::span<const Value>(values), kept))
        return Value::error("evaluation needs too much memory");
    const auto* list = arena.make<ListData>(kept.data(), kept.size());
    return list == nullptr ? Value::error("evaluation needs too much memory") : Value::list(list);
}

Value version_value(const Version& version, Arena& arena) {
    auto parsed = Semver::parse(version.text);
    if (!parsed.ok()) return Value::error("invalid version in a device's attribute");
    const auto* kept = arena.make<Semver>(*std::move(parsed));
    return kept == nullptr ? Value::error("evaluation needs too much memory") : Value::semver(kept);
}

}  // namespace

bool is_number(const Value& value) {
    return value.is(Kind::kInt) || value.is(Kind::kUint) || value.is(Kind::kDouble);
}

bool is_map_key(const Value& value) {
    return value.is(Kind::kString) || value.is(Kind::kBool) || is_number(value);
}

bool is_map(const Value& value) {
    return value.is(Kind::kMap) || value.is(Kind::kDomains) || value.is(Kind::kDomain) ||
           value.is(Kind::kDevice);
}

namespace {

/// Values of one kind.
Equality compare_same_kind(const Value& a, const Value& b) {
    switch (a.kind()) {
        case Kind::kNull:
            return Equality::kYes;
        case Kind::kBool:
            return yes_or_no(a.as_bool() == b.as_bool());
        case Kind::kString:
        case Kind::kBytes:
        case Kind::kType:
            return yes_or_no(a.text() == b.text());
        case Kind::kDuration:
            return yes_or_no(a.time() == b.time());
        case Kind::kTimestamp:
            return yes_or_no(a.time() == b.time() && a.nanoseconds() == b.nanoseconds());
        case Kind::kList:
            return yes_or_no(equal_lists(a.as_list(), b.as_list()));
        case Kind::kOptional:
            if (a.as_optional() == nullptr || b.as_optional() == nullptr)
                return yes_or_no(a.as_optional() == b.as_optional());
            return compare_equal(*a.as_optional(), *b.as_optional());
        case Kind::kQuantity:
            if (b.is_computed()) return Equality::kNoOverload;
            return yes_or_no(a.as_quantity() == b.as_quantity());
        case Kind::kSemver:
            return yes_or_no(a.as_semver() == b.as_semver());
        case Kind::kIp:
            return yes_or_no(a.as_object<IpAddress>() == b.as_object<IpAddress>());
        case Kind::kCidr:
            return yes_or_no(a.as_object<Cidr>() == b.as_object<Cidr>());
        case Kind::kUrl:
            return yes_or_no(a.as_object<Url>().text() == b.as_object<Url>().text());
        case Kind::kMessage:
            return yes_or_no(equal(a.as_object<MessageData>(), b.as_object<MessageData>()));
        case Kind::kFormat:
            return yes_or_no(a.identity() == b.identity());
        default:
            return Equality::kNo;
    }
}

}  // namespace

bool is_foreign(Kind kind) {
    switch (kind) {
        case Kind::kQuantity:
        case Kind::kSemver:
        case Kind::kUrl:
        case Kind::kIp:
        case Kind::kCidr:
        case Kind::kFormat:
            return true;
        default:
            return false;
    }
}

bool same_key(const Value& a, const Value& b) {
    if (a.kind() != b.kind()) return false;
    switch (a.kind()) {
        case Kind::kList:
        case Kind::kMap:
        case Kind::kOptional:
        case Kind::kQuantity:
        case Kind::kUrl:
        case Kind::kMessage:
            return a.identity() == b.identity();
        case Kind::kTimestamp:
            return equal(a, b) && a.zone() == b.zone();
        default:
            return equal(a, b);
    }
}

Equality compare_equal(const Value& a, const Value& b) {
    if (a.is_error()) return Equality::kNoOverload;  // in an optional
    if (is_number(a) && is_number(b)) return yes_or_no(compare_numbers(a, b) == 0);
    if (is_map(a) && is_map(b)) return yes_or_no(equal_maps(a, b));
    if (a.kind() == b.kind()) return compare_same_kind(a, b);
    return is_foreign(a.kind()) && !b.is(Kind::kNull) ? Equality::kNoOverload : Equality::kNo;
}

int compare(const Value& a, const Value& b) {
    if (is_number(a) && is_number(b)) return compare_numbers(a, b);
    if (a.kind() != b.kind()) return kNoOverload;
    switch (a.kind()) {
        case Kind::kBool:
            return order(a.as_bool(), b.as_bool());
        case Kind::kString:
        case Kind::kBytes:
            return order(a.text(), b.text());
        case Kind::kDuration:
            return order(a.time(), b.time());
        case Kind::kTimestamp:
            if (a.time() != b.time()) return order(a.time(), b.time());
            return order(a.nanoseconds(), b.nanoseconds());
        default:
            return kNoOverload;
    }
}

const Value& held_value(const Value& value) {
    const auto* held = &value;
    while (held->is(Kind::kOptional) && held->as_optional() != nullptr)
        held = held->as_optional();
    return *held;
}

std::uint64_t extent(const Value& value) {
    if (value.is(Kind::kIp)) return value.as_object<IpAddress>().size();
    if (value.is(Kind::kCidr)) return (value.as_object<Cidr>().bits + 7) / 8;
    const auto size = size_of(value);
    return size < 0 ? 1 : static_cast<std::uint64_t>(size);
}

std::uint64_t cost_of_first(const Priced& call) {
    return tenth(extent(call[0]));
}

std::uint64_t cost_of_second(const Priced& call) {
    return tenth(extent(call[1]));
}

std::size_t code_points(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::int64_t size_of(const Value& value) {
    switch (value.kind()) {
        case Kind::kString:
            return static_cast<std::int64_t>(code_points(value.text()));
        case Kind::kBytes:
            return static_cast<std::int64_t>(value.text().size());
        case Kind::kList:
            return static_cast<std::int64_t>(value.as_list().size);
        case Kind::kMap:
            return static_cast<std::int64_t>(value.as_map().size);
        case Kind::kDevice:
        case Kind::kDomains:
        case Kind::kDomain: {
            Arena arena;
            std::span<const MapEntry> entries;
            return entries_of(value, arena, entries) ? static_cast<std::int64_t>(entries.size())
                                                     : -1;
        }
        default:
            return -1;
    }
}

bool find_key(const Value& map, const Value& key, Arena& arena, Value& out) {
    if (map.is(Kind::kDevice)) return find_field(map, key, out);
    if (map.is(Kind::kDomains)) return find_domain(map, key, arena, out);
    if (map.is(Kind::kDomain)) return find_in_domain(map.as_domain(), key, arena, out);
    const auto& data = map.as_map();
    const auto* end = data.entries + data.size;
    const auto* found = std::find_if(
        data.entries, end, [&](const MapEntry& entry) { return same_key(entry.key, key); });
    // A number finds an equal one of another type, if none of its own is there.
    if (found == end && is_number(key))
        found = std::find_if(data.entries, end, [&](const MapEntry& entry) {
            return is_number(entry.key) && equal(entry.key, key);
        });
    if (found == end) return false;
    out = found->value;
    return true;
}

bool entries_of(const Value& map, Arena& arena, std::span<const MapEntry>& entries) {
    if (map.is(Kind::kMap)) {
        entries = {map.as_map().entries, map.as_map().size};
        return true;
    }
    std::vector<MapEntry> found;
    if (map.is(Kind::kDevice))
        collect_fields(map, found);
    else if (map.is(Kind::kDomains))
        collect_domains(map, arena, found);
    else
        collect_domain(map.as_domain(), arena, found);
    return copy_to(arena, std::span<const MapEntry>(found), entries);
}

bool items_of(const Value& value, Arena& arena, std::span<const Value>& items) {
    if (value.is(Kind::kList)) {
        items = {value.as_list().items, value.as_list().size};
        return true;
    }
    std::span<const MapEntry> entries;
    if (!entries_of(value, arena, entries)) return false;
    std::vector<Value> keys;
    keys.reserve(entries.size());
    for (const auto& entry : entries)
        keys.push_back(entry.key);
    return copy_to(arena, std::span<const Value>(keys), items);
}

Value make_map(std::span<const MapEntry> entries, Arena& arena, bool of_json) {
    const auto* data = arena.make<MapData>(entries.data(), entries.size(), of_json);
    return data == nullptr ? Value::error("evaluation needs too much memory") : Value::map(data);
}

Value slot_value(const Slot& slot, Arena& arena) {
    switch (slot.type) {
        case Slot::Type::kInt:
            return Value::integer(slot.integer);
        case Slot::Type::kBool:
            return Value::boolean(slot.boolean);
        case Slot::Type::kString:
            return Value::string(*slot.string);
        case Slot::Type::kVersion:
            return Value::semver(slot.version);
        case Slot::Type::kQuantity:
            return Value::quantity(slot.quantity);
        case Slot::Type::kList:
            break;
    }
    const auto& list = *slot.list;
    if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&list))
        return list_value(*integers, arena, [](std::int64_t i) { return Value::integer(i); });
    if (const auto* booleans = std::get_if<std::vector<bool>>(&list))
        return list_value(*booleans, arena, [](bool b) { return Value::boolean(b); });
    if (const auto* texts = std::get_if<std::vector<std::string>>(&list))
        return list_value(*texts, arena,
                          [](const std::string& text) { return Value::string(text); });
    if (const auto* versions = std::get_if<std::vector<Version>>(&list))
        return list_value(*versions, arena,
                          [&](const Version& version) { return version_value(version, arena); });
    return Value::error("unsupported attribute value");
}

}  // namespace knd::cel
