// SPDX-License-Identifier: Apache-2.0
#include "host/model/time.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace knd {
namespace {

TEST(Time, IsWrittenInUtcAndWholeSeconds) {
    EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00Z");
    EXPECT_EQ(rfc3339(1'136'214'245), "2006-01-02T15:04:05Z");
}

TEST(Time, IsEmptyInAYearWithoutANumber) {
    EXPECT_EQ(rfc3339(std::numeric_limits<std::time_t>::max()), "");
}

}  // namespace
}  // namespace knd
