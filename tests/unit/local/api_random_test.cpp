// SPDX-License-Identifier: Apache-2.0
#include "tools/local/api/random.hpp"

#include <gmock/gmock.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>

namespace knd::api {
namespace {

using testing::MatchesRegex;

TEST(ApiRandom, MakesUidsOfVersion4) {
    EXPECT_THAT(
        random_uid(),
        MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
    EXPECT_NE(random_uid(), random_uid());
}

TEST(ApiRandom, MakesIdsOfAnyLength) {
    EXPECT_THAT(random_id(64), MatchesRegex("[0-9a-f]{64}"));
    EXPECT_NE(random_id(16), random_id(16));
    EXPECT_EQ(random_id(1000).size(), 1000u);
}

/// From now on getrandom() fails in this process.
void refuse_random() {
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getrandom, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{static_cast<unsigned short>(std::size(filter)), filter};
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

TEST(ApiRandomDeathTest, MakesNoIdWithoutTheKernel) {
    EXPECT_DEATH((refuse_random(), random_id(16)), "getrandom: Function not implemented");
}

}  // namespace
}  // namespace knd::api
