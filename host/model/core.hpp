// SPDX-License-Identifier: Apache-2.0
//
// Metadata, nodes and pods of the API group core/v1, as far as scheduling with devices looks at
// them. core_read.cpp reads, node_selector.cpp matches nodes and taints.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/model/json.hpp"
#include "host/model/quantity.hpp"

#include <knd/cpp/result.hpp>

namespace knd::api {

struct ObjectMeta {
    std::string ns;
    std::string name;
    std::string uid;
    std::string created;  ///< RFC 3339 in UTC, so that texts compare as times
    std::map<std::string, std::string> labels;
    std::map<std::string, std::string> annotations;
    /// "ns/name", or "name" for what has no namespace.
    std::string text() const { return ns.empty() ? name : ns + "/" + name; }
};

// --- taints --------------------------------------------------------------------------------------

/// Of a node or of a device.
struct Taint {
    std::string key;
    std::string value;
    std::string effect;      ///< None (devices), NoSchedule, PreferNoSchedule (nodes), NoExecute
    std::string time_added;  ///< RFC 3339, empty when not set
    bool operator==(const Taint&) const = default;
};

struct Toleration {
    std::string key;  ///< empty with Exists: every key
    std::string op;   ///< Exists or Equal; empty means Equal
    std::string value;
    std::string effect;  ///< empty: every effect
    std::optional<std::int64_t> toleration_seconds;
    bool operator==(const Toleration&) const = default;
};

bool tolerates(const Toleration& toleration, const Taint& taint);

// --- nodes ---------------------------------------------------------------------------------------

struct NodeSelectorRequirement {
    std::string key;
    std::string op;  ///< In, NotIn, Exists, DoesNotExist, Gt, Lt
    std::vector<std::string> values;
    bool operator==(const NodeSelectorRequirement&) const = default;
};

struct NodeSelectorTerm {
    std::vector<NodeSelectorRequirement> match_expressions;
    std::vector<NodeSelectorRequirement> match_fields;
    bool empty() const { return match_expressions.empty() && match_fields.empty(); }
    bool operator==(const NodeSelectorTerm&) const = default;
};

/// Terms are alternatives; the requirements of one term must all hold.
struct NodeSelector {
    std::vector<NodeSelectorTerm> terms;
    bool operator==(const NodeSelector&) const = default;
};

struct Node {
    std::string name;
    std::map<std::string, std::string> labels;
    bool unschedulable = false;
    std::vector<Taint> taints;
    std::map<std::string, Quantity> allocatable = {};
    std::vector<std::string> declared_features;  ///< of status: what its kubelet can do
};

/// Full v1.NodeSelector matching; an empty term matches nothing, nor does a malformed requirement.
bool matches(const NodeSelector& selector, const Node& node);

Result<Node> read_node(const Json& object);

// --- pods ----------------------------------------------------------------------------------------

/// An entry of spec.resourceClaims.
struct PodClaim {
    std::string name;  ///< in the pod
    /// One of the two is set in a valid pod.
    std::optional<std::string> claim_name;
    std::optional<std::string> template_name;
};

struct PodContainer {
    std::string name;
    std::map<std::string, Quantity>
        requests;                     ///< resources.requests, completed by resources.limits
    std::vector<std::string> claims;  ///< names of PodClaims that it uses
    bool restarts_always = false;     ///< of an init container: a sidecar
};

struct Pod {
    ObjectMeta meta;
    std::string node_name;
    std::map<std::string, std::string> node_selector;
    /// affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution
    std::optional<NodeSelector> node_affinity;
    std::vector<Toleration> tolerations;
    std::vector<PodClaim> claims;
    std::vector<PodContainer> init_containers;
    std::vector<PodContainer> containers;
    /// status.resourceClaimStatuses: name of the PodClaim -> claim made for it; empty when the
    /// template turned out to need none.
    std::map<std::string, std::string> made_claims;
    /// status.extendedResourceClaimStatus: the claim that stands for extended resources.
    std::string extended_resource_claim;
};

Result<Pod> read_pod(const Json& object);

}  // namespace knd::api
