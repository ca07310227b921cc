// SPDX-License-Identifier: Apache-2.0
#include "host/sandbox/restore.hpp"

#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <algorithm>

#include "host/sandbox/namespaces.hpp"
#include "host/sandbox/routes.hpp"

namespace knd {

namespace {

/// Duplicate address detection goes on: no part of what somebody set.
constexpr std::uint32_t kPassingAddressFlags = IFA_F_TENTATIVE | IFA_F_OPTIMISTIC | IFA_F_DADFAILED;

bool same_place(const AddressInfo& a, const AddressInfo& b) {
    return a.address == b.address && a.prefix_length == b.prefix_length && a.peer == b.peer;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// Runs each step, and a second time if it fails: what remains undone is a warning, since a device
/// at home that lacks a route serves its owner better than one that is kept from him.
class BestEffort {
  public:
    /// `is_there`: asked when the kernel says that such a thing is there already: the very same may
    /// be, or another one that is in its way.
    template <class Step, class Check>
    void add(Step step, Check is_there) {
        run(step,
            [&](const Error& error) { return error.code() == Code::kAlreadyExists && is_there(); });
    }
    template <class Step>
    void remove(Step step) {
        run(step, is_absent);
    }
    template <class Step>
    void change(Step step) {
        run(step, [](const Error&) { return false; });
    }
    std::vector<std::string> warnings;

  private:
    template <class Step, class Done>
    void run(Step step, Done done) {
        const auto failed = [&](const Result<void>& result) {
            return !result.ok() && !done(result.error());
        };
        auto result = step();
        if (!failed(result)) return;
        result = step();
        if (failed(result)) warnings.push_back(result.error().message());
    }
};

/// The settings that differ, but for the name, which somebody else can have taken, and the master,
/// which can be gone: each has a request of its own.
LinkChange settings_to_restore(const LinkInfo& now, const LinkInfo& then) {
    LinkChange change;
    if (now.mac != then.mac && !then.mac.empty()) change.mac = then.mac;
    if (now.mtu != then.mtu) change.mtu = then.mtu;
    if (now.txqlen != then.txqlen) change.txqlen = then.txqlen;
    if (now.alias != then.alias) change.alias = then.alias;
    // A pod may have left it promiscuous.
    if (((now.flags ^ then.flags) & kSettableFlags) != 0) change.flags = then.flags;
    if (now.gso_max_size != then.gso_max_size) change.gso_max_size = then.gso_max_size;
    if (now.gro_max_size != then.gro_max_size) change.gro_max_size = then.gro_max_size;
    if (now.gso_ipv4_max_size != then.gso_ipv4_max_size) {
        change.gso_ipv4_max_size = then.gso_ipv4_max_size;
    }
    if (now.gro_ipv4_max_size != then.gro_ipv4_max_size) {
        change.gro_ipv4_max_size = then.gro_ipv4_max_size;
    }
    return change;
}

bool changes_anything(const LinkChange& change) {
    return change.mac || change.mtu || change.txqlen || change.alias || change.flags ||
           change.gso_max_size || change.gro_max_size || change.gso_ipv4_max_size ||
           change.gro_ipv4_max_size;
}

/// Gives the link its name back, taking it from an altname (its own or another's) if need be.
Result<void> restore_name(NetworkView& home, const LinkInfo& link, const std::string& name) {
    if (link.name == name) return {};
    auto renamed = home.change_link(link.ifindex, {.name = name});
    if (renamed.code() != Code::kAlreadyExists) return renamed;
    auto holder = home.link(name);
    if (!holder.ok()) return renamed;
    if (holder->name == name) {
        return Error(Code::kAlreadyExists, "the name `" + name + "` on the host was taken by " +
                                               holder->text() + "; the device waits as `" +
                                               link.name + "` until the name is free");
    }
    KND_TRY(home.delete_altname(holder->ifindex, name));
    return home.change_link(link.ifindex, {.name = name});
}

void restore_altnames(NetworkView& home, const LinkInfo& now, const LinkInfo& then,
                      BestEffort& best_effort) {
    for (const auto& name : now.altnames) {
        if (contains(then.altnames, name)) continue;
        best_effort.remove([&] { return home.delete_altname(now.ifindex, name); });
    }
    for (const auto& name : then.altnames) {
        if (contains(now.altnames, name)) continue;
        const auto holder = home.link(name);
        if (holder.ok()) {
            best_effort.warnings.push_back("altname " + name + " was taken by " + holder->text());
            continue;
        }
        best_effort.add([&] { return home.add_altname(now.ifindex, name); },
                        [&] {
                            const auto link = home.link(name);
                            return link.ok() && link->ifindex == now.ifindex;
                        });
    }
}

/// Only adds: what a move left in the pod cannot be here, and another address is somebody's.
Result<void> restore_addresses(NetworkView& home, int ifindex, const LinkState& then,
                               BestEffort& best_effort) {
    KND_TRY_ASSIGN(const auto now, home.addresses(ifindex));
    const auto in = [](const std::vector<AddressInfo>& addresses, const AddressInfo& address) {
        return std::any_of(addresses.begin(), addresses.end(),
                           [&](const AddressInfo& other) { return same_place(address, other); });
    };
    for (auto address : then.addresses) {
        if (in(now, address)) continue;
        address.ifindex = ifindex;
        best_effort.add([&] { return home.add_address(address); },
                        [&] {
                            const auto there = home.addresses(ifindex);
                            return there.ok() && in(*there, address);
                        });
    }
    return {};
}

void restore_routes(NetworkView& home, int ifindex, const LinkState& then,
                    BestEffort& best_effort) {
    for (auto route : then.routes) {
        for (auto& hop : route.nexthops) {
            if (hop.ifindex == then.link.ifindex) hop.ifindex = ifindex;
        }
        best_effort.change([&] { return add_route(home, ifindex, route); });
    }
    for (auto neighbor : then.neighbors) {
        neighbor.ifindex = ifindex;
        best_effort.change([&] { return home.add_neighbor(neighbor); });
    }
}

/// Takes the altnames away that are in use at home.
Result<void> drop_clashing_altnames(NetworkView& pod, NetworkView& home, const LinkInfo& link) {
    for (const auto& name : link.altnames) {
        const auto holder = home.link(name);
        if (holder.ok()) KND_TRY(pod.delete_altname(link.ifindex, name));
    }
    return {};
}

}  // namespace

Result<void> bring_home(NetworkView& pod, NetworkView& home, int home_netns,
                        const MovedDevice& device, const LinkInfo& link) {
    const LinkChange move{.name = device.transit_name, .netns_fd = home_netns};
    auto moved = pod.change_link(link.ifindex, move);
    if (moved.code() == Code::kAlreadyExists) {
        KND_TRY(not_gone(drop_clashing_altnames(pod, home, link)));
        moved = pod.change_link(link.ifindex, move);
    }
    if (moved.ok()) return {};
    return not_gone(std::move(moved)).wrap("return `" + link.name + "` from the pod to the host");
}

Result<std::vector<std::string>> restore(NetworkView& home, const MovedDevice& device,
                                         const LinkInfo& link, const StepHook& on_step) {
    const auto& then = device.home.link;
    BestEffort best_effort;
    // As long as it bears the name of its way home nobody takes it for another, whatever its MAC.
    const auto change = settings_to_restore(link, then);
    if (changes_anything(change)) KND_TRY(not_gone(home.change_link(link.ifindex, change)));
    on_step("detach.reset");
    KND_TRY(not_gone(restore_name(home, link, then.name)));
    on_step("detach.renamed");
    if (link.master != then.master) {
        best_effort.change([&] { return home.change_link(link.ifindex, {.master = then.master}); });
    }
    restore_altnames(home, link, then, best_effort);
    KND_TRY(not_gone(restore_addresses(home, link.ifindex, device.home, best_effort)));
    on_step("detach.addressed");
    if (link.up() != then.up())
        KND_TRY(not_gone(home.change_link(link.ifindex, {.up = then.up()})));
    on_step("detach.up");
    restore_routes(home, link.ifindex, device.home, best_effort);
    on_step("detach.restored");
    return std::move(best_effort.warnings);
}

Result<LinkState> take_state(NetworkView& home, LinkInfo link) {
    LinkState state;
    KND_TRY_ASSIGN(state.addresses, home.addresses(link.ifindex));
    std::erase_if(state.addresses, [](const AddressInfo& address) {
        return address.ipv6() && (address.flags & IFA_F_TEMPORARY) != 0;
    });
    for (auto& address : state.addresses) {
        address.flags &= ~kPassingAddressFlags;
    }
    KND_TRY_ASSIGN(state.routes, home.routes(link.ifindex));
    std::erase_if(state.routes, [](const RouteInfo& route) {
        return route.table == RT_TABLE_LOCAL || route.protocol == RTPROT_KERNEL ||
               route.protocol == RTPROT_RA || route.protocol == RTPROT_REDIRECT;
    });
    std::stable_partition(state.routes.begin(), state.routes.end(), [](const RouteInfo& route) {
        return route.nexthops.front().gateway.empty();
    });
    KND_TRY_ASSIGN(state.neighbors, home.neighbors(link.ifindex));
    std::erase_if(state.neighbors, [](const NeighborInfo& neighbor) {
        return (neighbor.state & NUD_PERMANENT) == 0;
    });
    state.link = std::move(link);
    return state;
}

}  // namespace knd
