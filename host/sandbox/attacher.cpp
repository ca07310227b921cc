// SPDX-License-Identifier: Apache-2.0
#include "host/sandbox/attacher.hpp"

#include <fcntl.h>

#include <chrono>
#include <optional>
#include <set>
#include <thread>

#include "host/model/interface_name.hpp"
#include "host/sandbox/made_link.hpp"
#include "host/sandbox/moved_device.hpp"
#include "host/sandbox/pod_interface.hpp"
#include "host/sandbox/rdma_move.hpp"
#include "host/sandbox/restore.hpp"

namespace knd {

namespace {

/// A namespace is destroyed in the background after its last user has gone; its devices come home
/// then.
constexpr auto kDyingNetnsPause = std::chrono::milliseconds(50);
constexpr int kDyingNetnsLooks = 20;

/// What the effect says of the link must still hold; ifindexes and names are used again.
Result<void> check_guards(const LinkInfo& link, const NetdevEffect& effect) {
    if (link.loopback()) {
        return Error(Code::kFailedPrecondition, "`" + link.name + "` is a loopback interface");
    }
    if (link.name != effect.name) {
        return Error(Code::kFailedPrecondition, "device `" + effect.name + "` is called `" +
                                                    link.name + "` now: rename it back");
    }
    if (effect.mac.empty() || link.mac == effect.mac || link.permanent_mac == effect.mac) return {};
    return Error(Code::kFailedPrecondition, "device `" + effect.name + "` has MAC address " +
                                                link.mac + " now, it had " + effect.mac +
                                                ": another one may have its name");
}

Result<LinkInfo> guarded_link(NetworkView& home, const NetdevEffect& effect) {
    auto link = home.link(effect.ifindex);
    if (link.code() == Code::kNotFound) {
        return Error(Code::kNotFound, "device `" + effect.name + "` (ifindex " +
                                          std::to_string(effect.ifindex) +
                                          ") is gone from the host");
    }
    KND_TRY(link);
    KND_TRY(check_guards(*link, effect));
    return link;
}

/// Links that sit on this one (a VLAN, a macvlan) are destroyed by the kernel when it leaves, and
/// nobody could put them back.
Result<void> check_carries_nothing(NetworkView& home, const LinkInfo& link) {
    KND_TRY_ASSIGN(const auto links, home.links());
    for (const auto& other : links) {
        // The parent of a veth is its other end.
        const bool on_it = other.parent == link.ifindex && !other.parent_netns &&
                           other.ifindex != link.ifindex && other.kind != "veth";
        if (!on_it && other.master != link.ifindex) continue;
        return Error(Code::kFailedPrecondition,
                     "device `" + link.name + "` carries `" + other.name +
                         "` on the host, which would be lost: remove that first");
    }
    return {};
}

/// `name` and the altnames of `link` must be free in the pod.
Result<void> check_names_free(NetworkView& pod, const LinkInfo& link, const std::string& name) {
    auto wanted = link.altnames;
    wanted.insert(wanted.begin(), name);
    for (const auto& candidate : wanted) {
        const auto holder = pod.link(candidate);
        if (holder.code() == Code::kNotFound) continue;
        KND_TRY(holder);
        return Error(Code::kFailedPrecondition, "the pod has an interface `" + candidate +
                                                    "` already (" + holder->text() +
                                                    "): give the claim's interface another name");
    }
    return {};
}

Result<void> check_names(const AttachPlan& plan) {
    std::set<std::string> names;
    for (std::size_t i = 0; i < plan.effects.netdevs.size(); ++i) {
        const auto name = name_in_pod(plan.effects, i, plan.network);
        if (!valid_link_name(name)) {
            return Error(Code::kInvalidArgument, "`" + name + "` cannot name an interface");
        }
        if (!names.insert(name).second) {
            return Error(Code::kInvalidArgument, "two devices are to be called `" + name + "`");
        }
    }
    return {};
}

/// The configuration is the first device's.
NetworkConfig config_of(const NetworkConfig& network, std::size_t index) {
    return index == 0 ? network : NetworkConfig();
}

Result<void> check_sizes(const Effects& effects, const HostState& host_state) {
    if (effects.netdevs.size() == host_state.netdevs.size()) return {};
    return Error(Code::kDataLoss, "the state of " + std::to_string(host_state.netdevs.size()) +
                                      " devices was noted where the binding has " +
                                      std::to_string(effects.netdevs.size()));
}

bool same_device(const LinkInfo& link, const MovedDevice& device, const PodInterface& wanted) {
    const auto& home = device.home.link;
    return same_hardware(link, home) && link.mac == wanted.mac.value_or(home.mac);
}

/// What a link that is in the pod already still lacks.
LinkChange difference(const LinkInfo& link, const PodInterface& wanted) {
    LinkChange change;
    if (link.name != wanted.name) change.name = wanted.name;
    if (wanted.mtu && link.mtu != *wanted.mtu) change.mtu = wanted.mtu;
    if (wanted.mac && link.mac != *wanted.mac) change.mac = wanted.mac;
    return change;
}

/// Into the pod, or, when a call before did that already, only under the right name.
Result<LinkInfo> enter_pod(Namespaces& namespaces, const MovedDevice& device,
                           const NetdevEffect& effect, const PodInterface& wanted) {
    auto at_home = guarded_link(*namespaces.host, effect);
    if (at_home.ok()) {
        KND_TRY(check_names_free(*namespaces.pod, *at_home, wanted.name));
        KND_TRY(namespaces.host->change_link(at_home->ifindex, {.name = wanted.name,
                                                                .mtu = wanted.mtu,
                                                                .mac = wanted.mac,
                                                                .netns_fd = namespaces.pod_netns}));
    } else {
        KND_TRY_ASSIGN(const auto in_pod, find_in_pod(*namespaces.pod, device));
        if (!in_pod) return std::move(at_home).error();
        KND_TRY(namespaces.pod->change_link(in_pod->ifindex, difference(*in_pod, wanted)));
    }
    // The ifindex may be another one in the pod.
    KND_TRY_ASSIGN(auto link, namespaces.pod->link(wanted.name));
    if (same_device(link, device, wanted)) return link;
    return Error(Code::kInternal, "what is called `" + wanted.name +
                                      "` in the pod after the move, " + link.text() +
                                      ", is not the device that was moved");
}

/// A link that is in the pod gets addresses, routes and the rest.
Result<AttachedFacts> furnish(Namespaces& namespaces, const AttachPlan& plan, const LinkInfo& link,
                              const PodInterface& wanted) {
    KND_TRY_ASSIGN(auto addresses, configure(*namespaces.pod, link.ifindex, wanted, plan.on_step));
    return AttachedFacts{link.name, link.mac, std::move(addresses), link.ifindex};
}

/// What an interface that is made is to look like: the claim's word, then its backend's.
struct MadeWishes {
    int mtu = 0;
    std::string mac;
};
Result<MadeWishes> wishes_of(const MadeLink& made, const PodInterface& wanted) {
    MadeWishes wishes{wanted.mtu.value_or(made.mtu), wanted.mac.value_or("")};
    if (!wishes.mac.empty() || made.mac.empty()) return wishes;
    KND_TRY_ASSIGN(const auto bytes, mac_bytes(made.mac));
    wishes.mac = mac_text(bytes);
    return wishes;
}

/// Of an AttachPlan or a DetachPlan.
template <class Plan>
MadeDevice made_device(const Plan& plan, std::size_t index) {
    return {*plan.effects.netdevs[index].made, name_in_pod(plan.effects, index, plan.network),
            transit_name(plan.key, index)};
}

Result<AttachedFacts> make_one(Namespaces& namespaces, const AttachPlan& plan, std::size_t index) {
    const auto device = made_device(plan, index);
    if (device.made.by_backend) return AttachedFacts{device.name, "", {}, 0};
    KND_TRY_ASSIGN(const auto wanted,
                   plan_interface(device.name, config_of(plan.network, index), {}));
    KND_TRY_ASSIGN(const auto wishes, wishes_of(device.made, wanted));
    KND_TRY_ASSIGN(const auto link, make_link(namespaces, device, wishes.mtu, wishes.mac));
    plan.on_step("attach.moved");
    return furnish(namespaces, plan, link, wanted);
}

Result<AttachedFacts> attach_one(Namespaces& namespaces, const AttachPlan& plan, std::size_t index,
                                 const LinkState& state) {
    const auto& effect = plan.effects.netdevs[index];
    if (effect.made) return make_one(namespaces, plan, index);
    const auto network = config_of(plan.network, index);
    const MovedDevice device(plan.key, index, plan.effects, plan.network, state);
    KND_TRY_ASSIGN(const auto wanted, plan_interface(device.pod_name, network, state));
    KND_TRY_ASSIGN(const auto link, enter_pod(namespaces, device, effect, wanted));
    plan.on_step("attach.moved");
    return furnish(namespaces, plan, link, wanted);
}

/// What a backend has made under the name that it chose, or, once a call before has renamed it, by
/// the altname that it got first: under the claim's name there may be one of the pod's own. Its
/// alias is the backend's.
Result<LinkInfo> find_backends(NetworkView& pod, const std::string& mark, const std::string& name) {
    KND_TRY_ASSIGN(auto marked, look_up(pod, mark));
    if (marked) return *std::move(marked);
    KND_TRY_ASSIGN(auto link, look_up(pod, name));
    if (!link)
        return Error(Code::kInternal, "its backend has not made the interface `" + name +
                                          "` in the pod, as it said it would");
    KND_TRY(not_gone(pod.add_altname(link->ifindex, mark)));
    return *std::move(link);
}

/// It becomes what the claim wants.
Result<AttachedFacts> configure_one(Namespaces& namespaces, const AttachPlan& plan,
                                    std::size_t index) {
    const auto& effect = plan.effects.netdevs[index];
    const auto name = name_in_pod(plan.effects, index, plan.network);
    KND_TRY_ASSIGN(const auto wanted, plan_interface(name, config_of(plan.network, index), {}));
    const auto mark = transit_name(plan.key, index);
    KND_TRY_ASSIGN(const auto link, find_backends(*namespaces.pod, mark, effect.name));
    KND_TRY(not_gone(namespaces.pod->change_link(link.ifindex, difference(link, wanted))));
    KND_TRY_ASSIGN(const auto changed, namespaces.pod->link(link.ifindex));
    return furnish(namespaces, plan, changed, wanted);
}

/// Where a device is when it is to return.
struct Location {
    std::optional<LinkInfo> at_home;
    std::optional<LinkInfo> in_pod;
};

Result<Location> locate(Namespaces& namespaces, const MovedDevice& device) {
    Location where;
    KND_TRY_ASSIGN(where.at_home, find_at_home(*namespaces.host, device));
    if (where.at_home) return where;
    if (namespaces.pod) {
        KND_TRY_ASSIGN(where.in_pod, find_in_pod(*namespaces.pod, device));
    }
    if (where.in_pod) return where;
    KND_TRY_ASSIGN(where.at_home, search_home(*namespaces.host, device));
    return where;
}

/// True when the device exists, wherever it is: it outlives its namespace and was not unplugged.
bool hardware_exists(Kernel& kernel, const LinkInfo& home) {
    return has_hardware(home) &&
           (home.device.empty() || kernel.has_hardware(home.bus, home.device));
}

/// Waits a moment for a device whose namespace is dying.
Result<Location> locate_patiently(Kernel& kernel, Namespaces& namespaces,
                                  const MovedDevice& device) {
    for (int look = 1;; ++look) {
        KND_TRY_ASSIGN(auto where, locate(namespaces, device));
        const bool found = where.at_home || where.in_pod;
        const bool may_come = !namespaces.pod && hardware_exists(kernel, device.home.link);
        if (found || !may_come || look == kDyingNetnsLooks) return where;
        std::this_thread::sleep_for(kDyingNetnsPause);
    }
}

/// A device that is nowhere: lost for good, or only late?
Result<void> account_for_missing(Kernel& kernel, const LinkInfo& home, Detached& detached) {
    if (hardware_exists(kernel, home)) {
        return Error(Code::kUnavailable, "device `" + home.name + "` (" + home.bus + " " +
                                             home.device +
                                             ") is neither in the pod nor back on the host yet");
    }
    detached.lost.push_back(home.name);
    return {};
}

/// The ifindex in the pod that an attach noted; 0: none has.
int noted_ifindex(const DetachPlan& plan, std::size_t index) {
    return index < plan.attached.size() ? plan.attached[index].ifindex : 0;
}

/// A namespace that is gone took it along. What a backend made is the backend's to remove.
Result<void> unmake_one(Namespaces& namespaces, const DetachPlan& plan, std::size_t index) {
    auto device = made_device(plan, index);
    if (device.made.by_backend) return {};
    device.ifindex = noted_ifindex(plan, index);
    KND_TRY(remove_made(namespaces, device));
    plan.on_step("detach.moved");
    return {};
}

Result<void> detach_one(Kernel& kernel, Namespaces& namespaces, const DetachPlan& plan,
                        std::size_t index, Detached& detached) {
    if (plan.effects.netdevs[index].made) return unmake_one(namespaces, plan, index);
    MovedDevice device(plan.key, index, plan.effects, plan.network, plan.host_state.netdevs[index]);
    device.pod_ifindex = noted_ifindex(plan, index);
    KND_TRY_ASSIGN(auto where, locate_patiently(kernel, namespaces, device));
    if (where.in_pod) {
        KND_TRY(bring_home(*namespaces.pod, *namespaces.host, kernel.home_netns(), device,
                           *where.in_pod));
        KND_TRY_ASSIGN(where.at_home, find_at_home(*namespaces.host, device));
        if (!where.at_home) {
            KND_TRY_ASSIGN(where.at_home, search_home(*namespaces.host, device));
        }
    }
    plan.on_step("detach.moved");
    if (!where.at_home) return account_for_missing(kernel, device.home.link, detached);
    KND_TRY_ASSIGN(auto warnings, restore(*namespaces.host, device, *where.at_home, plan.on_step));
    detached.warnings.insert(detached.warnings.end(), warnings.begin(), warnings.end());
    return {};
}

/// The rules that an attach made are all that it leaves in a pod that lives on.
void remove_rules(Namespaces& namespaces, const NetworkConfig& network,
                  std::vector<std::string>& warnings) {
    if (!namespaces.pod || network.rules.empty()) return;
    const auto wanted = plan_interface({}, network, {});
    if (!wanted.ok()) return;
    for (const auto& rule : wanted->rules) {
        const auto removed = namespaces.pod->delete_rule(rule);
        if (removed.ok() || is_absent(removed.error())) continue;
        warnings.push_back("a rule is left in the pod: " + removed.error().message());
    }
}

/// RDMA devices, then netdevs, the last one first; a failure of one does not keep the others away,
/// and each is told.
Result<Detached> detach_all(Kernel& kernel, Namespaces& namespaces, const DetachPlan& plan) {
    Detached detached;
    std::string errors;
    const auto note = [&](const Result<void>& result) {
        if (!result.ok())
            errors.append(errors.empty() ? "" : "; ").append(result.error().message());
    };
    note(return_rdma(kernel, plan.host_state.rdma, namespaces.pod ? namespaces.pod_netns : -1,
                     detached.warnings));
    if (!plan.host_state.rdma.empty()) plan.on_step("detach.rdma");
    for (auto index = plan.host_state.netdevs.size(); index-- > 0;)
        note(detach_one(kernel, namespaces, plan, index, detached));
    remove_rules(namespaces, plan.network, detached.warnings);
    // Whatever the kernel said: as long as something of it is away, it is not "gone".
    if (!errors.empty()) return Error(Code::kUnavailable, std::move(errors));
    return detached;
}

/// Undoes an attach; the error says both what failed and what could not be undone.
Error undo(Kernel& kernel, Namespaces& namespaces, const AttachPlan& plan, const HostState& state,
           Error error) {
    const DetachPlan back{.key = plan.key,
                          .effects = plan.effects,
                          .network = plan.network,
                          .host_state = state,
                          .attached = {},
                          .netns = {},
                          .on_step = plan.on_step};
    auto detached = detach_all(kernel, namespaces, back);
    std::string left;
    if (!detached.ok()) left = detached.error().message();
    for (const auto& text : detached.ok() ? detached->lost : std::vector<std::string>()) {
        left.append(left.empty() ? "" : "; ").append("`" + text + "` is lost");
    }
    for (const auto& text : detached.ok() ? detached->warnings : std::vector<std::string>()) {
        left.append(left.empty() ? "" : "; ").append(text);
    }
    if (left.empty()) return error;
    return {error.code(), error.message() + "; and undoing failed: " + left, error.os_error()};
}

}  // namespace

Result<PodNetns> Attacher::pin(const std::string& path) const {
    if (path.empty()) {
        return Error(Code::kFailedPrecondition,
                     "the pod has no network namespace of its own (hostNetwork)");
    }
    PodNetns netns;
    netns.path = path;
    KND_TRY_ASSIGN(netns.fd, kernel_.open_netns(path));
    KND_TRY(check_identity(kernel_, netns.fd.get(), netns));
    KND_TRY_ASSIGN(netns.id, kernel_.netns_id(netns.fd.get()));
    return netns;
}

Result<PodNetns> Attacher::pin_any(const std::string& path) const {
    PodNetns netns;
    netns.path = path;
    // containerd tells none of a pod that uses the host's.
    netns.fd = path.empty() ? Fd(::fcntl(kernel_.home_netns(), F_DUPFD_CLOEXEC, 0)) : Fd();
    if (!path.empty()) {
        KND_TRY_ASSIGN(netns.fd, kernel_.open_netns(path));
    }
    if (!netns.fd) return Error::from_errno("keep the network namespace", errno);
    KND_TRY_ASSIGN(netns.id, kernel_.netns_id(netns.fd.get()));
    return netns;
}

Result<void> Attacher::stop_container(const Container& container, const std::string& path) const {
    KND_TRY_ASSIGN(const auto netns, pin(path));
    return kernel_.kill_container(container, netns.id);
}

namespace {

/// A link that sits on one that leaves is destroyed by the kernel.
Result<void> check_parent_stays(const Effects& effects, const MadeLink& made) {
    for (const auto& other : effects.netdevs) {
        if (other.made || made.parent_ifindex == 0 || other.ifindex != made.parent_ifindex)
            continue;
        return Error(Code::kInvalidArgument, "its backend wants to make a " + made.kind + " on `" +
                                                 made.parent + "` and to move `" + made.parent +
                                                 "` into the same pod");
    }
    return {};
}

/// One netdev as it is on the host, if the attach can work.
Result<LinkState> inspect_one(Kernel& kernel, Namespaces& namespaces, const AttachPlan& plan,
                              std::size_t index) {
    const auto& effect = plan.effects.netdevs[index];
    const auto name = name_in_pod(plan.effects, index, plan.network);
    const auto network = config_of(plan.network, index);
    if (effect.made) {
        if (effect.made->by_backend) {
            KND_TRY(check_names_free(*namespaces.pod, LinkInfo(), name));
        } else {
            KND_TRY(check_parent_stays(plan.effects, *effect.made));
            KND_TRY(check_made(namespaces, made_device(plan, index)));
        }
        KND_TRY(plan_interface({}, network, {}));
        return LinkState();
    }
    KND_TRY_ASSIGN(auto link, guarded_link(*namespaces.host, effect));
    KND_TRY(check_carries_nothing(*namespaces.host, link));
    KND_TRY(check_names_free(*namespaces.pod, link, name));
    KND_TRY_ASSIGN(auto state, take_state(*namespaces.host, std::move(link)));
    // What the configuration gets wrong is known before anything is touched.
    KND_TRY(plan_interface({}, network, state));
    // What changes with the MAC address would not be recognised afterwards.
    auto& noted = state.link;
    if (kernel.is_virtual_function(noted.bus, noted.device)) noted.permanent_mac.clear();
    return state;
}

/// The interfaces, and then the RDMA devices, whose users find the MAC as it stays.
Result<std::vector<AttachedFacts>> attach_all(Kernel& kernel, Namespaces& namespaces,
                                              const AttachPlan& plan, const HostState& state) {
    std::vector<AttachedFacts> facts;
    for (std::size_t i = 0; i < state.netdevs.size(); ++i) {
        KND_TRY_ASSIGN(auto attached, attach_one(namespaces, plan, i, state.netdevs[i]));
        facts.push_back(std::move(attached));
    }
    KND_TRY(move_rdma_in(kernel, state.rdma, namespaces.pod_netns));
    if (!state.rdma.empty()) plan.on_step("attach.rdma");
    return facts;
}

}  // namespace

Result<HostState> Attacher::inspect(const AttachPlan& plan) const {
    KND_TRY(check_names(plan));
    KND_TRY_ASSIGN(auto namespaces, open_host(kernel_));
    KND_TRY(open_pod(kernel_, plan.netns, namespaces));
    HostState state;
    for (std::size_t i = 0; i < plan.effects.netdevs.size(); ++i) {
        KND_TRY_ASSIGN(auto netdev, inspect_one(kernel_, namespaces, plan, i));
        state.netdevs.push_back(std::move(netdev));
    }
    KND_TRY_ASSIGN(state.rdma, inspect_rdma(kernel_, plan.effects.rdma_links));
    return state;
}

Result<std::vector<AttachedFacts>> Attacher::attach(const AttachPlan& plan,
                                                    const HostState& host_state) const {
    KND_TRY(check_sizes(plan.effects, host_state));
    KND_TRY_ASSIGN(auto namespaces, open_host(kernel_));
    KND_TRY(open_pod(kernel_, plan.netns, namespaces));
    auto facts = attach_all(kernel_, namespaces, plan, host_state);
    if (facts.ok()) return facts;
    return undo(kernel_, namespaces, plan, host_state, std::move(facts).error());
}

Result<std::vector<AttachedFacts>> Attacher::configure_made(
    const AttachPlan& plan, std::vector<AttachedFacts> attached) const {
    KND_TRY_ASSIGN(auto namespaces, open_host(kernel_));
    KND_TRY(open_pod(kernel_, plan.netns, namespaces));
    for (std::size_t i = 0; i < plan.effects.netdevs.size() && i < attached.size(); ++i) {
        const auto& made = plan.effects.netdevs[i].made;
        if (!made || !made->by_backend) continue;
        KND_TRY_ASSIGN(attached[i], configure_one(namespaces, plan, i));
    }
    return attached;
}

Result<Detached> Attacher::detach(const DetachPlan& plan) const {
    // Nothing was ever moved.
    if (plan.host_state.netdevs.empty() && plan.host_state.rdma.empty()) return Detached();
    KND_TRY(check_sizes(plan.effects, plan.host_state));
    auto namespaces = open_host(kernel_);
    if (!namespaces.ok()) return not_gone(std::move(namespaces).error()).error();
    auto opened = open_pod(kernel_, plan.netns, *namespaces);
    if (!opened.ok() && opened.code() != Code::kNotFound) return std::move(opened).error();
    return detach_all(kernel_, *namespaces, plan);
}

}  // namespace knd
