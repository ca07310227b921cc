// SPDX-License-Identifier: Apache-2.0
//
// The kernel as the sandbox layer needs it: namespaces, and what can be read and changed in one.
// The real one (system_kernel.hpp) is rtnetlink; the fake one of the tests has links, namespaces
// that die, and a failure wherever a test wants one.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/model/services.hpp"
#include "sdk/support/link.hpp"
#include "sdk/support/rdma.hpp"

#include <knd/cpp/fd.hpp>
#include <knd/cpp/result.hpp>

namespace knd {

/// The links of one network namespace. What the functions mean is what they mean in Netlink.
/// Threads: any, one at a time.
class NetworkView {
  public:
    virtual ~NetworkView() = default;
    virtual Result<std::vector<LinkInfo>> links() = 0;
    virtual Result<LinkInfo> link(int ifindex) = 0;
    virtual Result<LinkInfo> link(std::string_view name) = 0;
    virtual Result<std::vector<AddressInfo>> addresses(int ifindex) = 0;
    /// 0: those of all links, and those that lead to none.
    virtual Result<std::vector<RouteInfo>> routes(int ifindex) = 0;
    virtual Result<std::vector<NeighborInfo>> neighbors(int ifindex) = 0;

    virtual Result<void> create_link(const NewLink& link) = 0;
    virtual Result<void> delete_link(int ifindex) = 0;
    virtual Result<void> change_link(int ifindex, const LinkChange& change) = 0;
    virtual Result<void> add_altname(int ifindex, const std::string& name) = 0;
    virtual Result<void> delete_altname(int ifindex, const std::string& name) = 0;
    virtual Result<void> add_address(const AddressInfo& address) = 0;
    virtual Result<void> add_route(const RouteInfo& route) = 0;
    virtual Result<void> add_rule(const RuleInfo& rule) = 0;
    virtual Result<void> delete_rule(const RuleInfo& rule) = 0;
    virtual Result<void> add_neighbor(const NeighborInfo& neighbor) = 0;
};

/// Threads: any, also several at a time.
class Kernel {
  public:
    virtual ~Kernel() = default;
    /// Pins the network namespace at `path`. NOT_FOUND: no such file, or no namespace on it (any
    /// more).
    virtual Result<Fd> open_netns(const std::string& path) = 0;
    /// That of the host. Borrowed.
    virtual int home_netns() const = 0;
    virtual Result<std::string> netns_id(int netns_fd) = 0;
    virtual Result<std::unique_ptr<NetworkView>> view(int netns_fd) = 0;
    /// False when the device is not on its bus any more: unplugged, or a virtual function that was
    /// destroyed.
    virtual bool has_hardware(const std::string& bus, const std::string& device) = 0;
    /// Drivers of virtual functions (igbvf, iavf) report whatever MAC address was set last as the
    /// permanent one.
    virtual bool is_virtual_function(const std::string& bus, const std::string& device) = 0;

    /// The first process of a container, where it is in that namespace: see container_process.hpp.
    virtual Result<void> kill_container(const Container& container,
                                        const std::string& netns_id) = 0;

    /// Whether each RDMA device belongs to one namespace. UNIMPLEMENTED: this kernel has no RDMA.
    virtual Result<bool> rdma_exclusive() = 0;
    /// The hardware of the RDMA device of that name on the host; both empty: it has none.
    struct Hardware {
        std::string bus;
        std::string device;
    };
    virtual Hardware rdma_hardware(const std::string& name) = 0;
    /// RDMA devices that are seen from this namespace.
    virtual Result<std::vector<RdmaLink>> rdma_links(int netns_fd) = 0;
    virtual Result<void> move_rdma(int from_netns_fd, int index, int to_netns_fd) = 0;
    /// Of one that is on the host.
    virtual Result<void> rename_rdma(int index, const std::string& name) = 0;
};

}  // namespace knd
