// SPDX-License-Identifier: Apache-2.0
#include "host/cel/type_names.hpp"

#include <algorithm>

namespace knd::cel {

TypeIndex named_type(TypeTable& types, std::string_view name) {
    if (name == "list") return types.type_of(types.list(types.param(0)));
    if (name == "map") return types.type_of(types.map(types.param(0), types.param(1)));
    // Of these two the name is without parameters.
    if (name == "type") return types.type_of(types.type_of(kNoType));
    if (name == "optional_type") return types.type_of(types.optional(kNoType));
    if (name == "null_type") return types.type_of(simple(TypeKind::kNull));
    if (const auto* message = find_message(name)) return types.type_of(types.read(message->type));
    for (const auto kind : {TypeKind::kBool, TypeKind::kInt, TypeKind::kUint, TypeKind::kDouble,
                            TypeKind::kString, TypeKind::kBytes, TypeKind::kTimestamp,
                            TypeKind::kDuration, TypeKind::kIp, TypeKind::kCidr})
        if (types.text(simple(kind)) == name) return types.type_of(simple(kind));
    return kErrorType;
}

const MessageType* message_of(const TypeTable& types, TypeIndex type) {
    const auto name = types.text(type);
    const auto all = message_types();
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const auto& message) { return message.type == name; });
    return found == all.end() ? nullptr : &*found;
}

TypeIndex field_type(TypeTable& types, FieldForm form) {
    switch (form) {
        case FieldForm::kBool:
            return kBoolType;
        case FieldForm::kInt32:
        case FieldForm::kInt64:
        case FieldForm::kEnum:
            return kIntType;
        case FieldForm::kUint32:
        case FieldForm::kUint64:
            return simple(TypeKind::kUint);
        case FieldForm::kFloat:
        case FieldForm::kDouble:
            return simple(TypeKind::kDouble);
        case FieldForm::kString:
            return kStringType;
        case FieldForm::kBytes:
            return simple(TypeKind::kBytes);
        case FieldForm::kJson:
            return kDynType;
        case FieldForm::kJsonObject:
        case FieldForm::kJsonFields:
            return types.map(kStringType, kDynType);
        case FieldForm::kJsonList:
        case FieldForm::kJsonValues:
            return types.list(kDynType);
    }
    return kErrorType;
}

std::string result_type_text(const TypeTable& types, TypeIndex index) {
    const auto& type = types[index];
    switch (type.kind) {
        case TypeKind::kAny:
            return "google.protobuf.Any";
        case TypeKind::kNull:
            return "null_type";
        case TypeKind::kDuration:
            return "google.protobuf.Duration";
        case TypeKind::kTimestamp:
            return "google.protobuf.Timestamp";
        case TypeKind::kType:
            if (type.a == kNoType) return "type";
            return "type(" + result_type_text(types, type.a) + ")";
        case TypeKind::kList:
            return "list(" + result_type_text(types, type.a) + ")";
        case TypeKind::kMap:
            return "map(" + result_type_text(types, type.a) + ", " +
                   result_type_text(types, type.b) + ")";
        case TypeKind::kOptional:
            if (type.a == kNoType) return "optional_type";
            return "optional_type(" + result_type_text(types, type.a) + ")";
        default:
            return types.text(index);
    }
}

}  // namespace knd::cel
