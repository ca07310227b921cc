// SPDX-License-Identifier: Apache-2.0
#include "host/sandbox/made_link.hpp"

#include <linux/if_link.h>

#include <map>

namespace knd {
namespace {

constexpr int kMostVlan = 4094;

Result<int> mode_number(const MadeLink& made) {
    static const std::map<std::string, int> kMacvlan = {{"", MACVLAN_MODE_BRIDGE},
                                                        {"bridge", MACVLAN_MODE_BRIDGE},
                                                        {"vepa", MACVLAN_MODE_VEPA},
                                                        {"private", MACVLAN_MODE_PRIVATE},
                                                        {"passthru", MACVLAN_MODE_PASSTHRU}};
    static const std::map<std::string, int> kIpvlan = {{"", IPVLAN_MODE_L2},
                                                       {"l2", IPVLAN_MODE_L2},
                                                       {"l3", IPVLAN_MODE_L3},
                                                       {"l3s", IPVLAN_MODE_L3S}};
    if (made.kind != "macvlan" && made.kind != "ipvlan") return 0;
    const auto& modes = made.kind == "macvlan" ? kMacvlan : kIpvlan;
    const auto found = modes.find(made.mode);
    if (found != modes.end()) return found->second;
    return Error(Code::kInvalidArgument, made.kind + " has no mode `" + made.mode + "`");
}

/// A veth has no parent.
Result<void> check_parent(NetworkView& host, const MadeLink& made) {
    if (made.kind == "veth") return {};
    const auto parent = host.link(made.parent_ifindex);
    if (parent.code() == Code::kNotFound)
        return Error(Code::kFailedPrecondition,
                     "its parent `" + made.parent + "` (ifindex " +
                         std::to_string(made.parent_ifindex) +
                         ") is not on the host: it is gone, or in a pod");
    KND_TRY(parent);
    if (parent->name == made.parent) return {};
    return Error(Code::kFailedPrecondition, "its parent `" + made.parent + "` is called `" +
                                                parent->name + "` now: rename it back");
}

/// On the host's parent, as nothing is that the pod makes itself.
bool fits(const LinkInfo& link, const MadeLink& made) {
    if (link.kind != made.kind) return false;
    if (made.kind == "veth") return link.parent != 0 && link.parent_netns.has_value();
    return link.parent == made.parent_ifindex && link.parent_netns.has_value();
}

std::string what(const MadeLink& made, const std::string& name) {
    return "make " + made.kind + " `" + name + "`" +
           (made.parent.empty() ? "" : " on `" + made.parent + "`");
}

}  // namespace

Result<void> check_made(Namespaces& namespaces, const MadeLink& made, const std::string& name) {
    const auto context = what(made, name);
    KND_TRY(mode_number(made));
    if (made.kind == "vlan" && (made.vlan_id < 1 || made.vlan_id > kMostVlan))
        return Error(Code::kInvalidArgument,
                     context + ": VLAN " + std::to_string(made.vlan_id) + " is not 1 to 4094");
    KND_TRY(check_parent(*namespaces.host, made).wrap(context));
    const auto holder = namespaces.pod->link(name);
    if (holder.code() == Code::kNotFound) return {};
    KND_TRY(holder);
    if (fits(*holder, made)) return {};
    return Error(Code::kFailedPrecondition, "the pod has an interface `" + name + "` already (" +
                                                holder->text() +
                                                "): give the claim's interface another name");
}

Result<LinkInfo> make_link(Namespaces& namespaces, const MadeLink& made, const std::string& name,
                           int mtu, const std::string& mac) {
    KND_TRY_ASSIGN(const auto before, find_made(*namespaces.pod, made, name, 0));
    if (before) return *before;
    KND_TRY(check_made(namespaces, made, name));
    NewLink link;
    link.kind = made.kind;
    link.name = name;
    link.mac = mac;
    link.mtu = mtu;
    link.netns_fd = namespaces.pod_netns;
    link.parent = made.parent_ifindex;
    KND_TRY_ASSIGN(link.mode, mode_number(made));
    link.vlan_id = made.vlan_id;
    link.peer_name = made.peer;
    link.peer_netns_fd = namespaces.host_netns;
    if (made.kind != "veth") link.peer_netns_fd.reset();
    KND_TRY(not_gone(namespaces.host->create_link(link)).wrap(what(made, name)));
    KND_TRY_ASSIGN(auto found, find_made(*namespaces.pod, made, name, 0));
    if (found) return *std::move(found);
    return Error(Code::kInternal, what(made, name) + ": the kernel made something else");
}

Result<std::optional<LinkInfo>> find_made(NetworkView& pod, const MadeLink& made,
                                          const std::string& name, int ifindex) {
    KND_TRY_ASSIGN(auto link, ifindex != 0 ? look_up(pod, ifindex) : look_up(pod, name));
    if (link && !fits(*link, made)) link.reset();
    return link;
}

Result<void> remove_made(NetworkView& pod, const MadeLink& made, const std::string& name,
                         int ifindex) {
    KND_TRY_ASSIGN(const auto found, find_made(pod, made, name, ifindex));
    if (!found) return {};
    return not_gone(pod.delete_link(found->ifindex)).wrap("remove `" + found->name + "`");
}

}  // namespace knd
