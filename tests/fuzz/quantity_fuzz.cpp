// SPDX-License-Identifier: Apache-2.0
//
// Any text as a quantity: what is read is written in a form that reads back as the same number.
#include <cstdlib>
#include <string_view>

#include "host/model/quantity.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto read = knd::Quantity::parse(text);
    if (!read.ok()) return 0;
    const auto again = knd::Quantity::parse(read->text());
    if (!again.ok() || *again != *read) std::abort();
    if ((*read - *read).sign() != 0 || *read < *again) std::abort();
    static_cast<void>((*read + *again).as_double());
    static_cast<void>(read->plain_int64());
    return 0;
}
