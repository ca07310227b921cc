// SPDX-License-Identifier: Apache-2.0
//
// Links, addresses, routes, rules and neighbours as rtnetlink tells them: plain values, used for
// what is read and for what is to be made, so that a snapshot can be put back as it was.
//
// Names are the kernel's; numbers without a type of their own (scope, protocol, flags) are those of
// <linux/rtnetlink.h>. IP addresses are text in the kernel's spelling, MAC addresses lower-case
// with colons, of any length (an IPoIB address has 20 bytes).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <knd/cpp/result.hpp>

namespace knd {

struct LinkInfo {
    int ifindex = 0;
    std::string name = {};
    std::vector<std::string> altnames = {};
    std::string kind =
        {};  ///< "veth", "dummy", "macvlan"; empty for a device with a driver of its own
    std::string mac = {};            ///< empty when it has none
    std::string permanent_mac = {};  ///< burnt in; empty when the driver tells none
    int mtu = 0;
    int min_mtu = 0;
    int max_mtu = 0;             ///< 0: no limit known
    std::uint32_t flags = 0;     ///< IFF_*
    std::string operstate = {};  ///< "up", "down", "unknown", "lowerlayerdown", "dormant", ...
    bool carrier = false;
    std::uint16_t type = 0;  ///< ARPHRD_*
    std::string
        encapsulation;  ///< the same as a word: "ether", "loopback", "infiniband"; else a number
    std::string alias = {};
    int master = 0;  ///< ifindex of the bridge, bond or VRF it belongs to; 0: none
    /// What it sits on or, for a veth, its other end; 0: nothing. In the namespace of the link,
    /// unless `parent_netns` says otherwise.
    int parent = 0;
    std::optional<int> parent_netns = {};  ///< nsid as seen from here
    /// The kernel refuses to move it. Before Linux 6.15 it does not tell.
    bool netns_immutable = false;
    std::uint32_t gso_max_size = 0;
    std::uint32_t gro_max_size = 0;
    std::uint32_t gso_ipv4_max_size = 0;
    std::uint32_t gro_ipv4_max_size = 0;
    int txqlen = 0;
    int num_tx_queues = 0;
    int num_rx_queues = 0;
    std::string bus = {};     ///< of the hardware: "pci", "virtio"; empty for a virtual link
    std::string device = {};  ///< its name on that bus: "0000:3b:00.1"
    std::string phys_port_name = {};
    std::string phys_port_id = {};
    std::string phys_switch_id = {};
    bool operator==(const LinkInfo&) const = default;

    bool up() const;  ///< administratively (IFF_UP)
    bool loopback() const;
    /// "eth1 (ifindex 3, 02:00:00:00:00:01)", for messages.
    std::string text() const;
};

struct AddressInfo {
    int ifindex = 0;
    std::string address = {};  ///< without prefix length
    int prefix_length = 0;
    std::string peer = {};       ///< the far end of a point-to-point address; else empty
    std::string broadcast = {};  ///< IPv4; empty: none
    std::string label = {};      ///< IPv4; empty: the interface's name
    int scope = 0;
    std::uint32_t flags = 0;             ///< IFA_F_*
    std::uint32_t metric = 0;            ///< of the prefix route; 0: the kernel's default
    std::uint32_t valid_s = UINT32_MAX;  ///< UINT32_MAX: forever
    std::uint32_t preferred_s = UINT32_MAX;
    bool operator==(const AddressInfo&) const = default;

    bool ipv6() const { return address.find(':') != std::string::npos; }
    /// "192.0.2.1/24"
    std::string cidr() const { return address + "/" + std::to_string(prefix_length); }
};

struct NexthopInfo {
    int ifindex = 0;
    std::string gateway = {};  ///< may be IPv6 in an IPv4 route; empty: on link
    int weight = 1;
    std::uint32_t flags = 0;  ///< RTNH_F_ONLINK
    bool operator==(const NexthopInfo&) const = default;
};

struct RouteInfo {
    std::string destination = {};  ///< canonical CIDR; a default route is "0.0.0.0/0" or "::/0"
    std::string source = {};       ///< preferred source address; empty: none
    std::vector<NexthopInfo> nexthops = {};  ///< one, or several for a multipath route
    std::uint32_t table = 254;
    std::uint32_t metric = 0;  ///< priority
    int tos = 0;
    int scope = 0;
    int protocol = 3;    ///< RTPROT_BOOT, as `ip route add`
    int type = 1;        ///< RTN_UNICAST
    int preference = 0;  ///< IPv6 router preference
    std::map<int, std::uint32_t> metrics =
        {};  ///< RTAX_* -> value: MTU, advertised MSS, window, ...
    bool operator==(const RouteInfo&) const = default;

