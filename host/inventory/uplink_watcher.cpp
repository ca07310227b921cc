// SPDX-License-Identifier: Apache-2.0
#include "host/inventory/uplink_watcher.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "host/model/log.hpp"
#include "sdk/support/sysfs.hpp"

#include <knd/cpp/fd.hpp>

namespace knd {
namespace {

constexpr auto kCoalesce = std::chrono::milliseconds(250);
constexpr auto kAgain = std::chrono::milliseconds(2000);  ///< after a failure
constexpr std::uint32_t kMainTable = 254;

/// The local address from which a packet to `address` would leave: connect() on a datagram socket
/// makes the kernel look the route up without sending anything.
std::string source_towards(const std::string& address) {
    sockaddr_storage peer{};
    socklen_t size = 0;
    auto* v4 = reinterpret_cast<sockaddr_in*>(&peer);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&peer);
    if (inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(443);
        size = sizeof *v4;
    } else if (inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(443);
        size = sizeof *v6;
    } else {
        return "";
    }
    const Fd probe(::socket(peer.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (::connect(probe.get(), reinterpret_cast<sockaddr*>(&peer), size) != 0) return "";
    sockaddr_storage own{};
    size = sizeof own;
    if (::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&own), &size) != 0) return "";
    char text[INET6_ADDRSTRLEN] = {};
    const void* ip = own.ss_family == AF_INET
                         ? static_cast<const void*>(&reinterpret_cast<sockaddr_in*>(&own)->sin_addr)
                         : &reinterpret_cast<sockaddr_in6*>(&own)->sin6_addr;
    return inet_ntop(own.ss_family, ip, text, sizeof text) != nullptr ? text : "";
}

void add_links(const std::vector<LinkInfo>& links, Topology& topology) {
    std::map<std::string, int> on_function;
    for (const auto& link : links) {
        if (link.bus == "pci") on_function.emplace(link.device, link.ifindex);
    }
    for (const auto& link : links) {
        // The far end of a veth is no parent: nothing stands on it.
        const bool stacked = !link.parent_netns && link.kind != "veth";
        Topology::Link found{link.ifindex, link.name, link.master, stacked ? link.parent : 0, 0};
        if (link.bus == "pci") {
            const auto physical = on_function.find(sysfs::physical_function(link.device));
            if (physical != on_function.end()) found.physical_function = physical->second;
        }
        topology.links.push_back(std::move(found));
    }
}

void add_default_routes(const std::vector<RouteInfo>& routes, Topology& topology) {
    for (const auto& route : routes) {
        if (!route.is_default() || route.table != kMainTable || route.nexthops.empty()) continue;
        Topology::DefaultRoute found;
        found.family = route.ipv6() ? AF_INET6 : AF_INET;
        found.metric = route.metric;
        for (const auto& hop : route.nexthops)
            found.ifindexes.push_back(hop.ifindex);
        topology.default_routes.push_back(std::move(found));
    }
}

/// The host's network namespace; what the Node says is the caller's to add. On any thread.
Result<Topology> read_topology(const std::string& api_server) {
    KND_TRY_ASSIGN(auto netlink, Netlink::open());
    KND_TRY_ASSIGN(const auto links, netlink.links());
    KND_TRY_ASSIGN(const auto addresses, netlink.addresses());
    KND_TRY_ASSIGN(const auto routes, netlink.routes());
    Topology topology;
    add_links(links, topology);
    add_default_routes(routes, topology);
    for (const auto& address : addresses) {
        topology.addresses.push_back({address.ifindex, address.address});
    }
    topology.api_server = api_server;
    const auto source = source_towards(api_server);
    for (const auto& address : addresses) {
        const bool loopback = address.address == "127.0.0.1" || address.address == "::1";
        if (!source.empty() && address.address == source && !loopback) {
            topology.api_server_ifindex = address.ifindex;
        }
    }
    return topology;
}

}  // namespace

