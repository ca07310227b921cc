// SPDX-License-Identifier: Apache-2.0
#include "sdk/support/pci_driver.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "sdk/support/sriov.hpp"

namespace knd::pci {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using sriov::read_attribute;
using sriov::write_attribute;

constexpr auto kStep = 20ms;
/// Until a function that got no driver by itself is offered to the drivers once more.
constexpr auto kStraggler = 2s;
/// What is not ready by then will not be.
constexpr auto kSettle = 30s;

std::string path_of(const std::string& address, const std::string& root) {
    return root + "/bus/pci/devices/" + address;
}

bool exists(const std::string& path) {
    std::error_code error;
    return fs::exists(path, error);
}

std::string target_name(const std::string& link) {
    std::error_code error;
    const auto target = fs::read_symlink(link, error);
    return error ? "" : target.filename().string();
}

std::vector<std::string> names_in(const std::string& directory) {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error))
        names.push_back(it->path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

/// The file is there while udevd has events that it has not dealt with (systemd; udevadm(8)).
bool udev_is_busy() {
    return exists("/run/udev/queue");
}

Result<void> unbind(const std::string& address, const std::string& root) {
    if (driver_of(address, root).empty()) return {};
    return write_attribute(path_of(address, root) + "/driver/unbind", address);
}

Result<void> probe(const std::string& address, const std::string& root) {
    return write_attribute(root + "/bus/pci/drivers_probe", address);
}

bool is_network_driver(const std::string& driver) {
    return !driver.empty() && driver != "vfio-pci" && driver != "uio_pci_generic" &&
           driver != "igb_uio" && !driver.ends_with("vfio_pci");
}

struct Missing {
    std::vector<std::string> functions;
    std::string what;
};

/// Which VFs are not ready, and what of them.
Missing missing_of(const std::string& physical, int count, bool autoprobe,
                   const std::string& root) {
    Missing missing;
    for (int index = 0; index < count; ++index) {
        const auto link = path_of(physical, root) + "/virtfn" + std::to_string(index);
        const auto address = target_name(link);
        if (address.empty()) {
            missing.what = "virtual function " + std::to_string(index) + " did not appear";
            return missing;
        }
        if (!autoprobe) continue;
        const auto driver = driver_of(address, root);
        if (driver.empty()) {
            missing.functions.push_back(address);
            missing.what = address + " has no driver";
        } else if (is_network_driver(driver) && names_in(path_of(address, root) + "/net").empty() &&
                   names_in(path_of(address, root) + "/infiniband").empty()) {
            missing.what = address + " has driver " + driver + " and no interface";
        }
    }
    if (missing.what.empty() && udev_is_busy()) missing.what = "udev has not finished";
    return missing;
}

Result<void> wait_for_functions(const std::string& physical, int count, Clock::time_point deadline,
                                const Check& check, const std::string& root) {
    const bool autoprobe =
        read_attribute(path_of(physical, root) + "/sriov_drivers_autoprobe") != "0";
    auto probe_at = Clock::now() + kStraggler;
    const auto give_up_at = Clock::now() + kSettle;
    while (true) {
        const auto missing = missing_of(physical, count, autoprobe, root);
        if (missing.what.empty()) return {};
        KND_TRY(check());
        if (Clock::now() >= deadline) return Error(Code::kDeadlineExceeded, missing.what);
        if (Clock::now() >= give_up_at) return Error(Code::kFailedPrecondition, missing.what);
        if (Clock::now() >= probe_at) {
            // Not every driver of many VFs binds to all of them at the first attempt.
            for (const auto& address : missing.functions)
                (void)probe(address, root);
            probe_at = Clock::now() + kStraggler;
        }
        std::this_thread::sleep_for(kStep);
    }
}

}  // namespace

std::string driver_of(const std::string& address, const std::string& root) {
    return target_name(path_of(address, root) + "/driver");
}

