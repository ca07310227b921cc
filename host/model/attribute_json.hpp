// SPDX-License-Identifier: Apache-2.0
//
// A device's attributes as the API spells them: {"knd.dev/ifName": {"string": "dra0"}}.
#pragma once

#include <map>
#include <string>

#include "host/model/device.hpp"
#include "host/model/json.hpp"

namespace knd {

Json attributes_to_json(const std::map<std::string, AttributeValue>& attributes);

}  // namespace knd
