// SPDX-License-Identifier: Apache-2.0
//
// kind's own cluster file (kind: Cluster, apiVersion kind.x-k8s.io/v1alpha4): which nodes there
// are.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <knd/cpp/result.hpp>

namespace knd::local {

struct KindNode {
    std::string name;
    bool control_plane = false;
    std::map<std::string, std::string> labels;
};

struct KindConfig {
    std::string name = "kind";
    std::vector<KindNode> nodes;  ///< named as kind names them: kind-control-plane, kind-worker2
    /// Fields that kind does not know, and fields that kind knows and that mean nothing here; with
    /// their place, for a warning each.
    std::vector<std::string> unknown;
    std::vector<std::string> ignored;
};

/// `origin` stands for the file in errors; `name` overrides the cluster's name unless empty.
Result<KindConfig> parse_kind_config(std::string_view text, const std::string& origin,
                                     const std::string& name);

}  // namespace knd::local
