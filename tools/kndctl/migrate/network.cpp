// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "tools/kndctl/migrate/sources.hpp"

namespace knd::migrate {
namespace {

/// "on" and "off" as the plugins have them; anything else as it is, for the backend to refuse.
Json switch_value(const Json& value) {
    if (value == "on") return true;
    if (value == "off") return false;
    return value;
}

bool is_nothing(const Json& value) {
    return value.is_null() || value == "" || (value.is_structured() && value.empty());
}

}  // namespace

void Network::note(const std::string& text) {
    out_.note("network " + name_ + ": " + text);
}

Result<void> Network::read_attachment(const Json& spec, const std::string& resource) {
    const auto text = json_string(spec, "config");
    if (text.empty()) {
        note("its CNI configuration is in a file of the nodes; give that instead");
        return {};
    }
    KND_TRY_ASSIGN(const auto config, parse_json(text).wrap("spec.config"));
    const auto& plugins = json_at(config, "plugins");
    const auto& first = plugins.is_array() && !plugins.empty() ? plugins[0] : config;
    const auto type = json_string(first, "type");
    if (type != "sriov" && type != "ib-sriov") {
        note("it is of type " + type + ", no SR-IOV; left out");
        return {};
    }
    vf_settings(first);
    KND_TRY(ipam(json_at(first, "ipam")));
    for (std::size_t i = 1; plugins.is_array() && i < plugins.size(); ++i)
        chained(plugins[i]);
    finish(resource);
    return {};
}

Result<void> Network::read_network(const Json& spec, bool infiniband) {
    Json plugin = Json::object();
    static const std::map<const char*, const char*> kNames = {{"vlan", "vlan"},
                                                              {"vlanQoS", "vlanQoS"},
                                                              {"vlanProto", "vlanProto"},
                                                              {"spoofChk", "spoofchk"},
                                                              {"trust", "trust"},
                                                              {"linkState", "link_state"},
                                                              {"minTxRate", "min_tx_rate"},
                                                              {"maxTxRate", "max_tx_rate"},
                                                              {"capabilities", "capabilities"}};
    for (const auto& [theirs, cni] : kNames)
        take(spec, theirs, plugin, cni);
    if (infiniband) plugin["type"] = "ib-sriov";
    vf_settings(plugin);
    if (const auto text = json_string(spec, "ipam"); !text.empty()) {
        KND_TRY_ASSIGN(const auto config, parse_json(text).wrap("spec.ipam"));
        KND_TRY(ipam(config));
    }
    if (const auto text = json_string(spec, "metaPlugins"); !text.empty()) {
        // Several objects with commas between them, without brackets.
        KND_TRY_ASSIGN(const auto list, parse_json("[" + text + "]").wrap("spec.metaPlugins"));
        for (const auto& one : list)
            chained(one);
    }
    const auto resource = json_string(spec, "resourceName");
    finish(resource.empty() ? "" : out_.options_.operator_prefix + "/" + resource);
    return {};
}

void Network::vf_settings(const Json& plugin) {
    take(plugin, "vlan", parameters_, "vlan");
    take(plugin, "vlanQoS", parameters_, "vlanQos");
    take(plugin, "vlanProto", parameters_, "vlanProto");
    take(plugin, "mac", parameters_, "mac");
    take(plugin, "link_state", parameters_, "linkState");
    take(plugin, "min_tx_rate", parameters_, "minTxRate");
    take(plugin, "max_tx_rate", parameters_, "maxTxRate");
    if (const auto& check = json_at(plugin, "spoofchk"); !is_nothing(check))
        parameters_["spoofCheck"] = switch_value(check);
    if (const auto& trust = json_at(plugin, "trust"); !is_nothing(trust))
        parameters_["trust"] = switch_value(trust);
    if (!is_nothing(json_at(plugin, "pkey")))
        note("pkey " + to_text(json_at(plugin, "pkey")) +
             " is a setting of the rdma backend; left out");
    if (!is_nothing(json_at(plugin, "capabilities")) ||
        !is_nothing(json_at(plugin, "runtimeConfig")))
        note(
            "what a pod's annotation could ask for (mac, ips, infinibandGUID) is asked for in its "
            "claim's parameters");
}

void Network::tuning(const Json& plugin) {
    if (const auto mtu = json_int(plugin, "mtu"); mtu > 0) parameters_["interface"]["mtu"] = mtu;
    take(plugin, "mac", parameters_, "mac");
    for (const auto* key : {"sysctl", "promisc", "allmulti", "txQLen"})
        if (!is_nothing(json_at(plugin, key)))
            note("`" + std::string(key) + "` of the tuning plugin has no counterpart; left out");
}

void Network::chained(const Json& plugin) {
    const auto type = json_string(plugin, "type");
    if (type == "tuning") return tuning(plugin);
    if (type == "rdma")
        return note("the rdma plugin needs no counterpart: a function's RDMA device goes with it");
    note("the chained plugin " + type + " has no counterpart; left out");
}

Result<void> Network::ipam(const Json& ipam) {
    const auto type = json_string(ipam, "type");
    if (type.empty()) return {};
    if (type != "static") {
        note("addresses come from the IPAM plugin " + type +
             "; a claim says its own in `interface.addresses`");
        return {};
    }
    std::string gateway;
    for (const auto& entry : json_at(ipam, "addresses")) {
        const auto address = json_string(entry, "address");
        if (address.empty())
            return Error(Code::kInvalidArgument, "`ipam.addresses` has one without `address`");
        parameters_["interface"]["addresses"].push_back(address);
        if (gateway.empty()) gateway = json_string(entry, "gateway");
    }
    for (const auto& route : json_at(ipam, "routes")) {
        Json taken = {{"destination", json_string(route, "dst")}};
        const auto via = json_string(route, "gw", gateway);
        if (!via.empty()) taken["gateway"] = via;
        parameters_["routes"].push_back(std::move(taken));
    }
    if (!is_nothing(json_at(ipam, "dns"))) note("`ipam.dns` has no counterpart; left out");
    return {};
}

void Network::finish(const std::string& resource) {
    if (resource.empty()) {
        note("it names no resource; the template below wants a deviceClassName");
    }
    const auto& driver = out_.options_.driver;
    Json devices = {
        {"requests", Json::array({{{"name", "vf"},
                                   {"exactly", {{"deviceClassName", out_.class_of(resource)}}}}})}};
    if (!parameters_.empty())
        devices["config"] = Json::array(
            {{{"opaque", {{"driver", driver}, {"parameters", std::move(parameters_)}}}}});
    out_.add_object({{"apiVersion", "resource.k8s.io/v1"},
                     {"kind", "ResourceClaimTemplate"},
                     {"metadata", {{"name", name_}}},
                     {"spec", {{"spec", {{"devices", std::move(devices)}}}}}});
    note(
        "a pod drops the annotation k8s.v1.cni.cncf.io/networks and names the template in "
        "spec.resourceClaims, and the claim in resources.claims of its containers");
}

}  // namespace knd::migrate
