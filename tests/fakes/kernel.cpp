// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/kernel.hpp"

#include <net/if.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cassert>
#include <utility>

namespace knd {

/// The descriptor of a namespace is that of an empty memory file: a copy of it has the same inode.
struct FakeKernel::Netns {
    std::string path;
    Fd file;
    bool alive = true;
    bool ipv6 = true;
    int last_ifindex = 1;  ///< Linux gives no ifindex twice before it has given them all
    std::map<int, LinkState> links;
    std::map<int, int> pairs;  ///< ifindex of an end of a veth -> the pair's number
    std::vector<RuleInfo> rules;
    std::vector<RdmaLink> rdma;

    bool name_in_use(const std::string& name, int except = 0) const {
        return std::any_of(links.begin(), links.end(), [&](const auto& entry) {
            const auto& link = entry.second.link;
            const auto& other = link.altnames;
            const bool is_altname = std::find(other.begin(), other.end(), name) != other.end();
            return is_altname || (entry.first != except && link.name == name);
        });
    }
    LinkState* by_name(std::string_view name) {
        for (auto& [ifindex, state] : links) {
            const auto& other = state.link.altnames;
            if (state.link.name == name) return &state;
            if (std::find(other.begin(), other.end(), name) != other.end()) return &state;
        }
        return nullptr;
    }
    int free_ifindex(int wanted) const {
        while (links.contains(wanted))
            wanted += 100;
        return wanted;
    }
};

namespace {

ino_t inode_of(int fd) {
    struct stat file {};
    return ::fstat(fd, &file) == 0 ? file.st_ino : 0;
}

Error kernel_error(int os_error) {
    auto plain = Error::from_errno("", os_error);
    return {plain.code(), plain.message().substr(2), os_error};
}

bool same(const AddressInfo& a, const AddressInfo& b) {
    return a.address == b.address && a.prefix_length == b.prefix_length;
}

bool covers(const Cidr& network, const std::string& address) {
    return network.network() == Cidr{address, network.prefix_length}.network();
}

/// On the network of an address, or behind a route without a gateway.
bool reachable(const LinkState& state, const std::string& gateway) {
    if (gateway.empty()) return true;
    for (const auto& address : state.addresses) {
        if (covers({address.address, address.prefix_length}, gateway)) return true;
    }
    return std::any_of(state.routes.begin(), state.routes.end(), [&](const RouteInfo& route) {
        return route.nexthops[0].gateway.empty() && covers(*parse_cidr(route.destination), gateway);
    });
}

}  // namespace

class FakeView final : public NetworkView {
  public:
    FakeView(FakeKernel& kernel, FakeKernel::Netns& netns) : kernel_(kernel), netns_(netns) {}

    Result<std::vector<LinkInfo>> links() override {
        const std::lock_guard lock(kernel_.mutex_);
        KND_TRY(kernel_.count());
        std::vector<LinkInfo> links;
        for (const auto& [ifindex, state] : netns_.links)
            links.push_back(state.link);
        return links;
    }
    Result<LinkInfo> link(int ifindex) override {
        const std::lock_guard lock(kernel_.mutex_);
        KND_TRY_ASSIGN(LinkState * state, find(ifindex));
        return state->link;
    }
    Result<LinkInfo> link(std::string_view name) override {
        const std::lock_guard lock(kernel_.mutex_);
        KND_TRY(kernel_.count());
        const auto* const state = netns_.by_name(name);
        if (state == nullptr) return kernel_error(ENODEV);
        return state->link;
    }
    Result<std::vector<AddressInfo>> addresses(int ifindex) override {
        const std::lock_guard lock(kernel_.mutex_);
        KND_TRY_ASSIGN(LinkState * state, find(ifindex));
        if (auto error = kernel_.fault("survey", state->link.name)) return *std::move(error);
        return state->addresses;
    }
    Result<std::vector<RouteInfo>> routes(int ifindex) override {
        const std::lock_guard lock(kernel_.mutex_);
        if (ifindex == 0) return all_routes();
        KND_TRY_ASSIGN(LinkState * state, find(ifindex));
        return state->routes;
    }
    Result<std::vector<NeighborInfo>> neighbors(int ifindex) override {
        const std::lock_guard lock(kernel_.mutex_);
        KND_TRY_ASSIGN(LinkState * state, find(ifindex));
        return state->neighbors;
    }

