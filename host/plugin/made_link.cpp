// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/made_link.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "host/plugin/names.hpp"

namespace knd::plugin {
namespace {

Error invalid(std::string text) {
    return {Code::kInvalidArgument, std::move(text)};
}

/// Which fields of knd_link a kind has.
struct Kind {
    std::string_view name;
    bool parent = false;
    bool vlan_id = false;
    bool peer = false;
    bool mac = true;
    std::vector<std::string_view> modes = {};  ///< the first is the default
};

const Kind* find_kind(std::string_view name) {
    static const std::array<Kind, 4> kKinds = {
        Kind{.name = "macvlan", .parent = true, .modes = {"bridge", "vepa", "private", "passthru"}},
        // It has the address of its parent.
        Kind{.name = "ipvlan", .parent = true, .mac = false, .modes = {"l2", "l3", "l3s"}},
        Kind{.name = "vlan", .parent = true, .vlan_id = true}, Kind{.name = "veth", .peer = true}};
    const auto found = std::find_if(kKinds.begin(), kKinds.end(),
                                    [&](const Kind& kind) { return kind.name == name; });
    return found == kKinds.end() ? nullptr : &*found;
}

Result<void> check_parent(const knd_link& link) {
    const auto name = view(link.parent);
    if (link.parent_ifindex > 0 && is_interface_name(name)) return {};
    return invalid("parent " + quoted(name) + " with ifindex " +
                   std::to_string(link.parent_ifindex) + " is no interface");
}

Result<void> check_no_parent(const knd_link& link, std::string_view kind) {
    if (link.parent_ifindex == 0 && view(link.parent).empty()) return {};
    return invalid(std::string(kind) + " has no parent");
}

Result<void> check_numbers(const knd_link& link, const Kind& kind) {
    constexpr int kLeastMtu = 68, kMostMtu = 65535, kMostVlan = 4094;
    if (kind.vlan_id && (link.vlan_id < 1 || link.vlan_id > kMostVlan)) {
        return invalid("vlan_id " + std::to_string(link.vlan_id) + " must be 1 to 4094");
    }
    if (!kind.vlan_id && link.vlan_id != 0) {
        return invalid(std::string(kind.name) + " has no vlan_id");
    }
    if (link.mtu != 0 && (link.mtu < kLeastMtu || link.mtu > kMostMtu)) {
        return invalid("mtu " + std::to_string(link.mtu) + " must be 68 to 65535, or 0");
    }
    return {};
}

Result<void> check_mac(std::string_view mac, const Kind& kind) {
    if (mac.empty()) return {};
    if (!kind.mac) return invalid(std::string(kind.name) + " has the mac of its parent");
    constexpr std::size_t kEthernet = 17;  // bytes of "02:00:00:00:00:01"
    const bool is_unicast =
        mac.size() == kEthernet && std::string_view("02468aceACE").find(mac[1]) != mac.npos;
    if (is_hardware_address(mac) && is_unicast) return {};
    return invalid("mac " + quoted(mac) + " is no unicast Ethernet address");
}

Result<std::string> read_mode(std::string_view mode, const Kind& kind) {
    if (mode.empty()) return std::string(kind.modes.empty() ? "" : kind.modes.front());
    if (std::find(kind.modes.begin(), kind.modes.end(), mode) == kind.modes.end()) {
        return invalid(std::string(kind.name) + " has no mode " + quoted(mode));
    }
    return std::string(mode);
}

Result<void> check_peer(std::string_view peer, const Kind& kind) {
    if (kind.peer && !is_interface_name(peer)) {
        return invalid("peer " + quoted(peer) + " is no name of an interface");
    }
    if (!kind.peer && !peer.empty()) return invalid(std::string(kind.name) + " has no peer");
    return {};
}

Result<MadeLink> read_own(const knd_link& link) {
    if (link.vlan_id != 0 || link.mtu != 0 || !view(link.mode).empty() || !view(link.mac).empty() ||
        !view(link.peer).empty()) {
        return invalid(
            "without a kind its backend makes it, and sets mode, mac, mtu and the like itself");
    }
    MadeLink made;
    made.by_backend = true;
    if (link.parent_ifindex == 0 && view(link.parent).empty()) return made;
    KND_TRY(check_parent(link));
    made.parent_ifindex = link.parent_ifindex;
    made.parent = link.parent;
    return made;
}

Result<MadeLink> read_made(const knd_link& link) {
    const auto name = view(link.kind);
    if (name.empty()) return read_own(link);
    const Kind* kind = find_kind(name);
    if (kind == nullptr) {
        return invalid("kind " + quoted(name) + " must be macvlan, ipvlan, vlan or veth");
    }
    KND_TRY(kind->parent ? check_parent(link) : check_no_parent(link, name));
    KND_TRY(check_numbers(link, *kind));
    KND_TRY(check_mac(view(link.mac), *kind));
    KND_TRY(check_peer(view(link.peer), *kind));
    MadeLink made;
    KND_TRY_ASSIGN(made.mode, read_mode(view(link.mode), *kind));
    made.kind = name;
    made.parent_ifindex = link.parent_ifindex;
    made.parent = view(link.parent);
    made.vlan_id = link.vlan_id;
    made.peer = view(link.peer);
    made.mtu = link.mtu;
    made.mac = view(link.mac);
    return made;
}

}  // namespace

Result<NetdevEffect> read_link(const knd_link& link) {
    const auto name = view(link.name_in_pod);
    if (!is_interface_name(name)) return invalid("name_in_pod is no name of an interface");
    KND_TRY_ASSIGN(auto made, read_made(link));
    return NetdevEffect{.ifindex = 0,
                        .name = std::string(name),
                        .mac = "",
                        .name_in_pod = std::string(name),
                        .made = std::move(made)};
}

}  // namespace knd::plugin
