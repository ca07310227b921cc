// SPDX-License-Identifier: Apache-2.0
#include "tools/local/cluster/fabric.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <system_error>
#include <utility>
#include <vector>

#include "host/model/text_file.hpp"
#include "sdk/support/netns.hpp"

namespace knd::local {
namespace {

/// What is there already is as good as made: every step may follow a run that broke off.
Result<> ensure(Result<> result) {
    if (result.code() == Code::kAlreadyExists) return {};
    return result;
}

Result<int> index_of(Netlink& netlink, const std::string& name) {
    KND_TRY_ASSIGN(const auto link, netlink.link(name));
    return link.ifindex;
}

Result<> set_up_link(Netlink& netlink, const std::string& name) {
    KND_TRY_ASSIGN(const auto index, index_of(netlink, name));
    return netlink.set_up(index);
}

Result<> add_address(Netlink& netlink, const std::string& link, const std::string& ip, int length) {
    KND_TRY_ASSIGN(const auto index, index_of(netlink, link));
    KND_TRY(
        ensure(netlink.add_address({.ifindex = index, .address = ip, .prefix_length = length})));
    return netlink.set_up(index);
}

Result<> add_route(Netlink& netlink, const std::string& link, const std::string& destination,
                   const std::string& gateway) {
    KND_TRY_ASSIGN(const auto index, index_of(netlink, link));
    return ensure(netlink.add_route(
        {.destination = destination, .nexthops = {{.ifindex = index, .gateway = gateway}}}));
}

Result<> add_bridge(Netlink& netlink, const std::string& name) {
    KND_TRY(ensure(netlink.create_link({.kind = "bridge", .name = name})));
    return set_up_link(netlink, name);
}

/// A file below /proc/sys/net as the namespace sees it.
Result<> set_sysctl(int netns, const std::string& path, std::string_view value) {
    return netns::run_in(netns, [&]() -> Result<> {
        const Fd file(::open(("/proc/sys/net/" + path).c_str(), O_WRONLY | O_CLOEXEC));
        if (!file || write(file.get(), value.data(), value.size()) < 0)
            return Error::from_errno("set " + path, errno);
        return {};
    });
}

bool is_mount_point(const std::filesystem::path& path) {
    const auto mounts = read_text_file("/proc/self/mountinfo");
    return mounts.ok() && mounts->find(" " + path.string() + " ") != std::string::npos;
}

/// Makes `directory` share what is mounted below it, so that daemons in mount namespaces of their
/// own see pods that come after them.
Result<> share(const std::filesystem::path& directory) {
    if (is_mount_point(directory)) return {};
    const auto* path = directory.c_str();
    if (mount(path, path, nullptr, MS_BIND, nullptr) != 0 ||
        mount(nullptr, path, nullptr, MS_SHARED, nullptr) != 0)
        return Error::from_errno("share the mounts below " + directory.string(), errno);
    return {};
}

/// The namespace pinned at `path`; a new one when there is none.
Result<Fd> open_or_create(const std::filesystem::path& path) {
    auto existing = netns::open(path);
    if (existing.ok()) return existing;
    KND_TRY_ASSIGN(Fd made, netns::create());
    KND_TRY(netns::pin(made.get(), path));
    return made;
}

std::string veth_name(const std::string& id) {
    return "veth" + id.substr(0, 8);
}

}  // namespace

Result<std::unique_ptr<Fabric>> Fabric::open(std::filesystem::path directory) {
    KND_TRY(share(directory));
    KND_TRY_ASSIGN(Fd netns, open_or_create(directory / "fabric"));
    KND_TRY_ASSIGN(Netlink netlink, netns::open_netlink(netns.get()));
    std::unique_ptr<Fabric> fabric(
        new Fabric(std::move(directory), std::move(netns), std::move(netlink)));
    auto ready = fabric->set_up();
    if (!ready.ok()) return std::move(ready).error().wrap("the cluster's network");
    return fabric;
}

Result<> Fabric::set_up() {
    KND_TRY(set_up_link(netlink_, "lo"));
    KND_TRY(add_bridge(netlink_, "br0"));
    KND_TRY(add_address(netlink_, "br0", kFabricAddress, 16));
    return set_sysctl(netns_.get(), "ipv4/ip_forward", "1");
}

Result<> Fabric::add_node(const std::string& name, const NodeAddress& address) {
    KND_TRY_ASSIGN(const Fd netns, open_or_create(directory_ / name));
    KND_TRY_ASSIGN(Netlink node, netns::open_netlink(netns.get()));
    const auto port = "node" + std::to_string(address.index);
    KND_TRY(ensure(netlink_.create_link(
        {.kind = "veth", .name = port, .peer_name = "eth0", .peer_netns_fd = netns.get()})));
    KND_TRY_ASSIGN(const auto bridge, index_of(netlink_, "br0"));
    KND_TRY_ASSIGN(const auto port_index, index_of(netlink_, port));
    KND_TRY(netlink_.change_link(port_index, {.up = true, .master = bridge}));
    KND_TRY(set_up_link(node, "lo"));
    KND_TRY(add_address(node, "eth0", address.ip(), 16));
    KND_TRY(add_route(node, "eth0", "0.0.0.0/0", kFabricAddress));
    KND_TRY(add_bridge(node, "cni0"));
    KND_TRY(add_address(node, "cni0", address.pod_prefix() + "1", 24));
    KND_TRY(set_sysctl(netns.get(), "ipv4/ip_forward", "1"));
    return add_route(netlink_, "br0", address.pod_cidr(), address.ip());
}

Result<> Fabric::connect(const std::vector<std::pair<std::string, NodeAddress>>& nodes) {
    for (const auto& [name, address] : nodes) {
        KND_TRY_ASSIGN(const Fd netns, netns::open(directory_ / name));
        KND_TRY_ASSIGN(Netlink node, netns::open_netlink(netns.get()));
        for (const auto& [other, other_address] : nodes) {
            if (other == name) continue;
            KND_TRY(add_route(node, "eth0", other_address.pod_cidr(), other_address.ip()));
        }
    }
    return {};
}

Result<Fd> Fabric::listen(std::uint16_t port) {
    Fd listening;
    KND_TRY(netns::run_in(netns_.get(), [&]() -> Result<> {
        listening.reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!listening) return Error::from_errno("socket", errno);
        const int yes = 1;
        setsockopt(listening.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        inet_pton(AF_INET, kFabricAddress, &address.sin_addr);
        if (bind(listening.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
            ::listen(listening.get(), SOMAXCONN) != 0)
            return Error::from_errno("listen at " + std::string(kFabricAddress), errno);
        return {};
    }));
    return listening;
}

Result<> Fabric::remove(const std::filesystem::path& directory) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error))
        KND_TRY(netns::unpin(entry.path()));
    if (is_mount_point(directory) && umount2(directory.c_str(), MNT_DETACH) != 0)
        return Error::from_errno("unmount " + directory.string(), errno);
    return {};
}

