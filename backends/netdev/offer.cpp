// SPDX-License-Identifier: Apache-2.0
#include "backends/netdev/offer.hpp"

#include <algorithm>

namespace netdev {
namespace {

using knd::matches_glob;
using Patterns = std::vector<std::string>;

/// Kinds that people make by hand for somebody to use. Any other is a part of something, or not
/// known to us: a new kind of tunnel must not be on offer because nobody here has heard of it.
const Patterns kUsualKinds = {"dummy", "ipvlan", "macvlan", "vlan"};

/// What kube-proxy, NodeLocal DNSCache, kube-router and network plugins (Antrea, AWS, Azure,
/// bridge, Calico, Cilium, Flannel, GKE, OVN-Kubernetes, Open vSwitch, Submariner, Weave) and
/// container engines call the interfaces that they make on the node.
const Patterns kNodeNames = {"kube-*",   "nodelocaldns*", "antrea-*", "vlan.eth.*", "eni*",
                             "azv*",     "cni*",          "cali*",    "*.calico",   "*.cali",
                             "cilium_*", "lxc*",          "gke*",     "flannel*",   "ovn*",
                             "ovs-*",    "*_sys_*",       "weave*",   "vethwe*",    "vxlan-*",
                             "vx-*",     "docker*",       "nerdctl*", "podman*"};

bool names_exactly(const Patterns& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

knd::Result<Offer> Offer::read(const knd::Params& config) {
    Offer offer;
    KND_TRY_ASSIGN(offer.include_, config.strings("interfaces"));
    KND_TRY_ASSIGN(offer.exclude_, config.strings("exclude_interfaces"));
    KND_TRY_ASSIGN(offer.kinds_, config.strings("kinds"));
    KND_TRY_ASSIGN(offer.exclude_kinds_, config.strings("exclude_kinds"));
    KND_TRY_ASSIGN(offer.software_, config.boolean("virtual", true));
    if (offer.kinds_.empty()) offer.kinds_ = kUsualKinds;
    return offer;
}

std::string Offer::withheld(const knd::Netdev& netdev) const {
    const auto& name = netdev.link.name;
    if (!netdev.immovable.empty()) return netdev.immovable;
    if (!include_.empty() && !matches_glob(name, include_)) return "`interfaces` does not name it";
    if (matches_glob(name, exclude_)) return "`exclude_interfaces` names it";
    if (auto reason = unwanted_kind(netdev); !reason.empty()) return reason;
    if (names_exactly(include_, name)) return "";
    const std::string remedy = ": to offer it nevertheless, list `" + name + "` in `interfaces`";
    if (netdev.sysfs.representor) {
        return "it is the switch's end of function " + netdev.sysfs.port + remedy;
    }
    if (!is_hardware(netdev) && matches_glob(name, kNodeNames)) {
        return "the node's own network has interfaces of such a name" + remedy;
    }
    return "";
}

std::string Offer::unwanted_kind(const knd::Netdev& netdev) const {
    const auto& kind = netdev.link.kind;
    const auto text = kind.empty() ? "software without a kind" : "of kind " + kind;
    if (!kind.empty() && matches_glob(kind, exclude_kinds_)) {
        return "it is " + text + ", which `exclude_kinds` names";
    }
    if (is_hardware(netdev)) return "";
    if (!software_) return "it is software (" + text + "), and `virtual` is false";
    if (matches_glob(kind, kinds_)) return "";
    return "it is " + text + ", and `kinds` does not name that";
}

bool is_same(const knd::LinkInfo& listed, const knd::LinkInfo& now) {
    if (listed.kind != now.kind || listed.bus != now.bus || listed.device != now.device)
        return false;
    // Hardware may be renamed. Several ports of one function differ in their addresses.
    if (!listed.permanent_mac.empty()) return listed.permanent_mac == now.permanent_mac;
    if (!listed.device.empty() && listed.ifindex == now.ifindex) return true;
    // Software is what it is called. One that was in a pod comes home with another ifindex and its
    // address; one that was made anew has neither.
    return listed.name == now.name && (listed.ifindex == now.ifindex || listed.mac == now.mac);
}

bool is_end_of_a_pod(const knd::Netdev& netdev) {
    const auto& link = netdev.link;
    return (link.kind == "veth" || link.kind == "netkit") && link.parent_netns.has_value();
}

}  // namespace netdev
