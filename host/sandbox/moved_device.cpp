// SPDX-License-Identifier: Apache-2.0
#include "host/sandbox/moved_device.hpp"

#include <cstdint>
#include <cstdio>
#include <functional>

#include "host/model/interface_name.hpp"
#include "host/sandbox/attacher.hpp"

namespace knd {

namespace {

/// FNV-1a, for names alone.
std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : text)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return hash;
}

bool mac_fits(const LinkInfo& link, const MovedDevice& device) {
    const auto& home = device.home.link;
    // A tun has none; all that is left is its name.
    if (home.mac.empty()) {
        return link.mac.empty() && (link.name == device.pod_name || link.name == home.name);
    }
    return link.mac == home.mac || (!device.pod_mac.empty() && link.mac == device.pod_mac);
}

bool same_kind(const LinkInfo& link, const LinkInfo& home) {
    return !has_hardware(link) && link.kind == home.kind && link.type == home.type;
}

/// What a virtual link sits on, or is the other end of, keeps its ifindex, and is not in the pod:
/// only the other end of a veth may be, when it was given to the same pod.
bool same_lower(const LinkInfo& link, const LinkInfo& home) {
    if (link.parent != home.parent) return false;
    return home.parent == 0 || home.kind == "veth" || link.parent_netns.has_value();
}

bool fits_in_pod(const LinkInfo& link, const MovedDevice& device) {
    const auto& home = device.home.link;
    if (has_hardware(home)) return same_hardware(link, home);
    if (!same_kind(link, home)) return false;
    if (link.name == device.transit_name) return true;
    // A name or MAC of the pod's choice proves nothing: its own eth0 may be of the same kind.
    return same_lower(link, home) && mac_fits(link, device);
}

/// What has the ifindex that the attach noted. A pod may change the MAC, and make a link with an
/// ifindex of its choice; the owner of the lower one may have moved that.
bool fits_under_ifindex(const LinkInfo& link, const MovedDevice& device) {
    const auto& home = device.home.link;
    if (has_hardware(home)) return same_hardware(link, home);
    if (!same_kind(link, home)) return false;
    return same_lower(link, home) || (link.parent_netns.has_value() && mac_fits(link, device));
}

bool fits_at_home(const LinkInfo& link, const MovedDevice& device) {
    const auto& home = device.home.link;
    if (has_hardware(home)) return same_hardware(link, home);
    if (!same_kind(link, home)) return false;
    if (link.name == device.transit_name) return true;
    if (!mac_fits(link, device)) return false;
    // Virtual links may share a MAC (a macvlan copies it, a bridge takes its port's).
    return link.name == home.name || link.name == device.pod_name || link.ifindex == home.ifindex;
}

using Fits = bool (*)(const LinkInfo&, const MovedDevice&);

/// By a name it may have: one small request where a scan would list thousands of links.
Result<std::optional<LinkInfo>> find_by_names(NetworkView& view, const MovedDevice& device,
                                              Fits fits) {
    for (const auto& name : {device.transit_name, device.pod_name, device.home.link.name}) {
        auto link = view.link(name);
        if (link.ok() && fits(*link, device)) return std::optional(*std::move(link));
        if (!link.ok() && link.code() != Code::kNotFound) return std::move(link).error();
    }
    return std::optional<LinkInfo>();
}

Result<std::optional<LinkInfo>> find_by_scan(NetworkView& view, const MovedDevice& device,
                                             Fits fits) {
    KND_TRY_ASSIGN(const auto links, view.links());
    std::optional<LinkInfo> found;
    for (const auto& link : links) {
        if (!fits(link, device)) continue;
        if (found) {
            return Error(Code::kFailedPrecondition,
                         "cannot tell " + found->text() + " and " + link.text() +
                             " apart: both may be what was `" + device.home.link.name +
                             "` on the host; rename the right one to " + device.transit_name);
        }
        found = link;
    }
    return found;
}

}  // namespace

std::string transit_name(const BindingKey& key, std::size_t index) {
    // A claim may have several shares of one device.
    const auto share = key.share_id.empty() ? "" : "/" + key.share_id;
    const auto hash =
        hash_of(key.claim_uid + "/" + key.device + share + "/" + std::to_string(index));
    char name[16];
    std::snprintf(name, sizeof name, "knd%012llx",
                  static_cast<unsigned long long>(hash & 0xFFFFFFFFFFFF));
    return name;
}

bool same_hardware(const LinkInfo& link, const LinkInfo& noted) {
    return link.kind == noted.kind && link.bus == noted.bus && link.device == noted.device &&
           link.phys_port_name == noted.phys_port_name &&
           (noted.permanent_mac.empty() || link.permanent_mac == noted.permanent_mac);
}

bool has_hardware(const LinkInfo& link) {
    return link.kind.empty() && (!link.device.empty() || !link.permanent_mac.empty());
}

MovedDevice::MovedDevice(const BindingKey& key, std::size_t index, const Effects& effects,
                         const NetworkConfig& network, const LinkState& home_state)
    : home(home_state),
      pod_name(name_in_pod(effects, index, network)),
      pod_mac(index == 0 ? mac_text(mac_bytes(network.hardware_addr).value_or("")) : ""),
      transit_name(knd::transit_name(key, index)) {}

Result<std::optional<LinkInfo>> find_at_home(NetworkView& home, const MovedDevice& device) {
    return find_by_names(home, device, fits_at_home);
}

Result<std::optional<LinkInfo>> search_home(NetworkView& home, const MovedDevice& device) {
    return find_by_scan(home, device, fits_at_home);
}

Result<std::optional<LinkInfo>> find_in_pod(NetworkView& pod, const MovedDevice& device) {
    if (device.pod_ifindex != 0) {
        KND_TRY_ASSIGN(auto link, look_up(pod, device.pod_ifindex));
        if (link && !fits_under_ifindex(*link, device)) link.reset();
        return link;
    }
    KND_TRY_ASSIGN(auto found, find_by_names(pod, device, fits_in_pod));
    if (found) return found;
    return find_by_scan(pod, device, fits_in_pod);
}

}  // namespace knd
