// SPDX-License-Identifier: Apache-2.0
#include "tools/local/cluster/kind_config.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>
#include <utility>

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

Result<KindNode> read_node(const YAML::Node& yaml, const std::string& place, KindConfig& config) {
    if (!yaml.IsMap()) return bad(place + " is not a mapping");
    KindNode node;
    std::string role = "control-plane";
    for (const auto& entry : yaml) {
        const auto key = entry.first.as<std::string>();
        if (key == "role") {
            role = entry.second.as<std::string>();
        } else if (key == "labels") {
            if (!entry.second.IsMap()) return bad(place + ".labels is not a mapping");
            for (const auto& label : entry.second)
                node.labels[label.first.as<std::string>()] = label.second.as<std::string>();
        } else if (kIgnoredInNode.contains(key)) {
            // Every file names images; that there are none here is no news.
            if (key != "image") config.ignored.push_back(place + "." + key);
        } else {
            config.unknown.push_back(place + "." + key);
        }
    }
    if (role != "control-plane" && role != "worker")
        return bad(place + ".role is \"" + role + "\": control-plane and worker are known");
    node.control_plane = role == "control-plane";
    return node;
}

Result<KindConfig> read_cluster(const YAML::Node& yaml) {
    if (!yaml.IsMap()) return bad("not a mapping: a file of kind: Cluster is expected");
    const auto text = [&](const char* key) {
        return yaml[key] && yaml[key].IsScalar() ? yaml[key].as<std::string>() : std::string();
    };
    if (text("kind") != "Cluster")
        return bad("kind is \"" + text("kind") + "\", Cluster is expected");
    if (text("apiVersion") != "kind.x-k8s.io/v1alpha4")
        return bad("apiVersion is \"" + text("apiVersion") +
                   "\", kind.x-k8s.io/v1alpha4 is expected");
    KindConfig config;
    for (const auto& entry : yaml) {
        const auto key = entry.first.as<std::string>();
        if (key == "kind" || key == "apiVersion") continue;
        if (key == "name") {
            config.name = entry.second.as<std::string>();
        } else if (key == "nodes") {
            if (!entry.second.IsSequence()) return bad("nodes is not a list");
            for (std::size_t i = 0; i < entry.second.size(); ++i) {
                const auto place = "nodes[" + std::to_string(i) + "]";
                KND_TRY_ASSIGN(auto node, read_node(entry.second[i], place, config));
                config.nodes.push_back(std::move(node));
            }
        } else {
            (kIgnoredInCluster.contains(key) ? config.ignored : config.unknown).push_back(key);
        }
    }
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
    try {
        auto config = read_cluster(YAML::Load(std::string(text)));
        if (!config.ok()) return std::move(config).error().wrap(origin);
        if (!name.empty()) config->name = name;
        if (auto finished = finish(*config); !finished.ok())
            return std::move(finished).error().wrap(origin);
        return config;
    } catch (const YAML::Exception& exception) {
        return bad(origin + ": " + exception.what());
    }
}

}  // namespace knd::local