    Result<void> change_link(int ifindex, const LinkChange& change) override {
        const std::lock_guard lock(kernel_.mutex_);
        KND_TRY_ASSIGN(LinkState * state, find(ifindex));
        auto* netns = &netns_;
        if (change.netns_fd) {
            if (auto error = kernel_.fault("move", state->link.name)) return *std::move(error);
            netns = kernel_.find(*change.netns_fd);
            if (netns == nullptr) return kernel_error(EINVAL);
            KND_TRY_ASSIGN(state, move(*state, *netns, change.name.value_or("")));
        }
        return apply(*netns, *state, change);
    }
    Result<void> create_link(const NewLink& link) override {
        const std::lock_guard lock(kernel_.mutex_);
        KND_TRY(kernel_.count());
        auto* const target = kernel_.find(link.netns_fd.value_or(-1));
        if (target == nullptr) return kernel_error(EINVAL);
        if (link.kind != "veth" && !netns_.links.contains(link.parent)) return kernel_error(ENODEV);
        if (target->name_in_use(link.name)) return kernel_error(EEXIST);
        kernel_.last_made = link;
        const auto mac = link.mac.empty() ? "02:00:00:00:0f:0f" : link.mac;
        kernel_.add_virtual(target->path, link.name, link.kind, mac);
        auto& made = target->by_name(link.name)->link;
        if (link.mtu != 0) made.mtu = link.mtu;
        made.parent_netns = 0;
        if (link.kind == "veth") return add_peer(link, *target, made);
        // A macvlan on a macvlan sits on what that one sits on.
        const auto& lower = netns_.links.at(link.parent).link;
        made.parent = lower.kind == link.kind ? lower.parent : link.parent;
        return {};
    }
    Result<void> delete_link(int ifindex) override {
        const std::lock_guard lock(kernel_.mutex_);
        KND_TRY_ASSIGN(LinkState * state, find(ifindex));
        const auto pair = netns_.pairs.find(state->link.ifindex);
        if (pair != netns_.pairs.end()) kernel_.remove_pair(pair->second);
        netns_.links.erase(ifindex);
        return {};
    }
    Result<void> add_altname(int ifindex, const std::string& name) override {
        const std::lock_guard lock(kernel_.mutex_);
        KND_TRY_ASSIGN(LinkState * state, find(ifindex));
        if (netns_.name_in_use(name)) return kernel_error(EEXIST);
        state->link.altnames.push_back(name);
        return {};
    }
    Result<void> delete_altname(int ifindex, const std::string& name) override {
        const std::lock_guard lock(kernel_.mutex_);
        KND_TRY_ASSIGN(LinkState * state, find(ifindex));
        return std::erase(state->link.altnames, name) > 0 ? Result<void>() : kernel_error(ENOENT);
    }
    Result<void> add_address(const AddressInfo& address) override {
        const std::lock_guard lock(kernel_.mutex_);
        KND_TRY_ASSIGN(LinkState * state, find(address.ifindex));
        const bool in_pod = &netns_ != kernel_.all_.front().get();
        if (auto error = kernel_.fault(in_pod ? "address" : "restore", state->link.name))
            return *std::move(error);
        if (address.ipv6() && !netns_.ipv6) return kernel_error(EACCES);
        for (const auto& other : state->addresses) {
            if (same(address, other)) return kernel_error(EEXIST);
        }
        state->addresses.push_back(address);
        return {};
    }
    Result<void> add_route(const RouteInfo& route) override {
        const std::lock_guard lock(kernel_.mutex_);
        KND_TRY_ASSIGN(LinkState * state, find(route.nexthops.at(0).ifindex));
        if (!state->link.up()) return kernel_error(ENETDOWN);
        if (!reachable(*state, route.nexthops[0].gateway)) return kernel_error(ENETUNREACH);
        for (const auto& [ifindex, link] : netns_.links)
            for (const auto& other : link.routes)
                if (other.destination == route.destination && other.table == route.table &&
                    other.metric == route.metric && other.tos == route.tos)
                    return kernel_error(EEXIST);
        state->routes.push_back(route);
        return {};
    }
    Result<void> add_rule(const RuleInfo& rule) override {
        const std::lock_guard lock(kernel_.mutex_);
        KND_TRY(kernel_.count());
        const auto found = std::find(netns_.rules.begin(), netns_.rules.end(), rule);
        if (found != netns_.rules.end()) return kernel_error(EEXIST);
        netns_.rules.push_back(rule);
        return {};
    }
    Result<void> delete_rule(const RuleInfo& rule) override {
        const std::lock_guard lock(kernel_.mutex_);
        KND_TRY(kernel_.count());
        return std::erase(netns_.rules, rule) > 0 ? Result<void>() : kernel_error(ENOENT);
    }
    Result<void> add_neighbor(const NeighborInfo& neighbor) override {
        const std::lock_guard lock(kernel_.mutex_);
        KND_TRY_ASSIGN(LinkState * state, find(neighbor.ifindex));
        std::erase_if(state->neighbors,
                      [&](const NeighborInfo& other) { return other.address == neighbor.address; });
        state->neighbors.push_back(neighbor);
        return {};
    }

