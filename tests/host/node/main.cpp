// SPDX-License-Identifier: Apache-2.0
//
// main() of the gtest programs that need root.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>

#include "tests/host/node/own_namespaces.hpp"

namespace {

class NeedsRoot : public testing::Environment {
  public:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root, for network namespaces";
    }
};

}  // namespace

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    const bool listing = testing::GTEST_FLAG(list_tests);
    if (::geteuid() != 0) {
        testing::AddGlobalTestEnvironment(new NeedsRoot);  // gtest takes it
    } else if (!listing && !knd::testing::enter_own_namespaces()) {
        std::perror("cannot make network and mount namespaces");
        return 1;
    }
    return RUN_ALL_TESTS();
}
