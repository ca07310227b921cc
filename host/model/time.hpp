// SPDX-License-Identifier: Apache-2.0
//
// metav1.Time, as the API writes it: RFC 3339 in UTC with whole seconds.
#pragma once

#include <ctime>
#include <string>

namespace knd {

/// "2006-01-02T15:04:05Z"; empty for a time in no year that there is a number for.
std::string rfc3339(std::time_t seconds);
inline std::string rfc3339_now() {
    return rfc3339(std::time(nullptr));
}

}  // namespace knd
