// SPDX-License-Identifier: Apache-2.0
#include "host/model/text.hpp"

#include <gtest/gtest.h>

namespace knd {
namespace {

TEST(Text, ReplacesAllOccurrencesOnce) {
    std::string text = "$D/a:$D";
    replace_all(text, "$D", "/$D");
    EXPECT_EQ(text, "/$D/a:/$D");
    replace_all(text, "$E", "");
    EXPECT_EQ(text, "/$D/a:/$D");
}

}  // namespace
}  // namespace knd