    bool ipv6() const { return destination.find(':') != std::string::npos; }
    bool is_default() const { return destination.ends_with("/0"); }
    bool uses(int ifindex) const;
    /// "198.51.100.0/24 via 192.0.2.1 table 100", for messages.
    std::string text() const;
};

struct RuleInfo {
    bool ipv6 = false;
    std::uint32_t priority = 0;
    std::string source = {};       ///< CIDR; empty: all
    std::string destination = {};  ///< CIDR; empty: all
    std::string in_interface = {};
    std::string out_interface = {};
    std::uint32_t table = 254;
    std::uint32_t mark = 0;
    std::uint32_t mark_mask = 0;
    int tos = 0;
    int action = 1;  ///< FR_ACT_TO_TBL
    int protocol = 3;
    std::uint32_t flags = 0;  ///< FIB_RULE_INVERT
    bool operator==(const RuleInfo&) const = default;
};

struct NeighborInfo {
    int ifindex = 0;
    std::string address = {};
    std::string mac = {};
    int state = 0x80;  ///< NUD_PERMANENT
    std::uint32_t flags = 0;
    bool operator==(const NeighborInfo&) const = default;
};

/// IFF_NOARP, IFF_PROMISC, IFF_ALLMULTI and IFF_MULTICAST: what an administrator may set beside
/// IFF_UP.
constexpr std::uint32_t kSettableFlags = 0x80 | 0x100 | 0x200 | 0x1000;

/// What one RTM_NEWLINK changes; what is absent stays. The kernel applies it in its own order
/// (netns, MAC, MTU, name, flags) and stops at the first failure: what it did before that stays
/// done.
struct LinkChange {
    /// With `netns_fd` also the name to use there when the present one is taken.
    std::optional<std::string> name = {};
    std::optional<int> mtu = {};
    std::optional<std::string> mac = {};
    std::optional<bool> up = {};
    /// All of kSettableFlags, which have no word of their own here.
    std::optional<std::uint32_t> flags = {};
    std::optional<int> netns_fd = {};  ///< borrowed
    std::optional<int> txqlen = {};
    std::optional<std::string> alias = {};  ///< empty: remove it
    std::optional<int> master = {};         ///< 0: none
    std::optional<std::uint32_t> gso_max_size = {};
    std::optional<std::uint32_t> gro_max_size = {};
    std::optional<std::uint32_t> gso_ipv4_max_size = {};
    std::optional<std::uint32_t> gro_ipv4_max_size = {};
};

/// A link to be made. What a kind does not use is ignored.
struct NewLink {
    std::string kind = {};  ///< "veth", "dummy", "macvlan", "ipvlan", "vlan"
    std::string name = {};
    std::string mac = {};  ///< empty: the kernel's choice
    int mtu = 0;           ///< 0: the kernel's choice
    bool up = false;
    std::optional<int> netns_fd = {};  ///< borrowed; where it is made, absent: here
    int parent = 0;                    ///< macvlan, ipvlan, vlan: ifindex of the lower device here
    int mode = 0;  ///< macvlan: MACVLAN_MODE_*, 0: bridge; ipvlan: IPVLAN_MODE_*
    int vlan_id = 0;
    std::string peer_name = {};             ///< veth; empty: the kernel's choice
    std::string peer_mac = {};              ///< veth; empty: the kernel's choice
    std::optional<int> peer_netns_fd = {};  ///< veth; borrowed; absent: that of the first end
};

/// "02:00:00:00:00:01" <-> bytes. INVALID_ARGUMENT unless it is hex pairs joined by ':' or '-'.
std::string mac_text(std::string_view bytes);
Result<std::string> mac_bytes(std::string_view text);

/// "192.0.2.1/24" apart; without "/" the prefix length is that of a host address.
struct Cidr {
    std::string address = {};  ///< in the kernel's spelling
    int prefix_length = 0;
    bool ipv6() const { return address.find(':') != std::string::npos; }
    /// The network: host bits cleared, "192.0.2.0/24".
    std::string network() const;
};
Result<Cidr> parse_cidr(std::string_view text);

/// True when the kernel would take it as the name of a link: 1 to 15 bytes, no '/', ':' or blanks,
/// not "." or "..", no '%' (a pattern).
bool valid_link_name(std::string_view name);

}  // namespace knd
