// SPDX-License-Identifier: Apache-2.0
#include "host/sandbox/attacher.hpp"

#include <chrono>
#include <optional>
#include <set>
#include <thread>

#include "host/sandbox/homecoming.hpp"
#include "host/sandbox/moved_device.hpp"
#include "host/sandbox/pod_interface.hpp"

namespace knd {

namespace {

/// A namespace is destroyed in the background after its last user has gone; its devices come home
/// then.
constexpr auto kDyingNetnsPause = std::chrono::milliseconds(50);
constexpr int kDyingNetnsLooks = 20;

/// Both ends of a journey. `pod` is null when the pod's namespace is gone.
struct Ends {
    std::unique_ptr<NetworkView> home;
    std::unique_ptr<NetworkView> pod;
    int pod_netns = -1;
    Fd opened;  ///< holds pod_netns when the plan did not
};

Result<Ends> open_home(Kernel& kernel) {
    Ends ends;
    KND_TRY_ASSIGN(ends.home, kernel.view(kernel.home_netns()));
    return ends;
}

/// Refuses the host's own namespace, and one that is not the expected one.
Result<void> check_identity(Kernel& kernel, int netns_fd, const PodNetns& netns) {
    KND_TRY_ASSIGN(const auto id, kernel.netns_id(netns_fd));
    KND_TRY_ASSIGN(const auto home, kernel.netns_id(kernel.home_netns()));
    if (id == home) {
        return Error(
            Code::kFailedPrecondition,
            "the pod shares the host's network namespace (hostNetwork): a device cannot be "
            "moved into it");
    }
    if (netns.id.empty() || netns.id == id) return {};
    return Error(Code::kNotFound, "the network namespace of the pod is gone: at " + netns.path +
                                      " there is another one now");
}

Result<void> open_pod(Kernel& kernel, const PodNetns& netns, Ends& ends) {
    ends.pod_netns = netns.fd.get();
    if (!netns.fd) {
        if (netns.path.empty()) return Error(Code::kNotFound, "the pod has no network namespace");
        KND_TRY_ASSIGN(ends.opened, kernel.open_netns(netns.path));
        ends.pod_netns = ends.opened.get();
    }
    KND_TRY(check_identity(kernel, ends.pod_netns, netns));
    KND_TRY_ASSIGN(ends.pod, kernel.view(ends.pod_netns));
    return {};
}

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
Result<LinkInfo> enter_pod(Ends& ends, const MovedDevice& device, const NetdevEffect& effect,
                           const PodInterface& wanted) {
    auto at_home = guarded_link(*ends.home, effect);
    if (at_home.ok()) {
        KND_TRY(check_names_free(*ends.pod, *at_home, wanted.name));
        KND_TRY(ends.home->change_link(at_home->ifindex, {.name = wanted.name,
                                                          .mtu = wanted.mtu,
                                                          .mac = wanted.mac,
                                                          .netns_fd = ends.pod_netns}));
    } else {
        KND_TRY_ASSIGN(const auto in_pod, find_in_pod(*ends.pod, device));
        if (!in_pod) return std::move(at_home).error();
        KND_TRY(ends.pod->change_link(in_pod->ifindex, difference(*in_pod, wanted)));
    }
    // The ifindex may be another one in the pod.
    KND_TRY_ASSIGN(auto link, ends.pod->link(wanted.name));
    if (same_device(link, device, wanted)) return link;
    return Error(Code::kInternal, "what is called `" + wanted.name +
                                      "` in the pod after the move, " + link.text() +
                                      ", is not the device that was moved");
}

Result<AttachedFacts> attach_one(Ends& ends, const AttachPlan& plan, std::size_t index,
                                 const LinkState& state) {
    const auto& effect = plan.effects.netdevs[index];
    const auto network = config_of(plan.network, index);
    const MovedDevice device(plan.key, index, plan.effects, plan.network, state);
    KND_TRY_ASSIGN(const auto wanted, plan_interface(device.pod_name, network, state));
    KND_TRY_ASSIGN(const auto link, enter_pod(ends, device, effect, wanted));
    plan.on_step("attach.moved");
    KND_TRY_ASSIGN(auto addresses, configure(*ends.pod, link.ifindex, wanted, plan.on_step));
    return AttachedFacts{link.name, link.mac, std::move(addresses)};
}

/// Where a device is at the begin of its way home.
struct Whereabouts {
    std::optional<LinkInfo> at_home;
    std::optional<LinkInfo> in_pod;
};

Result<Whereabouts> locate(Ends& ends, const MovedDevice& device) {
    Whereabouts where;
    KND_TRY_ASSIGN(where.at_home, find_at_home(*ends.home, device));
    if (where.at_home) return where;
    if (ends.pod) {
        KND_TRY_ASSIGN(where.in_pod, find_in_pod(*ends.pod, device));
    }
    if (where.in_pod) return where;
    KND_TRY_ASSIGN(where.at_home, search_home(*ends.home, device));
    return where;
}

/// True when the device exists, wherever it is: it outlives its namespace and was not unplugged.
bool hardware_exists(Kernel& kernel, const LinkInfo& home) {
    return has_hardware(home) &&
           (home.device.empty() || kernel.has_hardware(home.bus, home.device));
}

/// Waits a moment for a device whose namespace is dying.
Result<Whereabouts> locate_patiently(Kernel& kernel, Ends& ends, const MovedDevice& device) {
    for (int look = 1;; ++look) {
        KND_TRY_ASSIGN(auto where, locate(ends, device));
        const bool found = where.at_home || where.in_pod;
        const bool may_come = !ends.pod && hardware_exists(kernel, device.home.link);
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

Result<void> detach_one(Kernel& kernel, Ends& ends, const DetachPlan& plan, std::size_t index,
                        Detached& detached) {
    const MovedDevice device(plan.key, index, plan.effects, plan.network,
                             plan.host_state.netdevs[index]);
    KND_TRY_ASSIGN(auto where, locate_patiently(kernel, ends, device));
    if (where.in_pod) {
        KND_TRY(bring_home(*ends.pod, *ends.home, kernel.home_netns(), device, *where.in_pod));
        KND_TRY_ASSIGN(where.at_home, find_at_home(*ends.home, device));
    }
    plan.on_step("detach.moved");
    if (!where.at_home) return account_for_missing(kernel, device.home.link, detached);
    KND_TRY_ASSIGN(auto warnings, restore(*ends.home, device, *where.at_home, plan.on_step));
    detached.warnings.insert(detached.warnings.end(), warnings.begin(), warnings.end());
    return {};
}

/// The rules that an attach made are all that it leaves in a pod that lives on.
void remove_rules(Ends& ends, const NetworkConfig& network) {
    if (!ends.pod || network.rules.empty()) return;
    const auto wanted = plan_interface({}, network, {});
    if (!wanted.ok()) return;
    for (const auto& rule : wanted->rules)
        static_cast<void>(ends.pod->delete_rule(rule));
}

/// All devices, the last one first; a failure of one does not keep the others away.
Result<Detached> detach_all(Kernel& kernel, Ends& ends, const DetachPlan& plan) {
    Detached detached;
    std::optional<Error> first_error;
    for (auto index = plan.host_state.netdevs.size(); index-- > 0;) {
        auto result = detach_one(kernel, ends, plan, index, detached);
        if (!result.ok() && !first_error) first_error = std::move(result).error();
    }
    remove_rules(ends, plan.network);
    if (first_error) return *std::move(first_error);
    return detached;
}

/// Undoes an attach; the error says both what failed and what could not be undone.
Error undo(Kernel& kernel, Ends& ends, const AttachPlan& plan, const HostState& state,
           Error error) {
    const DetachPlan back{.key = plan.key,
                          .effects = plan.effects,
                          .network = plan.network,
                          .host_state = state,
                          .netns = {},
                          .on_step = plan.on_step};
    auto detached = detach_all(kernel, ends, back);
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

Result<HostState> Attacher::inspect(const AttachPlan& plan) const {
    KND_TRY(check_names(plan));
    KND_TRY_ASSIGN(auto ends, open_home(kernel_));
    KND_TRY(open_pod(kernel_, plan.netns, ends));
    HostState state;
    for (std::size_t i = 0; i < plan.effects.netdevs.size(); ++i) {
        KND_TRY_ASSIGN(auto link, guarded_link(*ends.home, plan.effects.netdevs[i]));
        KND_TRY(check_carries_nothing(*ends.home, link));
        KND_TRY(check_names_free(*ends.pod, link, name_in_pod(plan.effects, i, plan.network)));
        KND_TRY_ASSIGN(auto link_state, take_state(*ends.home, std::move(link)));
        // What the configuration gets wrong is known before anything is touched.
        KND_TRY(plan_interface({}, config_of(plan.network, i), link_state));
        // What changes with the MAC address would not be recognised afterwards.
        auto& noted = link_state.link;
        if (kernel_.is_virtual_function(noted.bus, noted.device)) noted.permanent_mac.clear();
        state.netdevs.push_back(std::move(link_state));
    }
    return state;
}

Result<AttachedFacts> Attacher::attach(const AttachPlan& plan, const HostState& host_state) const {
    KND_TRY(check_sizes(plan.effects, host_state));
    KND_TRY_ASSIGN(auto ends, open_home(kernel_));
    KND_TRY(open_pod(kernel_, plan.netns, ends));
    AttachedFacts facts;
    for (std::size_t i = 0; i < host_state.netdevs.size(); ++i) {
        auto attached = attach_one(ends, plan, i, host_state.netdevs[i]);
        if (!attached.ok()) {
            return undo(kernel_, ends, plan, host_state, std::move(attached).error());
        }
        if (i == 0) facts = *std::move(attached);
    }
    return facts;
}

Result<Detached> Attacher::detach(const DetachPlan& plan) const {
    if (plan.host_state.netdevs.empty()) return Detached();  // nothing was ever moved
    KND_TRY(check_sizes(plan.effects, plan.host_state));
    KND_TRY_ASSIGN(auto ends, open_home(kernel_));
    auto opened = open_pod(kernel_, plan.netns, ends);
    if (!opened.ok() && opened.code() != Code::kNotFound) return std::move(opened).error();
    return detach_all(kernel_, ends, plan);
}

}  // namespace knd