  private:
    Result<std::vector<RouteInfo>> all_routes() {
        KND_TRY(kernel_.count());
        std::vector<RouteInfo> routes;
        for (const auto& [ifindex, state] : netns_.links)
            routes.insert(routes.end(), state.routes.begin(), state.routes.end());
        return routes;
    }
    Result<void> add_peer(const NewLink& link, FakeKernel::Netns& target, LinkInfo& made) {
        auto* const home = kernel_.find(link.peer_netns_fd.value_or(-1));
        if (home == nullptr) return kernel_error(EINVAL);
        if (home->name_in_use(link.peer_name)) {
            target.links.erase(made.ifindex);
            return kernel_error(EEXIST);
        }
        made.parent = kernel_.add_virtual(home->path, link.peer_name, "veth", "02:00:00:00:0e:0e");
        auto& peer = home->by_name(link.peer_name)->link;
        peer.parent = made.ifindex;
        peer.parent_netns = 0;
        const int pair = kernel_.next_pair_++;
        home->pairs[peer.ifindex] = target.pairs[made.ifindex] = pair;
        return {};
    }

    Result<LinkState*> find(int ifindex) {
        KND_TRY(kernel_.count());
        const auto found = netns_.links.find(ifindex);
        if (found == netns_.links.end()) return kernel_error(ENODEV);
        return &found->second;
    }

    Result<LinkState*> move(LinkState& state, FakeKernel::Netns& target, const std::string& name) {
        auto moved = state;
        auto& link = moved.link;
        for (const auto& altname : link.altnames) {
            if (target.name_in_use(altname)) return kernel_error(EEXIST);
        }
        if (target.name_in_use(link.name)) {
            if (name.empty() || target.name_in_use(name)) return kernel_error(EEXIST);
            link.name = name;
        }
        const auto pair = netns_.pairs.extract(link.ifindex);
        netns_.links.erase(link.ifindex);
        link.ifindex = target.free_ifindex(link.ifindex);
        if (pair) target.pairs[link.ifindex] = pair.mapped();
        link.flags &= ~static_cast<unsigned>(IFF_UP);
        link.master = 0;
        moved.addresses.clear();
        moved.routes.clear();
        moved.neighbors.clear();
        return &(target.links[link.ifindex] = std::move(moved));
    }