Result<void> bind_driver(const std::string& address, const std::string& driver,
                         const std::string& root) {
    const auto path = path_of(address, root);
    if (driver_of(address, root) == driver) return {};
    if (!exists(root + "/bus/pci/drivers/" + driver)) {
        return Error(Code::kFailedPrecondition,
                     "driver " + driver + " is not loaded on this node (modprobe " + driver + ")");
    }
    KND_TRY(write_attribute(path + "/driver_override", driver));
    KND_TRY(unbind(address, root));
    KND_TRY(probe(address, root));
    const auto now = driver_of(address, root);
    if (now == driver) return {};
    return Error(Code::kFailedPrecondition, "driver " + driver + " did not take function " +
                                                address + "; it has " +
                                                (now.empty() ? "none" : now) + " (see dmesg)");
}

Result<void> bind_own_driver(const std::string& address, const std::string& root) {
    const auto path = path_of(address, root);
    if (read_attribute(path + "/driver_override") != "(null)")
        KND_TRY(write_attribute(path + "/driver_override", ""));
    KND_TRY(unbind(address, root));
    KND_TRY(probe(address, root));
    if (!driver_of(address, root).empty()) return {};
    return Error(Code::kFailedPrecondition,
                 "no driver of this kernel takes function " + address + " (see dmesg)");
}

Result<void> rebind_driver(const std::string& address, const std::string& root) {
    const auto driver = driver_of(address, root);
    if (driver.empty()) return bind_own_driver(address, root);
    KND_TRY(unbind(address, root));
    return write_attribute(root + "/bus/pci/drivers/" + driver + "/bind", address);
}

Result<std::string> wait_for_netdev(const std::string& address, Clock::time_point deadline,
                                    const Check& check, const std::string& root) {
    while (true) {
        const auto names = names_in(path_of(address, root) + "/net");
        if (!names.empty() && !udev_is_busy()) return names.front();
        KND_TRY(check());
        if (Clock::now() >= deadline) {
            return Error(Code::kUnavailable, "driver " + driver_of(address, root) +
                                                 " makes no interface for function " + address);
        }
        std::this_thread::sleep_for(kStep);
    }
}

Result<void> make_functions(const std::string& physical, int count, Clock::time_point deadline,
                            const Check& check, const std::string& root) {
    const auto file = path_of(physical, root) + "/sriov_numvfs";
    KND_TRY(write_attribute(file, std::to_string(count)));
    auto ready = wait_for_functions(physical, count, deadline, check, root);
    if (ready.ok()) return {};
    auto error = std::move(ready).error().wrap("make " + std::to_string(count) +
                                               " virtual functions of " + physical);
    // Nobody waits any more: they go on becoming ready, and the next call finds them so.
    if (error.code() != Code::kFailedPrecondition) return error;
    if (const auto undone = remove_functions(physical, root); !undone.ok())
        return std::move(error).wrap("and they stay (" + undone.error().message() + ")");
    return error;
}

Result<void> remove_functions(const std::string& physical, const std::string& root) {
    return write_attribute(path_of(physical, root) + "/sriov_numvfs", "0");
}

Result<std::string> vfio_node(const std::string& address, Clock::time_point deadline,
                              const std::string& root) {
    const auto group = target_name(path_of(address, root) + "/iommu_group");
    if (group.empty()) {
        return Error(Code::kFailedPrecondition,
                     "function " + address +
                         " is in no IOMMU group: switch the IOMMU on (intel_iommu=on or "
                         "amd_iommu=on, and in the firmware)");
    }
    const auto node = "/dev/vfio/" + group;
    while (!exists(node)) {
        if (Clock::now() >= deadline)
            return Error(Code::kUnavailable, node + " did not appear (is udev running?)");
        std::this_thread::sleep_for(kStep);
    }
    return node;
}

std::vector<std::string> group_strangers(const std::string& address, const std::string& root) {
    std::vector<std::string> strangers;
    for (const auto& other : names_in(path_of(address, root) + "/iommu_group/devices")) {
        const auto driver = driver_of(other, root);
        const bool bridge = read_attribute(path_of(other, root) + "/class").starts_with("0x0604");
        if (other == address || bridge || driver.empty() || driver == "vfio-pci" ||
            driver == "pci-stub") {
            continue;
        }
        strangers.push_back(other);
    }
    return strangers;
}

}  // namespace knd::pci
