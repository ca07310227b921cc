// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/simulate/simulate.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include "tools/kndctl/simulate/reasons.hpp"

namespace knd::simulate {
namespace {

using Claims = std::span<const api::ResourceClaim* const>;

/// Empty: no, and `outcome` has the error if there is one.
std::optional<alloc::Allocations> attempt(alloc::Allocator& allocator, const Workload& workload,
                                          Claims claims, const api::Node& node,
                                          NodeOutcome& outcome) {
    outcome.error = reject(workload, node);
    if (!outcome.error.empty()) return std::nullopt;
    auto result = allocator.allocate(node, claims);
    if (result.ok()) return *std::move(result);
    outcome.error = result.error().message();
    return std::nullopt;
}

/// Why the last attempt has failed.
std::string reason_of(alloc::Allocator& allocator, const Workload& workload, Claims claims,
                      const api::Node& node) {
    if (auto reason = reject(workload, node); !reason.empty()) return reason;
    alloc::Trace trace;
    const auto again = allocator.allocate(node, claims, &trace);
    return again.ok() ? why_not(trace, claims) : why_not(trace, again.error().message());
}

/// Places copies; what the copies of a pod share is allocated with the first of them.
class Packer {
  public:
    Packer(const Cluster& cluster, const Workload& workload)
        : workload_(workload), allocator_(cluster.allocator()), claims_(workload.open) {}

    bool place(const api::Node& node, std::size_t number, NodeOutcome& outcome) {
        if (!reaches_shared(node)) {
            outcome.reason = "the claim that the copies share cannot be reached from the node";
            return false;
        }
        const auto claims = workload_.on(node, claims_);
        auto results = attempt(allocator_, workload_, claims, node, outcome);
        if (!results) {
            outcome.reason = reason_of(allocator_, workload_, claims, node);
            return false;
        }
        allocator_.commit(*results);
        outcome.fits = true;
        for (std::size_t i = 0; i < claims.size(); ++i) {
            const auto& meta = claims[i]->meta;
            const bool shared = is_shared(*claims[i]);
            auto name = shared ? meta.name : meta.name + "-" + std::to_string(number);
            if (shared) shared_.push_back((*results)[i].node_selector);
            outcome.claims.push_back({meta.ns, std::move(name), std::move((*results)[i])});
        }
        std::erase_if(claims_, [&](const auto* claim) { return is_shared(*claim); });
        return true;
    }

  private:
    /// Claims that pods name are one claim for all copies of those pods.
    bool is_shared(const api::ResourceClaim& claim) const {
        return !workload_.is_made(claim) && workload_.is_used(claim);
    }
    bool reaches_shared(const api::Node& node) const {
        return std::all_of(shared_.begin(), shared_.end(), [&](const auto& selector) {
            return !selector || api::matches(*selector, node);
        });
    }

    const Workload& workload_;
    alloc::Allocator allocator_;
    std::vector<const api::ResourceClaim*> claims_;
    std::vector<std::optional<api::NodeSelector>> shared_;
};

/// "2 nodes: REASON; 1 node: REASON", the most frequent first, and not all of very many.
std::string sum_up(const std::vector<NodeOutcome>& nodes) {
    constexpr std::size_t kMostReasons = 5;
    std::map<std::string, std::size_t> counts;
    for (const auto& node : nodes)
        ++counts[node.reason];
    std::vector<std::pair<std::string, std::size_t>> order(counts.begin(), counts.end());
    std::stable_sort(order.begin(), order.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    std::string out;
    for (std::size_t i = 0; i < order.size() && i < kMostReasons; ++i)
        out += (out.empty() ? "" : "; ") + std::to_string(order[i].second) +
               (order[i].second == 1 ? " node: " : " nodes: ") + order[i].first;
    if (order.size() > kMostReasons) out += "; and others";
    return out.empty() ? "there is no node" : out;
}

}  // namespace

std::vector<NodeOutcome> simulate(const Cluster& cluster, const Workload& workload, bool reasons) {
    std::vector<NodeOutcome> outcomes;
    auto allocator = cluster.allocator();
    for (const auto& node : cluster.nodes()) {
        auto& outcome = outcomes.emplace_back();
        outcome.node = node.name;
        const auto claims = workload.on(node, workload.open);
        auto results = attempt(allocator, workload, claims, node, outcome);
        outcome.fits = results.has_value();
        if (!outcome.fits && reasons) outcome.reason = reason_of(allocator, workload, claims, node);
        for (std::size_t i = 0; results && i < results->size(); ++i) {
            const auto& meta = claims[i]->meta;
            outcome.claims.push_back({meta.ns, meta.name, std::move((*results)[i])});
        }
    }
    return outcomes;
}

Packing pack(const Cluster& cluster, const Workload& workload, std::size_t copies) {
    Packing out;
    out.asked = copies;
    Packer packer(cluster, workload);
    for (const auto& node : cluster.nodes()) {
        if (out.fit == copies) break;
        auto& outcome = out.nodes.emplace_back();
        outcome.node = node.name;
        const auto before = out.fit;
        // What has no room for one copy has none for the next: nothing is ever given back.
        while (out.fit < copies && packer.place(node, out.fit + 1, outcome))
            ++out.fit;
        out.copies.push_back(out.fit - before);
    }
    if (out.fit < copies) out.stopped = sum_up(out.nodes);
    return out;
}

Json to_json(const std::vector<NodeOutcome>& nodes) {
    auto list = Json::array();
    for (const auto& node : nodes) {
        auto claims = Json::array();
        for (const auto& claim : node.claims)
            claims.push_back({{"namespace", claim.ns},
                              {"name", claim.name},
                              {"allocation", api::to_json(claim.allocation)}});
        Json entry = {{"node", node.node}, {"fits", node.fits}, {"claims", std::move(claims)}};
        entry["error"] = node.error.empty() ? Json() : Json(node.error);
        list.push_back(std::move(entry));
    }
    return {{"nodes", std::move(list)}};
}

Json to_json(const Packing& packing) {
    auto out = to_json(packing.nodes);
    out["count"] = {{"asked", packing.asked}, {"fit", packing.fit}};
    out["count"]["stopped"] = packing.stopped.empty() ? Json() : Json(packing.stopped);
    for (std::size_t i = 0; i < packing.copies.size(); ++i)
        out["nodes"][i]["copies"] = packing.copies[i];
    return out;
}

}  // namespace knd::simulate
