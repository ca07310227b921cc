// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/simulate/simulate.hpp"

#include <algorithm>
#include <utility>

namespace knd::simulate {
namespace {

/// Empty: no. Otherwise one result per claim, and `outcome` is left for its claims.
std::optional<alloc::Allocations> attempt(alloc::Allocator& allocator, const Workload& workload,
                                          std::span<const api::ResourceClaim* const> claims,
                                          const api::Node& node, std::string& error) {
    error = reject(workload, node);
    if (!error.empty()) return std::nullopt;
    auto result = allocator.allocate(node, claims);
    if (result.ok()) return *std::move(result);
    error = result.error().message();
    return std::nullopt;
}

/// Places copies; what the copies of a pod share is allocated with the first of them.
class Packer {
  public:
    Packer(const Cluster& cluster, const Workload& workload)
        : workload_(workload), allocator_(cluster.allocator()), claims_(workload.open) {}

    bool place(const api::Node& node, std::size_t number, NodeOutcome& outcome) {
        if (!reaches_shared(node)) return false;
        auto results = attempt(allocator_, workload_, claims_, node, outcome.error);
        if (!results) return false;
        allocator_.commit(*results);
        outcome.fits = true;
        for (std::size_t i = 0; i < claims_.size(); ++i) {
            const auto& meta = claims_[i]->meta;
            const bool shared = is_shared(*claims_[i]);
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

}  // namespace

std::vector<NodeOutcome> simulate(const Cluster& cluster, const Workload& workload) {
    std::vector<NodeOutcome> outcomes;
    auto allocator = cluster.allocator();
    for (const auto& node : cluster.nodes()) {
        auto& outcome = outcomes.emplace_back();
        outcome.node = node.name;
        auto results = attempt(allocator, workload, workload.open, node, outcome.error);
        outcome.fits = results.has_value();
        for (std::size_t i = 0; results && i < results->size(); ++i) {
            const auto& meta = workload.open[i]->meta;
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
