// SPDX-License-Identifier: Apache-2.0
#include "sdk/support/vf_settings.hpp"

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cstring>

#include "sdk/support/netlink_message.hpp"
#include "sdk/support/netlink_socket.hpp"

namespace knd {
namespace {

/// Some 300 bytes a VF come in one message: beyond what a dump is packed into.
constexpr std::size_t kReplySize = 256 * 1024;
constexpr std::size_t kMacLength = 6;

template <class T>
std::optional<T> struct_in(const Attributes& attributes, int attribute) {
    const auto bytes = attributes.bytes(attribute);
    if (bytes.size() < sizeof(T)) return std::nullopt;
    T value{};
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

template <class T>
void put(Message& message, int attribute, const T& value) {
    message.put_bytes(attribute, {reinterpret_cast<const char*>(&value), sizeof value});
}

void read_vlan(const nlattr* list, VfValues& values) {
    Attributes::each(list, [&](int type, std::string_view bytes) {
        if (type != IFLA_VF_VLAN_INFO || bytes.size() < sizeof(ifla_vf_vlan_info)) return;
        ifla_vf_vlan_info info{};
        std::memcpy(&info, bytes.data(), sizeof info);
        values.vlan = info.vlan;
        values.qos = info.qos;
        values.vlan_protocol = ntohs(info.vlan_proto);
    });
}

/// The number of the VF, and its values.
std::optional<std::uint32_t> read_vf(const Attributes& info, std::size_t mac_length,
                                     VfValues& values) {
    const auto mac = struct_in<ifla_vf_mac>(info, IFLA_VF_MAC);
    if (!mac) return std::nullopt;
    values.mac = mac_text({reinterpret_cast<const char*>(mac->mac), mac_length});
    read_vlan(info.raw(IFLA_VF_VLAN_LIST), values);
    // A driver that does not know a setting tells -1.
    const auto flag = [](std::uint32_t setting) {
        return setting > 1 ? std::nullopt : std::optional<bool>(setting == 1);
    };
    if (const auto spoof = struct_in<ifla_vf_spoofchk>(info, IFLA_VF_SPOOFCHK))
        values.spoof_check = flag(spoof->setting);
    if (const auto trust = struct_in<ifla_vf_trust>(info, IFLA_VF_TRUST))
        values.trust = flag(trust->setting);
    if (const auto state = struct_in<ifla_vf_link_state>(info, IFLA_VF_LINK_STATE))
        values.link_state = state->link_state;
    if (const auto rate = struct_in<ifla_vf_rate>(info, IFLA_VF_RATE)) {
        values.min_rate = rate->min_tx_rate;
        values.max_rate = rate->max_tx_rate;
    }
    if (const auto guid = struct_in<ifla_vf_guid>(info, IFLA_VF_IB_NODE_GUID))
        values.node_guid = guid->guid;
    if (const auto guid = struct_in<ifla_vf_guid>(info, IFLA_VF_IB_PORT_GUID))
        values.port_guid = guid->guid;
    return mac->vf;
}

void put_vlan(Message& message, std::uint32_t vf, const VfValues& change) {
    const auto protocol = change.vlan_protocol.value_or(kVlan8021q);
    if (protocol == kVlan8021q) {
        put(message, IFLA_VF_VLAN,
            ifla_vf_vlan{vf, change.vlan.value_or(0), change.qos.value_or(0)});
        return;
    }
    message.nest(IFLA_VF_VLAN_LIST, [&] {
        ifla_vf_vlan_info info{};
        info.vf = vf;
        info.vlan = change.vlan.value_or(0);
        info.qos = change.qos.value_or(0);
        info.vlan_proto = htons(protocol);
        put(message, IFLA_VF_VLAN_INFO, info);
    });
}

Result<void> put_change(Message& message, std::uint32_t vf, const VfValues& change) {
    if (change.mac) {
        KND_TRY_ASSIGN(const auto bytes, mac_bytes(*change.mac));
        ifla_vf_mac mac{};
        mac.vf = vf;
        std::memcpy(mac.mac, bytes.data(), std::min(bytes.size(), sizeof mac.mac));
        put(message, IFLA_VF_MAC, mac);
    }
    if (change.vlan || change.qos || change.vlan_protocol) put_vlan(message, vf, change);
    if (change.min_rate || change.max_rate) {
        put(message, IFLA_VF_RATE,
            ifla_vf_rate{vf, change.min_rate.value_or(0), change.max_rate.value_or(0)});
    }
    if (change.spoof_check)
        put(message, IFLA_VF_SPOOFCHK, ifla_vf_spoofchk{vf, *change.spoof_check ? 1u : 0u});
    if (change.link_state)
        put(message, IFLA_VF_LINK_STATE, ifla_vf_link_state{vf, *change.link_state});
    if (change.trust) put(message, IFLA_VF_TRUST, ifla_vf_trust{vf, *change.trust ? 1u : 0u});
    const auto guid = [&](int attribute, const std::optional<std::uint64_t>& value) {
        if (!value) return;
        ifla_vf_guid raw{};
        raw.vf = vf;
        raw.guid = *value;
        put(message, attribute, raw);
    };
    guid(IFLA_VF_IB_NODE_GUID, change.node_guid);
    guid(IFLA_VF_IB_PORT_GUID, change.port_guid);
    return {};
}

}  // namespace

VfSettings::VfSettings(std::unique_ptr<Netlink::Socket> socket) : socket_(std::move(socket)) {}
VfSettings::VfSettings(VfSettings&&) noexcept = default;
VfSettings& VfSettings::operator=(VfSettings&&) noexcept = default;
VfSettings::~VfSettings() = default;

Result<VfSettings> VfSettings::open() {
    KND_TRY_ASSIGN(auto socket, Netlink::Socket::open(NETLINK_ROUTE, kReplySize));
    return VfSettings(std::move(socket));
}

Result<std::vector<VfValues>> VfSettings::read(int pf_ifindex) {
    Message message(RTM_GETLINK, 0);
    ifinfomsg header{};
    header.ifi_index = pf_ifindex;
    message.header(header).put_u32(IFLA_EXT_MASK, RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS);
    std::vector<VfValues> all;
    auto asked = socket_->request(message, [&](const nlmsghdr* answer) {
        const auto attributes = Attributes::of(answer, sizeof(ifinfomsg));
        // An InfiniBand address has 20 bytes, that of its VF too.
        const auto mac_length = std::max(attributes.bytes(IFLA_ADDRESS).size(), kMacLength);
        Attributes::each(attributes.raw(IFLA_VFINFO_LIST), [&](int type, std::string_view bytes) {
            if (type != IFLA_VF_INFO) return;
            VfValues values;
            const auto vf = read_vf(Attributes::in(bytes.data(), bytes.size()), mac_length, values);
            if (!vf || *vf > 65535) return;
            if (all.size() <= *vf) all.resize(*vf + 1);
            all[*vf] = std::move(values);
        });
    });
    if (!asked.ok()) return std::move(asked).error().wrap("read the settings of virtual functions");
    return all;
}

Result<void> VfSettings::set(int pf_ifindex, int vf, const VfValues& change) {
    Message message(RTM_SETLINK, 0);
    ifinfomsg header{};
    header.ifi_index = pf_ifindex;
    message.header(header);
    Result<void> put;
    message.nest(IFLA_VFINFO_LIST, [&] {
        message.nest(IFLA_VF_INFO,
                     [&] { put = put_change(message, static_cast<std::uint32_t>(vf), change); });
    });
    KND_TRY(std::move(put));
    return socket_->request(message);
}

}  // namespace knd
