// SPDX-License-Identifier: Apache-2.0
//
// Times as the API writes them.
#pragma once

#include <ctime>
#include <string>

namespace knd::kube {

/// "2006-01-02T15:04:05Z", now.
inline std::string rfc3339_now() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace knd::kube
