// SPDX-License-Identifier: Apache-2.0
//
// HealthNews: who has to hear of the health of devices. The kubelet and the status of claims get
// the whole of it, the pods and claims that have a device an event when it changes.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "host/inventory/inventory.hpp"
#include "host/model/device_health.hpp"
#include "host/model/services.hpp"

namespace knd {

/// A claim that has a device, and the pod that has it by that claim.
struct DeviceHolder {
    std::string pool;
    std::string device;
    ClaimRef claim;
    PodSandbox pod;  ///< without uid: none has it now
};

/// All devices that are offered or held and whose backends tell.
std::vector<DeviceHealth> device_healths(const std::vector<Inventory::Entry>& entries);

/// Threads: domain thread.
class HealthNews {
  public:
    explicit HealthNews(ClaimSource& source) : source_(source) {}

    /// Who has not heard yet that a device is not healthy, or is again, gets an event.
    void tell(const std::vector<DeviceHealth>& devices, const std::vector<DeviceHolder>& holders);

  private:
    /// Pool, device, claim uid, pod uid.
    using Key = std::tuple<std::string, std::string, std::string, std::string>;
    void send(const DeviceHolder& holder, const DeviceHealth& device);

    ClaimSource& source_;
    std::map<Key, Health> told_;
};

}  // namespace knd
