// SPDX-License-Identifier: Apache-2.0
//
// The host's part of a claim's opaque configuration: what the interface looks like in the pod. The
// same JSON as DraNet's NetworkConfig, so that claims written for it work unchanged:
//   {"interface": {"name": "net1", "addresses": ["192.0.2.10/24"], "mtu": 9000,
//                  "hardwareAddr": "02:00:00:00:00:01"},
//    "routes": [{"destination": "198.51.100.0/24", "gateway": "192.0.2.1"}]}
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/model/class_policy.hpp"
#include "host/model/json.hpp"

namespace knd {

struct RouteConfig {
    std::string destination;  ///< CIDR, canonical
    std::string gateway;      ///< empty: on-link
    std::string source;
    int scope = 0;  ///< 0 universe, 253 link
    int table = 0;  ///< 0: main
    bool operator==(const RouteConfig&) const = default;
};

struct RuleConfig {
    int priority = 0;
    std::string source;
    std::string destination;
    int table = 0;
    bool operator==(const RuleConfig&) const = default;
};

struct NeighborConfig {
    std::string destination;
    std::string hardware_addr;
    bool operator==(const NeighborConfig&) const = default;
};

struct NetworkConfig {
    std::string interface_name;  ///< in the pod; empty: the host's name
    /// CIDR. Absent: the addresses that the interface has on the host.
    std::optional<std::vector<std::string>> addresses;
    std::optional<int> mtu;
    std::string hardware_addr;
    std::vector<RouteConfig> routes;
    std::vector<RuleConfig> rules;
    std::vector<NeighborConfig> neighbors;
    bool operator==(const NetworkConfig&) const = default;
};

struct SplitConfig {
    NetworkConfig network;
    Json backend;        ///< the keys that are not the host's, for the backend's knd_params
    Json backend_class;  ///< those of them that the DeviceClass alone sets
};

/// Checks the host's part strictly and leaves the rest to the backend. Errors name the field by
/// path, what it holds and what it may hold.
Result<SplitConfig> read_network_config(const ClassAndClaimConfig& config);

Json to_json(const NetworkConfig& config);
Result<NetworkConfig> network_config_from_json(const Json& json);

}  // namespace knd
