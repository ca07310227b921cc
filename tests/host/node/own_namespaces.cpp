// SPDX-License-Identifier: Apache-2.0
#include "tests/host/node/own_namespaces.hpp"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include <knd/cpp/fd.hpp>

namespace knd::testing {
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

}  // namespace

bool enter_own_namespaces() {
    if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) return false;
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP;
    // Runtimes and CNI plugins keep things in /var/lib whatever they are told: caches of images,
    // results of CNI.
    if (::mount("tmpfs", "/var/lib", "tmpfs", 0, nullptr) != 0) return false;
    return mount_own_sysfs() && ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0;
}

}  // namespace knd::testing
