// SPDX-License-Identifier: Apache-2.0
//
// Which driver a PCI function has, and how many virtual functions a physical one. All of it is
// written to sysfs and takes from milliseconds to seconds; the kernel waits in the writing thread
// while somebody has a function open by vfio. Never from an event loop.
// Source: Documentation/ABI/testing/sysfs-bus-pci (driver_override, drivers_probe, sriov_numvfs).
//
// Threads: any.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <knd/cpp/result.hpp>

namespace knd::pci {

using Clock = std::chrono::steady_clock;
/// Fails when nobody waits any more.
using Check = std::function<Result<void>()>;

/// Binds the function to that driver, by driver_override, whatever it has now.
Result<void> bind_driver(const std::string& address, const std::string& driver,
                         const std::string& root = "/sys");
/// Takes an override away and lets the kernel choose. FAILED_PRECONDITION: no driver wants it.
Result<void> bind_own_driver(const std::string& address, const std::string& root = "/sys");
/// Unbinds and binds again, as it is.
Result<void> rebind_driver(const std::string& address, const std::string& root = "/sys");

/// Empty: none.
std::string driver_of(const std::string& address, const std::string& root = "/sys");

/// The interface of the function, as soon as it is there and udev has nothing left to do.
Result<std::string> wait_for_netdev(const std::string& address, Clock::time_point deadline,
                                    const Check& check, const std::string& root = "/sys");

/// Makes a PF have that many VFs, where it has none, and waits until each has a driver and, with
/// one for networks, an interface; those that have none after a while are probed again. When they
/// never become ready, they are taken away; when only the deadline has passed, they stay.
Result<void> make_functions(const std::string& physical, int count, Clock::time_point deadline,
                            const Check& check, const std::string& root = "/sys");
/// Takes all VFs of a PF away.
Result<void> remove_functions(const std::string& physical, const std::string& root = "/sys");

/// "/dev/vfio/7", once it is there.
Result<std::string> vfio_node(const std::string& address, Clock::time_point deadline,
                              const std::string& root = "/sys");
/// Other functions of the same IOMMU group that are neither bridges nor bound to vfio or nothing.
std::vector<std::string> group_strangers(const std::string& address,
                                         const std::string& root = "/sys");

}  // namespace knd::pci
