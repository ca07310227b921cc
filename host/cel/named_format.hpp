// SPDX-License-Identifier: Apache-2.0
//
// What a value of kind kFormat points to: one of Kubernetes' named formats.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace knd::cel {

struct NamedFormat {
    std::string_view name;       ///< "dns1123Label"
    std::uint64_t pattern_size;  ///< what costs are counted with, whether or not a pattern is used
    /// What is wrong with a text, as release 1.`kubernetes_minor` says it; empty: nothing.
    std::vector<std::string> (*validate)(std::string_view text, int kubernetes_minor);
};

}  // namespace knd::cel
