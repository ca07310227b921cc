// SPDX-License-Identifier: Apache-2.0
//
// What the readers of several kinds share, and where the older versions have their fields. For
// readers and validation.
#pragma once

#include <span>
#include <string_view>

#include "host/model/core.hpp"
#include "host/model/json_field.hpp"

namespace knd::api {

/// Refuses another kind, and an apiVersion that is not listed. Objects out of a typed list have
/// neither, which is fine.
Result<void> check_kind(const Json& object, std::string_view kind,
                        std::span<const std::string_view> versions);

/// The fields of a device: v1beta1 nests all but its name in `basic`.
inline const Json& device_body(const Json& device) {
    const auto& basic = json_at(device, "basic");
    return basic.is_null() ? device : basic;
}

/// `exactly` of a request; v1beta1 has its fields beside the request's name. Null when the request
/// is of another form.
inline const Json* exact_request(const Json& request) {
    const auto& exactly = json_at(request, "exactly");
    if (!exactly.is_null()) return &exactly;
    return json_at(request, "deviceClassName").is_null() ? nullptr : &request;
}

Result<ObjectMeta> read_meta(const JsonField& meta);
Result<std::optional<NodeSelector>> read_node_selector(const JsonField& field);
Result<Taint> read_taint(const JsonField& field);
Result<Toleration> read_toleration(const JsonField& field);

}  // namespace knd::api
