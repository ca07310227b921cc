// SPDX-License-Identifier: Apache-2.0
//
// Which types names stand for, and which names types have.
#pragma once

#include <string>
#include <string_view>

#include "host/cel/message.hpp"
#include "host/cel/types.hpp"

namespace knd::cel {

/// The type that an identifier like "int" or "list" names; kErrorType: none.
TypeIndex named_type(TypeTable& types, std::string_view name);
/// The message that a value of the type is, or is made of; null: none. Wrappers of one scalar have
/// the same fields.
const MessageType* message_of(const TypeTable& types, TypeIndex type);
/// What may be assigned to such a field, and what selecting it yields.
TypeIndex field_type(TypeTable& types, FieldForm form);
/// Like TypeTable::text, in the form that Kubernetes uses for a selector's result.
std::string result_type_text(const TypeTable& types, TypeIndex type);

}  // namespace knd::cel
