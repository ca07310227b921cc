// SPDX-License-Identifier: Apache-2.0
//
// What fields of messages make of the values that they are given.
#pragma once

#include "host/cel/message.hpp"

namespace knd::cel {

/// The value as the field holds it. It fails where numbers do not fit and kinds differ, which can
/// be only where the checker did not know them.
Value convert_field(const MessageType& type, const MessageField& field, const Value& value,
                    Arena& arena);

/// Out of range: the longest or shortest that there is.
Value duration_of(std::int64_t seconds, std::int64_t nanoseconds);
/// Of any year, unlike what timestamp() makes.
Value timestamp_of(std::int64_t seconds, std::int64_t nanoseconds);

}  // namespace knd::cel