UplinkWatcher::UplinkWatcher(boost::asio::io_context& io, boost::asio::any_io_executor workers,
                             Changed changed)
    : io_(io),
      workers_(std::move(workers)),
      changed_(std::move(changed)),
      events_(io),
      pause_(io),
      restart_(io) {}

UplinkWatcher::~UplinkWatcher() {
    stop();
}

void UplinkWatcher::start() {
    if (auto watching = watch(); !watching) return start_again(watching.error());
    // The first set is there when start() returns: nobody may be given an uplink before it is
    // known.
    if (std::exchange(first_, false))
        judge(read_topology(api_server_));
    else
        evaluate();
    wait();
}

Result<void> UplinkWatcher::watch() {
    auto monitor =
        LinkMonitor::open(LinkMonitor::kLinks | LinkMonitor::kAddresses | LinkMonitor::kRoutes);
    if (!monitor) return std::move(monitor).error().wrap("watch routes and addresses");
    monitor_.emplace(*std::move(monitor));
    boost::system::error_code error;
    events_.assign(monitor_->fd(), error);
    if (error) return Error::from_errno("watch routes and addresses", error.value());
    watch_error_.clear();
    return {};
}

void UplinkWatcher::start_again(const Error& error) {
    stop();
    watch_error_ = error.message();
    log::error("cannot watch for uplinks", {{"error", watch_error_}});
    restart_.expires_after(kAgain);
    restart_.async_wait([this](boost::system::error_code cancelled) {
        if (!cancelled) start();
    });
}

void UplinkWatcher::stop() {
    restart_.cancel();
    pause_.cancel();
    pending_ = false;
    // The descriptor belongs to the monitor.
    if (events_.is_open()) events_.release();
    monitor_.reset();
}

void UplinkWatcher::set_node_ips(std::vector<std::string> ips) {
    const bool none = ips.empty();
    know_node({std::move(ips), none});
}

void UplinkWatcher::do_without_node_ips() {
    know_node({});
}

void UplinkWatcher::know_node(NodeIps ips) {
    if (node_known_ && ips == node_ips_) return;
    node_ips_ = std::move(ips);
    // What was judged without the Node is not known, should the read fail now.
    if (!node_known_) known_ = false;
    if (!first_) evaluate();
    node_known_ = true;
}

void UplinkWatcher::set_api_server(const std::string& address) {
    if (address == api_server_) return;
    api_server_ = address;
    if (!first_) evaluate();
}

void UplinkWatcher::wait() {
    events_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [this](boost::system::error_code error) {
                           if (error) return;
                           if (auto changes = monitor_->drain(); !changes)
                               return start_again(changes.error());
                           evaluate_soon(kCoalesce);
                           wait();
                       });
}

void UplinkWatcher::evaluate_soon(std::chrono::milliseconds pause) {
    if (pending_) return;
    pending_ = true;
    pause_.expires_after(pause);
    pause_.async_wait([this](boost::system::error_code error) {
        if (error) return;
        pending_ = false;
        evaluate();
    });
}

void UplinkWatcher::evaluate() {
    stale_ = reading_;
    if (reading_) return;
    reading_ = true;
    boost::asio::post(workers_, [this, api = api_server_] {
        boost::asio::post(io_, [this, topology = read_topology(api)]() mutable {
            reading_ = false;
            judge(std::move(topology));
            if (std::exchange(stale_, false)) evaluate_soon(kCoalesce);
        });
    });
}

void UplinkWatcher::judge(Result<Topology> topology) {
    if (!topology) {
        read_error_ = topology.error().message();
        log::error("cannot tell which interfaces are uplinks; keeping the last known ones",
                   {{"error", read_error_}});
        return evaluate_soon(kAgain);
    }
    read_error_.clear();
    topology->node_ips = node_ips_.ips;
    topology->node_ips_awaited = node_ips_.awaited;
    auto uplinks = find_uplinks(*topology);
    if (known_ && uplinks == uplinks_) return;
    known_ = true;
    uplinks_ = std::move(uplinks);
    changed_(uplinks_);
}

}  // namespace knd
