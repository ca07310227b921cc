// SPDX-License-Identifier: Apache-2.0
#include "host/model/time.hpp"

namespace knd {

std::string rfc3339(std::time_t seconds) {
    std::tm parts{};
    if (gmtime_r(&seconds, &parts) == nullptr) return {};
    char text[40];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace knd
