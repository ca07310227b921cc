// SPDX-License-Identifier: Apache-2.0
//
// A device as the rest of the host sees it: what a backend reported and the API server will show.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace knd {

/// A semantic version, kept apart from plain strings because CEL compares it differently.
struct Version {
    std::string text;
    auto operator<=>(const Version&) const = default;
};

/// The value of a device attribute: `int`, `bool`, `string`, `version` of resource.k8s.io, and
/// their list forms (`ints`, `bools`, `strings`, `versions`; Kubernetes 1.36+).
using AttributeValue =
    std::variant<std::int64_t, bool, std::string, Version, std::vector<std::int64_t>,
                 std::vector<bool>, std::vector<std::string>, std::vector<Version>>;

/// How much of a capacity a claim gets that asks for less, or for no amount (resource.k8s.io:
/// requestPolicy). Quantities as texts; empty: not set. Either `valid_values` or `min`.
struct CapacityPolicy {
    std::string default_value;
    std::string min;
    std::string max;
    std::string step;
    std::vector<std::string> valid_values;
    bool operator==(const CapacityPolicy&) const = default;
};

/// Counter set -> counter -> quantity: what devices share, or what one of them takes of it.
using Counters = std::map<std::string, std::map<std::string, std::string>>;

/// Keeps claims away from a device that do not tolerate it.
struct DeviceTaint {
    std::string key;
    std::string value;
    std::string effect;  ///< "None", "NoSchedule", "NoExecute"
    bool operator==(const DeviceTaint&) const = default;
};

struct Device {
    std::string name;          ///< DNS label, unique in its pool, stable across restarts
    std::string backend;       ///< the instance (TOML `name`) that reported it
    std::string hardware_key;  ///< what it is physically: "pci:0000:3b:00.1", "net:dra0"
    /// Kernel name in the host's network namespace, empty when there is no netdev. Uplink safety
    /// looks at it.
    std::string netdev;
    std::map<std::string, AttributeValue> attributes;  ///< qualified name ("knd.dev/ifName")
    std::map<std::string, std::string> capacity;       ///< qualified name -> quantity
    std::string withheld = {};  ///< why its backend does not offer it; empty: it does
    /// Hardware key of the device that this one is a part of, a PF of its VF. The two exclude each
    /// other. Empty: no part.
    std::string parent_key = {};
    bool shareable = false;                               ///< several claims may have it at once
    std::map<std::string, CapacityPolicy> policies = {};  ///< by qualified name of a capacity
    Counters consumes = {};                               ///< of its backend's counter sets
    std::vector<DeviceTaint> taints = {};                 ///< its backend's own
    bool operator==(const Device&) const = default;
};

/// What a backend reports at once.
struct DeviceListing {
    std::vector<Device> devices;
    Counters counters;  ///< that its devices share; a set's name is unique in its pool
    bool operator==(const DeviceListing&) const = default;
};

enum class Health { kUnknown, kHealthy, kUnhealthy };

/// What a backend says about a device that it does not call healthy.
struct HealthReport {
    Health health = Health::kHealthy;
    std::string message;  ///< for people
    bool operator==(const HealthReport&) const = default;
};

/// "Healthy", "Unhealthy", "Unknown", as the kubelet writes it.
constexpr std::string_view health_name(Health health) {
    return health == Health::kHealthy     ? "Healthy"
           : health == Health::kUnhealthy ? "Unhealthy"
                                          : "Unknown";
}

}  // namespace knd
