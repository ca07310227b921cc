// SPDX-License-Identifier: Apache-2.0
//
// main() of the tests that need root: network and mount namespaces of their own, so that nothing of
// the machine is seen or touched.
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>

#include <knd/cpp/fd.hpp>

namespace {

/// /sys of the new network namespace, with the cgroups that runtimes need still below it.
bool mount_own_sysfs() {
    char keep[] = "/tmp/knd-cgroup-XXXXXX";
    if (::mkdtemp(keep) == nullptr) return false;
    const bool cgroups = ::mount("/sys/fs/cgroup", keep, nullptr, MS_BIND | MS_REC, nullptr) == 0;
    if (::mount("sysfs", "/sys", "sysfs", 0, nullptr) != 0) return false;
    if (cgroups && ::mount(keep, "/sys/fs/cgroup", nullptr, MS_BIND | MS_REC, nullptr) != 0) {
        return false;
    }
    if (cgroups) ::umount2(keep, MNT_DETACH);
    ::rmdir(keep);
    return true;
}

bool enter_own_namespaces() {
    if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) return false;
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
    const knd::Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP;
    return mount_own_sysfs() && ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0;
}

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
    } else if (!listing && !enter_own_namespaces()) {
        std::perror("cannot make network and mount namespaces");
        return 1;
    }
    return RUN_ALL_TESTS();
}
