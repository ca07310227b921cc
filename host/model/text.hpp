// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace knd {

/// What it puts in is not looked at again.
void replace_all(std::string& text, std::string_view what, std::string_view with);

}  // namespace knd
