// SPDX-License-Identifier: Apache-2.0
//
// Network namespaces of this kernel for tests. The test's own namespace is never touched: "the
// host" is a namespace as well.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "sdk/support/netns.hpp"

namespace knd {

/// Skips, and says why, where namespaces cannot be made.
class NamespaceTest : public testing::Test {
  protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
    }

    static Fd make_netns() {
        auto netns = netns::create();
        EXPECT_TRUE(netns.ok()) << (netns.ok() ? "" : netns.error().message());
        return netns.ok() ? *std::move(netns) : Fd();
    }
    static Netlink netlink_in(const Fd& netns) {
        auto netlink = netns::open_netlink(netns.get());
        EXPECT_TRUE(netlink.ok()) << (netlink.ok() ? "" : netlink.error().message());
        return *std::move(netlink);
    }
};

/// EXPECT_OK(result): shows the message of the error.
#define EXPECT_OK(expression)                                                     \
    do {                                                                          \
        const auto& expect_ok_result = (expression);                              \
        EXPECT_TRUE(expect_ok_result.ok())                                        \
            << (expect_ok_result.ok() ? "" : expect_ok_result.error().message()); \
    } while (false)
#define ASSERT_OK(expression)                                                     \
    do {                                                                          \
        const auto& assert_ok_result = (expression);                              \
        ASSERT_TRUE(assert_ok_result.ok())                                        \
            << (assert_ok_result.ok() ? "" : assert_ok_result.error().message()); \
    } while (false)

}  // namespace knd
