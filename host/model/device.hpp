// SPDX-License-Identifier: Apache-2.0
//
// A device as the rest of the host sees it: what a backend reported and the API server will show.
#pragma once

#include <cstdint>
#include <map>
#include <string>
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
    bool operator==(const Device&) const = default;
};

}  // namespace knd
