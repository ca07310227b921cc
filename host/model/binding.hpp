// SPDX-License-Identifier: Apache-2.0
//
// A binding is a device in the hands of a claim; its effects are what the backend says that means.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "host/model/json.hpp"
#include "host/model/pod.hpp"

namespace knd {

/// Identity of a binding, across restarts of the daemon.
struct BindingKey {
    std::string claim_uid;
    std::string device;
    auto operator<=>(const BindingKey&) const = default;
};

/// Move this netdev into the pod. ifindex, name and mac are guards: all must still match.
struct NetdevEffect {
    int ifindex = 0;
    std::string name;
    std::string mac;          ///< empty: no guard
    std::string name_in_pod;  ///< empty: the claim's interface.name, else `name`
    bool operator==(const NetdevEffect&) const = default;
};

/// A device node by path; major and minor are looked up when a container is created.
struct NodeEffect {
    std::string path;
    std::uint32_t mode = 0660;
    bool operator==(const NodeEffect&) const = default;
};

/// What one successful prepare means. The host journals, applies and undoes it.
struct Effects {
    std::vector<NetdevEffect> netdevs;
    std::vector<std::string> rdma_links;
    std::vector<NodeEffect> nodes;
    std::vector<Mount> mounts;
    std::map<std::string, std::string> env;
    std::string state;  ///< opaque bytes of the backend, at most 4 KiB
};

}  // namespace knd
