// SPDX-License-Identifier: Apache-2.0
//
// Regular expressions as Go writes them, for a RE2 that knows less.
#pragma once

#include <string>
#include <string_view>

namespace knd::cel {

/// (?<name>...) as (?P<name>...).
std::string with_named_groups(std::string_view pattern);

/// \p{...} with the names that RE2 has. Go (from 1.25 on) heeds neither case nor spaces, "_" and
/// "-" in them, and knows what Unicode calls its categories: \p{lowercase letter} is \p{Ll}.
/// Unknown names stay as they are.
std::string with_category_names(std::string_view pattern);

}  // namespace knd::cel
