// SPDX-License-Identifier: Apache-2.0
//
// A binding is a device in the hands of a claim; its effects are what the backend says that means.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/model/json.hpp"
#include "host/model/pod.hpp"

namespace knd {

/// Identity of a binding, across restarts of the daemon.
struct BindingKey {
    std::string claim_uid;
    std::string device;
    std::string share_id = {};  ///< of a shareable device; one claim may have several shares
    auto operator<=>(const BindingKey&) const = default;
};

/// An interface that is made in the pod instead of moved there.
struct MadeLink {
    bool by_backend = false;  ///< its backend makes it in attach; the host only configures it
    std::string kind;         ///< macvlan, ipvlan, vlan, veth
    int parent_ifindex = 0;
    std::string parent;  ///< its name, and a guard
    /// macvlan: bridge, vepa, private, passthru; ipvlan: l2, l3, l3s. Empty: bridge, l2; the
    /// kernel's own choice would be vepa, l3.
    std::string mode;
    int vlan_id = 0;
    std::string peer;  ///< veth: name of the end that stays on the host
    int mtu = 0;       ///< 0: the parent's
    std::string mac;   ///< empty: the kernel's choice
    bool operator==(const MadeLink&) const = default;
};

/// Move this netdev into the pod, or make one there. ifindex, name and mac of one that is moved are
/// guards: all must still match.
struct NetdevEffect {
    int ifindex = 0;  ///< 0: it is made
    std::string name;
    std::string mac;          ///< empty: no guard
    std::string name_in_pod;  ///< unless the claim says; empty: `name`
    std::optional<MadeLink> made = {};
    bool operator==(const NetdevEffect&) const = default;
};

/// A device node by path; major and minor are looked up when a container is created.
struct NodeEffect {
    std::string path;
    std::uint32_t mode = 0660;
    std::string container_path = {};  ///< empty: `path`
    std::string access = "rw";        ///< for the device cgroup
    std::int64_t uid = -1;            ///< owner in the container; -1: as on the host
    std::int64_t gid = -1;
    bool operator==(const NodeEffect&) const = default;
};

struct MountEffect {
    Mount mount;
    std::int64_t uid = -1;  ///< the source belongs to this user before it is mounted; -1: as it is
    std::int64_t gid = -1;
    bool operator==(const MountEffect&) const = default;
};

/// A limit of a container's rdma cgroup for one RDMA device; -1: none.
struct RdmaLimit {
    std::string device;
    std::int64_t hca_handles = -1;
    std::int64_t hca_objects = -1;
    bool operator==(const RdmaLimit&) const = default;
};

/// What status and metadata say of a device without an interface of the host's making.
struct NetworkData {
    std::string interface_name;
    std::string hardware_address;
    std::vector<std::string> addresses;  ///< CIDR
    bool operator==(const NetworkData&) const = default;
};

/// What one successful prepare means. The host journals, applies and undoes it.
struct Effects {
    std::vector<NetdevEffect> netdevs;
    std::vector<std::string> rdma_links;
    std::vector<NodeEffect> nodes;
    std::vector<MountEffect> mounts;
    std::map<std::string, std::string> env;
    std::string state;  ///< opaque bytes of the backend, at most 4 KiB
    std::vector<Rlimit> rlimits = {};
    std::vector<RdmaLimit> rdma_limits = {};
    std::map<std::string, std::string> attributes = {};  ///< for the metadata, qualified names
    std::optional<NetworkData> network_data = {};

    /// Something of them exists once, so that one pod alone can have it.
    bool exclusive() const {
        return !rdma_links.empty() || std::any_of(netdevs.begin(), netdevs.end(),
                                                  [](const auto& netdev) { return !netdev.made; });
    }
    /// Something of them is for containers, not for the pod as a whole.
    bool for_containers() const {
        return !nodes.empty() || !mounts.empty() || !env.empty() || !rlimits.empty() ||
               !rdma_limits.empty();
    }
    bool operator==(const Effects&) const = default;
};

}  // namespace knd