Result<std::unique_ptr<NodeNetwork>> NodeNetwork::open(const std::filesystem::path& directory,
                                                       const std::string& node,
                                                       const NodeAddress& address) {
    KND_TRY_ASSIGN(const Fd netns, netns::open(directory / node));
    KND_TRY_ASSIGN(Netlink netlink, netns::open_netlink(netns.get()));
    return std::unique_ptr<NodeNetwork>(new NodeNetwork(directory, std::move(netlink), address));
}

std::filesystem::path NodeNetwork::path_of(const std::string& sandbox) const {
    return directory_ / ("pod-" + sandbox.substr(0, 16));
}

Result<std::string> NodeNetwork::free_ip() const {
    for (int host = 2; host < 255; ++host) {
        auto ip = address_.pod_prefix() + std::to_string(host);
        if (!used_.contains(ip)) return ip;
    }
    return Error(Code::kResourceExhausted, "no address left in " + address_.pod_cidr());
}

Result<> NodeNetwork::plug_in(int netns, const std::string& sandbox, const std::string& ip) {
    KND_TRY(netlink_.create_link(
        {.kind = "veth", .name = veth_name(sandbox), .peer_name = "eth0", .peer_netns_fd = netns}));
    KND_TRY_ASSIGN(const auto bridge, index_of(netlink_, "cni0"));
    KND_TRY_ASSIGN(const auto port, index_of(netlink_, veth_name(sandbox)));
    KND_TRY(netlink_.change_link(port, {.up = true, .master = bridge}));
    KND_TRY_ASSIGN(Netlink pod, netns::open_netlink(netns));
    KND_TRY(set_up_link(pod, "lo"));
    KND_TRY(add_address(pod, "eth0", ip, 24));
    return add_route(pod, "eth0", "0.0.0.0/0", address_.pod_prefix() + "1");
}

Result<PodNetwork::Attachment> NodeNetwork::add(const std::string& sandbox) {
    KND_TRY_ASSIGN(auto ip, free_ip());
    KND_TRY_ASSIGN(const Fd netns, netns::create());
    KND_TRY(netns::pin(netns.get(), path_of(sandbox)));
    used_.insert(ip);
    if (auto plugged = plug_in(netns.get(), sandbox, ip); !plugged.ok()) {
        (void)remove(sandbox, ip);  // the first error is the one to tell
        return std::move(plugged).error();
    }
    return Attachment{path_of(sandbox), std::move(ip)};
}

Result<> NodeNetwork::remove(const std::string& sandbox, const std::string& ip) {
    if (auto port = netlink_.link(veth_name(sandbox)); port.ok())
        KND_TRY(netlink_.delete_link(port->ifindex));
    KND_TRY(netns::unpin(path_of(sandbox)));
    used_.erase(ip);
    return {};
}

bool NodeNetwork::adopt(const std::string& sandbox, const std::string& ip) {
    if (!netns::open(path_of(sandbox)).ok()) return false;
    used_.insert(ip);
    return true;
}

}  // namespace knd::local
