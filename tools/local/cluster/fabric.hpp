// SPDX-License-Identifier: Apache-2.0
//
// The cluster's network. One namespace is the machine room: a bridge, 172.18.0.1, that every node's
// eth0 is plugged into and where the API server listens. Each node has a namespace of its own with
// eth0 and the pods' bridge cni0; each pod one with eth0 in cni0:
//
//   fabric  br0 172.18.0.1/16 ---- node eth0 172.18.0.2+i, cni0 10.244.i.1/24 ---- pod eth0
//
// All namespaces are pinned below one directory and outlive the process.
// Threads: one at a time; calls block for the kernel's answer, milliseconds at most.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <set>
#include <string>

#include "sdk/support/netlink.hpp"
#include "tools/local/kubelet/runtime.hpp"

#include <knd/cpp/fd.hpp>
#include <knd/cpp/result.hpp>

namespace knd::local {

inline constexpr const char* kFabricAddress = "172.18.0.1";

struct NodeAddress {
    int index = 0;  ///< in the order of the cluster's file
    std::string ip() const { return "172.18.0." + std::to_string(2 + index); }
    std::string pod_prefix() const { return "10.244." + std::to_string(index) + "."; }
    std::string pod_cidr() const { return pod_prefix() + "0/24"; }
};

class Fabric {
  public:
    /// `directory` holds the names of the namespaces. What is there already is taken over.
    static Result<std::unique_ptr<Fabric>> open(std::filesystem::path directory);

    /// The node's namespace, plugged in, with routes to the pods of the nodes added before.
    Result<> add_node(const std::string& name, const NodeAddress& address);
    /// Once all nodes are there: routes from each to the pods of the others.
    Result<> connect(const std::vector<std::pair<std::string, NodeAddress>>& nodes);
    /// A listening TCP socket at 172.18.0.1.
    Result<Fd> listen(std::uint16_t port);

    /// Takes away all namespaces below `directory`; without effect when there are none.
    static Result<> remove(const std::filesystem::path& directory);

  private:
    Fabric(std::filesystem::path directory, Fd netns, Netlink netlink)
        : directory_(std::move(directory)),
          netns_(std::move(netns)),
          netlink_(std::move(netlink)) {}
    Result<> set_up();

    std::filesystem::path directory_;
    Fd netns_;
    Netlink netlink_;
};

/// The CNI of one node.
class NodeNetwork final : public PodNetwork {
  public:
    static Result<std::unique_ptr<NodeNetwork>> open(const std::filesystem::path& directory,
                                                     const std::string& node,
                                                     const NodeAddress& address);
    Result<Attachment> add(const std::string& sandbox) override;
    Result<> remove(const std::string& sandbox, const std::string& ip) override;
    bool adopt(const std::string& sandbox, const std::string& ip) override;

  private:
    NodeNetwork(std::filesystem::path directory, Netlink netlink, const NodeAddress& address)
        : directory_(std::move(directory)), netlink_(std::move(netlink)), address_(address) {}
    std::filesystem::path path_of(const std::string& sandbox) const;
    Result<std::string> free_ip() const;
    Result<> plug_in(int netns, const std::string& sandbox, const std::string& ip);

    std::filesystem::path directory_;
    Netlink netlink_;
    NodeAddress address_;
    std::set<std::string> used_;
};

}  // namespace knd::local
