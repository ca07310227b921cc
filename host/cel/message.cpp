// SPDX-License-Identifier: Apache-2.0
#include "host/cel/message.hpp"

#include <algorithm>
#include <array>

#include "host/cel/library.hpp"
#include "host/cel/message_field.hpp"

namespace knd::cel {
namespace {

using Becomes = MessageType::Becomes;

constexpr MessageField kBoolFields[] = {{"value", FieldForm::kBool}};
constexpr MessageField kInt32Fields[] = {{"value", FieldForm::kInt32}};
constexpr MessageField kInt64Fields[] = {{"value", FieldForm::kInt64}};
constexpr MessageField kUint32Fields[] = {{"value", FieldForm::kUint32}};
constexpr MessageField kUint64Fields[] = {{"value", FieldForm::kUint64}};
constexpr MessageField kFloatFields[] = {{"value", FieldForm::kFloat}};
constexpr MessageField kDoubleFields[] = {{"value", FieldForm::kDouble}};
constexpr MessageField kStringFields[] = {{"value", FieldForm::kString}};
constexpr MessageField kBytesFields[] = {{"value", FieldForm::kBytes}};
constexpr MessageField kTimeFields[] = {{"seconds", FieldForm::kInt64},
                                        {"nanos", FieldForm::kInt32}};
constexpr MessageField kAnyFields[] = {{"type_url", FieldForm::kString},
                                       {"value", FieldForm::kBytes}};
constexpr MessageField kStructFields[] = {{"fields", FieldForm::kJsonFields}};
constexpr MessageField kEntryFields[] = {{"key", FieldForm::kString}, {"value", FieldForm::kJson}};
constexpr MessageField kListFields[] = {{"values", FieldForm::kJsonValues}};
constexpr MessageField kValueFields[] = {
    {"null_value", FieldForm::kEnum},         {"number_value", FieldForm::kDouble},
    {"string_value", FieldForm::kString},     {"bool_value", FieldForm::kBool},
    {"struct_value", FieldForm::kJsonObject}, {"list_value", FieldForm::kJsonList},
};

constexpr MessageType kTypes[] = {
    {"google.protobuf.BoolValue", "wrapper(bool)", Becomes::kItsField, kBoolFields},
    {"google.protobuf.Int32Value", "wrapper(int)", Becomes::kItsField, kInt32Fields},
    {"google.protobuf.Int64Value", "wrapper(int)", Becomes::kItsField, kInt64Fields},
    {"google.protobuf.UInt32Value", "wrapper(uint)", Becomes::kItsField, kUint32Fields},
    {"google.protobuf.UInt64Value", "wrapper(uint)", Becomes::kItsField, kUint64Fields},
    {"google.protobuf.FloatValue", "wrapper(double)", Becomes::kItsField, kFloatFields},
    {"google.protobuf.DoubleValue", "wrapper(double)", Becomes::kItsField, kDoubleFields},
    {"google.protobuf.StringValue", "wrapper(string)", Becomes::kItsField, kStringFields},
    {"google.protobuf.BytesValue", "wrapper(bytes)", Becomes::kItsField, kBytesFields},
    {"google.protobuf.Duration", "duration", Becomes::kDuration, kTimeFields},
    {"google.protobuf.Timestamp", "timestamp", Becomes::kTimestamp, kTimeFields},
    {"google.protobuf.Struct", "map(string, dyn)", Becomes::kItsField, kStructFields},
    {"google.protobuf.ListValue", "list(dyn)", Becomes::kItsField, kListFields},
    {"google.protobuf.Value", "dyn", Becomes::kAnyOfItsFields, kValueFields},
    {"google.protobuf.Any", "any", Becomes::kPacked, kAnyFields},
    {"google.protobuf.Empty", "google.protobuf.Empty", Becomes::kMessage, {}},
    {"google.protobuf.Struct.FieldsEntry", "google.protobuf.Struct.FieldsEntry", Becomes::kMessage,
     kEntryFields},
};

Value default_of(FieldForm form, Arena& arena) {
    switch (form) {
        case FieldForm::kBool:
            return Value::boolean(false);
        case FieldForm::kInt32:
        case FieldForm::kInt64:
        case FieldForm::kEnum:
            return Value::integer(0);
        case FieldForm::kUint32:
        case FieldForm::kUint64:
            return Value::unsigned_integer(0);
        case FieldForm::kFloat:
        case FieldForm::kDouble:
            return Value::floating(0);
        case FieldForm::kString:
            return Value::string("");
        case FieldForm::kBytes:
            return Value::bytes("");
        case FieldForm::kJson:
            return Value();
        case FieldForm::kJsonObject:
        case FieldForm::kJsonFields:
            return make_map({}, arena, true);
        case FieldForm::kJsonList:
        case FieldForm::kJsonValues:
            return Call{{}, arena}.list({});
    }
    return Value();
}

/// The set fields of a message by their numbers in its type, and the last one that was set.
struct SetFields {
    std::array<Value, 6> values;
    std::array<bool, 6> set{};
    std::size_t last = 0;

