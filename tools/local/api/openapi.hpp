// SPDX-License-Identifier: Apache-2.0
//
// The schema as OpenAPI documents: v3 per group as newer kubectl reads it, v2 as a whole for older
// ones, which ask for it in gnostic's protobuf encoding.
#pragma once

#include <string>
#include <string_view>

#include "host/model/json.hpp"

namespace knd::api {

Json openapi_v3(std::string_view group, std::string_view version);
Json openapi_v2(std::string_view version);
std::string openapi_v2_protobuf(std::string_view version);

}  // namespace knd::api
