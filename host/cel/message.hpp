// SPDX-License-Identifier: Apache-2.0
//
// The messages that an expression can make: protobuf's well-known ones, as the reference
// implementation knows them without being told (google/protobuf/{any,duration,empty,struct,
// timestamp,wrappers}.proto). Most become a plain value at once: a wrapper what it holds, Struct a
// map, Value whatever JSON it is, Any what is packed in it. Only Empty and an entry of Struct's map
// stay messages.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "host/cel/value.hpp"

namespace knd::cel {

enum class FieldForm : std::uint8_t {
    kBool,
    kInt32,
    kInt64,
    kUint32,
    kUint64,
    kFloat,
    kDouble,
    kString,
    kBytes,
    kEnum,
    kJson,        ///< google.protobuf.Value
    kJsonObject,  ///< google.protobuf.Struct
    kJsonList,    ///< google.protobuf.ListValue
    kJsonFields,  ///< map<string, google.protobuf.Value>
    kJsonValues,  ///< repeated google.protobuf.Value
};

struct MessageField {
    std::string_view name;
    FieldForm form;
};

struct MessageType {
    /// What a message of the type becomes.
    enum class Becomes : std::uint8_t {
        kItsField,  ///< what its first field holds, or would by default
        kAnyOfItsFields,
        kPacked,
        kDuration,
        kTimestamp,
        kMessage,
    };
    std::string_view name;
    std::string_view type;  ///< to the checker, as TypeTable::text() writes it
    Becomes becomes;
    std::span<const MessageField> fields;

    const MessageField* field(std::string_view field_name) const;
};

/// By its full name; null: none.
const MessageType* find_message(std::string_view name);
/// Those that have names of types.
std::span<const MessageType> message_types();
/// The value of this enum, or null: its name is none.
inline constexpr std::string_view kNullValueName = "google.protobuf.NullValue.NULL_VALUE";

/// What is left of Empty and of an entry. Unset fields are null pointers.
struct MessageData {
    const MessageType* type = nullptr;
    const Value* key = nullptr;    ///< of an entry
    const Value* value = nullptr;  ///< of an entry

    const Value* field(std::string_view name) const { return name == "key" ? key : value; }
};
bool equal(const MessageData& a, const MessageData& b);

struct FieldValue {
    const MessageField* field = nullptr;
    Value value;
};
/// The value that the message becomes, or an error if a field cannot hold what it is given.
Value make_message(const MessageType& type, std::span<const FieldValue> fields, Arena& arena);
/// What google.protobuf.Any holds: these bytes are a message of the type that the URL ends in.
Value unpack_message(std::string_view type_url, std::string_view bytes, Arena& arena);

/// Why a value cannot become one of that type of Go's, in Kubernetes' words.
std::string refuse_conversion(const Value& value, std::string_view native_type);

}  // namespace knd::cel