    bool any() const {
        return std::any_of(set.begin(), set.end(), [](bool is) { return is; });
    }
    std::int64_t number(std::size_t field) const { return set[field] ? values[field].as_int() : 0; }
    std::string_view text(std::size_t field) const {
        return set[field] ? values[field].text() : std::string_view();
    }
};

Value entry(const MessageType& type, const SetFields& fields, Arena& arena) {
    MessageData data{&type, nullptr, nullptr};
    // As protobuf has it, an empty text is none.
    const bool has_key = fields.set[0] && !fields.values[0].text().empty();
    if (has_key) data.key = arena.make<Value>(fields.values[0]);
    if (fields.set[1]) data.value = arena.make<Value>(fields.values[1]);
    const auto* kept = arena.make<MessageData>(data);
    const bool lost = kept == nullptr || (has_key && data.key == nullptr) ||
                      (fields.set[1] && data.value == nullptr);
    return lost ? Call{{}, arena}.out_of_memory() : Value::object(Kind::kMessage, kept);
}

}  // namespace

const MessageField* MessageType::field(std::string_view field_name) const {
    const auto found = std::find_if(fields.begin(), fields.end(),
                                    [&](const auto& field) { return field.name == field_name; });
    return found == fields.end() ? nullptr : &*found;
}

std::span<const MessageType> message_types() {
    return kTypes;
}

const MessageType* find_message(std::string_view name) {
    const auto* found = std::find_if(std::begin(kTypes), std::end(kTypes),
                                     [&](const auto& type) { return type.name == name; });
    return found == std::end(kTypes) ? nullptr : found;
}

bool equal(const MessageData& a, const MessageData& b) {
    const auto same = [](const Value* x, const Value* y) {
        return x == nullptr || y == nullptr ? x == y : equal(*x, *y);
    };
    return a.type == b.type && same(a.key, b.key) && same(a.value, b.value);
}

Value make_message(const MessageType& type, std::span<const FieldValue> fields, Arena& arena) {
    SetFields set;
    for (const auto& [field, value] : fields) {
        const auto converted = convert_field(type, *field, value, arena);
        if (converted.is_error()) return converted;
        set.last = static_cast<std::size_t>(field - type.fields.data());
        set.values[set.last] = converted;
        set.set[set.last] = true;
    }
    switch (type.becomes) {
        case Becomes::kItsField:
            return set.any() ? set.values[0] : default_of(type.fields[0].form, arena);
        case Becomes::kAnyOfItsFields:
            // The enum has one value, whatever number it is given.
            if (!set.any() || type.fields[set.last].form == FieldForm::kEnum) return Value();
            return set.values[set.last];
        case Becomes::kPacked:
            return unpack_message(set.text(0), set.text(1), arena);
        case Becomes::kDuration:
            return duration_of(set.number(0), set.number(1));
        case Becomes::kTimestamp:
            return timestamp_of(set.number(0), set.number(1));
        case Becomes::kMessage:
            return entry(type, set, arena);
    }
    return Value();
}

}  // namespace knd::cel
