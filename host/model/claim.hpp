// SPDX-License-Identifier: Apache-2.0
//
// A ResourceClaim as the driver needs it: who uses it, which of our devices it got, and the opaque
// configuration that applies to each. Other drivers' results are already filtered out.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/model/device.hpp"
#include "host/model/json.hpp"

namespace knd {

/// What the kubelet sends: identity only.
struct ClaimRef {
    std::string ns;
    std::string name;
    std::string uid;
    bool operator==(const ClaimRef&) const = default;
    /// "default/my-claim", for messages.
    std::string text() const { return ns + "/" + name; }
};

/// "req" of "req/sub": what the kubelet compares with a container's claims.
inline std::string base_request(const std::string& request) {
    return request.substr(0, request.find('/'));
}

/// One entry of status.allocation.devices.results[] that names our driver.
struct AllocatedDevice {
    std::string request;  ///< "req" or "req/sub"
    std::string pool;
    std::string device;
    std::string share_id;
    bool admin_access = false;
    std::string device_class = {};  ///< of its request, for messages; empty: not known
    std::map<std::string, std::string> consumed = {};  ///< capacity, as written -> quantity
    /// The `parameters` objects that apply to this result, later ones win: of the DeviceClass, and
    /// of the claim.
    std::vector<Json> class_configs = {};
    std::vector<Json> configs = {};
};

/// A pod that uses a claim; its namespace is the claim's.
struct PodRef {
    std::string uid;
    std::string name;
    bool operator==(const PodRef&) const = default;
};

inline std::vector<std::string> pod_uids(const std::vector<PodRef>& pods) {
    std::vector<std::string> uids;
    for (const auto& pod : pods)
        uids.push_back(pod.uid);
    return uids;
}

struct Claim {
    ClaimRef ref;
    /// metadata.annotations["resource.kubernetes.io/pod-claim-name"], for template claims.
    std::string pod_claim_name;
    std::vector<PodRef> reserved_for;
    std::vector<AllocatedDevice> devices;
};

/// One entry of the answer to NodePrepareResources.
struct PreparedDevice {
    std::vector<std::string> requests;  ///< base request names
    std::string pool;
    std::string device;
    std::string share_id;
    std::vector<std::string> cdi_ids;
    bool operator==(const PreparedDevice&) const = default;
};

/// Besides Ready, NetworkReady and Healthy, which are made of the other members.
struct StatusCondition {
    std::string type;
    bool met = false;
    std::string reason;  ///< CamelCase, never empty
    std::string message;
    bool operator==(const StatusCondition&) const = default;
};

/// status.devices[] of a claim: what a user sees with kubectl.
struct DeviceStatus {
    std::string pool;
    std::string device;
    std::string share_id;
    bool ready = false;
    std::string reason;   ///< CamelCase, never empty
    std::string message;  ///< for people
    std::string interface_name;
    std::vector<std::string> ips;  ///< CIDR form, canonical spelling
    std::string hardware_address;
    std::vector<StatusCondition> conditions = {};
    Json data = {};  ///< an object of the driver's, for people and programs; null: none
    std::optional<HealthReport> health = {};  ///< nothing: its backend does not tell
    bool operator==(const DeviceStatus&) const = default;
};

}  // namespace knd
