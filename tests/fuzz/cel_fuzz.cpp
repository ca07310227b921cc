// SPDX-License-Identifier: Apache-2.0
//
// Any text as a selector: it is refused, or it evaluates within its limits, and saying why never
// fails either.
#include <cstdlib>
#include <string>
#include <string_view>

#include "host/cel/explain.hpp"

namespace {

knd::cel::OwnedDevice make_device() {
    auto device = knd::cel::OwnedDevice::make("d",
                                              {{"s", std::string("abc")},
                                               {"i", std::int64_t{3}},
                                               {"b", true},
                                               {"v", knd::Version{"1.2.3"}},
                                               {"x/l", std::vector<std::string>{"a", "b"}}},
                                              {{"mem", "10Gi"}});
    if (!device.ok()) std::abort();
    return *std::move(device);
}

void expect(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    static const auto kDevice = make_device();
    const std::string_view source(reinterpret_cast<const char*>(data), size);
    knd::cel::Environment environment;
    environment.list_attributes = size % 2 != 0;
    environment.stored = size % 3 != 0;
    const auto program = knd::cel::compile_selector(source, environment);
    if (!program.ok()) {
        expect(!program.error().message().empty());
        return 0;
    }
    constexpr knd::cel::Limits kLimits{100'000};
    const auto view = kDevice.view();
    const auto matches = program->matches(view, kLimits);
    const auto why = knd::cel::explain(*program, view, kLimits);
    expect(matches.ok() ? why.matches == *matches : why.error == matches.error().message());
    return 0;
}
