// SPDX-License-Identifier: Apache-2.0
//
// The four ways to change an object in part.
#pragma once

#include "tools/local/api/schema.hpp"
#include "tools/local/api/status.hpp"

namespace knd::api {

/// RFC 7386.
Json merge_patch(Json target, const Json& patch);

/// RFC 6902; 422 when an operation cannot be done.
Answer<Json> json_patch(const Json& target, const Json& patch);

/// Kubernetes' own: lists with a merge key are merged by it, with the $patch, $retainKeys,
/// $deleteFromPrimitiveList and $setElementOrder directives.
Answer<Json> strategic_merge_patch(const Type& type, Json target, const Json& patch);

/// Server-side apply: merges `intent` into `live` (null when there is none yet), takes away what
/// `manager` applied before and does no more, and notes its fields in metadata.managedFields.
/// 409 when another manager has applied a different value, unless `force`.
Answer<Json> apply_patch(const Type& type, const Json& live, const Json& intent,
                         const std::string& manager, const std::string& subresource, bool force);

/// After any other write: whoever applied a field that has changed does not own it any more.
void release_changed_fields(const Type& type, const Json& before, Json& after);

}  // namespace knd::api
