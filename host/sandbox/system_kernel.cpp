// SPDX-License-Identifier: Apache-2.0
#include "host/sandbox/system_kernel.hpp"

#include <unistd.h>

#include <filesystem>

#include "sdk/support/netlink.hpp"
#include "sdk/support/netns.hpp"
#include "sdk/support/sysfs.hpp"

namespace knd {

namespace {

class NetlinkView final : public NetworkView {
  public:
    explicit NetlinkView(Netlink netlink) : netlink_(std::move(netlink)) {}

    Result<std::vector<LinkInfo>> links() override { return netlink_.links(); }
    Result<LinkInfo> link(int ifindex) override { return netlink_.link(ifindex); }
    Result<LinkInfo> link(std::string_view name) override { return netlink_.link(name); }
    Result<std::vector<AddressInfo>> addresses(int ifindex) override {
        return netlink_.addresses(ifindex);
    }
    Result<std::vector<RouteInfo>> routes(int ifindex) override { return netlink_.routes(ifindex); }
    Result<std::vector<NeighborInfo>> neighbors(int ifindex) override {
        return netlink_.neighbors(ifindex);
    }
    Result<void> create_link(const NewLink& link) override { return netlink_.create_link(link); }
    Result<void> delete_link(int ifindex) override { return netlink_.delete_link(ifindex); }
    Result<void> change_link(int ifindex, const LinkChange& change) override {
        return netlink_.change_link(ifindex, change);
    }
    Result<void> add_altname(int ifindex, const std::string& name) override {
        return netlink_.add_altname(ifindex, name);
    }
    Result<void> delete_altname(int ifindex, const std::string& name) override {
        return netlink_.delete_altname(ifindex, name);
    }
    Result<void> add_address(const AddressInfo& address) override {
        return netlink_.add_address(address);
    }
    Result<void> add_route(const RouteInfo& route) override { return netlink_.add_route(route); }
    Result<void> add_rule(const RuleInfo& rule) override { return netlink_.add_rule(rule); }
    Result<void> delete_rule(const RuleInfo& rule) override { return netlink_.delete_rule(rule); }
    Result<void> add_neighbor(const NeighborInfo& neighbor) override {
        return netlink_.add_neighbor(neighbor);
    }

  private:
    Netlink netlink_;
};

}  // namespace

Result<SystemKernel> SystemKernel::open() {
    KND_TRY_ASSIGN(auto home, netns::open_own());
    return SystemKernel(std::move(home), true);
}

Result<Fd> SystemKernel::open_netns(const std::string& path) {
    auto netns = netns::open(path);
    // A file on which no namespace is mounted any more is what a stopped pod leaves behind.
    if (netns.code() != Code::kFailedPrecondition) return netns;
    return Error(Code::kNotFound, netns.error().message());
}

Result<std::string> SystemKernel::netns_id(int netns_fd) {
    return netns::identity(netns_fd);
}

Result<std::unique_ptr<NetworkView>> SystemKernel::view(int netns_fd) {
    auto netlink =
        entered_ && netns_fd == home_.get() ? Netlink::open() : netns::open_netlink(netns_fd);
    if (!netlink.ok()) return std::move(netlink).error();
    return std::unique_ptr<NetworkView>(std::make_unique<NetlinkView>(*std::move(netlink)));
}

Result<bool> SystemKernel::rdma_exclusive() {
    KND_TRY_ASSIGN(auto rdma, Rdma::open());
    return rdma.exclusive();
}

Kernel::Hardware SystemKernel::rdma_hardware(const std::string& name) {
    std::error_code none;
    const auto device =
        std::filesystem::canonical("/sys/class/infiniband/" + name + "/device", none);
    if (none) return {};
    const auto bus = std::filesystem::canonical(device / "subsystem", none);
    if (none) return {};
    return {bus.filename(), device.filename()};
}

Result<std::vector<RdmaLink>> SystemKernel::rdma_links(int netns_fd) {
    KND_TRY_ASSIGN(auto rdma, netns::open_rdma(netns_fd));
    return rdma.links();
}

Result<void> SystemKernel::move_rdma(int from_netns_fd, int index, int to_netns_fd) {
    // The kernel compares the device's namespace with that of the calling thread, not of the
    // socket, and says ENODEV where they differ (rdma_dev_change_netns, Linux 6.12).
    return netns::run_in(from_netns_fd, [&]() -> Result<void> {
        KND_TRY_ASSIGN(auto rdma, Rdma::open());
        return rdma.move(index, to_netns_fd);
    });
}

Result<void> SystemKernel::rename_rdma(int index, const std::string& name) {
    KND_TRY_ASSIGN(auto rdma, netns::open_rdma(home_.get()));
    return rdma.rename(index, name);
}

bool SystemKernel::has_hardware(const std::string& bus, const std::string& device) {
    return ::access(("/sys/bus/" + bus + "/devices/" + device).c_str(), F_OK) == 0;
}

bool SystemKernel::is_virtual_function(const std::string& bus, const std::string& device) {
    return bus == "pci" && !sysfs::physical_function(device).empty();
}

}  // namespace knd
