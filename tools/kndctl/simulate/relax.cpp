// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/simulate/relax.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <span>

namespace knd::simulate {
namespace {

/// Bounds of the search as a whole, so that it ends within seconds on any input.
constexpr std::uint64_t kMostSteps = 20'000'000;
constexpr std::uint64_t kStepsPerAttempt = 200'000;
constexpr std::size_t kMostAttempts = 200'000;
constexpr std::size_t kMostPaired = 40;  ///< changes that are combined with each other

class Search {
  public:
    Search(const Cluster& cluster, const Workload& workload)
        : cluster_(cluster),
          workload_(workload),
          claim_(*workload.asked),
          changes_(changes_for(cluster, workload)),
          allocator_(cluster.allocator(
              {[this](std::string_view name) { return find_class(name); }, kStepsPerAttempt})) {
        for (const auto& node : cluster.nodes())
            if (admitted(node)) nodes_.push_back(&node);
    }

    Remedies run() {
        try_alone();
        try_pairs();
        std::stable_sort(out_.remedies.begin(), out_.remedies.end(),
                         [](const Remedy& a, const Remedy& b) { return a.weight() < b.weight(); });
        return std::move(out_);
    }

  private:
    void try_alone() {
        std::set<std::string> helped;
        for (const auto& change : changes_) {
            // Nine devices less help as well when one less does.
            if (helped.contains(change.topic)) continue;
            if (attempt({&change, 1})) helped.insert(change.topic);
        }
    }

    /// Those that give up less than any that has helped so far.
    void try_pairs() {
        auto least = std::numeric_limits<double>::infinity();
        for (const auto& remedy : out_.remedies)
            least = std::min(least, remedy.weight());
        const auto count = std::min(changes_.size(), kMostPaired);
        if (count < changes_.size()) out_.complete = false;
        for (std::size_t a = 0; a < count; ++a) {
            for (std::size_t b = a + 1; b < count; ++b) {
                if (changes_[a].topic == changes_[b].topic) continue;
                const auto weight = changes_[a].weight + changes_[b].weight;
                if (least <= weight) continue;
                const Change pair[] = {changes_[a], changes_[b]};
                if (attempt(pair)) least = weight;
            }
        }
    }

    /// Notes the remedy when it is one.
    bool attempt(std::span<const Change> changes) {
        variation_ = {claim_, {}, {}, {}};
        for (const auto& change : changes)
            change.apply(variation_);
        for (const auto* claim : variation_.freed)
            allocator_.release({&*claim->allocation, 1});
        const auto* node = first_fitting();
        for (const auto* claim : variation_.freed)
            allocator_.commit({&*claim->allocation, 1});
        if (node == nullptr) return false;
        out_.remedies.push_back({{changes.begin(), changes.end()}, node->name});
        return true;
    }

    const api::Node* first_fitting() {
        auto nodes = nodes_;
        if (!variation_.pods.empty()) {
            nodes.clear();
            for (const auto& node : cluster_.nodes())
                if (admitted(node)) nodes.push_back(&node);
        }
        for (const auto* node : nodes) {
            if (steps_ > kMostSteps || attempts_ > kMostAttempts) {
                out_.complete = false;
                return nullptr;
            }
            const auto result = allocator_.allocate(*node, claims_on(*node));
            steps_ += allocator_.steps();
            ++attempts_;
            if (result.ok() && *result) return node;
        }
        return nullptr;
    }

    /// By the pods as they are changed.
    bool admitted(const api::Node& node) const {
        auto workload = Workload{};
        workload.allocated = workload_.allocated;
        for (const auto* pod : workload_.pods) {
            const auto changed = variation_.pods.find(pod);
            workload.pods.push_back(changed == variation_.pods.end() ? pod : &changed->second);
        }
        return reject(workload, node).empty();
    }

    /// With the changed one in its place.
    std::vector<const api::ResourceClaim*> claims_on(const api::Node& node) const {
        std::vector<const api::ResourceClaim*> out;
        for (const auto* claim : workload_.open) {
            const auto seen =
                claim == &claim_ ? std::vector{&variation_.claim} : workload_.on(node, {&claim, 1});
            out.insert(out.end(), seen.begin(), seen.end());
        }
        return out;
    }

    const api::DeviceClass* find_class(std::string_view name) const {
        const auto changed = variation_.classes.find(name);
        return changed == variation_.classes.end() ? cluster_.find_class(name) : &changed->second;
    }

    const Cluster& cluster_;
    const Workload& workload_;
    const api::ResourceClaim& claim_;
    const std::vector<Change> changes_;
    alloc::Allocator allocator_;
    std::vector<const api::Node*> nodes_;
    Variation variation_;
    std::uint64_t steps_ = 0;
    std::size_t attempts_ = 0;
    Remedies out_;
};

}  // namespace

double Remedy::weight() const {
    double sum = 0;
    for (const auto& change : changes)
        sum += change.weight;
    return sum;
}

std::string Remedy::text() const {
    std::string out;
    for (const auto& change : changes)
        out += (out.empty() ? "" : " and ") + change.text;
    return out;
}

Remedies find_remedies(const Cluster& cluster, const Workload& workload) {
    return Search(cluster, workload).run();
}

}  // namespace knd::simulate
