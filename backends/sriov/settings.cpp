// SPDX-License-Identifier: Apache-2.0
#include "backends/sriov/settings.hpp"

#include <linux/if_link.h>

#include <algorithm>
#include <limits>

#include "sdk/support/link.hpp"

namespace sriov {
namespace {

using knd::Code;
using knd::Error;
using knd::Params;
using knd::Result;
using knd::VfValues;

constexpr std::int64_t kAbsent = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMaxRate = 10'000'000;  // Mbit/s: what is more is a typing error

Error invalid(const std::string& message) {
    return {Code::kInvalidArgument, message};
}

Result<std::optional<std::uint32_t>> number(const Params& config, const char* key, std::int64_t low,
                                            std::int64_t high) {
    KND_TRY_ASSIGN(const auto value, config.integer_in(key, kAbsent, low, high));
    if (value == kAbsent) return std::optional<std::uint32_t>();
    return std::optional<std::uint32_t>(static_cast<std::uint32_t>(value));
}

Result<std::optional<bool>> flag(const Params& config, const char* key) {
    KND_TRY_ASSIGN(const bool with_false, config.boolean(key, false));
    KND_TRY_ASSIGN(const bool with_true, config.boolean(key, true));
    if (with_false != with_true) return std::optional<bool>();
    return std::optional<bool>(with_true);
}

Result<void> read_mac(const Params& config, VfValues& values) {
    KND_TRY_ASSIGN(const auto text, config.string("mac"));
    if (text.empty()) return {};
    const auto bytes = knd::mac_bytes(text);
    if (!bytes.ok() || bytes->size() != 6)
        return invalid("`mac` is \"" + text + "\", must be as in \"02:00:00:00:00:01\"");
    if ((static_cast<unsigned char>(bytes->front()) & 1) != 0)
        return invalid("`mac` is " + text + ", a multicast address, which no interface can have");
    if (bytes->find_first_not_of('\0') == std::string::npos)
        return invalid("`mac` is all zeros; leave it out for the function's own address");
    values.mac = knd::mac_text(*bytes);
    return {};
}

Result<void> read_vlan(const Params& config, VfValues& values) {
    KND_TRY_ASSIGN(values.vlan, number(config, "vlan", 0, 4094));
    KND_TRY_ASSIGN(values.qos, number(config, "vlanQos", 0, 7));
    KND_TRY_ASSIGN(const auto protocol, config.string("vlanProto"));
    if (!protocol.empty()) {
        auto lower = protocol;
        std::transform(lower.begin(), lower.end(), lower.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        if (lower != "802.1q" && lower != "802.1ad")
            return invalid("`vlanProto` is \"" + protocol + "\", must be 802.1q or 802.1ad");
        values.vlan_protocol = lower == "802.1q" ? knd::kVlan8021q : knd::kVlan8021ad;
    }
    const bool tagged = values.vlan.value_or(0) != 0;
    if (values.qos.value_or(0) != 0 && !tagged)
        return invalid("`vlanQos` is a priority in a VLAN's tag: it needs `vlan`, 1 to 4094");
    if (values.vlan_protocol && !tagged)
        return invalid("`vlanProto` says how a VLAN is tagged: it needs `vlan`, 1 to 4094");
    if (values.qos && !values.vlan) return invalid("`vlanQos` needs `vlan`");
    return {};
}

Result<void> read_rates(const Params& config, VfValues& values) {
    KND_TRY_ASSIGN(values.min_rate, number(config, "minTxRate", 0, kMaxRate));
    KND_TRY_ASSIGN(values.max_rate, number(config, "maxTxRate", 0, kMaxRate));
    const auto high = values.max_rate.value_or(0);
    if (values.min_rate && high != 0 && *values.min_rate > high) {
        return invalid("`minTxRate` is " + std::to_string(*values.min_rate) +
                       ", more than `maxTxRate`, " + std::to_string(high));
    }
    return {};
}

Result<void> read_link_state(const Params& config, VfValues& values) {
    KND_TRY_ASSIGN(const auto state, config.string("linkState"));
    if (state.empty()) return {};
    if (state == "auto") {
        values.link_state = IFLA_VF_LINK_STATE_AUTO;
    } else if (state == "enable") {
        values.link_state = IFLA_VF_LINK_STATE_ENABLE;
    } else if (state == "disable") {
        values.link_state = IFLA_VF_LINK_STATE_DISABLE;
    } else {
        return invalid("`linkState` is \"" + state + "\", must be auto, enable or disable");
    }
    return {};
}

Result<std::optional<std::uint64_t>> read_guid(const Params& config, const char* key) {
    KND_TRY_ASSIGN(const auto text, config.string(key));
    if (text.empty()) return std::optional<std::uint64_t>();
    const auto bytes = knd::mac_bytes(text);
    if (!bytes.ok() || bytes->size() != 8) {
        return invalid("`" + std::string(key) + "` is \"" + text +
                       "\", must have eight bytes as in \"00:11:22:33:44:55:66:77\"");
    }
    std::uint64_t guid = 0;
    for (const auto byte : *bytes)
        guid = guid << 8 | static_cast<unsigned char>(byte);
    if (guid == 0 || guid == ~std::uint64_t{0})
        return invalid("`" + std::string(key) + "` is " + text + ", which is no GUID");
    return std::optional<std::uint64_t>(guid);
}

Result<std::optional<Mode>> read_mode(const Params& config) {
    KND_TRY_ASSIGN(const auto mode, config.string("mode"));
    if (mode.empty()) return std::optional<Mode>();
    if (mode == "netdev") return std::optional<Mode>(Mode::kNetdev);
    if (mode == "vfio-pci") return std::optional<Mode>(Mode::kVfio);
    return invalid("`mode` is \"" + mode + "\", must be netdev or vfio-pci");
}

std::string number_text(const std::optional<std::uint32_t>& value) {
    return value ? std::to_string(*value) : "";
}
std::string flag_text(const std::optional<bool>& value) {
    return !value ? "" : *value ? "true" : "false";
}
std::string guid_text(const std::optional<std::uint64_t>& value) {
    if (!value) return "";
    std::string bytes;
    for (int shift = 56; shift >= 0; shift -= 8)
        bytes += static_cast<char>(*value >> shift & 0xff);
    return knd::mac_text(bytes);
}
std::string state_text(const std::optional<std::uint32_t>& value) {
    if (!value) return "";
    if (*value == IFLA_VF_LINK_STATE_ENABLE) return "enable";
    return *value == IFLA_VF_LINK_STATE_DISABLE ? "disable" : "auto";
}

}  // namespace

Result<Settings> Settings::read(const Params& config, const Params& class_config) {
    Settings settings;
    auto& values = settings.values;
    KND_TRY(read_mac(config, values));
    KND_TRY(read_vlan(config, values));
    KND_TRY(read_rates(config, values));
    KND_TRY(read_link_state(config, values));
    KND_TRY_ASSIGN(values.spoof_check, flag(config, "spoofCheck"));
    KND_TRY_ASSIGN(values.trust, flag(config, "trust"));
    KND_TRY_ASSIGN(values.node_guid, read_guid(config, "nodeGuid"));
    KND_TRY_ASSIGN(values.port_guid, read_guid(config, "portGuid"));
    KND_TRY_ASSIGN(const auto mtu, number(config, "mtu", 68, 65535));
    if (mtu) settings.mtu = static_cast<int>(*mtu);
    KND_TRY_ASSIGN(settings.mode, read_mode(config));
    KND_TRY_ASSIGN(settings.class_mode, read_mode(class_config));
    return settings;
}

Mode Settings::mode_for(const Device& device) const {
    return mode.value_or(device.pool != nullptr ? device.pool->mode : Mode::kNetdev);
}

Result<void> Settings::check(const Device& device) const {
    const auto refuse = [](const std::string& message) {
        return Error(Code::kFailedPrecondition, message);
    };
    if (mode && mode != class_mode && device.pool != nullptr && *mode != device.pool->mode) {
        return refuse("`mode` is for the DeviceClass or the pool to say, and pool " +
                      device.pool->name + " is another");
    }
    if (device.whole() && !values.empty()) {
        return refuse("`" + first_difference(values, {}) +
                      "` is for virtual functions; this device is a card as a whole");
    }
    if (mtu && mode_for(device) == Mode::kVfio)
        return refuse("`mtu` is for an interface, and a function for vfio-pci has none");
    const auto& card = *device.card;
    if (card.speed_mbps && values.max_rate.value_or(0) > *card.speed_mbps) {
        return refuse("`maxTxRate` is " + std::to_string(*values.max_rate) + ", the link of " +
                      card.name + " has " + std::to_string(*card.speed_mbps) + " Mbit/s");
    }
    if (card.speed_mbps && values.min_rate.value_or(0) > *card.speed_mbps) {
        return refuse("`minTxRate` is " + std::to_string(*values.min_rate) + ", the link of " +
                      card.name + " has " + std::to_string(*card.speed_mbps) + " Mbit/s");
    }
    const bool infiniband = card.link && card.link->encapsulation == "infiniband";
    if (card.link && !infiniband && (values.node_guid || values.port_guid))
        return refuse("`nodeGuid` and `portGuid` are for InfiniBand; " + card.name +
                      " is Ethernet");
    if (infiniband && (values.mac || values.vlan))
        return refuse("`mac` and `vlan` are for Ethernet; " + card.name + " is InfiniBand");
    if (mtu && card.link && *mtu > card.link->mtu) {
        return refuse("`mtu` is " + std::to_string(*mtu) + ", more than that of its card " +
                      card.name + ", " + std::to_string(card.link->mtu) +
                      ": an administrator must raise the card's first");
    }
    if (mtu && device.link && device.link->max_mtu > 0 && *mtu > device.link->max_mtu) {
        return refuse("`mtu` is " + std::to_string(*mtu) + ", the driver allows " +
                      std::to_string(device.link->max_mtu));
    }
    if (card.link || values.empty()) return {};
    return refuse("the settings of its functions are made through card " +
                  (card.name.empty() ? card.function.address : card.name) +
                  ", whose interface is not in the host's network namespace");
}

const std::vector<Field>& fields() {
    static const std::vector<Field> kFields = {
        {"mac", [](const VfValues& v) { return v.mac.value_or(""); }},
        {"vlan", [](const VfValues& v) { return number_text(v.vlan); }},
        {"vlanQos", [](const VfValues& v) { return number_text(v.qos); }},
        {"vlanProto",
         [](const VfValues& v) -> std::string {
             if (!v.vlan_protocol) return "";
             return *v.vlan_protocol == knd::kVlan8021ad ? "802.1ad" : "802.1q";
         }},
        {"minTxRate", [](const VfValues& v) { return number_text(v.min_rate); }},
        {"maxTxRate", [](const VfValues& v) { return number_text(v.max_rate); }},
        {"spoofCheck", [](const VfValues& v) { return flag_text(v.spoof_check); }},
        {"linkState", [](const VfValues& v) { return state_text(v.link_state); }},
        {"trust", [](const VfValues& v) { return flag_text(v.trust); }},
        {"nodeGuid", [](const VfValues& v) { return guid_text(v.node_guid); }},
        {"portGuid", [](const VfValues& v) { return guid_text(v.port_guid); }}};
    return kFields;
}

std::string text_of(const VfValues& values) {
    std::string text;
    for (const auto& field : fields()) {
        const auto value = field.text(values);
        if (!value.empty()) text += (text.empty() ? "" : ", ") + (field.name + (" " + value));
    }
    return text;
}

VfValues change_to(const VfValues& wanted, const VfValues& present) {
    VfValues change = wanted;
    const auto drop = [](auto& value, const auto& now) {
        if (value && now && *value == *now) value.reset();
    };
    drop(change.mac, present.mac);
    drop(change.spoof_check, present.spoof_check);
    drop(change.trust, present.trust);
    drop(change.link_state, present.link_state);
    drop(change.node_guid, present.node_guid);
    drop(change.port_guid, present.port_guid);
    drop(change.vlan, present.vlan);
    drop(change.qos, present.qos);
    drop(change.vlan_protocol, present.vlan_protocol);
    if (change.vlan || change.qos || change.vlan_protocol) {
        // A tag is one setting: a claim that names its VLAN alone has no priority left of
        // another's.
        change.vlan = wanted.vlan.value_or(0);
        change.qos = wanted.qos.value_or(0);
        change.vlan_protocol = wanted.vlan_protocol.value_or(knd::kVlan8021q);
    }
    drop(change.min_rate, present.min_rate);
    drop(change.max_rate, present.max_rate);
    if (change.min_rate || change.max_rate) {
        change.min_rate = wanted.min_rate.value_or(present.min_rate.value_or(0));
        change.max_rate = wanted.max_rate.value_or(present.max_rate.value_or(0));
    }
    return change;
}

VfValues part_of(const VfValues& present, const VfValues& change) {
    VfValues part = present;
    const auto keep = [](auto& value, const auto& named) {
        if (!named) value.reset();
    };
    keep(part.mac, change.mac);
    keep(part.vlan, change.vlan);
    keep(part.qos, change.qos);
    keep(part.vlan_protocol, change.vlan_protocol);
    keep(part.spoof_check, change.spoof_check);
    keep(part.trust, change.trust);
    keep(part.link_state, change.link_state);
    keep(part.min_rate, change.min_rate);
    keep(part.max_rate, change.max_rate);
    keep(part.node_guid, change.node_guid);
    keep(part.port_guid, change.port_guid);
    return part;
}

std::string first_difference(const VfValues& change, const VfValues& present) {
    const bool nothing_told = present.empty();
    for (const auto& field : fields()) {
        const auto wanted = field.text(change);
        const auto is = field.text(present);
        if (!wanted.empty() && (nothing_told || !is.empty()) && wanted != is) return field.name;
    }
    return "";
}

}  // namespace sriov
