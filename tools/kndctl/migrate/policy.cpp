// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/migrate/sources.hpp"

namespace knd::migrate {
namespace {

/// "ens1f0#0-3" without the functions.
Json names_of(const Json& names) {
    Json plain = Json::array();
    for (const auto& name : names) {
        const auto text = name.is_string() ? name.get<std::string>() : "";
        if (!text.empty()) plain.push_back(text.substr(0, text.find('#')));
    }
    return plain;
}

}  // namespace

Result<void> Policy::read(const Json& spec) {
    const auto name = json_string(spec, "resourceName");
    if (name.empty()) return Error(Code::kInvalidArgument, "`spec.resourceName` is missing");
    const auto& nic = json_at(spec, "nicSelector");
    const auto note = [&](const std::string& text) { out_.note("policy " + name_ + ": " + text); };

    Json card = Json::object();
    Json pool = Json::object();
    if (const auto vendor = json_string(nic, "vendor"); !vendor.empty())
        card["vendors"] = pool["vendors"] = Json::array({vendor});
    // That of the card; its functions have another.
    if (const auto device = json_string(nic, "deviceID"); !device.empty())
        card["devices"] = Json::array({device});
    for (const auto* key : {"pfNames", "rootDevices"}) {
        take(nic, key, pool, key);
        if (pool.contains(key)) card[key] = names_of(pool[key]);
    }
    if (!pool.contains("pfNames") && !pool.contains("rootDevices") && card.contains("devices"))
        note(
            "it chooses cards by vendor and device; the pool has all functions of the vendor: name "
            "the cards in `pfNames` where the node has others, too");
    if (!json_at(nic, "netFilter").is_null())
        note("nicSelector.netFilter has no counterpart; left out");

    if (json_bool(spec, "externallyManaged"))
        note("its functions are made by somebody else: the card is left as it is");
    else if (const auto count = json_int(spec, "numVfs"); count > 0) {
        card["vfs"] = count;
        out_.add_card(card);
    }
    const auto type = json_string(spec, "deviceType", "netdevice");
    if (type == "vfio-pci") pool["mode"] = "vfio-pci";
    const auto link = json_string(spec, "linkType");
    if (link == "ib" || link == "IB") pool["linkTypes"] = Json::array({"infiniband"});
    if (json_bool(spec, "isRdma")) pool["isRdma"] = true;
    if (json_bool(spec, "needVhostNet")) pool["needVhostNet"] = true;
    if (const auto mtu = json_int(spec, "mtu"); mtu > 0)
        note("mtu " + std::to_string(mtu) +
             " of the card is the administrator's to set; a claim sets `interface.mtu`");
    if (const auto mode = json_string(spec, "eSwitchMode"); !mode.empty() && mode != "legacy")
        note("eSwitchMode " + mode + " is the administrator's to set (devlink dev eswitch)");
    if (const auto vdpa = json_string(spec, "vdpaType"); !vdpa.empty())
        note("vdpaType " + vdpa + " has no counterpart; left out");
    if (const auto& nodes = json_at(spec, "nodeSelector"); !nodes.is_null() && !nodes.empty())
        note("its nodeSelector is " + to_text(nodes) +
             ": give this TOML to the kndd of those nodes");
    out_.add_pool(out_.options_.operator_prefix + "/" + name, std::move(pool));
    return {};
}

}  // namespace knd::migrate
