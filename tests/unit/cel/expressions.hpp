// SPDX-License-Identifier: Apache-2.0
//
// One expression on one device, in one call.
#pragma once

#include <string>

#include "host/cel/cel.hpp"

namespace knd::cel {

inline const OwnedDevice& example_device() {
    static const auto kDevice = OwnedDevice::make("d",
                                                  {{"s", std::string("abc")},
                                                   {"i", std::int64_t{3}},
                                                   {"b", true},
                                                   {"v", Version{"1.2.3"}},
                                                   {"x/numaNode", std::int64_t{1}},
                                                   {"x/speed", std::int64_t{200000}}},
                                                  {{"mem", "10Gi"}, {"x/q", "8"}});
    return *kDevice;
}

/// "true", "false", "compile: ..." or "error: ...".
inline std::string outcome(std::string_view expression, const Environment& environment = {},
                           const DeviceView& device = example_device().view()) {
    const auto program = compile_selector(expression, environment);
    if (!program.ok()) return "compile: " + program.error().message();
    const auto matches = program->matches(device);
    if (!matches.ok()) return "error: " + matches.error().message();
    return *matches ? "true" : "false";
}

/// The first line of a compile error, without its place.
inline std::string compile_error(std::string_view expression, const Environment& environment = {}) {
    auto text = outcome(expression, environment);
    const auto start = text.find("ERROR: <input>:");
    if (start == std::string::npos) return text;
    text = text.substr(text.find(": ", start + 15) + 2);
    return text.substr(0, text.find('\n'));
}

}  // namespace knd::cel
