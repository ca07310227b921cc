// SPDX-License-Identifier: Apache-2.0
//
// What google.protobuf.Any holds. A cluster's components know more types than these, but none of
// their messages could be made in an expression, nor anything be done with one.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "host/cel/library.hpp"
#include "host/cel/message_field.hpp"
#include "host/proto/cel/well_known.pb.h"

namespace knd::cel {
namespace {

/// Bytes that should be text are not: the whole is no message.
Value not_text() {
    return Value::error("");
}

Value text(const std::string& bytes, const Call& memory) {
    return is_utf8(bytes) ? memory.string(bytes) : not_text();
}

Value json(const wire::Value& value, const Call& memory);

Value json_list(const wire::ListValue& list, const Call& memory) {
    std::vector<Value> items;
    items.reserve(static_cast<std::size_t>(list.values_size()));
    for (const auto& item : list.values()) {
        items.push_back(json(item, memory));
        if (items.back().is_error()) return items.back();
    }
    return memory.list(items);
}

Value json_object(const wire::Struct& object, const Call& memory) {
    // Of entries with one key the last counts.
    std::map<std::string_view, Value> fields;
    for (const auto& entry : object.fields()) {
        const auto held = json(entry.value(), memory);
        if (held.is_error()) return held;
        if (!is_utf8(entry.key())) return not_text();
        fields[entry.key()] = held;
    }
    auto* entries = static_cast<MapEntry*>(memory.arena.allocate(fields.size() * sizeof(MapEntry)));
    if (entries == nullptr) return memory.out_of_memory();
    std::size_t size = 0;
    for (const auto& [key, value] : fields)
        entries[size++] = {memory.string(key), value};
    return make_map({entries, size}, memory.arena, true);
}

Value json(const wire::Value& value, const Call& memory) {
    switch (value.kind_case()) {
        case wire::Value::kNumberValue:
            return Value::floating(value.number_value());
        case wire::Value::kStringValue:
            return text(value.string_value(), memory);
        case wire::Value::kBoolValue:
            return Value::boolean(value.bool_value());
        case wire::Value::kStructValue:
            return json_object(value.struct_value(), memory);
        case wire::Value::kListValue:
            return json_list(value.list_value(), memory);
        case wire::Value::kNullValue:
        case wire::Value::KIND_NOT_SET:
            break;
    }
    return Value();
}

Value value_of(const wire::BoolValue& message, const Call&) {
    return Value::boolean(message.value());
}
Value value_of(const wire::Int32Value& message, const Call&) {
    return Value::integer(message.value());
}
Value value_of(const wire::Int64Value& message, const Call&) {
    return Value::integer(message.value());
}
Value value_of(const wire::UInt32Value& message, const Call&) {
    return Value::unsigned_integer(message.value());
}
Value value_of(const wire::UInt64Value& message, const Call&) {
    return Value::unsigned_integer(message.value());
}
Value value_of(const wire::FloatValue& message, const Call&) {
    return Value::floating(double{message.value()});
}
Value value_of(const wire::DoubleValue& message, const Call&) {
    return Value::floating(message.value());
}
Value value_of(const wire::StringValue& message, const Call& memory) {
    return text(message.value(), memory);
}
Value value_of(const wire::BytesValue& message, const Call& memory) {
    return memory.bytes(message.value());
}
Value value_of(const wire::Duration& message, const Call&) {
    return duration_of(message.seconds(), message.nanos());
}
Value value_of(const wire::Timestamp& message, const Call&) {
    return timestamp_of(message.seconds(), message.nanos());
}
Value value_of(const wire::Struct& message, const Call& memory) {
    return json_object(message, memory);
}
Value value_of(const wire::ListValue& message, const Call& memory) {
    return json_list(message, memory);
}
Value value_of(const wire::Value& message, const Call& memory) {
    return json(message, memory);
}
Value value_of(const wire::Any& message, const Call& memory) {
    return is_utf8(message.type_url())
               ? unpack_message(message.type_url(), message.value(), memory.arena)
               : not_text();
}
Value value_of(const wire::Empty&, const Call& memory) {
    return make_message(*find_message("google.protobuf.Empty"), {}, memory.arena);
}

/// As protobuf's text format writes a string or bytes.
std::string proto_text(std::string_view text) {
    const bool readable = is_utf8(text);
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        constexpr std::string_view kNamed = "\n\r\t\"\\", kNames = "nrt\"\\";
        if (const auto named = kNamed.find(c); named != kNamed.npos) {
            out += {'\\', kNames[named]};
        } else if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !readable)) {
            constexpr std::string_view kDigits = "0123456789abcdef";
            out += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
        } else {
            out += c;
        }
    }
    return out;
}

/// False: these bytes are no such message.
template <class Message>
bool unpack(std::string_view bytes, const Call& memory, Value& out) {
    Message message;
    if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return false;
    out = value_of(message, memory);
    return !out.is_error() || !out.text().empty();
}

struct Packed {
    std::string_view type;
    bool (*unpack)(std::string_view bytes, const Call& memory, Value& out);
};
constexpr Packed kPacked[] = {
    {"google.protobuf.BoolValue", unpack<wire::BoolValue>},
    {"google.protobuf.Int32Value", unpack<wire::Int32Value>},
    {"google.protobuf.Int64Value", unpack<wire::Int64Value>},
    {"google.protobuf.UInt32Value", unpack<wire::UInt32Value>},
    {"google.protobuf.UInt64Value", unpack<wire::UInt64Value>},
    {"google.protobuf.FloatValue", unpack<wire::FloatValue>},
    {"google.protobuf.DoubleValue", unpack<wire::DoubleValue>},
    {"google.protobuf.StringValue", unpack<wire::StringValue>},
    {"google.protobuf.BytesValue", unpack<wire::BytesValue>},
    {"google.protobuf.Duration", unpack<wire::Duration>},
    {"google.protobuf.Timestamp", unpack<wire::Timestamp>},
    {"google.protobuf.Struct", unpack<wire::Struct>},
    {"google.protobuf.ListValue", unpack<wire::ListValue>},
    {"google.protobuf.Value", unpack<wire::Value>},
    {"google.protobuf.Any", unpack<wire::Any>},
    {"google.protobuf.Empty", unpack<wire::Empty>},
};

}  // namespace

Value unpack_message(std::string_view type_url, std::string_view bytes, Arena& arena) {
    const Call memory{{}, arena};
    // What is read takes up to that many times as much, for as long as this takes: the arena's
    // limit bounds how large it can be, and how often that can be done.
    constexpr std::size_t kGrowth = 16;
    if (arena.allocate(bytes.size() * kGrowth) == nullptr) return memory.out_of_memory();
    const auto type = type_url.substr(type_url.rfind('/') + 1);
    const auto* packed = std::find_if(std::begin(kPacked), std::end(kPacked),
                                      [&](const Packed& known) { return known.type == type; });
    Value out;
    if (packed != std::end(kPacked) && packed->unpack(bytes, memory, out)) return out;
    auto text = std::string("unsupported conversion to ref.Val: (*dynamicpb.Message)");
    if (!type_url.empty()) text += "type_url:\"" + proto_text(type_url) + "\"";
    if (!type_url.empty() && !bytes.empty()) text += " ";
    if (!bytes.empty()) text += "value:\"" + proto_text(bytes) + "\"";
    return memory.error(text);
}

}  // namespace knd::cel
