// SPDX-License-Identifier: Apache-2.0
//
// Texts in messages, as Go's %q shows them.
#pragma once

#include <string>
#include <string_view>

namespace knd {

/// In double quotes; what cannot be printed is escaped.
std::string in_double_quotes(std::string_view text);

}  // namespace knd