    Result<void> apply(FakeKernel::Netns& netns, LinkState& state, const LinkChange& change) {
        auto& link = state.link;
        if (change.mac) link.mac = *change.mac;
        if (kernel_.is_virtual_function(link.bus, link.device)) link.permanent_mac = link.mac;
        if (change.mtu && (*change.mtu < link.min_mtu || *change.mtu > link.max_mtu)) {
            return kernel_error(EINVAL);
        }
        if (change.mtu) link.mtu = *change.mtu;
        if (change.name && *change.name != link.name) {
            if (netns.name_in_use(*change.name, link.ifindex)) return kernel_error(EEXIST);
            link.name = *change.name;
        }
        if (change.txqlen) link.txqlen = *change.txqlen;
        if (change.alias) link.alias = *change.alias;
        if (change.master) link.master = *change.master;
        if (change.flags) {
            link.flags = (link.flags & ~kSettableFlags) | (*change.flags & kSettableFlags);
        }
        if (!change.up) return {};
        link.flags = *change.up ? link.flags | IFF_UP : link.flags & ~static_cast<unsigned>(IFF_UP);
        if (!*change.up) state.routes.clear();
        return {};
    }

    FakeKernel& kernel_;
    FakeKernel::Netns& netns_;
};

FakeKernel::FakeKernel() {
    add_netns(kFakeHome);
}
FakeKernel::~FakeKernel() = default;

void FakeKernel::add_netns(const std::string& path) {
    const std::lock_guard lock(mutex_);
    auto netns = std::make_unique<Netns>();
    netns->path = path;
    netns->file = Fd(::memfd_create(path.c_str(), MFD_CLOEXEC));
    LinkState loopback;
    loopback.link.ifindex = 1;
    loopback.link.name = "lo";
    loopback.link.flags = IFF_LOOPBACK;
    netns->links[1] = std::move(loopback);
    all_.push_back(std::move(netns));
}

int FakeKernel::add_virtual(const std::string& netns, const std::string& name,
                            const std::string& kind, const std::string& mac) {
    const std::lock_guard lock(mutex_);
    auto& target = named(netns);
    LinkState state;
    state.link.ifindex = target.free_ifindex(++target.last_ifindex);
    state.link.name = name;
    state.link.kind = kind;
    state.link.mac = mac;
    state.link.mtu = 1500;
    state.link.min_mtu = 68;
    state.link.max_mtu = 9216;
    state.link.txqlen = 1000;
    return (target.links[state.link.ifindex] = std::move(state)).link.ifindex;
}

int FakeKernel::add_hardware(const std::string& netns, const std::string& name,
                             const std::string& bus_address, const std::string& mac) {
    const std::lock_guard lock(mutex_);
    const int ifindex = add_virtual(netns, name, "", mac);
    auto& link = at(netns, name).link;
    link.permanent_mac = mac;
    link.bus = "pci";
    link.device = bus_address;
    hardware_.insert(bus_address);
    return ifindex;
}

int FakeKernel::add_virtual_function(const std::string& netns, const std::string& name,
                                     const std::string& bus_address, const std::string& mac) {
    virtual_functions_.insert(bus_address);
    return add_hardware(netns, name, bus_address, mac);
}

LinkState& FakeKernel::at(const std::string& netns, const std::string& name) {
    auto* const state = named(netns).by_name(name);
    assert(state != nullptr);
    return *state;
}

void FakeKernel::kill_netns(const std::string& path, int calls) {
    const std::lock_guard lock(mutex_);
    named(path).alive = false;
    dying_ = {path, calls_ + calls};
    if (calls == 0) bury();
}

void FakeKernel::unlink_netns(const std::string& path) {
    named(path).path += " (unlinked)";
}

Result<void> FakeKernel::kill_container(const Container& container, const std::string& netns_id) {
    const std::lock_guard lock(mutex_);
    if (processes.erase({container.pid, netns_id}) > 0) return {};
    return Error(Code::kFailedPrecondition, "process " + std::to_string(container.pid) +
                                                " is not in the pod's network namespace");
}

void FakeKernel::bury() {
    auto& dying = named(dying_.first);
    dying_.first.clear();
    auto& home = *all_.front();
    for (auto& [ifindex, state] : dying.links) {
        auto& link = state.link;
        if (!link.kind.empty() || link.loopback()) continue;
        std::erase_if(link.altnames, [&](const auto& name) { return home.name_in_use(name); });
        if (home.name_in_use(link.name)) link.name = "dev" + std::to_string(link.ifindex);
        link.ifindex = home.free_ifindex(ifindex);
        link.flags &= ~static_cast<unsigned>(IFF_UP);
        state.addresses.clear();
        state.routes.clear();
        state.neighbors.clear();
        home.links[link.ifindex] = std::move(state);
    }
    for (const auto pairs = std::exchange(dying.pairs, {}); const auto& [ifindex, pair] : pairs)
        remove_pair(pair);
    dying.links.clear();
    // Under the name that they had there.
    home.rdma.insert(home.rdma.end(), dying.rdma.begin(), dying.rdma.end());
    dying.rdma.clear();
}

int FakeKernel::add_rdma(const std::string& name, const std::string& bus_address) {
    auto& home = *all_.front();
    const auto guid = "0000:0000:0000:000" + std::to_string(next_rdma_);
    home.rdma.push_back({next_rdma_++, name, guid});
    if (!bus_address.empty()) rdma_hardware_[guid] = bus_address;
    return home.rdma.back().index;
}

void FakeKernel::remove_pair(int pair) {
    for (const auto& netns : all_)
        for (auto end = netns->pairs.begin(); end != netns->pairs.end();) {
            const bool of_pair = end->second == pair;
            if (of_pair) netns->links.erase(end->first);
            end = of_pair ? netns->pairs.erase(end) : std::next(end);
        }
}

std::string FakeKernel::rdma_name(const std::string& netns, int index) const {
    for (const auto& link : named(netns).rdma)
        if (link.index == index) return link.name;
    return "";
}

void FakeKernel::disable_ipv6(const std::string& path) {
    named(path).ipv6 = false;
}

void FakeKernel::remove(const std::string& netns, const std::string& name) {
    named(netns).links.erase(at(netns, name).link.ifindex);
}

void FakeKernel::unplug(const std::string& bus_address) {
    const std::lock_guard lock(mutex_);
    hardware_.erase(bus_address);
    for (auto& netns : all_) {
        std::erase_if(netns->links,
                      [&](const auto& entry) { return entry.second.link.device == bus_address; });
        std::erase_if(netns->rdma, [&](const RdmaLink& link) {
            const auto found = rdma_hardware_.find(link.node_guid);
            return found != rdma_hardware_.end() && found->second == bus_address;
        });
    }
}

void FakeKernel::fail_call(int number, int os_error) {
    no_faults();
    fail_at_ = number;
    fail_errno_ = os_error;
}

void FakeKernel::fail_from(int number, int os_error) {
    fail_call(number, os_error);
    fail_on_ = true;
}

void FakeKernel::crash_at_call(int number) {
    no_faults();
    crash_at_ = number;
}

void FakeKernel::no_faults() {
    calls_ = 0;
    fail_at_.reset();
    crash_at_.reset();
    fail_on_ = false;
    fault = [](std::string_view, const std::string&) { return std::nullopt; };
}

Result<void> FakeKernel::count() {
    ++calls_;
    if (!dying_.first.empty() && calls_ >= dying_.second) bury();
    if (crash_at_ && calls_ >= *crash_at_) throw FakeCrash();
    if (!fail_at_ || calls_ < *fail_at_ || (calls_ > *fail_at_ && !fail_on_)) return {};
    return kernel_error(fail_errno_);
}

bool FakeKernel::has(const std::string& netns, const std::string& name) const {
    return links(netns).contains(name);
}

std::map<std::string, LinkState> FakeKernel::links(const std::string& netns) const {
    const std::lock_guard lock(mutex_);
    std::map<std::string, LinkState> result;
    for (const auto& [ifindex, state] : named(netns).links) {
        if (!state.link.loopback()) result[state.link.name] = state;
    }
    return result;
}

std::vector<RuleInfo> FakeKernel::rules(const std::string& netns) const {
    return named(netns).rules;
}

Result<Fd> FakeKernel::open_netns(const std::string& path) {
    const std::lock_guard lock(mutex_);
    for (const auto& netns : all_) {
        if (netns->path == path && netns->alive) return Fd(::dup(netns->file.get()));
    }
    return Error::from_errno("open network namespace " + path, ENOENT);
}

int FakeKernel::home_netns() const {
    const std::lock_guard lock(mutex_);
    return all_.front()->file.get();
}

Result<std::string> FakeKernel::netns_id(int netns_fd) {
    return "0:" + std::to_string(inode_of(netns_fd));
}

Result<std::unique_ptr<NetworkView>> FakeKernel::view(int netns_fd) {
    const std::lock_guard lock(mutex_);
    auto* const netns = find(netns_fd);
    if (netns == nullptr) return kernel_error(EINVAL);
    return std::unique_ptr<NetworkView>(std::make_unique<FakeView>(*this, *netns));
}

bool FakeKernel::has_hardware(const std::string&, const std::string& device) {
    const std::lock_guard lock(mutex_);
    return hardware_.contains(device);
}

bool FakeKernel::is_virtual_function(const std::string&, const std::string& device) {
    const std::lock_guard lock(mutex_);
    return virtual_functions_.contains(device);
}

Result<bool> FakeKernel::rdma_exclusive() {
    const std::lock_guard lock(mutex_);
    KND_TRY(count());
    return rdma_exclusive_mode;
}

Kernel::Hardware FakeKernel::rdma_hardware(const std::string& name) {
    const std::lock_guard lock(mutex_);
    for (const auto& link : all_.front()->rdma)
        if (const auto found = rdma_hardware_.find(link.node_guid);
            link.name == name && found != rdma_hardware_.end())
            return {"pci", found->second};
    return {};
}

Result<std::vector<RdmaLink>> FakeKernel::rdma_links(int netns_fd) {
    const std::lock_guard lock(mutex_);
    KND_TRY(count());
    auto* const netns = rdma_exclusive_mode ? find(netns_fd) : all_.front().get();
    if (netns == nullptr) return kernel_error(EINVAL);
    return netns->rdma;
}

Result<void> FakeKernel::move_rdma(int from_netns_fd, int index, int to_netns_fd) {
    const std::lock_guard lock(mutex_);
    KND_TRY(count());
    if (!rdma_exclusive_mode) return kernel_error(EOPNOTSUPP);
    auto* const from = find(from_netns_fd);
    auto* const to = find(to_netns_fd);
    if (from == nullptr || to == nullptr) return kernel_error(EINVAL);
    const auto found = std::find_if(from->rdma.begin(), from->rdma.end(),
                                    [&](const RdmaLink& link) { return link.index == index; });
    if (found == from->rdma.end()) return kernel_error(EINVAL);
    to->rdma.push_back(*found);
    from->rdma.erase(found);
    return {};
}

Result<void> FakeKernel::rename_rdma(int index, const std::string& name) {
    const std::lock_guard lock(mutex_);
    KND_TRY(count());
    for (auto& link : all_.front()->rdma) {
        if (link.index != index) continue;
        link.name = name;
        return {};
    }
    return kernel_error(EINVAL);
}

FakeKernel::Netns* FakeKernel::find(int netns_fd) {
    for (const auto& netns : all_) {
        if (inode_of(netns->file.get()) == inode_of(netns_fd)) return netns.get();
    }
    return nullptr;
}

FakeKernel::Netns& FakeKernel::named(const std::string& path) {
    for (auto& netns : all_) {
        if (netns->path == path) return *netns;
    }
    assert(false && "no such namespace in this test");
    return *all_.front();
}

const FakeKernel::Netns& FakeKernel::named(const std::string& path) const {
    return const_cast<FakeKernel*>(this)->named(path);
}

}  // namespace knd
