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

std::string what(const MadeDevice& device) {
    const auto& made = device.made;
    return "make " + made.kind + " `" + device.name + "`" +
           (made.parent.empty() ? "" : " on `" + made.parent + "`");
}

bool is_veth(const MadeDevice& device) {
    return device.made.kind == "veth";
}

bool bears_mark(const LinkInfo& link, const MadeDevice& device) {
    return link.kind == device.made.kind && (link.name == device.mark || link.alias == device.mark);
}

/// As a link in the pod that was made on the parent, or whose other end is the one on the host.
Result<bool> sits_where_made(NetworkView& host, const LinkInfo& link, const MadeDevice& device) {
    const auto& made = device.made;
    // What the pod makes itself sits on nothing of another namespace.
    if (link.kind != made.kind || !link.parent_netns) return false;
    if (is_veth(device)) {
        KND_TRY_ASSIGN(const auto end, look_up(host, made.peer));
        return end && end->kind == "veth" && end->ifindex == link.parent;
    }
    if (link.parent == made.parent_ifindex) return true;
    // A macvlan on a macvlan is put on what that one sits on.
    KND_TRY_ASSIGN(const auto parent, look_up(host, made.parent_ifindex));
    return parent && parent->kind == link.kind && parent->parent == link.parent;
}

/// The end of a veth that stays on the host.
Result<std::optional<LinkInfo>> find_host_end(NetworkView& host, const MadeDevice& device) {
    KND_TRY_ASSIGN(auto link, look_up(host, device.made.peer));
    if (link && !bears_mark(*link, device)) link.reset();
    return link;
}

Result<void> check_host_end(NetworkView& host, const MadeDevice& device) {
    if (!valid_link_name(device.made.peer))
        return Error(Code::kInvalidArgument,
                     what(device) + ": `" + device.made.peer + "` cannot name its end on the host");
    KND_TRY_ASSIGN(const auto holder, look_up(host, device.made.peer));
    if (!holder || bears_mark(*holder, device)) return {};
    return Error(Code::kFailedPrecondition, what(device) + ": the host has an interface `" +
                                                device.made.peer + "` already (" + holder->text() +
                                                ")");
}

Result<void> create(Namespaces& namespaces, const MadeDevice& device, int mtu,
                    const std::string& mac) {
    const auto& made = device.made;
    NewLink link;
    link.kind = made.kind;
    link.name = device.mark;
    link.mac = mac;
    link.mtu = mtu;
    link.netns_fd = namespaces.pod_netns;
    link.parent = made.parent_ifindex;
    KND_TRY_ASSIGN(link.mode, mode_number(made));
    link.vlan_id = made.vlan_id;
    link.peer_name = made.peer;
    link.peer_netns_fd = namespaces.host_netns;
    if (!is_veth(device)) link.peer_netns_fd.reset();
    return not_gone(namespaces.host->create_link(link));
}

/// It has just been made, or before a crash: that its ends belong together only they can tell.
Result<void> finish_host_end(NetworkView& host, const MadeDevice& device, const LinkInfo& in_pod,
                             int mtu) {
    KND_TRY_ASSIGN(const auto end, look_up(host, device.made.peer));
    const bool ours = end && end->kind == "veth" && end->ifindex == in_pod.parent;
    if (!ours)
        return Error(Code::kFailedPrecondition,
                     "its end on the host is not called `" + device.made.peer + "` any more");
    LinkChange change{.up = true, .alias = device.mark};
    if (mtu != 0) change.mtu = mtu;
    return not_gone(host.change_link(end->ifindex, change));
}

/// First the mark, then the name: a crash between the two leaves it recognizable.
Result<void> finish(Namespaces& namespaces, const MadeDevice& device, const LinkInfo& link,
                    int mtu) {
    if (is_veth(device)) KND_TRY(finish_host_end(*namespaces.host, device, link, mtu));
    auto& pod = *namespaces.pod;
    if (link.alias != device.mark)
        KND_TRY(not_gone(pod.change_link(link.ifindex, {.alias = device.mark})));
    if (link.name == device.name) return {};
    return not_gone(pod.change_link(link.ifindex, {.name = device.name}));
}

Result<void> remove(NetworkView& view, const LinkInfo& link) {
    return not_gone(view.delete_link(link.ifindex)).wrap("remove `" + link.name + "`");
}

}  // namespace

Result<void> check_made(Namespaces& namespaces, const MadeDevice& device) {
    const auto& made = device.made;
    const auto context = what(device);
    KND_TRY(mode_number(made));
    if (made.kind == "vlan" && (made.vlan_id < 1 || made.vlan_id > kMostVlan))
        return Error(Code::kInvalidArgument,
                     context + ": VLAN " + std::to_string(made.vlan_id) + " is not 1 to 4094");
    KND_TRY(check_parent(*namespaces.host, made).wrap(context));
    if (is_veth(device)) KND_TRY(check_host_end(*namespaces.host, device));
    const auto holder = namespaces.pod->link(device.name);
    if (holder.code() == Code::kNotFound) return {};
    KND_TRY(holder);
    if (bears_mark(*holder, device)) return {};
    return Error(Code::kFailedPrecondition, "the pod has an interface `" + device.name +
                                                "` already (" + holder->text() +
                                                "): give the claim's interface another name");
}

Result<LinkInfo> make_link(Namespaces& namespaces, const MadeDevice& device, int mtu,
                           const std::string& mac) {
    auto& pod = *namespaces.pod;
    KND_TRY_ASSIGN(auto link, find_made(namespaces, device));
    if (!link) {
        KND_TRY(check_made(namespaces, device));
        KND_TRY(create(namespaces, device, mtu, mac).wrap(what(device)));
        KND_TRY_ASSIGN(link, find_made(namespaces, device));
    }
    if (!link)
        return Error(Code::kInternal, what(device) + ": the kernel made it, and it is not there");
    KND_TRY(finish(namespaces, device, *link, mtu).wrap(what(device)));
    auto finished = pod.link(link->ifindex);
    if (!finished.ok()) return not_gone(std::move(finished).error()).error();
    return finished;
}

Result<std::optional<LinkInfo>> find_made(Namespaces& namespaces, const MadeDevice& device) {
    auto& pod = *namespaces.pod;
    if (device.ifindex != 0) {
        KND_TRY_ASSIGN(auto link, look_up(pod, device.ifindex));
        if (link && bears_mark(*link, device)) return link;
        if (link) {
            KND_TRY_ASSIGN(const bool ours, sits_where_made(*namespaces.host, *link, device));
            if (ours) return link;
        }
    }
    for (const auto& name : {device.mark, device.name}) {
        KND_TRY_ASSIGN(auto link, look_up(pod, name));
        if (link && bears_mark(*link, device)) return link;
    }
    return std::optional<LinkInfo>();
}

Result<void> remove_made(Namespaces& namespaces, const MadeDevice& device) {
    if (namespaces.pod) {
        KND_TRY_ASSIGN(const auto found, find_made(namespaces, device));
        if (found) KND_TRY(remove(*namespaces.pod, *found));
    }
    if (!is_veth(device)) return {};
    KND_TRY_ASSIGN(const auto end, find_host_end(*namespaces.host, device));
    if (end) KND_TRY(remove(*namespaces.host, *end));
    return {};
}

}  // namespace knd
