// SPDX-License-Identifier: Apache-2.0
#include "tools/local/support/container_root.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <string>
#include <system_error>

#include <knd/cpp/fd.hpp>

namespace knd::local {
namespace {

namespace fs = std::filesystem;

/// Where the layer is made; hidden in this mount namespace alone.
const fs::path kStage = "/tmp";
const fs::path kRoot = kStage / "root";

constexpr const char* kUsualDevices[] = {"/dev/null", "/dev/zero",   "/dev/full",
                                         "/dev/tty",  "/dev/random", "/dev/urandom"};

Result<> mount_on(const char* what, const fs::path& source, const fs::path& target,
                  const char* type, unsigned long flags, const std::string& options = "") {
    if (mount(source.c_str(), target.c_str(), type, flags, options.c_str()) == 0) return {};
    return Error::from_errno(what + (" on " + target.string()), errno);
}

Result<> make_directories(const fs::path& path) {
    std::error_code error;
    fs::create_directories(path, error);
    if (error) return Error::from_errno("make " + path.string(), error.value());
    return {};
}

/// A path of the container, below the new root.
fs::path inside(const fs::path& path) {
    return kRoot / path.lexically_normal().relative_path();
}

Result<> make_node(const DeviceNode& device) {
    const auto path = inside(device.path);
    KND_TRY(make_directories(path.parent_path()));
    const auto type = device.type == 'b' ? S_IFBLK : S_IFCHR;
    const auto number =
        makedev(static_cast<unsigned>(device.major), static_cast<unsigned>(device.minor));
    if (mknod(path.c_str(), type | device.mode, number) != 0)
        return Error::from_errno("make device " + device.path, errno);
    // Whatever the umask is.
    if (chmod(path.c_str(), device.mode) != 0 ||
        chown(path.c_str(), device.uid.value_or(0), device.gid.value_or(0)) != 0)
        return Error::from_errno("set the owner of device " + device.path, errno);
    return {};
}

Result<> make_devices(const std::vector<DeviceNode>& devices) {
    KND_TRY(mount_on("mount a tmpfs", "tmpfs", inside("/dev"), "tmpfs", MS_NOSUID, "mode=755"));
    for (const auto* path : kUsualDevices) {
        struct stat status {};
        if (stat(path, &status) != 0) continue;
        KND_TRY(make_node({.path = path,
                           .major = major(status.st_rdev),
                           .minor = minor(status.st_rdev),
                           .mode = 0666}));
    }
    for (const auto& device : devices)
        KND_TRY(make_node(device));
    return {};
}

Result<> bind(const fs::path& source, const fs::path& target) {
    std::error_code error;
    if (fs::is_directory(source, error)) {
        KND_TRY(make_directories(inside(target)));
    } else {
        KND_TRY(make_directories(inside(target).parent_path()));
        const std::ofstream file(inside(target), std::ios::app);
    }
    return mount_on(("bind " + source.string()).c_str(), source, inside(target), nullptr,
                    MS_BIND | MS_REC);
}

/// `source` is that of the mount, opened before the stage hid what is in its place.
Result<> make_mount(const Mount& wanted, const Fd& source) {
    auto bound = bind("/proc/self/fd/" + std::to_string(source.get()), wanted.destination);
    if (!bound.ok()) return std::move(bound).error().wrap(wanted.source);
    unsigned long flags = wanted.read_only ? MS_RDONLY : 0;
    const auto said = [&](const char* option) {
        return std::find(wanted.options.begin(), wanted.options.end(), option) !=
               wanted.options.end();
    };
    if (said("nosuid")) flags |= MS_NOSUID;
    if (said("nodev")) flags |= MS_NODEV;
    if (said("noexec")) flags |= MS_NOEXEC;
    if (flags == 0) return {};
    return mount_on("set options", "none", inside(wanted.destination), nullptr,
                    MS_BIND | MS_REMOUNT | flags);
}

}  // namespace

Result<> enter_container_root(const std::vector<DeviceNode>& devices,
                              const std::vector<Mount>& mounts) {
    std::vector<Fd> sources;
    for (const auto& wanted : mounts) {
        sources.emplace_back(open(wanted.source.c_str(), O_PATH | O_CLOEXEC));
        if (!sources.back()) return Error::from_errno("open " + wanted.source, errno);
    }
    KND_TRY(mount_on("mount a tmpfs", "tmpfs", kStage, "tmpfs", 0, "mode=755"));
    for (const auto* part : {"upper", "work", "root"})
        KND_TRY(make_directories(kStage / part));
    KND_TRY(mount_on("lay memory over the root", "overlay", kRoot, "overlay", 0,
                     "lowerdir=/,upperdir=" + (kStage / "upper").string() +
                         ",workdir=" + (kStage / "work").string()));
    for (const auto* path : {"/proc", "/sys", "/usr", "/opt"}) {
        std::error_code error;
        if (fs::is_directory(fs::symlink_status(path, error))) KND_TRY(bind(path, path));
    }
    KND_TRY(make_devices(devices));
    for (std::size_t i = 0; i < mounts.size(); ++i)
        KND_TRY(make_mount(mounts[i], sources[i]));
    if (chroot(kRoot.c_str()) != 0 || chdir("/") != 0)
        return Error::from_errno("enter " + kRoot.string(), errno);
    return {};
}

}  // namespace knd::local
