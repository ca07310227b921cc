// SPDX-License-Identifier: Apache-2.0
//
// Lists of JSON objects as aligned columns, the way kubectl prints them.
#pragma once

#include <string>
#include <vector>

#include "host/model/json.hpp"

namespace knd::ctl {

struct Column {
    std::string title;
    std::string key;  ///< member of each object; lists are joined with commas
};

/// A header and one line per object. Empty values print as "-".
std::string table(const std::vector<Column>& columns, const Json& objects);

}  // namespace knd::ctl
