// SPDX-License-Identifier: Apache-2.0
//
// What the readers of several kinds share. Internal to the readers.
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

Result<ObjectMeta> read_meta(const JsonField& meta);
Result<std::optional<NodeSelector>> read_node_selector(const JsonField& field);
Result<Taint> read_taint(const JsonField& field);
Result<Toleration> read_toleration(const JsonField& field);

}  // namespace knd::api
