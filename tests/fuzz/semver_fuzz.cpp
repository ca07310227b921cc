// SPDX-License-Identifier: Apache-2.0
//
// Any text as a semantic version: strictly read ones are written as they were, and what is read
// leniently is a version.
#include <cstdlib>
#include <string_view>

#include "host/model/semver.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto strict = knd::Semver::parse(text);
    const auto lenient = knd::Semver::parse_lenient(text);
    if (strict.ok() && (strict->text() != text || *strict != *strict)) std::abort();
    if (lenient.ok() && !knd::Semver::parse(lenient->text()).ok()) std::abort();
    return 0;
}
