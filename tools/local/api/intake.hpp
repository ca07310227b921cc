// SPDX-License-Identifier: Apache-2.0
//
// What happens to an object between a client's hands and the store: its shape is checked, the
// server's own fields are put in, defaults are filled in, rules are checked. Pure functions.
#pragma once

#include "tools/local/api/store.hpp"

namespace knd::api {

/// The object as it would be stored, without a resourceVersion.
Answer<Json> take_new(const Kind& kind, std::string_view ns, Json object,
                      const WriteOptions& options);

/// The same for a replacement of `before`; equal to it when the write changes nothing.
Answer<Json> take_replacement(const Kind& kind, const Json& before, Json after,
                              const WriteOptions& options);

/// What is wrong with the preconditions on uid and resourceVersion, if anything.
Answer<bool> check_preconditions(const Kind& kind, const Json& current, const std::string& uid,
                                 const std::string& resource_version);

std::string object_name(const Json& object);
/// Whether it waits for finalizers or a kubelet and then goes.
bool is_leaving(const Json& object);
std::string object_namespace(const Json& object);

}  // namespace knd::api
