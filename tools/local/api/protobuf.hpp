// SPDX-License-Identifier: Apache-2.0
//
// API objects in protobuf, to and from JSON: what application/vnd.kubernetes.protobuf means. The
// layout of each message is in the table of messages.hpp. Fields that the table does not have are
// dropped, as a server drops what it does not know.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "host/model/json.hpp"

namespace knd::api {

/// Reads an object in its envelope ("k8s\0", then runtime.Unknown). An envelope without apiVersion
/// and kind is of the kind that `api_version` and `kind` name. INVALID_ARGUMENT says where the
/// bytes are no such object, or of which kind there is no description.
Result<Json> decode_protobuf(std::string_view bytes, const std::string& api_version,
                             const std::string& kind);

/// The object in its envelope; nothing when there is no description of its kind. Values of another
/// type than their field's are left out.
std::optional<std::string> encode_protobuf(const Json& object);

/// One event of a watch: a frame with the length in front. Nothing as above.
std::optional<std::string> encode_watch_event(std::string_view type, const Json& object);

}  // namespace knd::api
