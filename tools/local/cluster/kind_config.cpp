// SPDX-License-Identifier: Apache-2.0
#include "tools/local/cluster/kind_config.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "host/model/json_field.hpp"
#include "host/model/yaml.hpp"

namespace knd::local {
namespace {

constexpr std::size_t kMaxNodes = 64;

const std::set<std::string> kIgnoredInCluster = {"networking",
                                                 "featureGates",
                                                 "runtimeConfig",
                                                 "kubeadmConfigPatches",
                                                 "kubeadmConfigPatchesJSON6902",
                                                 "containerdConfigPatches",
                                                 "containerdConfigPatchesJSON6902"};
const std::set<std::string> kIgnoredInNode = {"image", "extraMounts", "extraPortMappings",
                                              "kubeadmConfigPatches",
                                              "kubeadmConfigPatchesJSON6902"};

Error bad(std::string message) {
    return {Code::kInvalidArgument, std::move(message)};
}

/// The characters and length of a DNS label: node names become object names and file names.
bool valid_name(const std::string& name) {
    const auto good = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    };
    return !name.empty() && name.size() <= 40 && std::all_of(name.begin(), name.end(), good) &&
           name.front() != '-' && name.back() != '-';
}

/// Every file names images; that there are none here is no news.
Result<KindNode> read_node(const JsonField& field, const std::string& place, KindConfig& config) {
    if (!field.json().is_object()) return bad(place + " is not a mapping");
    KindNode node;
    KND_TRY_ASSIGN(node.labels, field["labels"].text_map());
    KND_TRY_ASSIGN(const auto role, field["role"].optional_text());
    if (role && role != "control-plane" && role != "worker")
        return bad(place + ".role is \"" + *role + "\": control-plane and worker are known");
    node.control_plane = role != "worker";
    for (const auto& [key, value] : field.json().items()) {
        if (key == "role" || key == "labels" || key == "image") continue;
        (kIgnoredInNode.contains(key) ? config.ignored : config.unknown)
            .push_back(place + "." + key);
    }
    return node;
}

Result<KindConfig> read_cluster(const Json& json) {
    if (!json.is_object()) return bad("not a mapping: a file of kind: Cluster is expected");
    const auto kind = json_string(json, "kind");
    if (kind != "Cluster") return bad("kind is \"" + kind + "\", Cluster is expected");
    const auto version = json_string(json, "apiVersion");
    if (version != "kind.x-k8s.io/v1alpha4")
        return bad("apiVersion is \"" + version + "\", kind.x-k8s.io/v1alpha4 is expected");
    const JsonField root(json, "");
    KindConfig config;
    KND_TRY_ASSIGN(const auto name, root["name"].optional_text());
    if (name) config.name = *name;
    for (const auto& [key, value] : json.items()) {
        if (key == "kind" || key == "apiVersion" || key == "name" || key == "nodes") continue;
        (kIgnoredInCluster.contains(key) ? config.ignored : config.unknown).push_back(key);
    }
    KND_TRY_ASSIGN(config.nodes, root["nodes"].list<KindNode>([&](const JsonField& node) {
        return read_node(node, node.path(), config);
    }));
    return config;
}

Result<> finish(KindConfig& config) {
    if (!valid_name(config.name))
        return bad("the name \"" + config.name +
                   "\" is not made of at most 40 lower-case letters, digits and dashes");
    if (config.nodes.empty()) config.nodes.push_back({"", true, {}});
    if (config.nodes.size() > kMaxNodes)
        return bad("more than " + std::to_string(kMaxNodes) + " nodes");
    int counts[2] = {0, 0};
    for (auto& node : config.nodes) {
        const int number = ++counts[node.control_plane ? 1 : 0];
        node.name = config.name + (node.control_plane ? "-control-plane" : "-worker");
        if (number > 1) node.name += std::to_string(number);
    }
    if (counts[1] == 0) return bad("no node has the role control-plane");
    return {};
}

}  // namespace

Result<KindConfig> parse_kind_config(std::string_view text, const std::string& origin,
                                     const std::string& name) {
    KND_TRY_ASSIGN(const auto json, parse_yaml(text, {origin, 1}));
    auto config = read_cluster(json);
    if (!config.ok()) return std::move(config).error().wrap(origin);
    if (!name.empty()) config->name = name;
    if (auto finished = finish(*config); !finished.ok())
        return std::move(finished).error().wrap(origin);
    return config;
}

}  // namespace knd::local
